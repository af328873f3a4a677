//! One consumer and one producer on one thread, from joining the group to leaving it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use broker::{BrokerError, Reports};
use measure::Health;
use rdkafka::{
    consumer::{BaseConsumer, Consumer},
    error::KafkaError as ClientError,
    message::{BorrowedMessage, Message},
    types::RDKafkaErrorCode,
};

use crate::{
    KafkaError, Options,
    client::assignment::leave,
    clock::rest,
    runtime::core::Core,
    runtime::group::{Group, pause, start},
    runtime::meters::Ready,
    runtime::progress::Progress,
};

/// Messages of a batch at most.
const BATCH_MESSAGES_MAX: usize = 16_384;
/// Bytes of a batch at most.
const BATCH_BYTES_MAX: usize = 8 << 20;
/// A batch smaller than this waits a little for more: a batch costs the same whatever its size.
const BATCH_MESSAGES_WORTH: usize = 512;
/// How long a small batch waits for more.
const LINGER: Duration = Duration::from_millis(2);
/// How long a poll waits for the first message.
const IDLE: Duration = Duration::from_millis(100);
/// How long the client may take until it goes to where a partition begins.
const START_MAX: Duration = Duration::from_secs(30);
/// How long the group may take before the worker counts as ready without a partition.
const JOIN_WAIT: Duration = Duration::from_secs(15);

/// Runs a worker until `stop` is set, then commits and leaves the group.
pub(crate) fn work(
    options: &Arc<Options>,
    number: usize,
    health: &dyn Health,
    progress: &mut Progress<'_>,
    stop: &Arc<AtomicBool>,
) -> Result<(), KafkaError> {
    let core = Core::new(options, number)?;
    let input = core.input().to_owned();
    let consumer: BaseConsumer<Group> =
        options.connection.client(Group::new(core, Reports::default()), |config| options.consumer(config))?;
    consumer.subscribe(&[&input]).map_err(|source| KafkaError::Client { what: "subscribing", source })?;
    let name = options.worker(number);
    let done = Worker { consumer: &consumer, health, name, begun: Instant::now() }.run(progress, stop);
    if done.is_err() {
        // What is open is not ours to commit any more: leaving the group must not try.
        let mut core = consumer.context().core();
        let owned = core.owned();
        core.forget(&owned);
        if let Err(error) = core.abort() {
            tracing::debug!(%error, "the transaction was left to time out");
        }
    }
    leave(&consumer);
    done
}

struct Worker<'a> {
    consumer: &'a BaseConsumer<Group>,
    health: &'a dyn Health,
    name: String,
    begun: Instant,
}

impl<'a> Worker<'a> {
    fn run(&self, progress: &mut Progress<'_>, stop: &AtomicBool) -> Result<(), KafkaError> {
        let group = self.consumer.context();
        let mut batch = Vec::with_capacity(BATCH_MESSAGES_MAX);
        let (mut joined, mut ready) = (false, None);
        while !stop.load(Ordering::Relaxed) {
            self.health.beat(&self.name);
            progress.look(|| group.core().standstill());
            if progress.should_probe() {
                self.give_up()?;
                self.start_over()?;
            }
            let due = group.core().due();
            batch.clear();
            let done = self.gather(&mut batch, due, progress).and_then(|spoken| {
                joined |= spoken;
                // What was read before a partition was taken is not where it begins.
                let taken = self.take_loaded()?;
                batch.retain(|message| !taken.contains(&(message.partition() as u32)));
                self.step(&batch)
            });
            let loaded = joined && group.core().is_loaded();
            if loaded {
                progress.worked();
            }
            if ready.is_none() && (loaded || !joined && self.begun.elapsed() > JOIN_WAIT) {
                ready = Some(Ready::new(self.health, format!("{}-assignment", self.name)));
            }
            match done {
                Ok(true) => progress.committed(),
                Ok(false) => {}
                Err(error @ KafkaError::Aborted { .. }) => {
                    self.give_up()?;
                    let wait = progress.failed(&error);
                    tracing::warn!(%error, wait_ms = wait.as_millis() as u64, "its input is read again");
                    rest(wait, stop, || self.health.beat(&self.name));
                    self.start_over()?;
                }
                Err(error) => return Err(error),
            }
        }
        // The last commit before leaving; where it fails, the next owner does the rest again.
        group.core().commit_last(self.consumer)
    }

    /// Begins to read partitions whose state is there, and says which.
    fn take_loaded(&self) -> Result<Vec<u32>, KafkaError> {
        let mut core = self.consumer.context().core();
        let starts = core.loaded()?;
        if starts.is_empty() {
            return Ok(Vec::new());
        }
        let started = start(self.consumer, core.input(), &starts)?;
        started.iter().for_each(|number| core.started(*number));
        match core.starting() > START_MAX {
            true => Err(KafkaError::Client { what: "starting partitions", source: ClientError::NoMessageReceived }),
            false => Ok(started),
        }
    }

    /// Processes messages, and says whether a transaction was committed.
    fn step(&self, batch: &[BorrowedMessage<'_>]) -> Result<bool, KafkaError> {
        let mut core = self.consumer.context().core();
        core.process(batch)?;
        let due = core.is_due();
        if due {
            core.commit(self.consumer)?;
        }
        Ok(due)
    }

    /// Polls messages until there are enough, none is left, or a commit is due. Says whether the group has spoken.
    fn gather(
        &self,
        batch: &mut Vec<BorrowedMessage<'a>>,
        due: Option<Instant>,
        progress: &mut Progress<'_>,
    ) -> Result<bool, KafkaError> {
        let group = self.consumer.context();
        let begun = Instant::now();
        let (mut bytes, mut spoken) = (0, false);
        while batch.len() < BATCH_MESSAGES_MAX && bytes < BATCH_BYTES_MAX {
            let mut patience = Duration::ZERO;
            // What is there already is taken without a look at the clock, which would cost as much as the message.
            let polled = self.consumer.poll(Duration::ZERO).or_else(|| {
                patience = match batch.len() {
                    0 => IDLE,
                    few if few < BATCH_MESSAGES_WORTH => LINGER.saturating_sub(begun.elapsed()),
                    _ => Duration::ZERO,
                };
                patience = due.map_or(patience, |due| patience.min(due.saturating_duration_since(Instant::now())));
                if patience.is_zero() { None } else { self.consumer.poll(patience) }
            });
            let changes = group.take_changes();
            if changes.any {
                spoken = true;
                batch.retain(|message| !changes.partitions.contains(&(message.partition() as u32)));
                if let Some(error) = changes.failed {
                    return Err(error);
                }
            }
            match polled {
                Some(Ok(message)) => {
                    bytes += message.payload_len();
                    batch.push(message);
                }
                Some(Err(error)) => heard(error, progress)?,
                // Nothing more, or a rebalance, which is looked at above.
                None if changes.any && patience > Duration::ZERO => {}
                None => break,
            }
        }
        Ok(spoken)
    }

    /// Gives the open transaction up: memory is ahead of the log until every partition is loaded again.
    fn give_up(&self) -> Result<(), KafkaError> {
        self.consumer.context().core().abort()
    }

    /// After a transaction was given up: every partition is loaded again from what is committed.
    fn start_over(&self) -> Result<(), KafkaError> {
        let mut core = self.consumer.context().core();
        let owned = core.owned();
        if owned.is_empty() {
            return Ok(());
        }
        pause(self.consumer, core.input(), &owned)?;
        core.load(&owned)
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
