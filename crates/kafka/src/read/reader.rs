//! Reading decoded rows of committed messages: as a member of a group, or from given offsets without one.
//!
//! A reader gives rows and takes offsets to commit; what is done with the rows in between is durable before its offset
//! is committed, or it is done again.

mod begin;
mod place;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use arrow::array::{RecordBatch, StringArray, UInt64Array};
use broker::Connection;
use bytes::Bytes;
use codec::ValueSchema;
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError as ClientError, KafkaResult},
    message::{BorrowedMessage, Message},
};
use registry::Registry;
use stage::Traces;

use crate::{
    KafkaError,
    client::{
        assignment::{leave, take},
        lag::INTERVAL_MS,
    },
    messages::{
        inbound::Inbound,
        meaning::Meanings,
        probe::{self, Probe},
        size::Sizes,
        trace::Parents,
    },
    read::{arrivals::Arrivals, membership::Membership},
};

/// Messages that one call gives at most.
const MESSAGES_MAX: usize = 16_384;
/// Bytes that one call gives at most.
const BYTES_MAX: usize = 16 << 20;
/// How long a small batch waits for more.
const LINGER: Duration = Duration::from_millis(5);

/// A topic to read.
#[derive(Debug, Clone)]
pub struct ReadTopic {
    /// Its name.
    pub name: String,
    /// What its values are read as.
    pub schema: ValueSchema,
}

/// Rows of one partition.
#[derive(Debug, Clone)]
pub struct Received {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: u32,
    /// The rows.
    pub rows: RecordBatch,
    /// Each row's offset, ascending.
    pub positions: UInt64Array,
    /// Each row's message key as text; empty where it has none.
    pub keys: StringArray,
    /// When each row's event was taken in, in milliseconds since 1970.
    pub times: Vec<i64>,
    /// The traces that messages came with.
    pub traces: Traces,
    /// Messages that are not rows.
    pub rejected: Vec<Unreadable>,
    /// Probes, each with its offset.
    pub probes: Vec<(u64, Probe)>,
    /// The offset to go on from.
    pub next: u64,
}

/// A message that is not a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its offset.
    pub position: u64,
    /// When it was taken in, in milliseconds since 1970.
    pub time: i64,
    /// Its bytes.
    pub payload: Bytes,
    /// Why it is not a row.
    pub reason: String,
}

/// A topic that is read.
struct Topic {
    inbound: Inbound,
    /// What its ids mean, in each partition.
    meanings: BTreeMap<u32, Meanings>,
}

/// Reads topics.
pub struct Reader {
    consumer: BaseConsumer<Membership>,
    topics: BTreeMap<String, Topic>,
    arrivals: Arrivals,
    /// Messages that are larger are not looked into.
    sizes: Option<Sizes>,
    paused: bool,
    /// What is noted with the offsets of partitions.
    notes: BTreeMap<(String, u32), String>,
    /// When the group last took a commit.
    confirmed: Option<Instant>,
}

impl Reader {
    /// Joins a group; partitions that it hands over are read after [`Reader::begin`]. `store` is what traces call the place
    /// that rows end in.
    ///
    /// # Errors
    /// Where the settings make no client.
    pub fn subscribe(
        connection: &Connection,
        registry: &Registry,
        group: &str,
        topics: &[ReadTopic],
        store: &str,
    ) -> Result<Self, KafkaError> {
        let consumer: BaseConsumer<Membership> = connection.client(Membership::default(), |config| {
            config
                .set("group.id", group)
                .set("isolation.level", "read_committed")
                .set("enable.auto.commit", "false")
                .set("enable.auto.offset.store", "false")
                .set("auto.offset.reset", "earliest")
                .set("statistics.interval.ms", INTERVAL_MS)
                .set("partition.assignment.strategy", "cooperative-sticky")
                .set("session.timeout.ms", "10000")
                .set("heartbeat.interval.ms", "2500")
                .set("fetch.wait.max.ms", "50")
                .set("fetch.queue.backoff.ms", "10")
                .set("queued.max.messages.kbytes", "32768");
        })?;
        let names: Vec<&str> = topics.iter().map(|topic| topic.name.as_str()).collect();
        consumer.subscribe(&names).map_err(|source| KafkaError::Client { what: "subscribing", source })?;
        let (topics, arrivals) = (inbounds(topics, registry)?, Arrivals::at(store));
        Ok(Self { consumer, topics, arrivals, sizes: None, paused: false, notes: BTreeMap::new(), confirmed: None })
    }

    /// Reads partitions of one topic from these offsets on, as a member of no group.
    ///
    /// # Errors
    /// Where the settings make no client.
    pub fn assign(
        connection: &Connection,
        registry: &Registry,
        topic: &ReadTopic,
        starts: &[(u32, i64)],
    ) -> Result<Self, KafkaError> {
        let consumer: BaseConsumer<Membership> = connection.client(Membership::default(), |config| {
            config
                // Never joined; the client wants a name to assign partitions by hand.
                .set("group.id", "beamline.reader")
                .set("isolation.level", "read_committed")
                .set("enable.auto.commit", "false")
                .set("enable.partition.eof", "true")
                .set("auto.offset.reset", "earliest")
                .set("fetch.wait.max.ms", "50")
                .set("fetch.queue.backoff.ms", "10");
        })?;
        let fail = |source| KafkaError::Client { what: "taking partitions", source };
        let mut list = TopicPartitionList::with_capacity(starts.len());
        for (partition, offset) in starts {
            list.add_partition_offset(&topic.name, *partition as i32, Offset::Offset(*offset)).map_err(fail)?;
        }
        consumer.assign(&list).map_err(fail)?;
        let topics = inbounds(std::slice::from_ref(topic), registry)?;
        Ok(Self {
            consumer,
            topics,
            arrivals: Arrivals::default(),
            sizes: None,
            paused: false,
            notes: BTreeMap::new(),
            confirmed: None,
        })
    }

    /// From now on messages above the limit are rejected.
    pub(crate) fn refuse_above(&mut self, sizes: Sizes) {
        self.sizes = Some(sizes);
    }

    /// The next rows, after `wait` at the latest; there may be none.
    ///
    /// # Errors
    /// Where the client or the registry cannot go on.
    pub fn next(&mut self, wait: Duration) -> Result<Vec<Received>, KafkaError> {
        self.commit_known();
        let messages = gather(&self.consumer, wait)?;
        let mut of: BTreeMap<(&str, u32), Vec<&BorrowedMessage<'_>>> = BTreeMap::new();
        for message in &messages {
            of.entry((message.topic(), message.partition() as u32)).or_default().push(message);
        }
        let mut received = Vec::with_capacity(of.len());
        for ((topic, partition), messages) in of {
            let Some(of) = self.topics.get_mut(topic) else { continue };
            self.arrivals.read(topic, partition, &messages);
            let mut messages = &messages[..];
            while !messages.is_empty() {
                let meanings = of.meanings.entry(partition).or_default();
                let (now, later) = messages.split_at(meanings.see(messages));
                received.push(decode((&mut of.inbound, meanings), topic, partition, now, self.sizes)?);
                messages = later;
            }
        }
        Ok(received)
    }

    /// The partitions that are ours.
    pub fn assigned(&self) -> Vec<(String, u32)> {
        let Ok(list) = self.consumer.assignment() else { return Vec::new() };
        list.elements().iter().map(|element| (element.topic().to_owned(), element.partition() as u32)).collect()
    }

    /// How many records wait in each partition, those of all topics added up; nothing where that has not been heard since
    /// the last call. A partition that went to another member has none.
    pub fn lags(&self) -> Option<BTreeMap<u32, u64>> {
        let mut changes = self.consumer.context().changes();
        std::mem::take(&mut changes.heard).then(|| changes.lags.clone())
    }

    /// Partitions of which everything has been given that was there; only of a reader without a group.
    pub fn ended(&self) -> BTreeSet<u32> {
        self.consumer.context().changes().ended.clone()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // The client waits for an answer to what the group has handed over.
        let waiting = std::mem::take(&mut self.consumer.context().changes().waiting);
        let none = waiting.iter().map(|at| (at.clone(), 0)).collect();
        if let Some(error) = list(&none, &BTreeMap::new())
            .and_then(|list| take(&self.consumer, &list))
            .err()
            .filter(|_| !none.is_empty())
        {
            tracing::debug!(%error, "leaving the group");
        }
        leave(&self.consumer);
    }
}

fn list(
    offsets: &BTreeMap<(String, u32), u64>,
    notes: &BTreeMap<(String, u32), String>,
) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(offsets.len());
    for (at, offset) in offsets {
        let mut element = list.add_partition(&at.0, at.1 as i32);
        element.set_offset(Offset::Offset(*offset as i64))?;
        if let Some(note) = notes.get(at) {
            element.set_metadata(note);
        }
    }
    Ok(list)
}

fn inbounds(topics: &[ReadTopic], registry: &Registry) -> Result<BTreeMap<String, Topic>, KafkaError> {
    let inbound = |topic: &ReadTopic| {
        let inbound = Inbound::new(topic.schema.clone(), registry.clone())?.of_topic(&topic.name);
        Ok((topic.name.clone(), Topic { inbound, meanings: BTreeMap::new() }))
    };
    topics.iter().map(inbound).collect()
}

fn gather(consumer: &BaseConsumer<Membership>, wait: Duration) -> Result<Vec<BorrowedMessage<'_>>, KafkaError> {
    let membership = consumer.context();
    let begun = Instant::now();
    let mut messages: Vec<BorrowedMessage<'_>> = Vec::new();
    let mut bytes = 0;
    while messages.len() < MESSAGES_MAX && bytes < BYTES_MAX {
        let patience = if messages.is_empty() { wait } else { LINGER };
        let polled = consumer.poll(patience.saturating_sub(begun.elapsed()));
        let (changed, failed) = membership.take();
        if !changed.is_empty() {
            messages.retain(|message| !changed.contains(&(message.topic().to_owned(), message.partition())));
        }
        if let Some(source) = failed {
            return Err(KafkaError::Client { what: "taking partitions", source });
        }
        match polled {
            Some(Ok(message)) => {
                bytes += message.payload_len();
                membership.changes().ended.remove(&(message.partition() as u32));
                messages.push(message);
            }
            Some(Err(ClientError::PartitionEOF(partition))) => {
                membership.changes().ended.insert(partition as u32);
            }
            Some(Err(source @ ClientError::MessageConsumptionFatal(_))) => {
                return Err(KafkaError::Client { what: "reading", source });
            }
            Some(Err(error)) => tracing::debug!(%error, "reading"),
            None => break,
        }
    }
    Ok(messages)
}

fn decode(
    (inbound, meanings): (&mut Inbound, &Meanings),
    topic: &str,
    partition: u32,
    messages: &[&BorrowedMessage<'_>],
    sizes: Option<Sizes>,
) -> Result<Received, KafkaError> {
    let next = messages.last().map_or(0, |message| message.offset() as u64 + 1);
    let (probes, messages): (Vec<_>, Vec<_>) =
        messages.iter().copied().partition(|message| probe::header(*message).is_some());
    let probe = |message: &BorrowedMessage<'_>| {
        Some((message.offset() as u64, Probe::parse(probe::header(message).unwrap_or_default())?))
    };
    let payloads: Vec<&[u8]> = messages.iter().map(|message| message.payload().unwrap_or_default()).collect();
    let refused = |payload: &[u8]| sizes.is_some_and(|sizes| sizes.refuse(payload.len()).is_some());
    let readable: Vec<&[u8]> = payloads.iter().map(|payload| if refused(payload) { &[] } else { *payload }).collect();
    let decoded = inbound.decode(&readable, meanings)?;
    let of = |message: &usize| messages[*message];
    let key = |message: &usize| String::from_utf8_lossy(of(message).key().unwrap_or_default()).into_owned();
    let time = |message: &BorrowedMessage<'_>| message.timestamp().to_millis().unwrap_or_default();
    let rejected = decoded.rejected.into_iter().map(|(message, reason)| Unreadable {
        position: messages[message].offset() as u64,
        time: time(messages[message]),
        payload: Bytes::copy_from_slice(payloads[message]),
        reason,
    });
    Ok(Received {
        topic: topic.to_owned(),
        partition,
        positions: decoded.messages.iter().map(|message| of(message).offset() as u64).collect(),
        keys: StringArray::from_iter_values(decoded.messages.iter().map(key)),
        times: decoded.messages.iter().map(|message| time(of(message))).collect(),
        traces: Parents::of(&messages).traces(),
        rejected: rejected.collect(),
        rows: decoded.rows,
        probes: probes.into_iter().filter_map(probe).collect(),
        next,
    })
}
