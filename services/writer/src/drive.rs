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
const ASSIGNMENT: &str = "assignment";
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
/// hold. It is ready when the store has answered and the feed has partitions.
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
    health.ready(STORE, false);
    let mut reach_at = Some(Instant::now());
    loop {
        health.beat(LOOP);
        let stopping = is_stopping();
        if !stopping {
            if reach_at.is_some_and(|at| at <= Instant::now()) {
                reach_at = reach(sink, health)?;
            }
            let left = held.since.map_or(LOOK, |since| limits.linger.saturating_sub(since.elapsed()).min(LOOK));
            held.take_in(feed.next(left)?);
            health.ready(ASSIGNMENT, feed.is_assigned());
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

/// Asks the store whether it can be written to. When to ask again, where it is away.
fn reach(sink: &mut dyn Sink, health: &dyn Health) -> Result<Option<Instant>, DriveError> {
    match sink.reach() {
        Ok(()) => {
            health.ready(STORE, true);
            Ok(None)
        }
        Err(error) if error.is_temporary() => {
            tracing::warn!(%error, "the store is away");
            Ok(Some(Instant::now() + AGAIN))
        }
        Err(error) => Err(error.into()),
    }
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

#[cfg(test)]
mod tests {
    use std::{cell::Cell, sync::Mutex};

    use super::*;

    /// A store that is away at first.
    struct Late(u32);

    impl Sink for Late {
        fn positions(&mut self) -> Result<BTreeMap<TopicPartition, u64>, SinkError> {
            Ok(BTreeMap::new())
        }

        fn reach(&mut self) -> Result<(), SinkError> {
            match self.0.checked_sub(1) {
                Some(left) => {
                    self.0 = left;
                    Err(SinkError::Away { store: "late".to_owned(), message: "starting".to_owned() })
                }
                None => Ok(()),
            }
        }

        fn write(&mut self, _: Vec<Batch>) -> Result<(), SinkError> {
            Ok(())
        }

        fn name(&self) -> &str {
            "late"
        }
    }

    /// A feed without rows, whose partitions come with the third look.
    struct Idle(u32);

    impl Feed for Idle {
        fn next(&mut self, _: Duration) -> Result<Vec<Batch>, FeedError> {
            self.0 += 1;
            Ok(Vec::new())
        }

        fn is_assigned(&self) -> bool {
            self.0 > 2
        }

        fn commit(&mut self, _: &BTreeMap<TopicPartition, u64>) -> Result<(), FeedError> {
            Ok(())
        }
    }

    /// What was said, where it was news.
    #[derive(Default)]
    struct Said(Mutex<Vec<(String, bool)>>);

    impl Health for Said {
        fn beat(&self, _: &str) {}

        fn done(&self, _: &str) {}

        fn ready(&self, part: &str, is: bool) {
            let mut said = self.0.lock().unwrap();
            if said.iter().rev().find(|(other, _)| other == part) != Some(&(part.to_owned(), is)) {
                said.push((part.to_owned(), is));
            }
        }
    }

    #[test]
    fn is_ready_when_the_store_answers_and_there_are_partitions() {
        let limits = Limits { rows: 1, bytes: 1, linger: Duration::ZERO };
        let said = Said::default();
        let looks = Cell::new(0);
        let is_stopping = || {
            looks.set(looks.get() + 1);
            looks.get() > 3 && said.0.lock().unwrap().len() == 4
        };
        drive(&mut Idle(0), &mut Late(1), &limits, (&said, &()), &is_stopping).unwrap();
        let said: Vec<(String, bool)> = said.0.into_inner().unwrap();
        let of = |part: &str| said.iter().filter(|(other, _)| other == part).map(|(_, is)| *is).collect::<Vec<_>>();
        assert_eq!((of(STORE), of(ASSIGNMENT)), (vec![false, true], vec![false, true]));
    }
}
