//! What a worker does when its group hands partitions out and takes them back.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use broker::Reports;
use rdkafka::{
    ClientContext, Offset, Statistics, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::{KafkaError as ClientError, KafkaResult},
    types::RDKafkaRespErr,
};

use crate::{
    KafkaError,
    client::assignment::{give_back, numbers, take},
    client::lag::seen,
    runtime::core::Core,
};

/// How long the client may take to go to an offset.
const SEEK_MAX: Duration = Duration::from_secs(2);

/// The consumer's context: it runs inside `poll`, on the worker's own thread.
pub(crate) struct Group {
    core: Mutex<Core>,
    reports: Reports,
    changes: Mutex<Changes>,
}

/// What rebalances have changed since the worker last looked.
#[derive(Default)]
pub(crate) struct Changes {
    /// Partitions that came or went: messages of theirs that were polled before are void.
    pub partitions: BTreeSet<u32>,
    /// Why the worker cannot go on.
    pub failed: Option<KafkaError>,
    /// Whether there was any.
    pub any: bool,
}

impl Group {
    pub(crate) fn new(core: Core, reports: Reports) -> Self {
        Self { core: Mutex::new(core), reports, changes: Mutex::default() }
    }

    /// The worker's state. Never held while polling.
    pub(crate) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn take_changes(&self) -> Changes {
        std::mem::take(&mut *self.changes())
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns at once: the group must hear of its member while state is read.
    fn assigned(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) -> Result<(), KafkaError> {
        let mut core = self.core();
        hold(consumer, core.input(), &numbers(list))?;
        core.load(&numbers(list))
    }

    fn revoked(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) -> Result<(), KafkaError> {
        let mut core = self.core();
        // What is done is committed while the group still knows us as the owner; where that fails, the next owner
        // does it again.
        let committed = if consumer.assignment_lost() { core.give_up() } else { core.commit(consumer) };
        core.forget(&numbers(list));
        committed
    }
}

/// Takes partitions without reading them yet.
fn hold(consumer: &BaseConsumer<Group>, topic: &str, numbers: &[u32]) -> Result<(), KafkaError> {
    let fail = |source| KafkaError::Client { what: "pausing partitions", source };
    let mut list = TopicPartitionList::with_capacity(numbers.len());
    for number in numbers {
        // Where to begin is not known yet. A named offset, such as the end, would be looked up, and the answer could come
        // after the client was sent to where the partition begins.
        list.add_partition_offset(topic, *number as i32, Offset::Offset(0)).map_err(fail)?;
    }
    take(consumer, &list).and_then(|()| consumer.pause(&list)).map_err(fail)
}

/// Begins to read partitions that were held, at these offsets; gives those that the client was ready for.
pub(crate) fn start(
    consumer: &BaseConsumer<Group>,
    topic: &str,
    starts: &[(u32, i64)],
) -> Result<Vec<u32>, KafkaError> {
    let fail = |source| KafkaError::Client { what: "starting partitions", source };
    let mut list = TopicPartitionList::with_capacity(starts.len());
    for (number, start) in starts {
        list.add_partition_offset(topic, *number as i32, Offset::Offset(*start)).map_err(fail)?;
    }
    let sought = consumer.seek_partitions(list, SEEK_MAX).map_err(fail)?;
    let mut resumed = TopicPartitionList::new();
    for element in sought.elements().iter().filter(|element| element.error().is_ok()) {
        resumed.add_partition(topic, element.partition());
    }
    consumer.resume(&resumed).map_err(fail)?;
    Ok(numbers(&resumed))
}

/// Stops reading partitions that stay ours.
pub(crate) fn pause(consumer: &BaseConsumer<Group>, topic: &str, numbers: &[u32]) -> Result<(), KafkaError> {
    let mut list = TopicPartitionList::with_capacity(numbers.len());
    for number in numbers {
        list.add_partition(topic, *number as i32);
    }
    consumer.pause(&list).map_err(|source| KafkaError::Client { what: "pausing partitions", source })
}

/// Ends reading these partitions.
fn unassign(consumer: &BaseConsumer<Group>, list: &TopicPartitionList) -> Result<(), KafkaError> {
    give_back(consumer, list).map_err(|source| KafkaError::Client { what: "giving partitions back", source })
}

impl ClientContext for Group {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.reports.log(level, facility, message);
    }

    fn error(&self, error: ClientError, reason: &str) {
        self.reports.error(error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        self.core().saw(seen(&statistics));
    }
}

impl ConsumerContext for Group {
    /// The client's own handler drops errors of assigning, and knows nothing of where to begin.
    fn rebalance(&self, consumer: &BaseConsumer<Self>, event: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let (what, done) = match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => ("assigned", self.assigned(consumer, list)),
            _ => {
                let done = self.revoked(consumer, list);
                ("revoked", done.and(unassign(consumer, list)))
            }
        };
        tracing::info!(partitions = ?numbers(list), what, "rebalance");
        self.core().rebalanced();
        let mut changes = self.changes();
        changes.any = true;
        changes.partitions.extend(numbers(list));
        if let Err(error) = done {
            changes.failed.get_or_insert(error);
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        if let Err(error) = result {
            tracing::warn!(%error, "commit");
        }
    }
}
