//! Live counts of a run, for whoever shows them.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::Receiver,
    },
    time::{Instant, SystemTime},
};

use stage::{Ledger, Rows};

use crate::tap::{Tap, TapCounts, Tapped};

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
    last_commit: Mutex<LastCommit>,
    tap: Option<Tap>,
}

/// What the last commit made durable, by this run or the one before.
#[derive(Debug, Clone, Default)]
pub struct LastCommit {
    /// The account of everything committed.
    pub ledger: Ledger,
    /// Position before which everything is committed.
    pub position: u64,
    /// The position that this run began at.
    pub begun_at: u64,
    /// When this run made it; `None` where this run has made none.
    pub made: Option<SystemTime>,
    /// A moment that every record behind the commit was read after; `None` before this run begins to read.
    pub read_until: Option<Instant>,
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
    /// A meter with a tap on the scored rows.
    pub fn with_tap() -> (Self, Receiver<Tapped>) {
        let (tap, tapped) = Tap::new();
        (Self { tap: Some(tap), ..Self::default() }, tapped)
    }

    /// What the tap was offered.
    pub fn tap_counts(&self) -> TapCounts {
        self.tap.as_ref().map(Tap::counts).unwrap_or_default()
    }

    /// The last commit.
    pub fn last_commit(&self) -> LastCommit {
        self.last_commit.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

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

    /// What an earlier run has committed: this one begins there.
    pub(crate) fn began(&self, position: u64, ledger: &Ledger) {
        self.committed.store(position, Ordering::Relaxed);
        let read_until = Some(Instant::now());
        let commit = LastCommit { ledger: ledger.clone(), position, begun_at: position, made: None, read_until };
        *self.last_commit.lock().unwrap_or_else(PoisonError::into_inner) = commit;
    }

    /// Everything before `position` is committed; every record behind it was read after `read_until`.
    pub(crate) fn committed(&self, position: u64, ledger: &Ledger, read_until: Instant) {
        self.committed.store(position, Ordering::Relaxed);
        let mut last = self.last_commit.lock().unwrap_or_else(PoisonError::into_inner);
        last.ledger = ledger.clone();
        last.position = position;
        last.made = Some(SystemTime::now());
        last.read_until = Some(read_until);
    }

    /// Hands scored rows of a partition to whoever draws them, where somebody does.
    pub(crate) fn offer(&self, partition: u32, rows: Vec<Rows>, anomalies: u64, read: Instant) {
        if let Some(tap) = &self.tap {
            tap.offer(partition, rows, anomalies, read);
        }
    }

    pub(crate) fn progress(&self, done: u64, total: Option<u64>) {
        self.done.store(done, Ordering::Relaxed);
        self.total.store(total.unwrap_or(0), Ordering::Relaxed);
    }
}
