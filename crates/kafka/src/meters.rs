//! What a step counts of itself: added up over a transaction, and told once that is committed.

use std::{collections::BTreeMap, time::Duration};

use arrow::array::{Array, AsArray};
use measure::Health;
use metrics::{Counter, Gauge, Histogram};
use stage::{DeadLetterKind, Ledger, Rows};

use crate::{letters::Letter, runtime::now_millis};

/// The meters of one worker.
pub(crate) struct Meters {
    stream: String,
    stage: &'static str,
    pending: Pending,
    records_in: Counter,
    records_out: Counter,
    filtered: Counter,
    dead_letters: Counter,
    anomalies: Counter,
    commits: Counter,
    aborts: Counter,
    transaction: Histogram,
    latency: Histogram,
    rebalances: Counter,
    snapshot_bytes: Counter,
    restore: Histogram,
    partitions: Gauge,
}

/// What the open transaction adds.
#[derive(Default)]
struct Pending {
    ledger: Ledger,
    rejected: BTreeMap<&'static str, u64>,
    alarms: BTreeMap<String, u64>,
    /// When some of its messages were taken in, in milliseconds since 1970.
    taken_in: Vec<i64>,
}

impl Meters {
    pub(crate) fn new(stream: &str, stage: &'static str) -> Self {
        let labels = [stream, stage];
        Self {
            stream: stream.to_owned(),
            stage,
            pending: Pending::default(),
            records_in: measure::RECORDS_IN.of(labels),
            records_out: measure::RECORDS_OUT.of(labels),
            filtered: measure::RECORDS_FILTERED.of(labels),
            dead_letters: measure::DEAD_LETTERS.of(labels),
            anomalies: measure::ANOMALIES.of(labels),
            commits: measure::TRANSACTIONS_COMMITTED.of(labels),
            aborts: measure::TRANSACTIONS_ABORTED.of(labels),
            transaction: measure::TRANSACTION_DURATION.of(labels),
            latency: measure::END_TO_END_LATENCY.of(labels),
            rebalances: measure::REBALANCES.of(labels),
            snapshot_bytes: measure::SNAPSHOT_BYTES.of(labels),
            restore: measure::RESTORE_DURATION.of(labels),
            partitions: measure::PARTITIONS_ASSIGNED.of(labels),
        }
    }

    /// Adds what came of some messages, which were taken in from `first` to `last`.
    pub(crate) fn processed(&mut self, ledger: &Ledger, letters: &[Letter], first: i64, last: i64) {
        self.pending.ledger += ledger;
        self.pending.taken_in.extend([first, last]);
        for letter in letters {
            let reason = match letter.letter.kind {
                DeadLetterKind::Decode => "undecodable",
                DeadLetterKind::Identity => "schema",
                DeadLetterKind::Quality => "quality",
                DeadLetterKind::Expression => "expression",
            };
            *self.pending.rejected.entry(reason).or_default() += 1;
        }
    }

    /// Adds alarms, by what raised them.
    pub(crate) fn alarms(&mut self, rows: &Rows) {
        let Some(reasons) = rows.batch.column_by_name(stream::columns::ANOMALY_REASONS) else { return };
        let Some(reasons) = reasons.as_string_opt::<i32>().filter(|reasons| reasons.null_count() < reasons.len())
        else {
            return;
        };
        for reason in reasons.iter().flatten().flat_map(|reasons| reasons.split(',')) {
            match self.pending.alarms.get_mut(reason) {
                Some(count) => *count += 1,
                None => drop(self.pending.alarms.insert(reason.to_owned(), 1)),
            }
        }
    }

    /// The transaction is committed, in so long, with so much state.
    pub(crate) fn committed(&mut self, took: Duration, state_bytes: u64) {
        let Pending { ledger, rejected, alarms, taken_in } = std::mem::take(&mut self.pending);
        self.commits.increment(1);
        self.transaction.record(took.as_secs_f64());
        self.snapshot_bytes.increment(state_bytes);
        self.records_in.increment(ledger.records);
        self.records_out.increment(ledger.out);
        self.filtered.increment(ledger.filtered);
        self.dead_letters.increment(ledger.dead_lettered);
        self.anomalies.increment(ledger.anomalies);
        for (reason, count) in rejected {
            measure::RECORDS_REJECTED.of([&self.stream, self.stage, reason]).increment(count);
        }
        for (layer, count) in alarms {
            measure::ALARMS.of([&self.stream, self.stage, &layer]).increment(count);
        }
        let now = now_millis();
        for time in taken_in {
            self.latency.record((now - time).max(0) as f64 / 1e3);
        }
    }

    /// The transaction is given up, and everything in it will be counted when it is done again.
    pub(crate) fn aborted(&mut self) {
        self.pending = Pending::default();
        self.aborts.increment(1);
    }

    pub(crate) fn rebalanced(&self, partitions: usize) {
        self.rebalances.increment(1);
        self.partitions.set(partitions as f64);
    }

    pub(crate) fn restored(&self, took: Duration) {
        self.restore.record(took.as_secs_f64());
    }
}

/// Marks a worker as ready for as long as this lives.
pub(crate) struct Ready<'a> {
    health: &'a dyn Health,
    part: String,
}

impl<'a> Ready<'a> {
    pub(crate) fn new(health: &'a dyn Health, part: String) -> Self {
        health.ready(&part, true);
        Self { health, part }
    }
}

impl Drop for Ready<'_> {
    fn drop(&mut self) {
        self.health.ready(&self.part, false);
    }
}
