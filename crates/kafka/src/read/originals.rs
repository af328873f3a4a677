//! The whole of events that dead letters have only the head of, from the topics that they came from; and events as text.

use std::time::{Duration, Instant};

use broker::{BrokerError, Connection, Offsets, Reports};
use bytes::Bytes;
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError as ClientError,
};
use registry::Registry;
use stream::Stream;

use crate::{
    KafkaError,
    messages::{inbound::Inbound, meaning::Meanings, size::sha256},
};

/// How long the topic may take to give one record.
const FETCH_MAX: Duration = Duration::from_secs(30);

/// Fetches whole events from the topics that they came from.
pub struct Originals {
    reader: BaseConsumer<Reports>,
    offsets: Offsets,
}

impl Originals {
    /// Connects.
    ///
    /// # Errors
    /// Where the settings make no client.
    pub fn connect(connection: &Connection) -> Result<Self, KafkaError> {
        let reader = connection.client(Reports::default(), |config| {
            config
                // Never joined; the client wants a name to assign partitions by hand.
                .set("group.id", "beamline.originals")
                .set("isolation.level", "read_committed")
                .set("enable.auto.commit", "false")
                .set("enable.partition.eof", "true")
                .set("auto.offset.reset", "error")
                // One record is wanted of each place.
                .set("queued.min.messages", "1")
                .set("fetch.wait.max.ms", "10");
        })?;
        Ok(Self { reader, offsets: Offsets::connect(connection)? })
    }

    /// The event at this place, which must have this SHA-256 (in hexadecimal).
    ///
    /// # Errors
    /// [`KafkaError::Gone`] where the topic does not have it any more; others where the cluster does not answer.
    pub fn fetch(&self, topic: &str, partition: u32, offset: u64, digest: &str) -> Result<Vec<u8>, KafkaError> {
        let gone = |reason: String| KafkaError::Gone { topic: topic.to_owned(), partition, offset, reason };
        if self.offsets.partitions(topic)? <= partition {
            return Err(gone("there is no such topic or partition any more".into()));
        }
        let (first, end) = self.offsets.range(topic, partition)?;
        if (offset as i64) < first || (offset as i64) >= end {
            return Err(gone(format!("the topic has the offsets from {first} to {end} now")));
        }
        let bytes =
            self.at(topic, partition, offset)?.ok_or_else(|| gone("the topic has no record there now".into()))?;
        match sha256(&bytes) == digest {
            true => Ok(bytes),
            false => Err(gone("another record is there now, the digests differ".into())),
        }
    }

    fn at(&self, topic: &str, partition: u32, offset: u64) -> Result<Option<Vec<u8>>, KafkaError> {
        let fail = |error| BrokerError::client(format!("reading topic `{topic}`"), error);
        let mut assignment = TopicPartitionList::new();
        assignment.add_partition_offset(topic, partition as i32, Offset::Offset(offset as i64)).map_err(fail)?;
        self.reader.assign(&assignment).map_err(fail)?;
        let begun = Instant::now();
        while begun.elapsed() < FETCH_MAX {
            match self.reader.poll(Duration::from_millis(100)) {
                Some(Ok(message)) if message.partition() == partition as i32 && message.topic() == topic => {
                    let is_it = message.offset() as u64 == offset;
                    return Ok(is_it.then(|| message.payload().unwrap_or_default().to_vec()));
                }
                Some(Err(ClientError::PartitionEOF(_))) => return Ok(None),
                Some(Err(error)) => tracing::warn!(%error, topic, "reading a whole event"),
                Some(Ok(_)) | None => {}
            }
        }
        Err(KafkaError::Client { what: "reading a whole event", source: ClientError::NoMessageReceived })
    }
}

/// Makes text of events that are in Avro.
pub struct EventText {
    inbound: Inbound,
}

impl EventText {
    /// Of a stream's raw events.
    ///
    /// # Errors
    /// Where the schema cannot be read, which loading the stream has ruled out.
    pub fn new(stream: &Stream, registry: &Registry) -> Result<Self, KafkaError> {
        Ok(Self { inbound: Inbound::new(stream.input.clone(), registry.clone())? })
    }

    /// The event as a JSON object; nothing where the bytes are not an event of the stream.
    ///
    /// # Errors
    /// Where the registry does not answer.
    pub fn json(&mut self, bytes: &[u8]) -> Result<Option<Bytes>, KafkaError> {
        let decoded = self.inbound.decode(&[bytes], &Meanings::default())?;
        match decoded.rows.num_rows() {
            0 => Ok(None),
            _ => Ok(Some(stage::row_json(&decoded.rows, 0)?)),
        }
    }
}
