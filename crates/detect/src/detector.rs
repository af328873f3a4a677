//! The detector and the state of a key.

use crate::{DetectError, Layer, Scores, Settings};

/// Settings and what follows from them, shared by all keys.
#[derive(Debug, Clone)]
pub struct Detector {
    layers: Vec<Layer>,
}

/// What was learned about a key.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyState {
    words: Box<[u64]>,
}

impl Detector {
    /// A detector with these settings.
    ///
    /// # Errors
    /// Where a setting is out of its range or no layer is on.
    pub fn new(settings: Settings) -> Result<Self, DetectError> {
        settings.check()?;
        Ok(Self { layers: settings.layers() })
    }

    /// The layers that are on, in the order of [`Layer::ALL`].
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The state of a key of which nothing has been seen.
    #[must_use]
    pub fn fresh(&self, key: &[u8]) -> KeyState {
        KeyState { words: vec![key.len() as u64].into() }
    }

    /// Scores an event, then learns from it. A feature that is not finite counts as missing.
    pub fn score(&self, state: &mut KeyState, features: &[f64]) -> Scores {
        state.words[0] += features.len() as u64;
        Scores::default()
    }

    /// The state as bytes.
    #[must_use]
    pub fn snapshot(&self, state: &KeyState) -> Vec<u8> {
        state.words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// The state from the bytes of a snapshot.
    ///
    /// # Errors
    /// Where the bytes are not a snapshot made with the same settings.
    pub fn restore(&self, bytes: &[u8]) -> Result<KeyState, DetectError> {
        let word = bytes.try_into().map_err(|_| DetectError::NotASnapshot { length: bytes.len() })?;
        Ok(KeyState { words: vec![u64::from_le_bytes(word)].into() })
    }

    /// How many bytes of memory a state takes.
    #[must_use]
    pub fn state_bytes(&self) -> usize {
        size_of::<KeyState>() + 8
    }
}
