//! The trait of all sources, and what one needs to know besides its definition.

use std::{net::SocketAddr, path::PathBuf};

use crate::{Cursor, Next, Progress, SourceError};

/// A source that can be read again: the same records at the same positions, however often and in whatever pieces.
pub trait Source: Send {
    /// The next records, `rows_max` at most (and never more than [`crate::RECORDS_MAX`]). Never blocks for longer than
    /// about 50 ms.
    ///
    /// # Errors
    /// Where the source as a whole cannot go on; a bad record is among the rejected ones. What came before the failure
    /// has been given by then.
    fn next(&mut self, rows_max: usize) -> Result<Next, SourceError>;

    /// Goes to where `cursor` was taken; `Cursor::default()` is the beginning.
    ///
    /// # Errors
    /// Where the source no longer has that place.
    fn seek(&mut self, cursor: &Cursor) -> Result<(), SourceError>;

    /// Where the next record comes from.
    fn cursor(&self) -> Cursor;

    /// How far the source has come.
    fn progress(&self) -> Progress;

    /// Records before `position` are known to whoever asks, and come as fast as they can: a source that waits for their time
    /// does so from there on.
    fn hurry_to(&mut self, position: u64) {
        let _ = position;
    }

    /// Records before `position` will not be asked for again: a source that keeps them itself may let them go.
    ///
    /// # Errors
    /// Where they cannot be deleted.
    fn forget_before(&mut self, position: u64) -> Result<(), SourceError> {
        let _ = position;
        Ok(())
    }

    /// The address that events can be posted to, for a source that listens.
    fn address(&self) -> Option<SocketAddr> {
        None
    }
}

/// What a source needs to know besides its definition.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The folder that relative paths refer to.
    pub base: PathBuf,
    /// The moment of the first start in microseconds since 1970, the same at every restart: event time of the first
    /// synthetic event where the definition names none.
    pub started: i64,
    /// The folder of the durable log, for sources that need one.
    pub log_dir: PathBuf,
    /// In place of the definition's: how many times faster than it happened a replay goes (0: as fast as possible), or
    /// by which factor a synthetic source exceeds its rate. Never changes the records.
    pub speed: Option<f64>,
}
