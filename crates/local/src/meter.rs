//! Live counts of a run, for whoever shows them.

use std::sync::atomic::{AtomicU64, Ordering};

use stage::Ledger;

/// Live counts: what was processed, committed or not yet.
#[derive(Debug, Default)]
pub struct Meter {
    records: AtomicU64,
    out: AtomicU64,
    filtered: AtomicU64,
    dead_lettered: AtomicU64,
    anomalies: AtomicU64,
    committed: AtomicU64,
    done: AtomicU64,
    total: AtomicU64,
}

/// The counts at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records taken in by this process.
    pub records: u64,
    /// Events that came out.
    pub out: u64,
    /// Events that the filter dropped.
    pub filtered: u64,
    /// Records that became dead letters.
    pub dead_lettered: u64,
    /// Anomalous events.
    pub anomalies: u64,
    /// Position before which everything is committed.
    pub committed: u64,
    /// How much of the source is read, in the source's unit.
    pub done: u64,
    /// How much there is; 0 where nobody knows.
    pub total: u64,
}

impl Meter {
    /// The counts now.
    pub fn counts(&self) -> Counts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            records: load(&self.records),
            out: load(&self.out),
            filtered: load(&self.filtered),
            dead_lettered: load(&self.dead_lettered),
            anomalies: load(&self.anomalies),
            committed: load(&self.committed),
            done: load(&self.done),
            total: load(&self.total),
        }
    }

    pub(crate) fn add(&self, ledger: &Ledger) {
        self.records.fetch_add(ledger.records, Ordering::Relaxed);
        self.out.fetch_add(ledger.out, Ordering::Relaxed);
        self.filtered.fetch_add(ledger.filtered, Ordering::Relaxed);
        self.dead_lettered.fetch_add(ledger.dead_lettered, Ordering::Relaxed);
        self.anomalies.fetch_add(ledger.anomalies, Ordering::Relaxed);
    }

    pub(crate) fn committed(&self, position: u64) {
        self.committed.store(position, Ordering::Relaxed);
    }

    pub(crate) fn progress(&self, done: u64, total: Option<u64>) {
        self.done.store(done, Ordering::Relaxed);
        self.total.store(total.unwrap_or(0), Ordering::Relaxed);
    }
}
