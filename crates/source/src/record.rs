//! What a source gives: rows with their positions, the records that are not rows, and where it stands.

use arrow::{
    array::{RecordBatch, UInt64Array},
    compute,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::SourceError;

/// Bytes of a rejected record that are kept at most; the reason says where one was cut.
pub const REJECTED_BYTES_MAX: usize = 64 << 10;

/// Bytes a record may have at most; a longer one is rejected without being held in memory.
pub const RECORD_BYTES_MAX: usize = 1 << 20;

/// Records that one call gives at most, whatever is asked for: about 50 ms of parsing.
pub const RECORDS_MAX: usize = 65_536;

/// What a source has to give at a call.
#[derive(Debug, Clone)]
pub enum Next {
    /// Records: rows, rejected ones, or both.
    Records(Records),
    /// Nothing right now.
    Idle,
    /// There is no more.
    End,
}

/// Some records in the order of their positions.
#[derive(Debug, Clone)]
pub struct Records {
    /// The good ones, in the stream's input schema.
    pub rows: RecordBatch,
    /// One a row, ascending.
    pub positions: UInt64Array,
    /// The bad ones, ascending.
    pub rejected: Vec<Rejected>,
}

impl Records {
    /// How many records, good and bad.
    pub fn len(&self) -> usize {
        self.rows.num_rows() + self.rejected.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About how many bytes of memory they take.
    pub fn bytes(&self) -> usize {
        let rejected = self.rejected.iter().map(|rejected| rejected.payload.len()).sum::<usize>();
        sizes::bytes(&self.rows) + rejected
    }

    /// Records that came one after the other, as one.
    ///
    /// # Errors
    /// Where their rows have other columns.
    pub fn joined(pieces: Vec<Self>) -> Result<Self, SourceError> {
        let Some(first) = pieces.first() else { return Err(SourceError::input("there is nothing to join")) };
        let rows = compute::concat_batches(&first.rows.schema(), pieces.iter().map(|piece| &piece.rows))?;
        let positions = pieces.iter().flat_map(|piece| piece.positions.values().iter().copied());
        let positions = UInt64Array::from_iter_values(positions);
        Ok(Self { rows, positions, rejected: pieces.into_iter().flat_map(|piece| piece.rejected).collect() })
    }

    /// The records before `position`, and those from it on.
    pub(crate) fn split(mut self, position: u64) -> (Self, Self) {
        let rows = self.positions.values().partition_point(|p| *p < position);
        let rest = self.rejected.split_off(self.rejected.partition_point(|r| r.position < position));
        let after = Self {
            rows: self.rows.slice(rows, self.rows.num_rows() - rows),
            positions: self.positions.slice(rows, self.positions.len() - rows),
            rejected: rest,
        };
        self.rows = self.rows.slice(0, rows);
        self.positions = self.positions.slice(0, rows);
        (self, after)
    }
}

/// A record that is not a row of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Its position.
    pub position: u64,
    /// The record as it came, cut after [`REJECTED_BYTES_MAX`] bytes (the reason then says so); as a JSON object where
    /// it had been decoded already.
    pub payload: Bytes,
    /// Why, as a sentence in lower case.
    pub reason: String,
}

impl Rejected {
    /// What of a rejected record is kept, and the reason, which says where it was cut.
    pub(crate) fn kept(payload: &[u8], reason: String) -> (Bytes, String) {
        let kept = payload.len().min(REJECTED_BYTES_MAX);
        let reason = if kept < payload.len() {
            format!("{reason} (the first {kept} of {} bytes are kept)", payload.len())
        } else {
            reason
        };
        (Bytes::copy_from_slice(&payload[..kept]), reason)
    }
}

/// Where the next record comes from. Kept by whoever commits, and understood by the source that gave it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The position of the next record.
    pub position: u64,
    /// Private to the source: which file or segment.
    pub file: usize,
    /// Private to the source: where in it, in bytes or rows.
    pub offset: u64,
    /// Private to the source: how many records lie between that place and the next record.
    pub skip: u64,
}

/// How far a source has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// How much has been read.
    pub done: u64,
    /// Out of how much, where that is known.
    pub total: Option<u64>,
    /// What is counted.
    pub unit: Unit,
}

/// What a progress counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unit {
    /// Records.
    #[default]
    Records,
    /// Bytes on disk.
    Bytes,
}
