//! A real cluster, by rdkafka's clients as they are.

use std::{
    io, thread,
    time::{Duration, Instant},
};

use broker::{BrokerError, Committed, Connection, Offsets, Reports};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::KafkaError as ClientError,
    message::BorrowedMessage,
    producer::{BaseProducer, BaseRecord},
};

use super::group::Group;
use crate::{
    KafkaError,
    client::transaction::{TransactionalProducer, connected, serve},
    clock::{Clock, SystemClock},
    cluster::{Cluster, Intake, Owner, Positions, Producer, Reader, Refused, Task},
};

/// A real cluster.
#[derive(Debug, Clone)]
pub(crate) struct Live(Connection);

impl Live {
    pub(crate) fn of(connection: &Connection) -> Self {
        Self(connection.clone())
    }

    /// The client of a producer, ready for transactions.
    pub(super) fn client(
        &self,
        id: &str,
        timeout: Duration,
        message_bytes: usize,
    ) -> Result<BaseProducer<Reports>, KafkaError> {
        connected(&self.0, id, timeout, message_bytes)
    }
}

impl Clock for Live {
    fn now(&self) -> Instant {
        SystemClock.now()
    }

    fn millis(&self) -> i64 {
        SystemClock.millis()
    }

    fn sleep(&self, wait: Duration) {
        SystemClock.sleep(wait);
    }
}

impl Cluster for Live {
    type Member = BaseConsumer<Group>;
    type Producer = TransactionalProducer;
    type Positions = Offsets;
    type Reader = BaseConsumer<Reports>;

    fn member(&self, settings: &dyn Fn(&mut ClientConfig), topic: &str) -> Result<Self::Member, KafkaError> {
        let consumer: BaseConsumer<Group> = self.0.client(Group::default(), settings)?;
        consumer.subscribe(&[topic]).map_err(|source| KafkaError::Client { what: "subscribing", source })?;
        Ok(consumer)
    }

    fn producer(&self, id: &str, timeout: Duration, message_bytes: usize) -> Result<Self::Producer, KafkaError> {
        TransactionalProducer::connect(&self.0, id, timeout, message_bytes)
    }

    fn positions(&self) -> Result<Self::Positions, BrokerError> {
        Offsets::connect(&self.0)
    }

    fn reader(&self, name: &str) -> Result<Self::Reader, BrokerError> {
        self.0.client(Reports::default(), |config| {
            config
                // Never joined; the client wants a name to assign partitions by hand.
                .set("group.id", name)
                .set("isolation.level", "read_committed")
                .set("enable.auto.commit", "false")
                .set("enable.partition.eof", "true")
                .set("auto.offset.reset", "earliest")
                .set("fetch.wait.max.ms", "10")
                // Who restores states or looks for a place takes what is read at once, so that little has to wait here. The allocator
                // keeps what was needed once: a worker that has read a long log would stay larger than others.
                .set("queued.max.messages.kbytes", "4096")
                .set("fetch.queue.backoff.ms", "10");
        })
    }

    fn spawn(&self, name: String, task: Task) -> io::Result<()> {
        thread::Builder::new().name(name).spawn(task).map(drop)
    }
}

impl<C: ConsumerContext> Owner for BaseConsumer<C> {
    fn assignment_lost(&self) -> bool {
        Consumer::assignment_lost(self)
    }
}

impl Intake for BaseProducer<Reports> {
    fn send<'r>(&self, record: BaseRecord<'r, [u8], [u8]>) -> Result<(), Refused<'r>> {
        Self::send(self, record)
    }

    fn serve(&self, wait: Duration) {
        serve(self, wait);
    }
}

impl<C: ConsumerContext> Producer<BaseConsumer<C>> for TransactionalProducer {
    type Intake = BaseProducer<Reports>;

    fn client(&self) -> &Self::Intake {
        Self::client(self)
    }

    fn begin(&self) -> Result<(), KafkaError> {
        Self::begin(self)
    }

    fn flush(&self, limit: Duration) -> Result<(), KafkaError> {
        Self::flush(self, limit)
    }

    fn add_offsets(
        &self,
        member: &BaseConsumer<C>,
        offsets: TopicPartitionList,
        limit: Duration,
    ) -> Result<(), KafkaError> {
        Self::add_offsets(self, member, offsets, limit)
    }

    fn end(&self, limit: Duration) -> Result<(), KafkaError> {
        Self::end(self, limit)
    }

    fn abort(&self) -> Result<(), KafkaError> {
        Self::abort(self)
    }
}

impl Positions for Offsets {
    fn partitions(&self, topic: &str) -> Result<u32, BrokerError> {
        Self::partitions(self, topic)
    }

    fn range(&self, topic: &str, partition: u32) -> Result<(i64, i64), BrokerError> {
        Self::range(self, topic, partition)
    }

    fn stable_end(&self, topic: &str, partition: u32) -> Result<i64, BrokerError> {
        Self::stable_end(self, topic, partition)
    }

    fn at_time(&self, topic: &str, partition: u32, time: i64) -> Result<i64, BrokerError> {
        Self::at_time(self, topic, partition, time)
    }

    fn committed(&self, group: &str, topic: &str, partition: u32) -> Result<Option<Committed>, BrokerError> {
        Ok(Self::committed(self, group, topic, &[partition])?.remove(&partition))
    }

    fn decided(&self, group: &str, topic: &str, partition: u32) -> Result<Option<Committed>, BrokerError> {
        Ok(Self::decided(self, group, topic, &[partition])?.remove(&partition))
    }
}

impl Reader for BaseConsumer<Reports> {
    type Message<'a> = BorrowedMessage<'a>;

    fn assign(&self, topic: &str, partition: u32, from: Offset) -> Result<(), ClientError> {
        let mut assignment = TopicPartitionList::new();
        assignment.add_partition_offset(topic, partition as i32, from)?;
        Consumer::assign(self, &assignment)
    }

    fn unassign(&self) -> Result<(), ClientError> {
        Consumer::unassign(self)
    }

    fn poll(&self, wait: Duration) -> Option<Result<BorrowedMessage<'_>, ClientError>> {
        Self::poll(self, wait)
    }
}
