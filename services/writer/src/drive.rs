//! The writer's loop: rows out of a feed into a sink, and positions back only when the sink has the rows.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use measure::Health;
use sink::{Batch, Sink, SinkError};

use crate::{
    Feed, FeedError, Limits,
    held::Held,
    probes::{Ages, Returned},
};

/// How the loop's parts are called in probes.
const LOOP: &str = "writer";
const STORE: &str = "store";
const ASSIGNMENT: &str = "assignment";
/// How long one look at the feed may take.
const LOOK: Duration = Duration::from_millis(200);
/// The wait before a store or a group that does not answer is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// What the loop has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Rows that were stored and committed.
    pub rows: u64,
    /// Writes that succeeded.
    pub writes: u64,
    /// Writes that were tried again.
    pub retries: u64,
    /// Rows that were let go of, because their partition went to another writer before they were written.
    pub given_up: u64,
}

/// What is told about a write.
pub trait Meter {
    /// The store has taken rows, after so long.
    fn stored(&self, rows: u64, after: Duration);
    /// Probes came back with rows that were stored.
    fn returned(&self, probes: &Returned);
    /// A write failed and is tried again.
    fn failed(&self);
    /// So many records wait in each partition.
    fn waiting(&self, lags: &BTreeMap<u32, u64>);
}

impl Meter for () {
    fn stored(&self, _: u64, _: Duration) {}
    fn returned(&self, _: &Returned) {}
    fn failed(&self) {}
    fn waiting(&self, _: &BTreeMap<u32, u64>) {}
}

/// Why the loop ended.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// The feed.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The store refuses rows, and will again.
    #[error(transparent)]
    Sink(#[from] SinkError),
}

/// Writes what `feed` gives until `is_stopping`; then writes what is held, and ends.
///
/// Held rows belong to the assignment that they were read in: those of a partition that moves are let go of, and before
/// a write the group is asked whether it still counts us in. A position is committed only after the sink has all rows
/// before it. Where a write fails for a while the rows are held and written again; the loop shows itself alive, says that
/// it is not ready, and pauses the feed at its limits. It is ready when the store has answered and the feed has partitions.
///
/// # Errors
/// Where the feed cannot go on or the store refuses rows for good. What was not committed comes again.
pub fn drive(
    feed: &mut dyn Feed,
    sink: &mut dyn Sink,
    limits: &Limits,
    (health, meter): (&dyn Health, &dyn Meter),
    is_stopping: &dyn Fn() -> bool,
) -> Result<Done, DriveError> {
    health.ready(STORE, false);
    let mut writer = Writer {
        feed,
        sink,
        limits,
        health,
        meter,
        held: Held::default(),
        ages: Ages::default(),
        done: Done::default(),
        paused: false,
        reach_at: Some(Instant::now()),
        begin_at: Instant::now(),
        write_at: None,
    };
    loop {
        health.beat(LOOP);
        let stopping = is_stopping();
        if !stopping {
            writer.reach()?;
            writer.look()?;
            writer.begin()?;
        }
        let waits = writer.write_at.is_some_and(|at| at > Instant::now());
        if (stopping || !waits && writer.held.is_due(limits)) && !writer.held.is_empty() {
            let written = writer.write()?;
            if stopping && written {
                continue;
            }
        }
        if stopping {
            break;
        }
    }
    health.done(LOOP);
    Ok(writer.done)
}

/// The loop's state.
struct Writer<'a> {
    feed: &'a mut dyn Feed,
    sink: &'a mut dyn Sink,
    limits: &'a Limits,
    health: &'a dyn Health,
    meter: &'a dyn Meter,
    held: Held,
    ages: Ages,
    done: Done,
    paused: bool,
    /// When to ask the store whether it is there; `None` once it has answered.
    reach_at: Option<Instant>,
    /// When to begin with partitions that have come.
    begin_at: Instant,
    /// When to write again, after a store or a group that did not answer.
    write_at: Option<Instant>,
}

impl Writer<'_> {
    /// Asks the store whether it can be written to, until it has answered once.
    fn reach(&mut self) -> Result<(), DriveError> {
        if self.reach_at.is_none_or(|at| at > Instant::now()) {
            return Ok(());
        }
        self.reach_at = match self.sink.reach() {
            Ok(()) => {
                self.health.ready(STORE, true);
                None
            }
            Err(error) => Some(away(error)?),
        };
        Ok(())
    }

    /// Takes in what the feed has, as far as there is room.
    fn look(&mut self) -> Result<(), DriveError> {
        let full = self.held.is_full(self.limits);
        if full != self.paused {
            self.feed.pause(full)?;
            self.paused = full;
            let (rows, mib) = (self.held.rows, self.held.bytes >> 20);
            tracing::info!(rows, mib, paused = full, "what may be held while the store is away");
        }
        let due = self.held.since.map_or(LOOK, |since| self.limits.linger.saturating_sub(since.elapsed()));
        let wait = self.write_at.map_or(due, |at| at.saturating_duration_since(Instant::now())).min(LOOK);
        let batches = self.feed.next(wait)?;
        let given_up = self.held.forget(&self.feed.moved());
        if given_up > 0 {
            self.done.given_up += given_up as u64;
            tracing::info!(rows = given_up, "partitions have moved: their rows are left to the next writer");
        }
        self.held.take_in(batches);
        self.health.ready(ASSIGNMENT, self.feed.is_assigned());
        self.feed.lags().iter().for_each(|lags| self.meter.waiting(lags));
        Ok(())
    }

    /// Begins with partitions that have come, where the store says.
    fn begin(&mut self) -> Result<(), DriveError> {
        if !self.feed.is_waiting() || self.reach_at.is_some() || self.begin_at > Instant::now() {
            return Ok(());
        }
        let stored = match self.sink.positions() {
            Ok(stored) => stored,
            Err(error) => {
                self.health.ready(STORE, false);
                self.reach_at = Some(away(error)?);
                return Ok(());
            }
        };
        match self.feed.begin(&stored) {
            Err(FeedError::Moved(reason)) => {
                tracing::warn!(reason, "partitions wait to be begun with");
                self.begin_at = Instant::now() + AGAIN;
                Ok(())
            }
            begun => Ok(begun?),
        }
    }

    /// Tells of the probes among batches that are stored.
    fn returned(&mut self, batches: &[Batch]) {
        let returned = Returned::now(batches);
        if returned.ages.is_empty() {
            return;
        }
        self.meter.returned(&returned);
        for (at, note) in self.ages.take(&returned, batches) {
            self.feed.note(at, note.text());
        }
    }

    /// Writes the oldest rows that are held, and commits. False where that has to be tried again, or the rows are not ours
    /// any more.
    fn write(&mut self) -> Result<bool, DriveError> {
        let portion = self.held.portion(self.limits);
        match self.feed.confirm(&portion.first) {
            Err(FeedError::Moved(reason)) => {
                tracing::info!(reason, rows = portion.rows, "the group does not count the partitions as ours");
                self.write_at = Some(Instant::now() + AGAIN);
                return Ok(false);
            }
            confirmed => confirmed?,
        }
        let (begin, batches, rows) = (Instant::now(), portion.batches.len(), portion.rows as u64);
        if let Err(error) = self.sink.write(portion.batches.clone()) {
            self.write_at = Some(away(error)?);
            self.meter.failed();
            self.health.ready(STORE, false);
            self.done.retries += 1;
            return Ok(false);
        }
        self.meter.stored(rows, begin.elapsed());
        self.health.ready(STORE, true);
        self.write_at = None;
        self.returned(&portion.batches);
        self.held.stored(batches);
        match self.feed.commit(&portion.next) {
            // What is stored is stored: whoever has the partition now goes on behind it.
            Err(FeedError::Moved(reason)) => tracing::info!(reason, "partitions have moved"),
            committed => committed?,
        }
        self.done.writes += 1;
        self.done.rows += rows;
        tracing::debug!(batches, rows, "stored");
        Ok(true)
    }
}

/// When to try again, where the store is away; the error where it is not.
fn away(error: SinkError) -> Result<Instant, DriveError> {
    if !error.is_temporary() {
        return Err(error.into());
    }
    tracing::warn!(%error, "the store is away");
    Ok(Instant::now() + AGAIN)
}

#[cfg(test)]
mod tests;
