//! The writer's loop: rows out of a feed into a sink, and positions back only when the sink has the rows.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use measure::Health;
use sink::{Batch, Sink, SinkError, TopicPartition};

use crate::{Feed, FeedError};

/// How the loop's parts are called in probes.
const LOOP: &str = "writer";
const STORE: &str = "store";
/// How long one look at the feed may take.
const LOOK: Duration = Duration::from_millis(200);
/// The wait before a store that is away is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// How many times `rows` are held while the store is away; beyond that nothing more is taken in.
const HELD_MAX: usize = 4;

/// When rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Write when so many rows are held.
    pub rows: usize,
    /// Write when so many bytes are held.
    pub bytes: usize,
    /// Write when the first of them has been held for so long.
    pub linger: Duration,
}

/// What the loop has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Rows that were stored and committed.
    pub rows: u64,
    /// Writes that succeeded.
    pub writes: u64,
    /// Writes that were tried again.
    pub retries: u64,
}

/// What is told about a write.
pub trait Meter {
    /// The store has taken rows, after so long.
    fn stored(&self, rows: u64, after: Duration);
    /// A write failed and is tried again.
    fn failed(&self);
    /// So many records wait in each partition.
    fn waiting(&self, lags: &BTreeMap<u32, u64>);
}

impl Meter for () {
    fn stored(&self, _: u64, _: Duration) {}
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

/// Rows held until they are written.
#[derive(Default)]
struct Held {
    batches: Vec<Batch>,
    next: BTreeMap<TopicPartition, u64>,
    rows: usize,
    bytes: usize,
    since: Option<Instant>,
}

impl Held {
    fn take_in(&mut self, batches: Vec<Batch>) {
        for batch in batches {
            self.rows += batch.rows.num_rows();
            self.bytes += batch.rows.get_array_memory_size();
            self.next.insert((batch.topic.clone(), batch.partition), batch.next);
            self.batches.push(batch);
            self.since.get_or_insert_with(Instant::now);
        }
    }

    fn is_due(&self, limits: &Limits) -> bool {
        self.rows >= limits.rows
            || self.bytes >= limits.bytes
            || self.since.is_some_and(|since| since.elapsed() >= limits.linger)
    }
}

/// Writes what `feed` gives until `is_stopping`; then writes what is held, and ends.
///
/// A position is committed only after the sink has all rows before it. Where a write fails for a while the rows are
/// held and written again; the loop shows itself alive, says that it is not ready, and takes no more in than it can
/// hold.
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
    let mut held = Held::default();
    let mut done = Done::default();
    health.ready(STORE, true);
    loop {
        health.beat(LOOP);
        let stopping = is_stopping();
        if !stopping {
            let left = held.since.map_or(LOOK, |since| limits.linger.saturating_sub(since.elapsed()).min(LOOK));
            held.take_in(feed.next(left)?);
            feed.lags().iter().for_each(|lags| meter.waiting(lags));
        }
        if (stopping || held.is_due(limits)) && !held.batches.is_empty() {
            let (batches, rows) = (held.batches.len(), held.rows as u64);
            let retries = write(&mut held, feed, sink, limits, (health, meter), is_stopping)?;
            let Some(retries) = retries else { break };
            done.retries += retries;
            done.writes += 1;
            done.rows += rows;
            tracing::debug!(batches, rows, retries, "stored");
        }
        if stopping {
            break;
        }
    }
    health.done(LOOP);
    Ok(done)
}

/// Writes what is held, again and again while the store is away, and commits. `None` where it should stop before the
/// store was back: the rows come again.
fn write(
    held: &mut Held,
    feed: &mut dyn Feed,
    sink: &mut dyn Sink,
    limits: &Limits,
    (health, meter): (&dyn Health, &dyn Meter),
    is_stopping: &dyn Fn() -> bool,
) -> Result<Option<u64>, DriveError> {
    let mut later = Held::default();
    let mut retries = 0;
    loop {
        let begin = Instant::now();
        health.beat(LOOP);
        match sink.write(held.batches.clone()) {
            Ok(()) => {
                meter.stored(held.rows as u64, begin.elapsed());
                health.ready(STORE, true);
                break;
            }
            Err(error) if error.is_temporary() => {
                meter.failed();
                health.ready(STORE, false);
                tracing::warn!(%error, held = held.rows + later.rows, "the store is away; what is read is held");
                retries += 1;
                if is_stopping() {
                    return Ok(None);
                }
                let until = Instant::now() + AGAIN;
                while Instant::now() < until {
                    health.beat(LOOP);
                    if held.rows + later.rows < limits.rows * HELD_MAX {
                        later.take_in(feed.next(LOOK)?);
                    } else {
                        std::thread::sleep(LOOK);
                    }
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    match feed.commit(&held.next) {
        Ok(()) => *held = later,
        Err(FeedError::Moved(reason)) => {
            // What is stored is stored; what was not committed comes again at whoever has the partition now.
            tracing::info!(reason, "partitions have moved");
            *held = later;
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Some(retries))
}
