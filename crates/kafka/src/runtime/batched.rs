//! A real cluster whose messages come in batches, and whose producer is lent values: see crate `batches`.

use std::{
    collections::BTreeMap,
    io,
    time::{Duration, Instant},
};

use batches::{Client, Inbox, Message, Outbox};
use broker::{BrokerError, Offsets, Reports};
use bytes::Bytes;
use rdkafka::{
    ClientConfig, TopicPartitionList, consumer::BaseConsumer, error::KafkaError as ClientError, producer::BaseRecord,
};

use super::{
    group::{Group, resume, seek},
    live::Live,
};
use crate::{
    KafkaError,
    client::transaction::{TransactionalProducer, serve},
    clock::Clock,
    cluster::{Cluster, Event, Intake, Member, Owner, Producer, Refused, Seen, Task},
};

/// A real cluster.
#[derive(Debug, Clone)]
pub(crate) struct Batched(pub(crate) Live);

impl Clock for Batched {
    fn now(&self) -> Instant {
        self.0.now()
    }

    fn millis(&self) -> i64 {
        self.0.millis()
    }

    fn sleep(&self, wait: Duration) {
        self.0.sleep(wait);
    }
}

impl Cluster for Batched {
    type Member = Inbox<Group>;
    type Producer = Lending;
    type Positions = Offsets;
    type Reader = BaseConsumer<Reports>;

    fn member(&self, settings: &dyn Fn(&mut ClientConfig), topic: &str) -> Result<Self::Member, KafkaError> {
        let consumer = self.0.member(settings, topic)?;
        Inbox::new(consumer).map_err(|source| KafkaError::Client { what: "making an inbox", source })
    }

    fn producer(&self, id: &str, timeout: Duration, message_bytes: usize) -> Result<Self::Producer, KafkaError> {
        let outbox = Outbox::new(self.0.client(id, timeout, message_bytes)?);
        Ok(Lending { transactions: TransactionalProducer::of(outbox.client().clone()), outbox })
    }

    fn positions(&self) -> Result<Self::Positions, BrokerError> {
        self.0.positions()
    }

    fn reader(&self, name: &str) -> Result<Self::Reader, BrokerError> {
        self.0.reader(name)
    }

    fn spawn(&self, name: String, task: Task) -> io::Result<()> {
        self.0.spawn(name, task)
    }
}

impl Owner for Inbox<Group> {
    fn assignment_lost(&self) -> bool {
        Owner::assignment_lost(self.client())
    }
}

impl Member for Inbox<Group> {
    type Message<'a> = Message<'a>;

    fn take<'a>(&'a self, batch: &mut Vec<Message<'a>>, room: usize, wait: Duration) -> Vec<ClientError> {
        let mut errors = Vec::new();
        // The group first: what it says decides which messages count. One of a partition that is not routed yet does not.
        while self.has_news() && !self.has_event() {
            errors.extend(self.client().poll(Duration::ZERO).and_then(Result::err));
        }
        if errors.is_empty() && !self.has_event() {
            errors = Self::take(self, batch, room, wait);
        }
        errors
    }

    fn next_event(&self) -> Option<Event> {
        Member::next_event(self.client())
    }

    fn has_event(&self) -> bool {
        Member::has_event(self.client())
    }

    fn seen(&self) -> Option<BTreeMap<u32, Seen>> {
        Member::seen(self.client())
    }

    fn hold(&self, topic: &str, numbers: &[u32]) -> Result<(), KafkaError> {
        Member::hold(self.client(), topic, numbers)
    }

    fn start(&self, topic: &str, starts: &[(u32, i64)]) -> Result<Vec<u32>, KafkaError> {
        let started = seek(self.client(), topic, starts)?;
        for number in &started {
            let fail = |source| KafkaError::Client { what: "starting partitions", source };
            self.route(topic, *number as i32).map_err(fail)?;
        }
        resume(self.client(), topic, &started)?;
        Ok(started)
    }

    fn pause(&self, topic: &str, numbers: &[u32]) -> Result<(), KafkaError> {
        Member::pause(self.client(), topic, numbers)
    }

    fn give_back(&self, list: &TopicPartitionList) -> Result<(), KafkaError> {
        Member::give_back(self.client(), list)
    }

    fn leave(&self) {
        Member::leave(self.client());
    }
}

/// A producer of transactions that is lent the values of each.
pub(crate) struct Lending {
    transactions: TransactionalProducer<Client<Reports>>,
    outbox: Outbox<Reports>,
}

impl Producer<Inbox<Group>> for Lending {
    type Intake = Outbox<Reports>;

    fn client(&self) -> &Self::Intake {
        &self.outbox
    }

    fn begin(&self) -> Result<(), KafkaError> {
        // What the transaction before it was lent has been acknowledged, or given up.
        self.outbox.take_back();
        self.transactions.begin()
    }

    fn flush(&self, limit: Duration) -> Result<(), KafkaError> {
        self.transactions.flush(limit)
    }

    fn add_offsets(
        &self,
        member: &Inbox<Group>,
        offsets: TopicPartitionList,
        limit: Duration,
    ) -> Result<(), KafkaError> {
        self.transactions.add_offsets(member.client(), offsets, limit)
    }

    fn end(&self, limit: Duration) -> Result<(), KafkaError> {
        self.transactions.end(limit)
    }

    fn abort(&self) -> Result<(), KafkaError> {
        self.transactions.abort()
    }
}

impl Intake for Outbox<Reports> {
    fn send<'r>(&self, record: BaseRecord<'r, [u8], [u8]>) -> Result<(), Refused<'r>> {
        self.client().send(record)
    }

    fn send_part<'r>(&self, record: BaseRecord<'r, [u8], [u8]>, memory: &Bytes) -> Result<(), Refused<'r>> {
        Self::send(self, record, memory)
    }

    fn serve(&self, wait: Duration) {
        serve(self.client(), wait);
    }
}
