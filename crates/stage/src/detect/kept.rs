//! What a key's state is made of: what its layers learned, and its episode.

use detect::{DetectError, Detector, Episode, KeyState};

/// The state of a key.
#[derive(Debug)]
pub(super) struct Kept {
    /// `None` where no learned layer is on.
    pub(super) learned: Option<KeyState>,
    pub(super) episode: Episode,
}

impl Kept {
    pub(super) fn fresh(detector: Option<&Detector>, key: &str) -> Self {
        Self { learned: detector.map(|detector| detector.fresh(key.as_bytes())), episode: Episode::default() }
    }

    /// As bytes: what was learned, then the episode where there are `episodes`.
    pub(super) fn snapshot(&self, detector: Option<&Detector>, episodes: bool) -> Vec<u8> {
        let learned = detector.zip(self.learned.as_ref());
        let mut bytes = learned.map(|(detector, state)| detector.snapshot(state)).unwrap_or_default();
        if episodes {
            bytes.extend(self.episode.snapshot());
        }
        bytes
    }

    pub(super) fn restore(detector: Option<&Detector>, snapshot: &[u8]) -> Result<Self, DetectError> {
        let (learned, episode) = Episode::restore(snapshot)?;
        Ok(Self { learned: detector.map(|detector| detector.restore(learned)).transpose()?, episode })
    }
}
