//! One consumer and one producer on one thread, from joining the group to leaving it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use broker::BrokerError;
use measure::Health;
use rdkafka::{TopicPartitionList, error::KafkaError as ClientError, message::Message, types::RDKafkaErrorCode};

use super::{core::Core, meters::Ready, progress::Progress};
use crate::{
    KafkaError, Options,
    client::assignment::numbers,
    clock::rest_by,
    cluster::{Cluster, Event, Member, Owner},
    mutant::Mutant,
};

/// Messages of a batch at most.
const BATCH_MESSAGES_MAX: usize = 16_384;
/// Bytes of a batch at most.
const BATCH_BYTES_MAX: usize = 8 << 20;
/// Messages that are taken at once into a batch that has none.
const FIRST_TAKEN: usize = 64;
/// A batch smaller than this waits for more, since a batch costs the same whatever its size: until its transaction is due,
const BATCH_MESSAGES_WORTH: usize = 512;
/// and never for longer than this.
const LINGER_MAX: Duration = Duration::from_millis(100);
/// How long a poll waits for the first message,
const IDLE: Duration = Duration::from_millis(500);
/// and while partitions are being taken.
const IDLE_TAKING: Duration = Duration::from_millis(100);
/// How long the client may take until it goes to where a partition begins.
const START_MAX: Duration = Duration::from_secs(30);
/// How long the group may take before the worker counts as ready without a partition.
const JOIN_WAIT: Duration = Duration::from_secs(15);

/// Runs a worker until `stop` is set, then commits and leaves the group.
pub(crate) fn work<C: Cluster>(
    cluster: &C,
    options: &Arc<Options>,
    number: usize,
    health: &dyn Health,
    progress: &mut Progress<'_>,
    stop: &Arc<AtomicBool>,
) -> Result<(), KafkaError> {
    let core = Core::new(cluster, options, number)?;
    let member = cluster.member(&|config| options.consumer(config), core.input())?;
    let _leave = Leave(&member);
    let name = options.worker(number);
    let mut worker = Worker { cluster, member: &member, core, health, name, begun: cluster.now(), joined: false };
    let done = worker.run(progress, stop);
    if done.is_err()
        && let Err(error) = worker.core.abort()
    {
        tracing::debug!(%error, "the transaction was left to time out");
    }
    done
}

type Received<'a, C> = <<C as Cluster>::Member as Member>::Message<'a>;

struct Worker<'a, C: Cluster> {
    cluster: &'a C,
    member: &'a C::Member,
    /// The partitions and the open transaction, which nobody else touches.
    core: Core<C>,
    health: &'a dyn Health,
    name: String,
    begun: Instant,
    /// Whether the group has said anything yet.
    joined: bool,
}

impl<'a, C: Cluster> Worker<'a, C> {
    fn run(&mut self, progress: &mut Progress<'_>, stop: &AtomicBool) -> Result<(), KafkaError> {
        let mut batch = Vec::with_capacity(BATCH_MESSAGES_MAX);
        let mut ready = None;
        while !stop.load(Ordering::Relaxed) {
            self.health.beat(&self.name);
            progress.look(|| self.core.standstill());
            if progress.should_probe() {
                self.core.abort()?;
                self.start_over()?;
            }
            batch.clear();
            let done = self.turn(&mut batch, progress);
            let loaded = self.joined && self.core.is_loaded();
            if loaded {
                progress.worked();
            }
            if ready.is_none() && (loaded || !self.joined && self.cluster.since(self.begun) > JOIN_WAIT) {
                ready = Some(Ready::new(self.health, format!("{}-assignment", self.name)));
            }
            match done {
                Ok(true) => progress.committed(),
                Ok(false) => {}
                Err(error @ KafkaError::Aborted { .. }) => {
                    self.core.abort()?;
                    let wait = progress.failed(&error);
                    tracing::warn!(%error, wait_ms = wait.as_millis() as u64, "its input is read again");
                    rest_by(self.cluster, wait, stop, || self.health.beat(&self.name));
                    self.start_over()?;
                }
                Err(error) => return Err(error),
            }
        }
        // The last commit before leaving; where it fails, the next owner does the rest again.
        self.core.commit_last(self.member)
    }

    /// Reads a batch, takes partitions that are ready, processes the batch, and commits where that is due. Says whether a
    /// transaction was committed.
    fn turn(&mut self, batch: &mut Vec<Received<'a, C>>, progress: &mut Progress<'_>) -> Result<bool, KafkaError> {
        self.gather(batch, progress)?;
        // What was read before a partition was taken is not where it begins.
        let taken = self.take_loaded()?;
        batch.retain(|message| !taken.contains(&(message.partition() as u32)));
        self.core.process(batch)?;
        let due = self.core.is_due();
        if !due {
            return self.core.settle(self.member);
        }
        self.core.commit(self.member)?;
        Ok(true)
    }

    /// Begins to read partitions whose state is there, and says which.
    fn take_loaded(&mut self) -> Result<Vec<u32>, KafkaError> {
        let starts = self.core.loaded()?;
        if starts.is_empty() {
            return Ok(Vec::new());
        }
        let started = self.member.start(self.core.input(), &starts)?;
        started.iter().for_each(|number| self.core.started(*number));
        match self.core.starting() > START_MAX {
            true => Err(KafkaError::Client { what: "starting partitions", source: ClientError::NoMessageReceived }),
            false => Ok(started),
        }
    }

    /// Takes messages until there are enough, none is left, or a commit is due.
    fn gather(&mut self, batch: &mut Vec<Received<'a, C>>, progress: &mut Progress<'_>) -> Result<(), KafkaError> {
        let member = self.member;
        let idle = if self.core.is_loaded() { IDLE } else { IDLE_TAKING };
        let (mut due, mut bytes) = (self.core.due(), 0);
        while batch.len() < BATCH_MESSAGES_MAX && bytes < BATCH_BYTES_MAX {
            let before = batch.len();
            // What is there already is taken without a look at the clock, which would cost as much as a message.
            let mut errors = member.take(batch, room(before, bytes), Duration::ZERO);
            if batch.len() == before && errors.is_empty() && !member.has_event() {
                let (patience, wanted) = match before {
                    0 => (idle, 1),
                    few if few < BATCH_MESSAGES_WORTH => (LINGER_MAX, BATCH_MESSAGES_WORTH - few),
                    _ => (Duration::ZERO, 0),
                };
                let patience =
                    due.map_or(patience, |due| patience.min(due.saturating_duration_since(self.cluster.now())));
                if !patience.is_zero() {
                    errors = member.take(batch, wanted, patience);
                }
            }
            let more = batch.len() > before || !errors.is_empty();
            if before == 0 && !batch.is_empty() {
                let now = self.cluster.now();
                due = Some(self.core.came(now).min(now + LINGER_MAX));
            }
            bytes += batch[before..].iter().map(|message| message.payload().map_or(0, <[u8]>::len)).sum::<usize>();
            errors.into_iter().try_for_each(|error| heard(error, progress))?;
            let changed = self.answer(batch)?;
            if !more && !changed {
                break;
            }
        }
        if let Some(seen) = member.seen() {
            self.core.saw(seen);
        }
        Ok(())
    }

    /// Answers what the group has said. Messages of partitions that came or went are void.
    fn answer(&mut self, batch: &mut Vec<Received<'a, C>>) -> Result<bool, KafkaError> {
        let mut any = false;
        while let Some(event) = self.member.next_event() {
            (any, self.joined) = (true, true);
            let (what, partitions, done) = match event {
                Event::Assigned(list) => ("assigned", numbers(&list), self.assigned(&numbers(&list))),
                Event::Revoked(list) => ("revoked", numbers(&list), self.revoked(&list)),
            };
            tracing::info!(?partitions, what, "rebalance");
            self.core.rebalanced();
            batch.retain(|message| !partitions.contains(&(message.partition() as u32)));
            done?;
        }
        Ok(any)
    }

    /// Takes partitions, and returns at once: the group must hear of its member while state is read.
    fn assigned(&mut self, numbers: &[u32]) -> Result<(), KafkaError> {
        self.member.hold(self.core.input(), numbers)?;
        self.core.load(numbers)
    }

    /// Gives partitions back. What is done is committed while the group still knows us as the owner; where that fails, the
    /// next owner does it again.
    fn revoked(&mut self, list: &TopicPartitionList) -> Result<(), KafkaError> {
        let lost = self.member.assignment_lost();
        let committed = match lost {
            true if Mutant::LostPartitionKept.is_chosen() => Ok(()),
            true => self.core.give_up(),
            false => self.core.commit(self.member),
        };
        if !(lost && Mutant::LostPartitionKept.is_chosen()) {
            self.core.forget(&numbers(list));
        }
        let ended = self.member.give_back(list);
        committed.and(ended)
    }

    /// After a transaction was given up: every partition is loaded again from what is committed.
    fn start_over(&mut self) -> Result<(), KafkaError> {
        let owned = self.core.owned();
        if owned.is_empty() || Mutant::AbortGoesOn.is_chosen() {
            return Ok(());
        }
        self.member.pause(self.core.input(), &owned)?;
        self.core.load(&owned)
    }
}

/// How many messages may be taken at once into a batch of so many with so many bytes: those that it has room for, if they are as
/// large as the ones before, and no more than there are, since they may not be.
fn room(messages: usize, bytes: usize) -> usize {
    let each = (bytes / messages.max(1)).max(1);
    let fitting = (BATCH_BYTES_MAX.saturating_sub(bytes) / each).max(1);
    fitting.min(messages.max(FIRST_TAKEN)).min(BATCH_MESSAGES_MAX - messages)
}

/// Leaves the group when it is dropped, also where the worker panics: a client that is closed with an event unanswered
/// waits for the answer.
struct Leave<'a, M: Member>(&'a M);

impl<M: Member> Drop for Leave<'_, M> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// Errors of a poll: most pass by themselves, the client goes on trying.
fn heard(source: ClientError, progress: &mut Progress<'_>) -> Result<(), KafkaError> {
    match source {
        ClientError::MessageConsumptionFatal(_) => Err(KafkaError::Client { what: "reading", source }),
        ClientError::MessageConsumption(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
            Err(KafkaError::Client { what: "reading", source })
        }
        ClientError::MessageConsumption(code) if broker::is_forbidden(code) => {
            progress.denied(&BrokerError::client("reading the input", source).to_string());
            Ok(())
        }
        _ => {
            tracing::debug!(error = %source, "reading");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many messages of a size come into a batch, and how many bytes they have.
    fn filled(size: usize) -> (usize, usize) {
        let (mut messages, mut bytes) = (0, 0);
        while messages < BATCH_MESSAGES_MAX && bytes < BATCH_BYTES_MAX {
            let taken = room(messages, bytes);
            (messages, bytes) = (messages + taken, bytes + taken * size);
        }
        (messages, bytes)
    }

    #[test]
    fn a_batch_is_filled_in_few_steps_and_not_above_its_bytes() {
        assert_eq!(filled(0).0, BATCH_MESSAGES_MAX);
        assert_eq!(filled(145).0, BATCH_MESSAGES_MAX);
        for size in [1000, 4000, 50_000, 100_000] {
            let (messages, bytes) = filled(size);
            assert!(bytes < BATCH_BYTES_MAX + size * 2, "{messages} of {size}");
        }
        // Of the largest, what is taken first is the limit.
        assert_eq!(filled(1 << 20).0, FIRST_TAKEN);
        assert_eq!(room(BATCH_MESSAGES_MAX - 3, 1000), 3);
    }
}
