//! What is looked for in the events of all keys of a partition together.
//!
//! Its state takes the rows one after another in the order of their positions, and no key's state depends on it. It is written
//! down whole whenever any key's state is, together with the position that it covers: of rows that are read again from an earlier
//! horizon it takes none a second time.

use bytes::Bytes;
use detect::{Cause, DetectError, Detector, Episode, Event, KeyState, Layer, Scores};

/// The key of its snapshots: no event has such a key.
pub(super) const KEY: &str = "\u{0}all keys";

/// Bytes of the position in front of a snapshot.
const POSITION_BYTES: usize = size_of::<u64>();

/// The state that all keys of a partition share.
#[derive(Debug)]
pub(super) struct Together {
    state: KeyState,
    /// The position of the first row that it has not taken.
    next: u64,
    changed: bool,
    /// Of what alarms by all keys together alone.
    pub(super) episode: Episode,
}

impl Together {
    pub(super) fn new(detector: &Detector) -> Self {
        Self { state: detector.fresh(KEY.as_bytes()), next: 0, changed: false, episode: Episode::default() }
    }

    /// Takes the row at `position`; `None` where it has taken that already. Causes are appended as causes of a burst.
    #[inline]
    pub(super) fn take(
        &mut self,
        detector: &Detector,
        position: u64,
        time: Option<i64>,
        causes: &mut Vec<Cause>,
    ) -> Option<Scores> {
        if position < self.next {
            return None;
        }
        (self.next, self.changed) = (position + 1, true);
        let before = causes.len();
        let scores = detector.observe(&mut self.state, &Event { features: &[], time }, Some(causes));
        causes[before..].iter_mut().for_each(|cause| cause.layer = Layer::Burst);
        Some(scores)
    }

    /// The state as bytes, with its episode where there are `episodes`, where it has changed since the last call.
    pub(super) fn snapshot(&mut self, detector: &Detector, episodes: bool) -> Option<Bytes> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        let mut bytes = self.next.to_le_bytes().to_vec();
        bytes.extend(detector.packed(&self.state));
        if episodes {
            bytes.extend(self.episode.snapshot());
        }
        Some(bytes.into())
    }

    pub(super) fn restore(detector: &Detector, snapshot: &[u8]) -> Result<Self, DetectError> {
        let Some((next, state)) = snapshot.split_first_chunk::<POSITION_BYTES>() else {
            return Err(DetectError::NotASnapshot { length: snapshot.len() });
        };
        let (state, episode) = Episode::restore(state)?;
        Ok(Self { state: detector.restore(state)?, next: u64::from_le_bytes(*next), changed: false, episode })
    }
}

#[cfg(test)]
mod tests {
    use detect::Settings;

    use super::*;

    #[test]
    fn a_row_is_taken_once_also_after_a_restart() {
        let detector = Detector::new(Settings { burst: true, ..Settings::with_features(1) }).unwrap();
        let detector = detector.of_partition().unwrap();
        let taken = |together: &mut Together, position| {
            let taken = together.take(detector, position, Some(position as i64 * 1_000_000), &mut Vec::new());
            taken.map(|scores| scores.state.name())
        };
        let mut together = Together::new(detector);
        assert!(together.snapshot(detector, true).is_none(), "nothing has changed");
        let taken_in = [5, 5, 4, 6].map(|position| taken(&mut together, position));
        assert_eq!(taken_in, [Some("warming_up"), None, None, Some("warming_up")]);
        let snapshot = together.snapshot(detector, true).unwrap();
        assert!(together.snapshot(detector, true).is_none(), "it is covered");
        let mut restored = Together::restore(detector, &snapshot).unwrap();
        assert!(restored.snapshot(detector, true).is_none());
        assert_eq!([6, 7].map(|position| taken(&mut restored, position)), [None, Some("warming_up")]);
        assert_eq!(taken(&mut together, 7), Some("warming_up"));
        assert_eq!(restored.snapshot(detector, true), together.snapshot(detector, true));
    }
}
