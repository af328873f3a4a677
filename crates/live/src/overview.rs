//! How a stream is as a whole: one sentence, and the figures it rests on.

mod build;
mod judge;

use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use self::judge::{count, share};
use crate::{LayerKind, State};

/// How a stream is as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Overview {
    /// The stream.
    pub stream: String,
    /// When this was so, in milliseconds since 1970.
    pub at_ms: i64,
    /// Whether it runs.
    pub state: State,
    /// How it is.
    pub level: Level,
    /// How it is, in a sentence.
    pub sentence: String,
    /// Records a second.
    pub rate: Rate,
    /// How far the commits are behind.
    pub lag: Lag,
    /// Keys that have far more than their part of a partition's events, the largest share first.
    pub hot_keys: Vec<HotKeyView>,
    /// How long an event takes.
    pub latency: Latency,
    /// How long an event takes until each store has it.
    pub stores: Vec<StoreAge>,
    /// Anomalies, and what was asked of the detectors.
    pub alarms: Alarms,
    /// Records that could not go on.
    pub dead_letters: DeadLetters,
    /// The account of every committed record.
    pub ledger: LedgerView,
    /// Each stage.
    pub stages: Vec<Stage>,
    /// Which share of the rows is drawn.
    pub drawn: Drawn,
    /// How far the source is read.
    pub source: Progress,
    /// Why the stream could not go on.
    pub failure: Option<String>,
}

/// How a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Somebody should look.
    Watch,
    /// Something is wrong.
    Bad,
}

/// Records a second.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Rate {
    /// The mean of the last five whole seconds.
    pub now: f64,
    /// Seconds of a bucket.
    pub step_s: u32,
    /// When the first bucket begins, in seconds since 1970.
    pub start_s: i64,
    /// Records in each bucket; null where nothing is known.
    pub counts: Vec<Option<u64>>,
}

/// How far the commits are behind.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Lag {
    /// The age of the oldest record that is read and not committed, at most.
    pub seconds: f64,
    /// How many such records there are.
    pub records: u64,
}

/// A key that has far more than its part of a partition's events, a fifth of them at least: more workers do not help that partition.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct HotKeyView {
    /// The partition.
    pub partition: u32,
    /// The key, its first 256 bytes.
    pub key: String,
    /// Its share of the partition's last 16,000 events or so, from 0 to 1.
    pub share: f64,
}

/// How long an event takes.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Latency {
    /// Where the clock starts.
    pub from: &'static str,
    /// Where it stops.
    pub to: &'static str,
    /// Half of the events of the last five minutes took at most so many milliseconds.
    pub p50_ms: Option<f64>,
    /// 99 of 100 did.
    pub p99_ms: Option<f64>,
    /// How many events this is of.
    pub events: u64,
}

/// How long an event takes until a store has it, measured by probes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StoreAge {
    /// The store.
    pub store: String,
    /// Half of the last probes took at most so many milliseconds.
    pub p50_ms: u64,
    /// 99 of 100 did.
    pub p99_ms: u64,
    /// How long ago the newest probe was sent that the store has, of the partition that is furthest behind, in milliseconds.
    pub since_ms: u64,
    /// Whether probes come back.
    pub level: Level,
}

/// Anomalies, and what was asked of the detectors.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Alarms {
    /// All that are committed.
    pub total: u64,
    /// Those of the last hour that this process saw.
    pub last_hour: u64,
    /// Those that nobody has acknowledged.
    pub open: u64,
    /// Their share of all events.
    pub share: f64,
    /// By rule and layer.
    pub layers: Vec<Layer>,
}

/// The alarms of a rule or a layer beside what was asked of it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Layer {
    /// Its name.
    pub name: String,
    /// Whether it learns.
    pub kind: LayerKind,
    /// How often it alarmed.
    pub alarms: u64,
    /// How many events it looked at.
    pub scored: u64,
    /// The share of them that it alarmed at.
    pub share: f64,
    /// The share of ordinary events that it may alarm at.
    pub asked: Option<f64>,
    /// Whether it alarms clearly more often than that.
    pub over: bool,
}

/// Records that could not go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeadLetters {
    /// All that are committed.
    pub total: u64,
    /// Those that were not repaired and put back.
    pub open: u64,
    /// By the rule that they failed at, the most frequent first.
    pub rules: Vec<RuleCount>,
}

/// Dead letters of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RuleCount {
    /// The rule, the column or the kind of failure.
    pub rule: String,
    /// How many.
    pub count: u64,
}

/// The account of every committed record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LedgerView {
    /// Taken in.
    pub records: u64,
    /// Came out.
    pub out: u64,
    /// Dropped by the filter.
    pub filtered: u64,
    /// Could not go on.
    pub dead_lettered: u64,
    /// Came too late for a window.
    pub late: u64,
    /// Committed by one step and not read by the next one yet.
    pub between: u64,
    /// What came in less what became of it and what is between steps: 0 when every record is accounted for.
    pub balance: i64,
    /// Whether it is 0.
    pub balances: bool,
    /// Events that no learned layer looked at.
    pub unscored: u64,
    /// When the last commit was made, in milliseconds since 1970.
    pub committed_ms: Option<i64>,
}

/// A stage of the pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Stage {
    /// Its name.
    pub name: &'static str,
    /// How it is.
    pub state: StageState,
    /// Records a second.
    pub rate: Option<f64>,
    /// A few words.
    pub detail: String,
}

/// How a stage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StageState {
    /// As it should be.
    Ok,
    /// Somebody should look.
    Watch,
    /// Something is wrong.
    Bad,
    /// The stream has no such stage, or it is at its end.
    Off,
}

/// Which share of the rows is drawn; counts do not depend on it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Drawn {
    /// Rows that came out of the stages.
    pub offered: u64,
    /// Rows that series, histograms and maps have.
    pub drawn: u64,
    /// Rows that were left out because drawing must not slow the stream.
    pub dropped: u64,
    /// Drawn of offered.
    pub share: f64,
    /// Bytes that what is drawn takes; there is a limit to them, whatever comes.
    pub bytes: usize,
}

/// How far the source is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Progress {
    /// So much, in the source's unit.
    pub done: u64,
    /// Of so much; 0 where nobody knows.
    pub total: u64,
}
