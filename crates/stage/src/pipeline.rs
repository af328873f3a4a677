//! Enrich and detect as one step: what a process that runs both does to a partition.

use std::sync::Arc;

use bytes::Bytes;
use stream::Stream;

use crate::{Detect, Enrich, Key, Outputs, Rows, Stage, StageError, StateSize};

/// Enrich, then detect.
#[derive(Debug)]
pub struct Pipeline {
    enrich: Enrich,
    detect: Option<Detect>,
}

impl Pipeline {
    /// All steps of `stream`.
    ///
    /// # Errors
    /// Where the definition's settings cannot be used.
    pub fn new(stream: &Arc<Stream>) -> Result<Self, StageError> {
        Ok(Self { enrich: Enrich::new(stream.clone()), detect: Detect::new(stream.clone())? })
    }
}

impl Stage for Pipeline {
    fn process(&mut self, rows: Rows, out: &mut Outputs) -> Result<(), StageError> {
        let Some(detect) = &mut self.detect else { return self.enrich.process(rows, out) };
        let buried = out.dead_letters.len();
        let enriched = out.rows.len();
        self.enrich.process(rows, out)?;
        for rows in out.rows.split_off(enriched) {
            detect.process(rows, out)?;
        }
        out.dead_letters[buried..].sort_by_key(|letter| letter.position);
        Ok(())
    }

    fn horizon(&self) -> Option<u64> {
        self.detect.as_ref().and_then(Stage::horizon)
    }

    fn snapshots(&mut self, bytes: usize) -> Vec<(Key, Bytes)> {
        self.detect.as_mut().map(|detect| detect.snapshots(bytes)).unwrap_or_default()
    }

    fn state(&self) -> StateSize {
        self.detect.as_ref().map(Stage::state).unwrap_or_default()
    }

    fn restore(&mut self, key: Key, snapshot: &[u8]) -> Result<(), StageError> {
        self.detect.as_mut().map_or(Ok(()), |detect| detect.restore(key, snapshot))
    }
}
