//! What the threads of a run hand to each other: work from the reader to the workers, and everything to the committer.

use std::time::Instant;

use arrow::array::RecordBatch;
use source::{Cursor, Share};
use stage::{Ledger, Partial};
use store::FileEntry;

use crate::{LocalError, checkpoint::Snapshot, few::Few};

/// What a barrier is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// All that an earlier run has committed was read again: the states are up to date, and nothing is committed.
    Resumed,
    /// A commit of what came. Its states stay as the last commit with states left them.
    Rows,
    /// A commit with about so many bytes of the states of keys, and all windows.
    States(usize),
}

/// A barrier: every worker reports at this position.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Barrier {
    /// Counted from 0 within a run: two of them may be at the same position.
    pub number: u64,
    pub position: u64,
    pub purpose: Purpose,
    /// Whether it is the last one, and whether the source came to its end.
    pub last: bool,
    pub finished: bool,
}

/// Where a commit falls.
pub(crate) struct Epoch {
    pub barrier: Barrier,
    /// Where the source stands at that position.
    pub cursor: Cursor,
    /// Every record behind it is read after this moment.
    pub read_until: Instant,
}

/// What a worker is given.
pub(crate) enum Work {
    /// Records of one of its partitions, and when the source gave them.
    Share(Box<Share>, Instant),
    /// Everything before its position has been given: close the files and report.
    Barrier(Barrier),
}

/// What a worker did between two barriers.
pub(crate) struct Report {
    /// Which barrier.
    pub number: u64,
    pub files: Vec<FileEntry>,
    /// Rows that no file was made for.
    pub few: Vec<Few>,
    pub ledger: Ledger,
    pub snapshots: Vec<Snapshot>,
    /// The oldest position that no snapshot covers.
    pub horizon: Option<u64>,
    pub windows: Windows,
}

/// What came of the windows between two barriers.
#[derive(Default)]
pub(crate) struct Windows {
    /// Results of windows that are closed.
    pub closed: Vec<RecordBatch>,
    /// All results of windows that are not, as they stand.
    pub unclosed: Vec<RecordBatch>,
    /// Parts of groups that are in several partitions, with the partition.
    pub partials: Vec<(u32, Partial)>,
    /// The latest event time of each partition.
    pub clocks: Vec<(u32, i64)>,
}

/// What the committer is told.
pub(crate) enum Event {
    /// Where the reader has put a barrier.
    Epoch(Epoch),
    /// What a worker did up to a barrier.
    Report(Box<Report>),
    /// The source could not go on; a last barrier follows where it gave anything since the one before.
    SourceFailed(LocalError),
    /// A thread could not go on.
    Failed(LocalError),
}
