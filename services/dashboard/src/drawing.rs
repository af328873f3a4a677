//! What is read from a stream's topics, drawn on its board and counted.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use arrow::array::{AsArray, RecordBatch};
use kafka::Received;
use stage::{Rows, Traces};
use stream::columns;
use web::{Pace, Shown};

use crate::{
    error::DashboardError,
    feed::{Begin, Feed},
};

/// How far back a page that has just begun shows, in milliseconds.
pub(crate) const PAST_MS: i64 = 15 * 60 * 1000;
/// Rows of the past that are read at most.
const PAST_ROWS_MAX: u64 = 200_000;
/// Anomalies and dead letters that are counted at most, the newest ones.
const COUNTED_MAX: u64 = 1_000_000;
/// Rows that come later than so many milliseconds are drawn when they come: what a page has of the past is not sent again.
const LATE_MS: i64 = 20_000;
/// The share of one processor that drawing takes; decoding takes about twice as much.
const SHARE: f64 = 0.125;
/// So many rows one after the other that are older than `BEHIND_MS` say that this process does not keep up.
const BEHIND_ROWS: usize = 8192;
const BEHIND_MS: i64 = 5000;
/// How long after one skip another may follow.
const SKIP_INTERVAL: Duration = Duration::from_secs(2);

/// What was seen of a stream's topics.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Scored rows there were since this process began to read, drawn or not,
    pub(crate) offered: u64,
    /// and those that were passed over.
    pub(crate) dropped: u64,
    /// Anomalies that were counted, and how many have each reason.
    pub(crate) anomalies: u64,
    pub(crate) reasons: BTreeMap<String, u64>,
    /// Dead letters by the rule that they failed at, or their kind.
    pub(crate) rules: BTreeMap<String, u64>,
}

/// Draws one stream.
#[derive(Clone)]
pub(crate) struct Drawing {
    shown: Arc<Shown>,
    seen: Arc<Mutex<Seen>>,
    started_ms: i64,
}

impl Drawing {
    pub(crate) fn new(shown: Arc<Shown>, seen: Arc<Mutex<Seen>>) -> Self {
        Self { shown, seen, started_ms: now_ms() }
    }

    /// Where the reader of scored rows begins.
    pub(crate) fn begin_scored(&self) -> Begin {
        Begin { since_ms: Some(self.started_ms - PAST_MS), offsets_max: PAST_ROWS_MAX }
    }

    /// Where the readers of what is counted begin.
    pub(crate) fn begin_counted(&self) -> Begin {
        Begin { since_ms: None, offsets_max: COUNTED_MAX }
    }

    /// Draws scored rows at the pace of a page; where they come faster, the rest is passed over and counted.
    pub(crate) fn scored(&self) -> impl FnMut(&mut Feed, Vec<Received>) -> Result<(), DashboardError> + use<> {
        let drawing = self.clone();
        let (mut pace, mut last, mut skipped) = (Pace::of(SHARE), Instant::now(), Instant::now());
        let mut old = 0;
        move |feed, received| {
            let rows: usize = received.iter().map(|received| received.rows.num_rows()).sum();
            if rows == 0 {
                return Ok(());
            }
            // Waiting for rows is not work.
            let begun = Instant::now();
            let newest = received.iter().flat_map(|received| received.times.last()).max().copied().unwrap_or_default();
            drawing.draw(received);
            drawing.seen().offered += rows as u64;
            old = if drawing.is_old(newest, now_ms()) { old + rows } else { 0 };
            if old >= BEHIND_ROWS && skipped.elapsed() > SKIP_INTERVAL {
                let passed = feed.skip()?;
                let mut seen = drawing.seen();
                seen.offered += passed;
                seen.dropped += passed;
                (skipped, old) = (Instant::now(), 0);
            }
            let now = Instant::now();
            // All of the time that has passed counts, that in which nothing came as well.
            let rest = pace.spent(now - begun, now - last);
            last = now;
            thread::sleep(rest);
            Ok(())
        }
    }

    /// Counts anomalies, and shows the newest.
    pub(crate) fn anomalies(&self) -> impl FnMut(&mut Feed, Vec<Received>) -> Result<(), DashboardError> + use<> {
        let drawing = self.clone();
        move |_, received| {
            for received in received {
                reasons(&received.rows, &mut drawing.seen().reasons);
                drawing.seen().anomalies += received.rows.num_rows() as u64;
                for (at, rows) in seconds(&received) {
                    drawing.shown.count_anomalies(rows.len() as u64, at);
                    if at >= drawing.started_ms {
                        drawing.shown.draw_anomalies(&rows, at);
                    } else if at >= drawing.started_ms - PAST_MS {
                        drawing.shown.draw_past_anomalies(&rows, at);
                    }
                }
            }
            Ok(())
        }
    }

    /// Counts dead letters.
    pub(crate) fn dead_letters(&self) -> impl FnMut(&mut Feed, Vec<Received>) -> Result<(), DashboardError> + use<> {
        let drawing = self.clone();
        move |_, received| {
            for received in received {
                rules(&received.rows, &mut drawing.seen().rules);
            }
            Ok(())
        }
    }

    /// Whether rows, the newest of which was taken in then, are older than they are where a process keeps up. What was before it
    /// began is old by its nature.
    fn is_old(&self, newest_ms: i64, now_ms: i64) -> bool {
        newest_ms > self.started_ms && now_ms - newest_ms > BEHIND_MS
    }

    fn draw(&self, received: Vec<Received>) {
        let now = now_ms();
        let mut by_second: BTreeMap<i64, Vec<Rows>> = BTreeMap::new();
        let mut latencies: BTreeMap<i64, u64> = BTreeMap::new();
        for received in &received {
            self.shown.take_partition(received.partition, &received.keys, &received.positions);
            for time in received.times.iter().filter(|time| **time >= self.started_ms) {
                *latencies.entry((now - time).max(0)).or_default() += 1;
            }
            for (at, rows) in seconds(received) {
                let late = at >= self.started_ms && now - at > LATE_MS;
                by_second.entry(if late { now } else { at }).or_default().push(rows);
            }
        }
        for (millis, rows) in latencies {
            self.shown.draw_latency(millis as u64 * 1000, rows);
        }
        for (at, rows) in by_second {
            self.shown.draw_at(&rows, at);
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

/// The rows in runs that were taken in within the same second, each with the beginning of that second in milliseconds.
fn seconds(received: &Received) -> Vec<(i64, Rows)> {
    let second = |time: &i64| time.div_euclid(1000);
    let mut first = 0;
    let runs = received.times.chunk_by(|a, b| second(a) == second(b)).map(|run| {
        let rows = Rows {
            batch: received.rows.slice(first, run.len()),
            positions: received.positions.slice(first, run.len()),
            keys: received.keys.slice(first, run.len()),
            ingested: None,
            traces: Traces::default(),
        };
        first += run.len();
        (second(&run[0]) * 1000, rows)
    });
    runs.collect()
}

/// Counts the reasons of anomalies; one with two reasons counts for both.
fn reasons(rows: &RecordBatch, counts: &mut BTreeMap<String, u64>) {
    let column = rows.column_by_name(columns::ANOMALY_REASONS).and_then(|column| column.as_string_opt::<i32>());
    for reasons in column.into_iter().flatten().flatten() {
        for reason in reasons.split(',') {
            *counts.entry(reason.to_owned()).or_default() += 1;
        }
    }
}

/// Counts dead letters by the rule that they failed at; those that failed at none by their kind.
fn rules(rows: &RecordBatch, counts: &mut BTreeMap<String, u64>) {
    let text = |name: &str| rows.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    let (Some(rules), Some(kinds)) = (text("rule"), text("kind")) else { return };
    for (rule, kind) in rules.iter().zip(kinds) {
        let name = rule.filter(|rule| !rule.is_empty()).or(kind).unwrap_or_default();
        *counts.entry(name.to_owned()).or_default() += 1;
    }
}
