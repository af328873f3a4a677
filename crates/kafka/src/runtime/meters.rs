//! What a step counts of itself: added up over a transaction, and told once that is committed.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    time::Duration,
};

use arrow::array::{Array, AsArray, RecordBatch};
use measure::Health;
use metrics::{Counter, Gauge, Histogram};
use stage::{DeadLetterKind, HotKey, Key, Ledger, Rows};

use crate::{clock::now_millis, messages::dead_letters::DeadLetterRecord, runtime::partition::Partition};

/// The meters of one worker.
pub(crate) struct Meters {
    stream: String,
    stage: &'static str,
    pending: Pending,
    /// The partitions whose lag was told.
    lags: BTreeSet<u32>,
    /// The hot keys that were told, by partition.
    hot_keys: BTreeMap<u32, Key>,
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
    late: Counter,
    windows_closed: Counter,
    watermark_delay: Gauge,
    partitions: Share,
    state_keys: Share,
    state_bytes: Share,
    spilled_bytes: Share,
}

impl Drop for Meters {
    /// Whoever takes the partitions next says how much waits.
    fn drop(&mut self) {
        mem::take(&mut self.lags).into_iter().for_each(|partition| self.left(partition));
    }
}

/// One worker's share of a gauge that all workers of a process add to.
struct Share {
    gauge: Gauge,
    mine: f64,
}

impl Share {
    fn of(gauge: Gauge) -> Self {
        Self { gauge, mine: 0.0 }
    }

    fn set(&mut self, value: f64) {
        self.gauge.increment(value - self.mine);
        self.mine = value;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set(0.0);
    }
}

/// What the open transaction adds.
#[derive(Default)]
struct Pending {
    ledger: Ledger,
    rejected: BTreeMap<&'static str, u64>,
    alarms: BTreeMap<String, u64>,
    /// When its messages were taken in, batch by batch.
    taken_in: Vec<TakenIn>,
    windows_closed: u64,
}

impl Meters {
    pub(crate) fn new(stream: &str, stage: &'static str) -> Self {
        let labels = [stream, stage];
        Self {
            stream: stream.to_owned(),
            stage,
            pending: Pending::default(),
            lags: BTreeSet::new(),
            hot_keys: BTreeMap::new(),
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
            late: measure::LATE_RECORDS.of(labels),
            windows_closed: measure::WINDOWS_CLOSED.of(labels),
            watermark_delay: measure::WATERMARK_DELAY.of(labels),
            partitions: Share::of(measure::PARTITIONS_ASSIGNED.of(labels)),
            state_keys: Share::of(measure::STATE_KEYS.of(labels)),
            state_bytes: Share::of(measure::STATE_BYTES.of(labels)),
            spilled_bytes: Share::of(measure::SPILLED_BYTES.of(labels)),
        }
    }

    /// Adds what came of some messages, which were taken in from `first` to `last`.
    pub(crate) fn processed(&mut self, ledger: &Ledger, dead_letters: &[DeadLetterRecord], first: i64, last: i64) {
        self.pending.ledger += ledger;
        self.pending.taken_in.push(TakenIn { first, last, records: ledger.records });
        for record in dead_letters {
            let reason = match record.dead_letter.kind {
                DeadLetterKind::Decode => "undecodable",
                DeadLetterKind::Identity => "schema",
                DeadLetterKind::Quality => "quality",
                DeadLetterKind::Expression => "expression",
                DeadLetterKind::Size => "too_large",
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

    /// Adds windows that are closed.
    pub(crate) fn closed(&mut self, results: &[RecordBatch]) {
        self.pending.windows_closed += results.iter().map(|results| results.num_rows() as u64).sum::<u64>();
    }

    /// The transaction is committed, in so long, with so much state.
    pub(crate) fn committed(&mut self, took: Duration, state_bytes: u64) {
        let Pending { ledger, rejected, alarms, taken_in, windows_closed } = mem::take(&mut self.pending);
        self.commits.increment(1);
        self.transaction.record(took.as_secs_f64());
        self.snapshot_bytes.increment(state_bytes);
        self.records_in.increment(ledger.records);
        self.records_out.increment(ledger.out);
        self.filtered.increment(ledger.filtered);
        self.dead_letters.increment(ledger.dead_lettered);
        self.anomalies.increment(ledger.anomalies);
        self.late.increment(ledger.late);
        self.windows_closed.increment(windows_closed);
        for (reason, count) in rejected {
            measure::RECORDS_REJECTED.of([&self.stream, self.stage, reason]).increment(count);
        }
        for (layer, count) in alarms {
            measure::ALARMS.of([&self.stream, self.stage, &layer]).increment(count);
        }
        let now = now_millis();
        for time in taken_in.iter().flat_map(TakenIn::samples) {
            self.latency.record(now.saturating_sub(time).max(0) as f64 / 1e3);
        }
    }

    /// The transaction is given up, and everything in it will be counted when it is done again.
    pub(crate) fn aborted(&mut self) {
        self.pending = Pending::default();
        self.aborts.increment(1);
    }

    /// How much state the partitions have, and how far event time lags behind.
    pub(crate) fn state<'a>(&mut self, partitions: impl Iterator<Item = &'a Partition>) {
        let (mut keys, mut bytes, mut spilled, mut clock) = (0, 0, 0, None::<i64>);
        for partition in partitions {
            let state = partition.state();
            keys += state.keys;
            bytes += state.bytes - state.spilled;
            spilled += state.spilled;
            clock = [clock, partition.clock].into_iter().flatten().min();
        }
        self.state_keys.set(keys as f64);
        self.state_bytes.set(bytes as f64);
        self.spilled_bytes.set(spilled as f64);
        if let Some(clock) = clock {
            self.watermark_delay.set((now_millis() - clock / 1000) as f64 / 1e3);
        }
    }

    /// So much waits in a partition.
    pub(crate) fn lag(&mut self, partition: u32, records: u64) {
        self.lags.insert(partition);
        measure::CONSUMER_LAG.of([&self.stream, self.stage, &partition.to_string()]).set(records as f64);
    }

    /// Which key of a partition has more than its part of the events.
    pub(crate) fn hot_key(&mut self, partition: u32, hot: Option<&HotKey>) {
        let number = partition.to_string();
        let labels = [&self.stream, self.stage, &number];
        measure::HOT_KEY_SHARE.set(labels, hot.map(|hot| (&*hot.key, hot.share)));
        let Some(HotKey { key, share }) = hot else { return };
        if self.hot_keys.get(&partition) != Some(key) {
            let percent = (share * 100.0).round() as u64;
            tracing::warn!(
                partition,
                key,
                percent,
                "one key has so much of a partition that more workers do not help it"
            );
            self.hot_keys.insert(partition, key.clone());
        }
    }

    /// This worker has lost a partition: its next owner reports the lag and the hot key.
    pub(crate) fn left(&mut self, partition: u32) {
        self.lag(partition, 0);
        self.hot_key(partition, None);
    }

    pub(crate) fn rebalanced(&mut self, partitions: usize) {
        self.rebalances.increment(1);
        self.partitions.set(partitions as f64);
    }

    /// A partition's state is up to date again, where that took so long.
    pub(crate) fn restored(&self, took: Option<Duration>) {
        took.into_iter().for_each(|took| self.restore.record(took.as_secs_f64()));
    }
}

/// Marks a worker as ready for as long as this lives.
pub(crate) struct Ready<'a> {
    health: &'a dyn Health,
    part: String,
}

/// Messages of a batch that one sample of their latency stands for.
const RECORDS_A_SAMPLE: u64 = 64;

/// When the messages of a batch were taken in: the first of them and the last, in milliseconds since 1970, and how many there are.
struct TakenIn {
    first: i64,
    last: i64,
    records: u64,
}

impl TakenIn {
    /// Times that stand for those of all messages, evenly from the first to the last. Their number grows with that of the
    /// messages, so that a thousand late ones that come at once are seen as well as a thousand on time.
    fn samples(&self) -> impl Iterator<Item = i64> {
        let steps = self.records.div_ceil(RECORDS_A_SAMPLE).max(1);
        let (first, last) = (self.first as f64, self.last as f64);
        (0..=steps).map(move |step| (first + (last - first) * step as f64 / steps as f64) as i64)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(first: i64, last: i64, records: u64) -> Vec<i64> {
        TakenIn { first, last, records }.samples().collect()
    }

    #[test]
    fn samples_of_latency_are_as_many_as_there_are_messages_and_lie_between_the_first_and_the_last() {
        assert_eq!(samples(100, 100, 1), [100, 100]);
        assert_eq!(samples(100, 900, 64), [100, 900]);
        assert_eq!(samples(100, 900, 256), [100, 300, 500, 700, 900]);
        assert_eq!(samples(0, 20_000, 20_000).len(), 20_000 / 64 + 2);
    }

    #[test]
    fn a_hot_key_is_told_as_long_as_it_is_hot_and_the_partition_here() {
        let hot = |key: &str| HotKey { key: key.into(), share: 0.5 };
        let series = |key: &str| format!("{{stream=\"hot\",stage=\"enricher\",partition=\"3\",key=\"{key}\"}} 0.5\n");
        let is_told = |key| measure::HOT_KEY_SHARE.text().contains(&series(key));
        let mut meters = Meters::new("hot", "enricher");
        meters.lag(3, 10);
        meters.hot_key(3, Some(&hot("a")));
        assert!(is_told("a"));
        meters.hot_key(3, Some(&hot("b")));
        assert!(is_told("b") && !is_told("a"));
        meters.hot_key(3, None);
        assert!(!is_told("b"));
        meters.hot_key(3, Some(&hot("a")));
        meters.left(3);
        assert!(!is_told("a"));
        meters.hot_key(3, Some(&hot("a")));
        drop(meters);
        assert!(!is_told("a"));
    }

    #[test]
    fn times_that_cannot_be_are_no_reason_to_stop() {
        assert_eq!(samples(i64::MIN, i64::MAX, 100).len(), 3);
        assert_eq!(samples(5, 3, 65), [5, 4, 3]);
    }
}
