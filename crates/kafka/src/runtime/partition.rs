//! One partition of the input: its stage, and what it has come to.

use std::time::{Duration, Instant};

use bytes::Bytes;
use stage::{Key, Ledger, Outputs, Resumed, Rows, Stage, StateSize};

use crate::{KafkaError, Note, messages::hops::Hops, runtime::progress::STANDSTILL_MAX};

/// One partition of the input.
pub(crate) struct Partition {
    stage: Resumed<Box<dyn Stage>>,
    /// Which state it is, as its notes and snapshots say.
    pub of: String,
    /// The next offset to be read.
    pub next: i64,
    /// Rows before this offset are committed: they only bring the state up to date.
    pub committed: i64,
    /// The account of everything read so far, the open transaction included.
    pub ledger: Ledger,
    /// Since when the account counts, in milliseconds since 1970.
    since: i64,
    /// What tells the last record before `next` from others.
    pub last: String,
    /// Whether its place is kept in the compacted topic.
    pub placed: bool,
    /// Whether the open transaction has anything of this partition,
    pub touched: bool,
    /// and of how many records.
    pub open_records: usize,
    /// Since when its state is being put back; nothing once it is.
    restoring: Option<Instant>,
    /// The latest event time that its windows have seen, in microseconds since 1970.
    pub clock: Option<i64>,
    /// Where its messages have been.
    pub hops: Hops,
    /// Where it stood when records were first seen to wait, since when, and how many wait.
    waiting: Option<(i64, Instant, u64)>,
}

impl Partition {
    pub(crate) fn new(
        stage: Box<dyn Stage>,
        of: String,
        (start, committed): (i64, i64),
        (ledger, since): (Ledger, i64),
        now: Instant,
    ) -> Self {
        Self {
            stage: Resumed::new(stage, committed.max(0) as u64),
            of,
            next: start,
            committed,
            ledger,
            since,
            last: String::new(),
            placed: true,
            touched: false,
            open_records: 0,
            restoring: Some(now),
            clock: None,
            hops: Hops::default(),
            waiting: None,
        }
    }

    /// Puts back a key's state, which covers the input before `position`.
    pub(crate) fn restore(&mut self, key: Key, position: i64, state: &[u8]) -> Result<(), KafkaError> {
        Ok(self.stage.restore(key, position.max(0) as u64, state)?)
    }

    /// How long it took to put the state back and to bring it up to date, once that is done; said once.
    pub(crate) fn restored(&mut self, now: Instant) -> Option<Duration> {
        if self.next < self.committed {
            return None;
        }
        self.restoring.take().map(|begun| now.saturating_duration_since(begun))
    }

    /// Notes how many records wait.
    pub(crate) fn waits(&mut self, records: u64, now: Instant) {
        self.waiting = match self.waiting {
            _ if records == 0 => None,
            Some((next, since, _)) if next == self.next => Some((next, since, records)),
            _ => Some((self.next, now, records)),
        };
    }

    /// How many records wait, and since when, where none has been taken for too long.
    pub(crate) fn standstill(&self, now: Instant) -> Option<(u64, Duration)> {
        let (next, since, records) = self.waiting?;
        let waited = now.saturating_duration_since(since);
        (next == self.next && waited > STANDSTILL_MAX).then_some((records, waited))
    }

    /// The oldest offset that would be read again after a restart.
    pub(crate) fn needed(&self) -> i64 {
        self.stage.stage().horizon().map_or(self.next, |horizon| self.next.min(horizon as i64))
    }

    /// How much state there is.
    pub(crate) fn state(&self) -> StateSize {
        self.stage.stage().state()
    }

    /// How many keys were put back.
    pub(crate) fn restored_keys(&self) -> usize {
        self.stage.restored_keys()
    }

    /// Takes rows at their offsets. Those that are committed already bring the state up to date, each key only past
    /// its snapshot, and nothing comes out of them.
    pub(crate) fn process(&mut self, rows: Rows) -> Result<Outputs, KafkaError> {
        let mut outputs = Outputs::default();
        self.stage.process(rows, &mut outputs)?;
        Ok(outputs)
    }

    /// What has changed since the last commit, of a stage that hands nothing on row by row.
    pub(crate) fn flush(&mut self) -> Result<Outputs, KafkaError> {
        let mut outputs = Outputs::default();
        self.stage.stage_mut().flush(&mut outputs)?;
        self.clock = outputs.clock;
        self.ledger.overdue += outputs.overdue;
        Ok(outputs)
    }

    /// About `bytes` of snapshots, or more where it takes more to write all of the state once in `replay_max` records: so
    /// many are read again at most when the partition moves, however fast they come.
    pub(crate) fn snapshots(&mut self, bytes: usize, replay_max: usize) -> Result<Vec<(Key, Bytes)>, KafkaError> {
        let share = self.open_records as f64 / replay_max as f64;
        let bytes = bytes.max((self.state().bytes as f64 * share) as usize);
        Ok(self.stage.stage_mut().snapshots(bytes)?)
    }

    /// What goes with the committed offset `next`.
    pub(crate) fn note(&self) -> Note {
        let horizon = self.stage.stage().horizon().map_or(self.next, |horizon| horizon as i64);
        Note::new(&self.of, horizon, &self.ledger).counted_since(self.since)
    }
}
