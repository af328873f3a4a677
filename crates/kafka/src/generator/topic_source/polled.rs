//! The reader of the source's topics, and a message that it gives.

use std::collections::BTreeSet;

use broker::{Connection, Reports};
use rdkafka::{
    consumer::{BaseConsumer, Consumer},
    error::KafkaError as ClientError,
    message::{BorrowedMessage, Headers, Message},
};

use crate::{KafkaError, generator::settings::Generator, messages::size::Sizes};

/// A reader of the source's topics, whose partitions are assigned by hand.
pub(super) fn reader_of(connection: &Connection, generator: &Generator) -> Result<BaseConsumer<Reports>, KafkaError> {
    let name = generator.stream.name();
    Ok(connection.client(Reports::default(), |config| {
        config
            .set("group.id", format!("beamline.{name}.source"))
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .set("fetch.message.max.bytes", Sizes::of(&generator.stream).message().to_string())
            .set("fetch.wait.max.ms", "50")
            .set("fetch.queue.backoff.ms", "10")
            .set("queued.min.messages", "50000")
            .set("queued.max.messages.kbytes", "65536");
    })?)
}

/// The partitions that are read now.
pub(super) fn reading(source: &BaseConsumer<Reports>) -> Result<BTreeSet<(String, u32)>, KafkaError> {
    let assigned = source.assignment().map_err(reading_failed)?;
    let at = |element: rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
        (element.topic().to_owned(), element.partition() as u32)
    };
    Ok(assigned.elements().into_iter().map(at).collect())
}

pub(super) fn reading_failed(source: ClientError) -> KafkaError {
    KafkaError::Client { what: "reading the source", source }
}

/// A message that was polled.
pub(super) struct Polled<'m>(pub(super) BorrowedMessage<'m>);

impl Polled<'_> {
    pub(super) fn time(&self) -> Option<i64> {
        self.0.timestamp().to_millis()
    }
}

impl source::Message for &Polled<'_> {
    fn topic(&self) -> &str {
        self.0.topic()
    }

    fn partition(&self) -> u32 {
        self.0.partition() as u32
    }

    fn offset(&self) -> u64 {
        self.0.offset() as u64
    }

    fn timestamp(&self) -> Option<i64> {
        self.time()
    }

    fn key(&self) -> Option<&[u8]> {
        self.0.key()
    }

    fn header(&self, name: &str) -> Option<&[u8]> {
        let headers = self.0.headers()?;
        headers.iter().filter(|header| header.key == name).last()?.value
    }

    fn value(&self) -> Option<&[u8]> {
        self.0.payload()
    }
}
