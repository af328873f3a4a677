//! The steps of a pipeline over one partition: rows in, rows out, state by key.
//!
//! Pure. A stage knows no offsets, topics, files or transactions: a runtime gives it rows and commits what comes out.

mod aggregate;
mod anomalies;
mod detect;
mod enrich;
mod hot;
mod keys;
mod ledger;
mod memory;
mod partition;
mod pipeline;
mod resume;
mod rows;
#[cfg(test)]
mod tests;
mod trace;
mod whole;

use bytes::Bytes;

pub use self::{
    aggregate::Aggregate,
    detect::Detect,
    enrich::Enrich,
    hot::{HotKey, HotKeys},
    ledger::Ledger,
    memory::{Spill, Spills, StateMemory},
    partition::{key_text, partition_of},
    pipeline::Pipeline,
    resume::Resumed,
    rows::{DeadLetter, DeadLetterKind, Key, Outputs, Rows, StageError, event_times, row_json},
    trace::{TraceId, Traces},
    whole::WholeState,
};
pub use window::{Merge, Partial, WindowError, result_keys};

/// How much state a stage keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StateSize {
    /// Keys of a detector; open windows and groups of an aggregate.
    pub keys: usize,
    /// Its bytes, in memory and outside of it; 0 where the stage does not know.
    pub bytes: usize,
    /// Those of them that are outside of memory ([`StateMemory`]).
    pub spilled: usize,
}

/// One step of a pipeline over one partition.
///
/// Batch boundaries never matter: any way of cutting the same rows into batches gives the same output bytes.
pub trait Stage: Send {
    /// Takes rows in the order of their positions and hands on what comes of each: a row, a dead letter or a count.
    ///
    /// # Errors
    /// Where the stage as a whole cannot go on; a bad row is a dead letter.
    fn process(&mut self, rows: Rows, out: &mut Outputs) -> Result<(), StageError>;

    /// Hands on what has changed since the last call, for a stage that hands nothing on row by row. A runtime calls it
    /// before each commit, and takes snapshots after it.
    ///
    /// # Errors
    /// Where the stage as a whole cannot go on.
    fn flush(&mut self, out: &mut Outputs) -> Result<(), StageError> {
        let _ = out;
        Ok(())
    }

    /// Position of the oldest row that no snapshot covers yet; `None` where every key is covered.
    fn horizon(&self) -> Option<u64> {
        None
    }

    /// Snapshots of the keys whose oldest uncovered change is oldest, up to about `bytes` in all; they count as
    /// covered from now on. An empty snapshot says that a key has no state any more.
    ///
    /// # Errors
    /// Where a state that is not in memory cannot be read.
    fn snapshots(&mut self, bytes: usize) -> Result<Vec<(Key, Bytes)>, StageError> {
        let _ = bytes;
        Ok(Vec::new())
    }

    /// How much state there is.
    fn state(&self) -> StateSize {
        StateSize::default()
    }

    /// Puts a key's state back as a snapshot has it.
    ///
    /// # Errors
    /// Where the snapshot is of another version or definition, or damaged.
    fn restore(&mut self, key: Key, snapshot: &[u8]) -> Result<(), StageError> {
        let _ = (key, snapshot);
        Ok(())
    }
}

impl<S: Stage + ?Sized> Stage for Box<S> {
    fn process(&mut self, rows: Rows, out: &mut Outputs) -> Result<(), StageError> {
        (**self).process(rows, out)
    }

    fn flush(&mut self, out: &mut Outputs) -> Result<(), StageError> {
        (**self).flush(out)
    }

    fn horizon(&self) -> Option<u64> {
        (**self).horizon()
    }

    fn snapshots(&mut self, bytes: usize) -> Result<Vec<(Key, Bytes)>, StageError> {
        (**self).snapshots(bytes)
    }

    fn state(&self) -> StateSize {
        (**self).state()
    }

    fn restore(&mut self, key: Key, snapshot: &[u8]) -> Result<(), StageError> {
        (**self).restore(key, snapshot)
    }
}
