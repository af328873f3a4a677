//! Rows held until they are written, each batch of one assignment of its partition.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use sink::{Batch, TopicPartition};

use crate::Limits;

/// How many times [`Limits::rows`] are held while the store is away; beyond that nothing more is taken in.
pub(crate) const HELD_ROWS_MAX: usize = 4;

/// Rows held until they are written, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Held {
    batches: Vec<Batch>,
    pub(crate) rows: usize,
    pub(crate) bytes: usize,
    /// When the first of them came.
    pub(crate) since: Option<Instant>,
}

/// What one write takes of them: the oldest ones.
#[derive(Debug)]
pub(crate) struct Portion {
    pub(crate) batches: Vec<Batch>,
    pub(crate) rows: usize,
    /// The first position of each partition.
    pub(crate) first: BTreeMap<TopicPartition, u64>,
    /// The position behind it.
    pub(crate) next: BTreeMap<TopicPartition, u64>,
}

impl Held {
    pub(crate) fn take_in(&mut self, batches: Vec<Batch>) {
        for batch in batches {
            self.rows += batch.rows.num_rows();
            self.bytes += batch.bytes();
            self.batches.push(batch);
            self.since.get_or_insert_with(Instant::now);
        }
    }

    /// Lets go of the rows of partitions whose assignment has ended. Returns how many there were.
    pub(crate) fn forget(&mut self, moved: &BTreeSet<TopicPartition>) -> usize {
        if moved.is_empty() {
            return 0;
        }
        let before = self.rows;
        self.batches.retain(|batch| !moved.contains(&place(batch)));
        self.count();
        before - self.rows
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    pub(crate) fn is_due(&self, limits: &Limits) -> bool {
        self.rows >= limits.rows
            || self.bytes >= limits.bytes
            || self.since.is_some_and(|since| since.elapsed() >= limits.linger)
    }

    /// Whether nothing more may be taken in.
    pub(crate) fn is_full(&self, limits: &Limits) -> bool {
        // The defect that `make simulate-mutants` puts here.
        let is_large = self.bytes >= limits.held_bytes && !cfg!(feature = "mutant");
        self.rows >= limits.rows.saturating_mul(HELD_ROWS_MAX) || is_large
    }

    /// The oldest rows, as many as one write takes.
    pub(crate) fn portion(&self, limits: &Limits) -> Portion {
        let mut portion = Portion { batches: Vec::new(), rows: 0, first: BTreeMap::new(), next: BTreeMap::new() };
        let mut bytes = 0;
        for batch in &self.batches {
            if portion.rows >= limits.rows || bytes >= limits.bytes {
                break;
            }
            bytes += batch.bytes();
            portion.rows += batch.rows.num_rows();
            portion.first.entry(place(batch)).or_insert(batch.first());
            portion.next.insert(place(batch), batch.next);
            portion.batches.push(batch.clone());
        }
        portion
    }

    /// The first so many batches are stored.
    pub(crate) fn stored(&mut self, batches: usize) {
        self.batches.drain(..batches.min(self.batches.len()));
        self.since = None;
        self.count();
    }

    fn count(&mut self) {
        self.rows = self.batches.iter().map(|batch| batch.rows.num_rows()).sum();
        self.bytes = self.batches.iter().map(Batch::bytes).sum();
        self.since = if self.batches.is_empty() { None } else { self.since.or_else(|| Some(Instant::now())) };
    }
}

fn place(batch: &Batch) -> TopicPartition {
    (batch.topic.clone(), batch.partition)
}
