//! What the group says to a worker, and how a worker takes partitions and gives them back.
//!
//! The client calls its context inside `poll`. Nothing is done there: the context hands each event to the worker, which
//! owns its partitions, handles the event when `poll` has returned, and only then answers the group. The group waits for
//! that answer as long as a rebalance may take.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use broker::Reports;
use rdkafka::{
    ClientContext, Offset, Statistics, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::{KafkaError as ClientError, KafkaResult},
    message::BorrowedMessage,
    types::RDKafkaRespErr,
};

use crate::{
    KafkaError,
    client::{
        assignment::{give_back, leave, take},
        lag::seen,
    },
    cluster::{Event, Member, Seen},
};

/// How long the client may take to go to an offset.
const SEEK_MAX: Duration = Duration::from_secs(2);

/// The consumer's context: what the client has said since the worker last looked.
///
/// There is at most one event that waits for an answer: the group says nothing else before it has one.
#[derive(Default)]
pub(crate) struct Group {
    reports: Reports,
    said: Mutex<Said>,
    /// Whether the group has said something that has no answer: looked at with every message, at which a lock would cost as much
    /// as the message.
    waits: AtomicBool,
    /// Whether the worker answers no more, so that partitions are given back at once.
    leaving: AtomicBool,
}

#[derive(Default)]
struct Said {
    events: VecDeque<Event>,
    statistics: Option<Statistics>,
}

impl Event {
    fn new(event: RDKafkaRespErr, list: TopicPartitionList) -> Self {
        match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => Self::Assigned(list),
            _ => Self::Revoked(list),
        }
    }

    /// Answers without looking at what is there: partitions that come are not read, those that go are given back.
    fn answer(&self, consumer: &BaseConsumer<Group>) {
        let done = match self {
            Self::Assigned(list) => take(consumer, list).and_then(|()| Consumer::pause(consumer, list)),
            Self::Revoked(list) => give_back(consumer, list),
        };
        if let Err(error) = done {
            tracing::warn!(%error, "leaving the group");
        }
    }
}

impl Group {
    /// The next event that has no answer yet.
    fn next_event(&self) -> Option<Event> {
        if !self.waits.load(Ordering::Acquire) {
            return None;
        }
        let mut said = self.said();
        let event = said.events.pop_front();
        self.waits.store(!said.events.is_empty(), Ordering::Release);
        event
    }

    fn push(&self, event: Event) {
        let mut said = self.said();
        said.events.push_back(event);
        self.waits.store(true, Ordering::Release);
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends the client to where partitions begin; gives those that it was ready for.
pub(super) fn seek(consumer: &BaseConsumer<Group>, topic: &str, starts: &[(u32, i64)]) -> Result<Vec<u32>, KafkaError> {
    let fail = |source| KafkaError::Client { what: "starting partitions", source };
    let mut list = TopicPartitionList::with_capacity(starts.len());
    for (number, start) in starts {
        list.add_partition_offset(topic, *number as i32, Offset::Offset(*start)).map_err(fail)?;
    }
    let sought = consumer.seek_partitions(list, SEEK_MAX).map_err(fail)?;
    let elements = sought.elements();
    Ok(elements.iter().filter(|element| element.error().is_ok()).map(|element| element.partition() as u32).collect())
}

/// Has the client read partitions that were held.
pub(super) fn resume(consumer: &BaseConsumer<Group>, topic: &str, numbers: &[u32]) -> Result<(), KafkaError> {
    let mut list = TopicPartitionList::with_capacity(numbers.len());
    for number in numbers {
        list.add_partition(topic, *number as i32);
    }
    consumer.resume(&list).map_err(|source| KafkaError::Client { what: "starting partitions", source })
}

impl Member for BaseConsumer<Group> {
    type Message<'a> = BorrowedMessage<'a>;

    fn take<'a>(&'a self, batch: &mut Vec<BorrowedMessage<'a>>, room: usize, wait: Duration) -> Vec<ClientError> {
        if room == 0 {
            return Vec::new();
        }
        // The client counts in whole milliseconds, and would ask without a pause for what is left of one.
        let polled = self.poll(Duration::from_millis(wait.as_micros().div_ceil(1000) as u64));
        match polled.transpose() {
            Ok(message) => {
                batch.extend(message);
                Vec::new()
            }
            Err(error) => vec![error],
        }
    }

    fn next_event(&self) -> Option<Event> {
        self.context().next_event()
    }

    fn has_event(&self) -> bool {
        self.context().waits.load(Ordering::Acquire)
    }

    fn seen(&self) -> Option<BTreeMap<u32, Seen>> {
        let statistics = self.context().said().statistics.take()?;
        Some(seen(&statistics).into_iter().map(|((_, number), seen)| (number, seen)).collect())
    }

    fn hold(&self, topic: &str, numbers: &[u32]) -> Result<(), KafkaError> {
        let fail = |source| KafkaError::Client { what: "pausing partitions", source };
        let mut list = TopicPartitionList::with_capacity(numbers.len());
        for number in numbers {
            // Where to begin is not known yet. A named offset, such as the end, would be looked up, and the answer could come
            // after the client was sent to where the partition begins.
            list.add_partition_offset(topic, *number as i32, Offset::Offset(0)).map_err(fail)?;
        }
        take(self, &list).and_then(|()| Consumer::pause(self, &list)).map_err(fail)
    }

    fn start(&self, topic: &str, starts: &[(u32, i64)]) -> Result<Vec<u32>, KafkaError> {
        let started = seek(self, topic, starts)?;
        resume(self, topic, &started)?;
        Ok(started)
    }

    fn pause(&self, topic: &str, numbers: &[u32]) -> Result<(), KafkaError> {
        let mut list = TopicPartitionList::with_capacity(numbers.len());
        for number in numbers {
            list.add_partition(topic, *number as i32);
        }
        Consumer::pause(self, &list).map_err(|source| KafkaError::Client { what: "pausing partitions", source })
    }

    fn give_back(&self, list: &TopicPartitionList) -> Result<(), KafkaError> {
        give_back(self, list).map_err(|source| KafkaError::Client { what: "giving partitions back", source })
    }

    fn leave(&self) {
        let group = self.context();
        group.leaving.store(true, Ordering::Relaxed);
        while let Some(event) = group.next_event() {
            event.answer(self);
        }
        leave(self);
    }
}

impl ClientContext for Group {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.reports.log(level, facility, message);
    }

    fn error(&self, error: ClientError, reason: &str) {
        self.reports.error(error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        self.said().statistics = Some(statistics);
    }
}

impl ConsumerContext for Group {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, event: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let event = Event::new(event, list.clone());
        match self.leaving.load(Ordering::Relaxed) {
            true => event.answer(consumer),
            false => self.push(event),
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        if let Err(error) = result {
            tracing::warn!(%error, "commit");
        }
    }
}
