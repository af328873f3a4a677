//! The thread that reads the source, hands out the work and decides where commits fall.

use std::{
    sync::{
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::SyncSender,
    },
    time::{Duration, Instant},
};

use source::{Next, Router, Source};

use crate::{
    LocalError, Meter,
    messages::{Epoch, Event, Work},
};

/// How many records are asked of the source at a time: enough that a partition's share is worth a batch.
const RECORDS_AT_ONCE: u64 = 65_536;

/// When a commit falls, and when the run ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cadence {
    /// At the latest after so many records,
    pub records: u64,
    /// or after so long, where there was a record.
    pub interval: Duration,
    /// The run ends at this position, or
    pub end_position: Option<u64>,
    /// after so long.
    pub end_after: Option<Duration>,
}

/// Reads a source from its cursor on and hands its records to the workers.
pub(crate) struct Reader<'a> {
    pub source: Box<dyn Source>,
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
    pub epochs: u64,
}

impl Reader<'_> {
    /// Reads until the source ends or fails, a limit is reached, or `stop` is set; then sends the last barrier.
    pub(crate) fn read(mut self) -> Result<(), LocalError> {
        let begun = Instant::now();
        let mut barrier_time = begun;
        loop {
            let position = self.source.cursor().position;
            if self.must_end(position, begun) {
                return self.send_barrier(true, false);
            }
            let epoch_end = self.barrier.saturating_add(self.cadence.records);
            let end = self.cadence.end_position.map_or(epoch_end, |end| end.max(self.barrier).min(epoch_end));
            match self.source.next(RECORDS_AT_ONCE.min(end - position) as usize) {
                Ok(Next::End) => return self.send_barrier(true, true),
                Ok(Next::Idle) => {}
                Ok(Next::Records(records)) => self.hand_out(records, Instant::now())?,
                Err(error) => return self.give_up(error.into()),
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

    fn hand_out(&self, records: source::Records, read: Instant) -> Result<(), LocalError> {
        for share in self.router.route(records)? {
            let worker = &self.workers[share.partition as usize % self.workers.len()];
            worker.send(Work::Share(Box::new(share), read)).map_err(|_| LocalError::Lost("worker"))?;
        }
        let progress = self.source.progress();
        self.meter.progress(progress.done, progress.total);
        Ok(())
    }

    fn send_barrier(&mut self, last: bool, finished: bool) -> Result<(), LocalError> {
        let cursor = self.source.cursor();
        if cursor.position < self.barrier {
            // Stopped while the state was still being brought up to date: what is committed stays as it is.
            return Ok(());
        }
        let (number, position) = (self.epochs, cursor.position);
        self.barrier = position;
        self.epochs += 1;
        for worker in &self.workers {
            let work = Work::Barrier { epoch: number, position, last, finished };
            worker.send(work).map_err(|_| LocalError::Lost("worker"))?;
        }
        let epoch = Epoch { number, position, cursor, last, finished, read_until: Instant::now() };
        self.events.send(Event::Epoch(epoch)).map_err(|_| LocalError::Lost("commit"))
    }
}
