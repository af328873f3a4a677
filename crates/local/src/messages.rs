//! What the threads of a run hand to each other: work from the reader to the workers, and everything to the committer.

use std::time::Instant;

use arrow::array::RecordBatch;
use source::{Cursor, Share};
use stage::{Ledger, Partial};
use store::FileEntry;

use crate::{LocalError, checkpoint::Snapshot};

/// Where a commit falls: every worker reports at this position.
pub(crate) struct Epoch {
    /// Counted from 0 within a run: two epochs may end at the same position.
    pub number: u64,
    pub position: u64,
    /// Where the source stands at that position.
    pub cursor: Cursor,
    /// Whether this is the last one, and whether the source came to its end.
    pub last: bool,
    pub finished: bool,
    /// Every record behind it is read after this moment.
    pub read_until: Instant,
}

/// What a worker is given.
pub(crate) enum Work {
    /// Records of one of its partitions, and when the source gave them.
    Share(Box<Share>, Instant),
    /// Everything before `position` has been given: close the files and report.
    /// It is the `last` one, and the source is `finished`, where they say so.
    Barrier { epoch: u64, position: u64, last: bool, finished: bool },
}

/// What a worker did between two barriers.
pub(crate) struct Report {
    /// Which barrier.
    pub epoch: u64,
    pub files: Vec<FileEntry>,
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
