//! Reads some messages of a topic, from the beginning and the end of each partition: to see how they are written.

use std::time::{Duration, Instant};

use broker::{BrokerError, Connection, Reports};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError as ClientError,
    message::Message,
};

use crate::{KafkaError, messages::probe};

/// Messages at most.
pub const SAMPLE_MESSAGES_MAX: usize = 4_000;
/// Bytes of values at most.
const BYTES_MAX: usize = 16 << 20;
/// How long it may take.
const TIME_MAX: Duration = Duration::from_secs(10);
/// How long the cluster may take to answer.
const REQUEST: Duration = Duration::from_secs(10);
/// How long a poll waits.
const POLL: Duration = Duration::from_millis(100);

/// A message of a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampledMessage {
    /// The topic.
    pub topic: String,
    /// Its partition.
    pub partition: u32,
    /// Its offset.
    pub offset: u64,
    /// Its time in milliseconds since 1970.
    pub timestamp: Option<i64>,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Option<Vec<u8>>,
}

/// Some messages of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSample {
    /// The messages, those of a partition in their order.
    pub messages: Vec<SampledMessage>,
    /// Whether these are all.
    pub complete: bool,
}

/// Reads up to [`SAMPLE_MESSAGES_MAX`] messages and 16 MiB in at most ten seconds, half of them from the beginning and half
/// from the end.
///
/// # Errors
/// [`KafkaError::NoSuchTopic`], or where the cluster does not answer.
pub fn sample_topic(connection: &Connection, topic: &str) -> Result<TopicSample, KafkaError> {
    let fail = |error| BrokerError::client(format!("reading topic `{topic}`"), error);
    let reader: BaseConsumer<Reports> = connection.client(Reports::default(), |config| {
        config
            // Never joined; the client wants a name to assign partitions by hand.
            .set("group.id", "beamline.sample")
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "earliest");
    })?;
    let metadata = reader.fetch_metadata(Some(topic), REQUEST).map_err(fail)?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let partitions = found.map_or(0, |found| found.partitions().len());
    if partitions == 0 {
        return Err(KafkaError::NoSuchTopic { topic: topic.to_owned() });
    }
    let each = (SAMPLE_MESSAGES_MAX / 2 / partitions).max(1) as i64;
    let (mut pieces, mut complete) = (Vec::new(), true);
    for partition in 0..partitions as u32 {
        let (first, end) = broker::range(&reader, topic, partition)?;
        if end - first <= 2 * each {
            pieces.push((partition, first, end));
        } else {
            pieces.extend([(partition, first, first + each), (partition, end - each, end)]);
            complete = false;
        }
    }
    let (mut messages, mut bytes, begun) = (Vec::new(), 0, Instant::now());
    let time = TIME_MAX / pieces.len().max(1) as u32;
    let share = BYTES_MAX / pieces.len().max(1);
    for (partition, first, end) in pieces.into_iter().filter(|(_, first, end)| first < end) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition as i32, Offset::Offset(first)).map_err(fail)?;
        reader.assign(&list).map_err(fail)?;
        let (since, before) = (Instant::now(), bytes);
        loop {
            // What is not read in its time may be markers of transactions, or slow.
            if since.elapsed() > time.max(POLL * 3) || begun.elapsed() > TIME_MAX || bytes - before > share {
                complete = false;
                break;
            }
            let message = match reader.poll(POLL) {
                Some(Ok(message)) => message,
                Some(Err(ClientError::PartitionEOF(_))) => break,
                _ => continue,
            };
            if message.partition() as u32 != partition || message.offset() >= end {
                break;
            }
            bytes += message.payload_len();
            let event = SampledMessage {
                topic: topic.to_owned(),
                partition,
                offset: message.offset() as u64,
                timestamp: message.timestamp().to_millis(),
                key: message.key().map(<[u8]>::to_vec),
                value: message.payload().map(<[u8]>::to_vec),
            };
            // Another stream's probes are not events.
            messages.extend(Some(event).filter(|_| probe::header(&message).is_none()));
            if message.offset() + 1 >= end {
                break;
            }
        }
    }
    Ok(TopicSample { messages, complete })
}

impl source::Message for SampledMessage {
    fn topic(&self) -> &str {
        &self.topic
    }

    fn partition(&self) -> u32 {
        self.partition
    }

    fn offset(&self) -> u64 {
        self.offset
    }

    fn timestamp(&self) -> Option<i64> {
        self.timestamp
    }

    fn key(&self) -> Option<&[u8]> {
        self.key.as_deref()
    }

    fn header(&self, _name: &str) -> Option<&[u8]> {
        None
    }

    fn value(&self) -> Option<&[u8]> {
        self.value.as_deref()
    }
}
