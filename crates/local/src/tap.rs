//! What workers hand to whoever draws a stream: scored rows, as many as it takes, and never more than it takes.
//!
//! A tap is a bounded queue that is offered rows without waiting. Where it is full the rows are left out and counted, so
//! that a page that falls behind costs the stream nothing but the count.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    time::Instant,
};

use stage::Rows;

/// How many batches wait at most,
const WAITING_BATCHES_MAX: usize = 1024;
/// with so many bytes in all. A batch is one partition's share of what a source gave at once.
const WAITING_BYTES_MAX: u64 = 32 << 20;
/// A row counts for so many at least, for the work that it makes: 65,536 small ones wait at most.
const ROW_BYTES_MIN: u64 = 512;

/// Scored rows of one partition.
#[derive(Debug)]
pub struct Tapped {
    /// The rows,
    pub rows: Rows,
    /// and the partition's number.
    pub partition: u32,
    /// When the source gave them.
    pub read: Instant,
    /// When they had been scored.
    pub scored: Instant,
    /// Counts the bytes of these rows as waiting until it is dropped.
    _waiting: Waiting,
}

/// Bytes of rows that wait.
#[derive(Debug)]
struct Waiting {
    all: Arc<AtomicU64>,
    own: u64,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.all.fetch_sub(self.own, Ordering::Relaxed);
    }
}

/// The end of a tap that workers offer rows to.
#[derive(Debug)]
pub(crate) struct Tap {
    queue: SyncSender<Tapped>,
    waiting: Arc<AtomicU64>,
    offered: AtomicU64,
    dropped: AtomicU64,
    missed: AtomicU64,
}

/// How many rows a tap was offered, and what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TapCounts {
    /// Rows that were offered.
    pub offered: u64,
    /// Rows that were left out because the queue was full.
    pub dropped: u64,
    /// Anomalies among those that were left out.
    pub missed: u64,
}

impl Tap {
    pub(crate) fn new() -> (Self, Receiver<Tapped>) {
        let (queue, tapped) = sync_channel(WAITING_BATCHES_MAX);
        let zero = AtomicU64::default;
        (Self { queue, waiting: Arc::default(), offered: zero(), dropped: zero(), missed: zero() }, tapped)
    }

    /// Offers rows of a partition, `anomalies` of them anomalous, without waiting.
    pub(crate) fn offer(&self, partition: u32, rows: Vec<Rows>, anomalies: u64, read: Instant) {
        let count: u64 = rows.iter().map(|rows| rows.len() as u64).sum();
        self.offered.fetch_add(count, Ordering::Relaxed);
        let (scored, mut dropped) = (Instant::now(), 0);
        for rows in rows {
            let count = rows.len() as u64;
            let own = (sizes::bytes(&rows.batch) as u64).max(count * ROW_BYTES_MIN);
            let before = self.waiting.fetch_add(own, Ordering::Relaxed);
            let waiting = Waiting { all: self.waiting.clone(), own };
            // However much a batch has, one finds room where none waits.
            if before > 0 && before + own > WAITING_BYTES_MAX {
                dropped += count;
                continue;
            }
            if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
                self.queue.try_send(Tapped { rows, partition, read, scored, _waiting: waiting })
            {
                dropped += count;
            }
        }
        if dropped > 0 {
            self.dropped.fetch_add(dropped, Ordering::Relaxed);
            self.missed.fetch_add(anomalies, Ordering::Relaxed);
        }
    }

    pub(crate) fn counts(&self) -> TapCounts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TapCounts { offered: load(&self.offered), dropped: load(&self.dropped), missed: load(&self.missed) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::{Array, RecordBatch, StringArray, UInt64Array},
        datatypes::{DataType, Field, Schema},
    };

    use stage::Traces;

    use super::*;

    fn rows(count: usize) -> Rows {
        let keys = StringArray::from(vec!["k"; count]);
        let schema = Arc::new(Schema::new(vec![Field::new("key", DataType::Utf8, false)]));
        Rows {
            batch: RecordBatch::try_new(schema, vec![Arc::new(keys.clone())]).unwrap(),
            positions: UInt64Array::from_iter_values(0..count as u64),
            keys,
            ingested: None,
            traces: Traces::default(),
        }
    }

    #[test]
    fn a_full_tap_leaves_rows_out_and_counts_them_and_never_waits() {
        let (tap, tapped) = Tap::new();
        let most = (WAITING_BYTES_MAX / ROW_BYTES_MIN) as usize;
        let batch = most / 4;
        (0..7).for_each(|_| tap.offer(0, vec![rows(batch)], 2, Instant::now()));
        let (offered, dropped) = (7 * batch as u64, 3 * batch as u64);
        assert_eq!(tap.counts(), TapCounts { offered, dropped, missed: 6 });
        assert_eq!(tapped.try_iter().map(|tapped| tapped.rows.len()).sum::<usize>(), 4 * batch);
        tap.offer(0, vec![rows(2 * most)], 0, Instant::now());
        assert_eq!(tap.counts().dropped, dropped, "there is room again, and one batch always finds some");
        drop(tapped);
        tap.offer(0, vec![rows(10)], 0, Instant::now());
        assert_eq!(tap.counts().dropped, dropped + 10, "nobody draws any more: that must not stop the stream either");
    }

    #[test]
    fn large_rows_are_weighed() {
        let (tap, tapped) = Tap::new();
        let keys = StringArray::from(vec!["k".repeat(1 << 20)]);
        let columns = vec![Arc::new(keys.clone()) as Arc<dyn Array>];
        let batch = RecordBatch::try_new(rows(1).batch.schema(), columns).unwrap();
        let large = || Rows { batch: batch.clone(), keys: keys.clone(), ..rows(1) };
        (0..40).for_each(|_| tap.offer(0, vec![large()], 0, Instant::now()));
        assert_eq!(tapped.try_iter().count(), 31, "32 MiB, less what the places of the texts take");
        assert_eq!(tap.counts().dropped, 9);
    }

    #[test]
    fn many_small_batches_are_bounded_as_well() {
        let (tap, _tapped) = Tap::new();
        (0..WAITING_BATCHES_MAX + 5).for_each(|_| tap.offer(0, vec![rows(1)], 0, Instant::now()));
        assert_eq!(tap.counts().dropped, 5);
    }
}
