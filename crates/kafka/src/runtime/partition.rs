//! One partition of the input: its stage, and what it has come to.

use std::time::{Duration, Instant};

use bytes::Bytes;
use stage::{HotKey, HotKeys, Key, Ledger, Outputs, Resumed, Rows, Stage, StateSize};

use crate::{
    KafkaError, Note,
    messages::{hops::Hops, meaning::Meanings},
    runtime::{
        covering::{Covering, Limits},
        progress::STANDSTILL_MAX,
    },
};

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
    /// How many bytes those have.
    pub open_bytes: usize,
    covering: Covering,
    /// Since when its state is being put back; nothing once it is.
    restoring: Option<Instant>,
    /// The latest event time that its windows have seen, in microseconds since 1970.
    pub clock: Option<i64>,
    /// Where its messages have been.
    pub hops: Hops,
    /// What their ids mean.
    pub meanings: Meanings,
    /// Where it stood when records were first seen to wait, since when, and how many wait.
    waiting: Option<(i64, Instant, u64)>,
    hot_keys: HotKeys,
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
            open_bytes: 0,
            covering: Covering::new(now, start),
            restoring: Some(now),
            clock: None,
            hops: Hops::default(),
            meanings: Meanings::default(),
            waiting: None,
            hot_keys: HotKeys::default(),
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

    /// How many records are committed upstream and not here: those that wait, and those of the open transaction.
    pub(crate) fn lag(&self) -> u64 {
        self.waiting.map_or(0, |(_, _, records)| records) + self.open_records as u64
    }

    /// The key that has more than its part of the last events, where there is one.
    pub(crate) fn hot_key(&self) -> Option<&HotKey> {
        self.hot_keys.hot()
    }

    /// How many records wait, and since when, where none has been taken for too long.
    pub(crate) fn standstill(&self, now: Instant) -> Option<(u64, Duration)> {
        let (next, since, records) = self.waiting?;
        let waited = now.saturating_duration_since(since);
        (next == self.next && waited > STANDSTILL_MAX).then_some((records, waited))
    }

    /// The offset of the oldest change that is in no snapshot.
    fn horizon(&self) -> Option<i64> {
        self.stage.stage().horizon().map(|horizon| horizon as i64)
    }

    /// The oldest offset that would be read again after a restart.
    pub(crate) fn needed(&self) -> i64 {
        let oldest = self.covering.oldest(self.horizon());
        oldest.map_or(self.next, |oldest| self.next.min(oldest))
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
        self.hot_keys.take(&rows.keys, &rows.positions);
        rows.positions.values().first().into_iter().for_each(|first| self.covering.took(*first as i64));
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

    /// Snapshots of the keys whose oldest change has waited longest, within `limits`.
    pub(crate) fn snapshots(&mut self, limits: &Limits, now: Instant) -> Result<Vec<(Key, Bytes)>, KafkaError> {
        self.covering.earn(self.open_bytes, limits);
        let (mut snapshots, mut written) = (Vec::new(), 0);
        loop {
            let wanted = self.covering.wanted(self.horizon(), self.next, (limits, written), now);
            let Some(bytes) = wanted else { break };
            let more = self.stage.stage_mut().snapshots(bytes)?;
            self.covering.wrote();
            if more.is_empty() {
                break;
            }
            let bytes: usize = more.iter().map(|(key, state)| key.len() + state.len() + self.of.len()).sum();
            self.covering.pay(bytes);
            written += bytes;
            snapshots.extend(more);
        }
        self.covering.end(self.horizon(), self.next, now);
        Ok(snapshots)
    }

    /// Snapshots of all that changed.
    pub(crate) fn all_snapshots(&mut self) -> Result<Vec<(Key, Bytes)>, KafkaError> {
        self.covering.wrote();
        Ok(self.stage.stage_mut().snapshots(usize::MAX)?)
    }

    /// So many bytes were written beside snapshots, which count as theirs.
    pub(crate) fn pay(&mut self, bytes: usize) {
        self.covering.pay(bytes);
    }

    /// Whether anything has changed that no snapshot has.
    pub(crate) fn is_uncovered(&self) -> bool {
        self.needed() < self.next
    }

    /// What goes with the committed offset `next`.
    pub(crate) fn note(&self) -> Note {
        let note = Note::new(&self.of, self.needed(), &self.ledger);
        note.counted_since(self.since).with_schemas(self.meanings.to_note())
    }
}
