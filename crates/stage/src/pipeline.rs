//! Enrich and detect as one step: what a process that runs both does to a partition.

use std::sync::Arc;

use bytes::Bytes;
use stream::Stream;

use crate::{Detect, Enrich, Key, Outputs, Rows, Stage, StageError, StateMemory, StateSize};

/// Enrich, then detect.
#[derive(Debug)]
pub struct Pipeline {
    enrich: Enrich,
    detect: Option<Detect>,
}

impl Pipeline {
    /// All steps of `stream`. All states are kept in memory.
    ///
    /// # Errors
    /// Where the definition's settings cannot be used.
    pub fn new(stream: &Arc<Stream>) -> Result<Self, StageError> {
        Self::within(stream, &StateMemory::unbounded())
    }

    /// The same, with a limit to the memory that states take.
    ///
    /// # Errors
    /// As [`Pipeline::new`].
    pub fn within(stream: &Arc<Stream>, memory: &StateMemory) -> Result<Self, StageError> {
        Ok(Self { enrich: Enrich::new(stream.clone()), detect: Detect::within(stream.clone(), memory)? })
    }
}

impl Stage for Pipeline {
    fn process(&mut self, rows: Rows, out: &mut Outputs) -> Result<(), StageError> {
        let Some(detect) = &mut self.detect else { return self.enrich.process(rows, out) };
        let before = out.dead_letters.len();
        let enriched = out.rows.len();
        self.enrich.process(rows, out)?;
        for rows in out.rows.split_off(enriched) {
            detect.process(rows, out)?;
        }
        out.dead_letters[before..].sort_by_key(|dead_letter| dead_letter.position);
        Ok(())
    }

    fn horizon(&self) -> Option<u64> {
        self.detect.as_ref().and_then(Stage::horizon)
    }

    fn snapshots(&mut self, bytes: usize) -> Result<Vec<(Key, Bytes)>, StageError> {
        self.detect.as_mut().map_or_else(|| Ok(Vec::new()), |detect| detect.snapshots(bytes))
    }

    fn state(&self) -> StateSize {
        self.detect.as_ref().map(Stage::state).unwrap_or_default()
    }

    fn restore(&mut self, key: Key, snapshot: &[u8]) -> Result<(), StageError> {
        self.detect.as_mut().map_or(Ok(()), |detect| detect.restore(key, snapshot))
    }
}
