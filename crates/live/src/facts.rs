//! What is known exactly of a running stream: its counts, its last commit, its state.

use serde::Serialize;
use stage::Ledger;
use utoipa::ToSchema;

/// Whether a stream runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It takes up what was committed.
    #[default]
    Starting,
    /// It runs.
    Running,
    /// Its source came to its end.
    Finished,
    /// It was stopped.
    Stopped,
    /// It could not go on.
    Failed,
}

/// Exact counts of this process, committed or not yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records taken in.
    pub records: u64,
    /// Events that came out.
    pub out: u64,
    /// Events that the filter dropped.
    pub filtered: u64,
    /// Records that became dead letters.
    pub dead_lettered: u64,
    /// Anomalous events.
    pub anomalies: u64,
}

/// How old the rows are that a store gets, as probes among them say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreFacts {
    /// The store.
    pub store: String,
    /// Half of the last probes were at most so old when they were stored, in milliseconds;
    pub p50_ms: u64,
    /// 99 of 100 were.
    pub p99_ms: u64,
    /// When the newest probe that the store has was sent, in milliseconds since 1970, of the partition that is furthest behind.
    pub sent_ms: i64,
}

/// What is known exactly of a stream at one moment.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Whether it runs.
    pub state: State,
    /// Why it could not go on.
    pub failure: Option<String>,
    /// Where its events come from, in a few words.
    pub source: String,
    /// This process's counts.
    pub counts: Counts,
    /// The account of everything committed.
    pub ledger: Ledger,
    /// Position before which everything is committed.
    pub position: u64,
    /// When the last commit was made, in milliseconds since 1970.
    pub committed_ms: Option<i64>,
    /// How many records are read and not committed.
    pub uncommitted: u64,
    /// How old the oldest of them is at most, in milliseconds.
    pub lag_ms: u64,
    /// Rows that were offered to the board,
    pub offered: u64,
    /// and those of them that were left out because it was busy,
    pub dropped: u64,
    /// with so many anomalies among them.
    pub missed: u64,
    /// How much of the source is read, in the source's unit,
    pub done: u64,
    /// and how much there is; 0 where nobody knows.
    pub total: u64,
    /// Anomalies that somebody acknowledged.
    pub acknowledged: u64,
    /// Dead letters that were repaired and put back.
    pub redriven: u64,
    /// Records that one step has committed and the next has not read yet; none where one process runs all steps.
    pub between: u64,
    /// Records that wait before each stage, by its name, where steps run apart.
    pub waiting: Vec<(&'static str, u64)>,
    /// How old the rows of each store are that has had a probe.
    pub stores: Vec<StoreFacts>,
    /// How many of the ledger's anomalies its reasons were counted of; all of them where this is `None`.
    pub reasons_of: Option<u64>,
    /// Between which moments a row's latency is measured; from being read to being scored where this is `None`.
    pub measured: Option<[&'static str; 2]>,
}

impl Facts {
    /// What came in less what became of it and what is between two steps.
    pub(crate) fn unaccounted(&self) -> i64 {
        let ledger = &self.ledger;
        let became = ledger.out + ledger.filtered + ledger.dead_lettered + ledger.late + self.between;
        ledger.records as i64 - became as i64
    }
}
