//! One topic that values go to: encoding rows, and handing them over to the producer.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use arrow::array::RecordBatch;
use bytes::Bytes;
use codec::{Encoder, ValueSchema};
use rdkafka::{
    error::{KafkaError as ClientError, RDKafkaErrorCode},
    message::{Header, Headers, OwnedHeaders},
    producer::BaseRecord,
};

use crate::{
    KafkaError,
    client::transaction::LOOK,
    cluster::{Cluster, Intake},
    messages::{
        digest::digest_of,
        meaning, probe,
        schemas::Register,
        size::{HEADERS_BYTES_MAX, KEY_BYTES_MAX},
    },
    mutant::Mutant,
};

/// How long the producer's queue may stay full: as long as a broker may be away.
const QUEUE_WAIT_MAX: Duration = Duration::from_secs(60);

/// One topic that values go to.
pub(crate) struct Target {
    /// Its name.
    pub topic: String,
    encoder: Encoder,
    /// What tells the schema of the values from others.
    digest: String,
    /// Bytes of a value at most.
    value_max: usize,
    /// How long records have waited for room in the producer's queue.
    waited: Duration,
    /// The last record of each partition, where it is kept back until the transaction ends: only then it is known what goes
    /// with it.
    held: Option<BTreeMap<u32, Held>>,
}

/// A record that is kept back.
struct Held {
    key: Option<Vec<u8>>,
    /// The value; none of a probe.
    value: Option<Vec<u8>>,
    time: i64,
    headers: Option<OwnedHeaders>,
}

impl Target {
    /// Registers the schema of `topic`'s values, which have at most `value_max` bytes.
    pub(crate) fn new(
        topic: &str,
        schema: ValueSchema,
        register: &Register<'_, impl Cluster>,
        value_max: usize,
    ) -> Result<Self, KafkaError> {
        let (id, digest) = (register.id(topic, &schema)?, digest_of(schema.avro()));
        let encoder = Encoder::new(schema, id)?;
        Ok(Self { topic: topic.to_owned(), encoder, digest, value_max, waited: Duration::ZERO, held: None })
    }

    /// The same, and the last record of each partition is kept back until [`Target::release`].
    pub(crate) fn holding(self) -> Self {
        Self { held: Some(BTreeMap::new()), ..self }
    }

    /// Sends what is kept back of a partition, with one more header where there is any.
    pub(crate) fn release(
        &mut self,
        producer: &impl Intake,
        partition: u32,
        header: Option<(&str, &str)>,
    ) -> Result<(), KafkaError> {
        let Some(held) = self.held.as_mut().and_then(|held| held.remove(&partition)) else { return Ok(()) };
        let Held { key, value, time, mut headers } = held;
        if let Some((key, value)) = header {
            headers = Some(headers.unwrap_or_default().insert(Header { key, value: Some(value) }));
        }
        let mut record: BaseRecord<'_, [u8], [u8]> =
            BaseRecord::to(&self.topic).partition(partition as i32).timestamp(time);
        if let Some(key) = &key {
            record = record.key(key);
        }
        if let Some(value) = &value {
            record = record.payload(value);
        }
        if let Some(headers) = headers {
            record = record.headers(headers);
        }
        self.waited += send(producer, record, None)?;
        Ok(())
    }

    /// Sends a probe behind what was sent to the partition before it.
    pub(crate) fn probe(
        &mut self,
        producer: &impl Intake,
        partition: u32,
        text: &[u8],
        time: i64,
    ) -> Result<(), KafkaError> {
        let headers = OwnedHeaders::new_with_capacity(2).insert(Header { key: probe::HEADER, value: Some(text) });
        if self.held.is_some() {
            self.release(producer, partition, None)?;
        }
        match &mut self.held {
            Some(held) => {
                held.insert(partition, Held { key: None, value: None, time, headers: Some(headers) });
            }
            None => {
                let record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&self.topic);
                let record = record.partition(partition as i32).timestamp(time).headers(headers);
                self.waited += send(producer, record, None)?;
            }
        }
        Ok(())
    }

    /// The partitions of which a record is kept back.
    pub(crate) fn held(&self) -> Vec<u32> {
        self.held.iter().flat_map(|held| held.keys().copied()).collect()
    }

    /// Forgets what is kept back: its transaction was given up.
    pub(crate) fn forget(&mut self) {
        if let Some(held) = &mut self.held {
            held.clear();
        }
    }

    /// Sends rows to a partition. `key`, `time` (milliseconds since 1970) and `traced` say what goes with each; the first
    /// says what schema they have. Gives the rows back that are too large for the topic.
    pub(crate) fn send<'k>(
        &mut self,
        producer: &impl Intake,
        partition: u32,
        rows: &RecordBatch,
        key: impl Fn(usize) -> &'k [u8],
        time: impl Fn(usize) -> i64,
        traced: impl Fn(usize) -> Option<OwnedHeaders>,
    ) -> Result<Vec<TooLarge>, KafkaError> {
        self.spread(producer, |_| partition, rows, key, time, traced)
    }

    /// The same with a partition for each row.
    pub(crate) fn spread<'k>(
        &mut self,
        producer: &impl Intake,
        partition: impl Fn(usize) -> u32,
        rows: &RecordBatch,
        key: impl Fn(usize) -> &'k [u8],
        time: impl Fn(usize) -> i64,
        traced: impl Fn(usize) -> Option<OwnedHeaders>,
    ) -> Result<Vec<TooLarge>, KafkaError> {
        let framed = self.encoder.encode(rows)?;
        let value = |row: usize| &framed.bytes[framed.offsets[row]..framed.offsets[row + 1]];
        let mut too_large = Vec::new();
        let mut fitting = Vec::with_capacity(framed.len());
        for row in 0..framed.len() {
            let is_large = value(row).len() > self.value_max && !Mutant::OversizedSent.is_chosen();
            if is_large || key(row).len() > KEY_BYTES_MAX {
                too_large.push(self.too_large(row, value(row).len(), key(row).len()));
            } else {
                fitting.push(row);
            }
        }
        let (first, digest) = (fitting.first().copied(), self.digest.clone());
        let headers = |row: usize| {
            let headers = traced(row).filter(|headers| bytes_of(headers) <= HEADERS_BYTES_MAX);
            if first == Some(row) { Some(meaning::tell(headers, &digest)) } else { headers }
        };
        let last = if self.held.is_some() { fitting.pop() } else { None };
        if let Some(last) = last {
            self.release(producer, partition(last), None)?;
        }
        for row in fitting {
            let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&self.topic)
                .partition(partition(row) as i32)
                .key(key(row))
                .payload(value(row))
                .timestamp(time(row));
            if let Some(headers) = headers(row) {
                record = record.headers(headers);
            }
            self.waited += send(producer, record, Some(&framed.bytes))?;
        }
        if let (Some(row), Some(held)) = (last, &mut self.held) {
            let (key, value) = (Some(key(row).to_vec()), Some(value(row).to_vec()));
            held.insert(partition(row), Held { key, value, time: time(row), headers: headers(row) });
        }
        Ok(too_large)
    }

    fn too_large(&self, row: usize, value: usize, key: usize) -> TooLarge {
        let (topic, value_max) = (&self.topic, self.value_max);
        let reason = match value > value_max {
            true => format!("the row for `{topic}` has {value} bytes, and {value_max} are allowed"),
            false => format!("the key for `{topic}` has {key} bytes, and {KEY_BYTES_MAX} are allowed"),
        };
        TooLarge { row, reason }
    }

    /// Makes sure that everything was sent: of what is not an event, nothing can be left out.
    pub(crate) fn all(&self, too_large: Vec<TooLarge>) -> Result<(), KafkaError> {
        match too_large.into_iter().next() {
            None => Ok(()),
            Some(TooLarge { reason, .. }) => Err(KafkaError::TooLarge { reason }),
        }
    }

    /// Says that there is nothing under a key any more.
    pub(crate) fn delete(
        &self,
        producer: &impl Intake,
        partition: u32,
        key: &str,
        time: i64,
    ) -> Result<(), KafkaError> {
        let record = BaseRecord::to(&self.topic).partition(partition as i32).key(key.as_bytes()).timestamp(time);
        send(producer, record, None).map(drop)
    }

    /// How long records have waited for room in the producer's queue since the last call.
    pub(crate) fn take_waited(&mut self) -> Duration {
        std::mem::take(&mut self.waited)
    }
}

/// A row that a topic does not take.
#[derive(Debug)]
pub(crate) struct TooLarge {
    /// Which.
    pub row: usize,
    /// Why, as a sentence.
    pub reason: String,
}

fn bytes_of(headers: &OwnedHeaders) -> usize {
    headers.iter().map(|header| header.key.len() + header.value.map_or(0, <[u8]>::len)).sum()
}

/// Hands a record over, whose value is a part of `memory` where that is given; waits where the queue is full, which holds the
/// reader back in turn. Says how long it waited.
fn send(
    producer: &impl Intake,
    mut record: BaseRecord<'_, [u8], [u8]>,
    memory: Option<&Bytes>,
) -> Result<Duration, KafkaError> {
    let mut since: Option<Instant> = None;
    loop {
        let sent = match memory {
            Some(memory) => producer.send_part(record, memory),
            None => producer.send(record),
        };
        match sent {
            Ok(()) => return Ok(since.map(|since| since.elapsed()).unwrap_or_default()),
            Err((ClientError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                let begun = *since.get_or_insert_with(Instant::now);
                if begun.elapsed() > QUEUE_WAIT_MAX {
                    let source = ClientError::MessageProduction(RDKafkaErrorCode::QueueFull);
                    return Err(KafkaError::Aborted { what: "sending", source });
                }
                record = back;
                producer.serve(LOOK);
            }
            Err((source, _)) => return Err(KafkaError::Aborted { what: "sending", source }),
        }
    }
}
