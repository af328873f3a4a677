//! The thread that reads the source, hands out the work and decides where commits fall.

use std::{
    sync::{
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::SyncSender,
    },
    time::{Duration, Instant},
};

use source::{Gathered, Next, Records, Router};
use stream::Source;

use crate::{
    LocalError, Meter,
    messages::{Barrier, Epoch, Event, Purpose, Work},
};

/// So many records of a source with a pace are worth a batch, and no more: after a pause each partition would otherwise
/// write many rows at once, and take the memory for them,
const RECORDS_ENOUGH: usize = 8_192;
/// and so many of a replay: rows of a key stand together then, whose state comes from memory once a batch.
const REPLAYED_ENOUGH: usize = 65_536;
/// None waits for longer for others.
const WAIT_MAX: Duration = Duration::from_millis(200);

/// States are written by the first commit behind so many records, or so long, since they were last: a restart has little to read
/// again, and a source that keeps its own log little to keep.
const STATES_RECORDS: u64 = 65_536;
const STATES_INTERVAL: Duration = Duration::from_secs(60);
/// How much of them is written goes with the records since then: all that is allowed with so many, less with fewer.
const ALL_STATES_RECORDS: u64 = 1_000_000;
/// What a commit with states writes of them at least, where there is so much.
const STATES_BYTES_MIN: usize = 64 << 10;
/// How much a worker writes with the last commit, so that a run that goes on later has little to read again. It is held in
/// memory until it is committed.
const LAST_STATES_BYTES: usize = 128 << 20;

/// Gathers what a source gives until it is worth a batch.
#[must_use]
pub fn gathered(source: &Source) -> Gathered {
    Gathered::new(if source.is_paced() { RECORDS_ENOUGH } else { REPLAYED_ENOUGH }, WAIT_MAX)
}

/// When a commit falls, and when the run ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cadence {
    /// At the latest after so many records,
    pub records: u64,
    /// or after so long, where there was a record.
    pub interval: Duration,
    /// About how many bytes of states a worker writes with a commit at most.
    pub states_bytes: usize,
    /// The run ends at this position, or
    pub end_position: Option<u64>,
    /// after so long.
    pub end_after: Option<Duration>,
}

/// Reads a source from its cursor on and hands its records to the workers.
pub(crate) struct Reader<'a> {
    pub source: Box<dyn source::Source>,
    pub router: Router,
    pub workers: Vec<SyncSender<Work>>,
    pub events: SyncSender<Event>,
    pub cadence: Cadence,
    pub stop: &'a AtomicBool,
    pub meter: &'a Meter,
    /// Records before this position will not be read again, whatever happens: the committer moves it on.
    pub horizon: &'a AtomicU64,
    /// The last barrier's position; at first, what an earlier run has committed. The source may stand before that,
    /// so that the workers can bring their state up to date.
    pub barrier: u64,
    /// How many barriers were sent.
    pub barriers: u64,
    /// Records that wait for others before they are handed out.
    pub gathered: Gathered,
    /// Where and when the last commit with states fell.
    pub stated: (u64, Instant),
}

impl Reader<'_> {
    /// Reads until the source ends or fails, a limit is reached, or `stop` is set; then sends the last barrier.
    pub(crate) fn read(mut self) -> Result<(), LocalError> {
        let begun = Instant::now();
        let mut barrier_time = begun;
        let committed = self.barrier;
        let mut resuming = self.source.cursor().position < committed;
        self.source.hurry_to(committed);
        loop {
            let position = self.source.cursor().position;
            if self.must_end(position, begun) {
                return self.send_barrier(true, false);
            }
            let epoch_end = self.barrier.saturating_add(if resuming { 0 } else { self.cadence.records });
            let end = self.cadence.end_position.map_or(epoch_end, |end| end.max(self.barrier).min(epoch_end));
            let wanted = self.gathered.records_wanted() as u64;
            match self.source.next(wanted.min(end - position) as usize) {
                Ok(Next::End) => return self.send_barrier(true, true),
                Ok(Next::Idle) => {}
                Ok(Next::Records(records)) => self.gather(records)?,
                Err(error) => return self.give_up(error.into()),
            }
            if self.gathered.is_due() {
                self.hand_out()?;
            }
            if resuming && self.source.cursor().position >= committed {
                resuming = false;
                self.send(Purpose::Resumed, false, false)?;
                barrier_time = Instant::now();
            }
            let uncommitted = self.source.cursor().position.saturating_sub(self.barrier);
            let due = barrier_time.elapsed() >= self.cadence.interval;
            if uncommitted >= self.cadence.records || (uncommitted > 0 && due) {
                self.send_barrier(false, false)?;
                self.source.forget_before(self.horizon.load(Ordering::Relaxed))?;
                barrier_time = Instant::now();
            }
        }
    }

    fn must_end(&self, position: u64, begun: Instant) -> bool {
        self.cadence.end_position.is_some_and(|end| position >= end)
            || self.cadence.end_after.is_some_and(|after| begun.elapsed() >= after)
            || self.stop.load(Ordering::Relaxed)
    }

    /// The source cannot go on: what it gave before is committed, so that the mended source goes on behind it.
    fn give_up(&mut self, error: LocalError) -> Result<(), LocalError> {
        self.events.send(Event::SourceFailed(error)).map_err(|_| LocalError::Lost("commit"))?;
        if self.source.cursor().position > self.barrier { self.send_barrier(true, false) } else { Ok(()) }
    }

    fn gather(&mut self, records: Records) -> Result<(), LocalError> {
        if !self.gathered.goes_with(&records) {
            self.hand_out()?;
        }
        self.gathered.push(records);
        Ok(())
    }

    fn hand_out(&mut self) -> Result<(), LocalError> {
        let Some((records, read)) = self.gathered.take()? else { return Ok(()) };
        for share in self.router.route(records)? {
            let worker = &self.workers[share.partition as usize % self.workers.len()];
            worker.send(Work::Share(Box::new(share), read)).map_err(|_| LocalError::Lost("worker"))?;
        }
        let progress = self.source.progress();
        self.meter.progress(progress.done, progress.total);
        Ok(())
    }

    fn send_barrier(&mut self, last: bool, finished: bool) -> Result<(), LocalError> {
        let position = self.source.cursor().position;
        if position < self.barrier {
            // Stopped while the state was still being brought up to date: what is committed stays as it is.
            return Ok(());
        }
        let (at, when) = self.stated;
        let purpose = match position - at {
            _ if last => Purpose::States(LAST_STATES_BYTES),
            records if records >= STATES_RECORDS || when.elapsed() >= STATES_INTERVAL => {
                let share = self.cadence.states_bytes as u64 * records.min(ALL_STATES_RECORDS) / ALL_STATES_RECORDS;
                Purpose::States((share as usize).max(STATES_BYTES_MIN))
            }
            _ => Purpose::Rows,
        };
        if let Purpose::States(_) = purpose {
            self.stated = (position, Instant::now());
        }
        self.send(purpose, last, finished)
    }

    /// Sends a barrier for where the source stands.
    fn send(&mut self, purpose: Purpose, last: bool, finished: bool) -> Result<(), LocalError> {
        self.hand_out()?;
        let cursor = self.source.cursor();
        let barrier = Barrier { number: self.barriers, position: cursor.position, purpose, last, finished };
        self.barrier = barrier.position;
        self.barriers += 1;
        for worker in &self.workers {
            worker.send(Work::Barrier(barrier)).map_err(|_| LocalError::Lost("worker"))?;
        }
        let epoch = Epoch { barrier, cursor, read_until: Instant::now() };
        self.events.send(Event::Epoch(epoch)).map_err(|_| LocalError::Lost("commit"))
    }
}
