//! Snapshots of a stage that writes all state that has changed with every commit: half of a window's groups would not be a
//! state to go on from.

use bytes::Bytes;
use window::WindowError;

use crate::{Key, StageError};

/// What such a stage has to remember between two snapshots.
#[derive(Debug, Default)]
pub struct WholeState {
    /// The first row since the last snapshot.
    first: Option<u64>,
    /// Why a snapshot could not be taken.
    failure: Option<WindowError>,
}

impl WholeState {
    /// A row at `position` is about to change the state.
    pub fn changed_at(&mut self, position: u64) {
        self.first.get_or_insert(position);
    }

    /// Fails once where the last snapshot could not be taken: nothing more can be processed then.
    ///
    /// # Errors
    /// Why it could not.
    pub fn check(&mut self) -> Result<(), StageError> {
        self.failure.take().map_or(Ok(()), |failure| Err(failure.into()))
    }

    /// The position of the oldest row that no snapshot has.
    pub fn horizon(&self) -> Option<u64> {
        self.first
    }

    /// Hands on snapshots that were taken. Where that failed there are none, and the next [`check`](Self::check) says why.
    pub fn taken(&mut self, snapshots: Result<Vec<(Key, Vec<u8>)>, WindowError>) -> Vec<(Key, Bytes)> {
        match snapshots {
            Ok(snapshots) => {
                self.first = None;
                snapshots.into_iter().map(|(key, state)| (key, Bytes::from(state))).collect()
            }
            Err(error) => {
                self.failure = Some(error);
                Vec::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_horizon_is_the_first_change_since_the_last_snapshot() {
        let mut state = WholeState::default();
        assert_eq!(state.horizon(), None);
        state.changed_at(7);
        state.changed_at(9);
        assert_eq!(state.horizon(), Some(7));
        let snapshots = state.taken(Ok(vec![("key".into(), vec![1])]));
        assert_eq!(snapshots, [("key".into(), Bytes::from_static(&[1]))]);
        assert_eq!(state.horizon(), None);
    }

    #[test]
    fn a_snapshot_that_fails_keeps_the_horizon_and_is_an_error_of_the_next_step() {
        let mut state = WholeState::default();
        state.changed_at(7);
        assert!(state.taken(Err(WindowError::State("damaged"))).is_empty());
        assert_eq!(state.horizon(), Some(7));
        assert!(state.check().is_err());
        assert!(state.check().is_ok(), "it is said once");
    }
}
