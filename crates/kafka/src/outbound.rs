//! Rows to messages: encoding, and handing over to the producer.

use std::time::{Duration, Instant};

use arrow::{
    array::{AsArray, BooleanArray, RecordBatch, StringArray},
    compute,
};
use broker::Reports;
use bytes::Bytes;
use codec::{Encoder, ValueSchema};
use rdkafka::{
    error::{KafkaError as ClientError, RDKafkaErrorCode},
    message::OwnedHeaders,
    producer::{BaseProducer, BaseRecord, Producer},
};
use registry::Registry;
use stage::{Key, Outputs, Rows};
use stream::{Stream, Topics};

use crate::{
    KafkaError, Step,
    letters::{Letter, letter_rows, letters_schema},
    partials::{partial_rows, partials_schema},
    schemas::subject_of,
    snapshots::{snapshot_rows, snapshots_schema},
    trace::Traced,
};

/// How long the producer's queue may stay full: as long as a broker may be away.
const QUEUE_WAIT_MAX: Duration = Duration::from_secs(60);
/// How long a look at the producer's reports takes at most.
const POLL: Duration = Duration::from_millis(1);

/// One topic that values go to.
pub(crate) struct Target {
    topic: String,
    encoder: Encoder,
    /// How long records have waited for room in the producer's queue.
    waited: Duration,
}

impl Target {
    /// Registers the schema of `topic`'s values.
    pub(crate) fn new(topic: &str, schema: ValueSchema, registry: &Registry) -> Result<Self, KafkaError> {
        let id = registry.register(&subject_of(topic), schema.avro())?;
        Ok(Self { topic: topic.to_owned(), encoder: Encoder::new(schema, id)?, waited: Duration::ZERO })
    }

    /// Sends rows to a partition. `key`, `time` (milliseconds since 1970) and `traced` say what goes with each.
    pub(crate) fn send<'k>(
        &mut self,
        producer: &BaseProducer<Reports>,
        partition: u32,
        rows: &RecordBatch,
        key: impl Fn(usize) -> &'k [u8],
        time: impl Fn(usize) -> i64,
        traced: impl Fn(usize) -> Option<OwnedHeaders>,
    ) -> Result<(), KafkaError> {
        self.spread(producer, |_| partition, rows, key, time, traced)
    }

    /// The same with a partition for each row.
    fn spread<'k>(
        &mut self,
        producer: &BaseProducer<Reports>,
        partition: impl Fn(usize) -> u32,
        rows: &RecordBatch,
        key: impl Fn(usize) -> &'k [u8],
        time: impl Fn(usize) -> i64,
        traced: impl Fn(usize) -> Option<OwnedHeaders>,
    ) -> Result<(), KafkaError> {
        let framed = self.encoder.encode(rows)?;
        for row in 0..framed.len() {
            let value = &framed.bytes[framed.offsets[row]..framed.offsets[row + 1]];
            let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&self.topic)
                .partition(partition(row) as i32)
                .key(key(row))
                .payload(value)
                .timestamp(time(row));
            if let Some(headers) = traced(row) {
                record = record.headers(headers);
            }
            self.waited += send(producer, record)?;
        }
        Ok(())
    }

    /// Says that there is nothing under a key any more.
    fn delete(&self, producer: &BaseProducer<Reports>, partition: u32, key: &str, time: i64) -> Result<(), KafkaError> {
        let record = BaseRecord::to(&self.topic).partition(partition as i32).key(key.as_bytes()).timestamp(time);
        send(producer, record).map(drop)
    }

    /// How long records have waited for room in the producer's queue since the last call.
    pub(crate) fn take_waited(&mut self) -> Duration {
        std::mem::take(&mut self.waited)
    }
}

/// Hands a record over; waits where the queue is full, which holds the reader back in turn. Says how long it waited.
fn send(producer: &BaseProducer<Reports>, mut record: BaseRecord<'_, [u8], [u8]>) -> Result<Duration, KafkaError> {
    let mut since: Option<Instant> = None;
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(since.map(|since| since.elapsed()).unwrap_or_default()),
            Err((ClientError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                let begun = *since.get_or_insert_with(Instant::now);
                if begun.elapsed() > QUEUE_WAIT_MAX {
                    let source = ClientError::MessageProduction(RDKafkaErrorCode::QueueFull);
                    return Err(KafkaError::Aborted { what: "sending", source });
                }
                record = back;
                producer.poll(POLL);
            }
            Err((source, _)) => return Err(KafkaError::Aborted { what: "sending", source }),
        }
    }
}

/// Waits until everything that was handed over has been acknowledged. The client's own flush looks only ten times a
/// second, which is longer than a commit may take.
pub(crate) fn flush(producer: &BaseProducer<Reports>, limit: Duration) -> Result<(), KafkaError> {
    let begun = Instant::now();
    while producer.in_flight_count() > 0 {
        if begun.elapsed() > limit {
            let source = ClientError::Flush(RDKafkaErrorCode::OperationTimedOut);
            return Err(KafkaError::Aborted { what: "waiting for acknowledgements", source });
        }
        producer.poll(POLL);
    }
    Ok(())
}

/// Everything that a step sends.
pub(crate) struct Outbound {
    rows: Option<Target>,
    anomalies: Option<Target>,
    letters: Target,
    state: Option<Target>,
    late: Option<Target>,
    aggregates: Option<Target>,
    partials: Option<Target>,
}

impl Outbound {
    /// Registers the schemas of everything that `step` sends.
    pub(crate) fn new(step: Step, stream: &Stream, topics: &Topics, registry: &Registry) -> Result<Self, KafkaError> {
        let target = |topic: &str, schema| Target::new(topic, schema, registry);
        let of = |is: bool, topic: &str, schema| is.then(|| target(topic, schema)).transpose();
        let windows = step == Step::Aggregate;
        Ok(Self {
            rows: step.rows(stream, topics)?.map(|(topic, schema)| target(&topic, schema)).transpose()?,
            anomalies: of(step.detects(), &topics.anomalies, stream.scored_schema()?)?,
            letters: target(&topics.dead_letters, letters_schema()?)?,
            state: step.state(topics).map(|topic| target(topic, snapshots_schema()?)).transpose()?,
            late: of(windows, &topics.late, stream.late_schema()?)?,
            aggregates: of(step.aggregates(), &topics.aggregates, stream.aggregates_schema()?)?,
            partials: of(windows && stream.aggregates.are_merged(), &topics.partials, partials_schema()?)?,
        })
    }

    /// Sends the rows that came out of a step, and the anomalous ones among them a second time.
    pub(crate) fn rows(
        &mut self,
        producer: &BaseProducer<Reports>,
        partition: u32,
        rows: &Rows,
        times: &Times,
        traced: &Traced,
    ) -> Result<u64, KafkaError> {
        let Some(target) = &mut self.rows else { return Ok(0) };
        let topic = target.topic.clone();
        let headers = |row: usize| traced.headers(rows.positions.value(row), row == 0, &topic, partition);
        let time = |row: usize| times.of(rows.positions.value(row));
        target.send(producer, partition, &rows.batch, |row| key(&rows.keys, row), time, headers)?;
        let Some(target) = &mut self.anomalies else { return Ok(0) };
        let Some(anomalous) = anomalous(rows).filter(|anomalous| anomalous.true_count() > 0) else { return Ok(0) };
        let selected: Vec<usize> = anomalous.values().set_indices().collect();
        let batch = compute::filter_record_batch(&rows.batch, anomalous)?;
        let headers = |row: usize| traced.carried(rows.positions.value(selected[row]));
        let time = |row: usize| times.of(rows.positions.value(selected[row]));
        target.send(producer, partition, &batch, |row| key(&rows.keys, selected[row]), time, headers)?;
        Ok(selected.len() as u64)
    }

    pub(crate) fn letters(
        &mut self,
        producer: &BaseProducer<Reports>,
        partition: u32,
        letters: &[Letter],
        times: &Times,
    ) -> Result<(), KafkaError> {
        if letters.is_empty() {
            return Ok(());
        }
        let time = |row: usize| times.of(letters[row].letter.position);
        self.letters.send(producer, partition, &letter_rows(letters)?, |_| b"".as_slice(), time, |_| None)
    }

    /// Sends rows that an aggregate left out.
    pub(crate) fn late(
        &mut self,
        producer: &BaseProducer<Reports>,
        partition: u32,
        rows: &Rows,
        times: &Times,
        traced: &Traced,
    ) -> Result<(), KafkaError> {
        let Some(target) = &mut self.late else { return Ok(()) };
        let headers = |row: usize| traced.carried(rows.positions.value(row));
        let time = |row: usize| times.of(rows.positions.value(row));
        target.send(producer, partition, &rows.batch, |row| key(&rows.keys, row), time, headers)
    }

    /// Sends what a flush gave: results, each where its key belongs, and parts for the merge.
    pub(crate) fn flushed(
        &mut self,
        producer: &BaseProducer<Reports>,
        stream: &Stream,
        partition: u32,
        flushed: &Outputs,
        now: i64,
    ) -> Result<(), KafkaError> {
        // Final results come behind those that they take the place of.
        for results in flushed.changed.iter().chain(&flushed.closed).filter(|results| results.num_rows() > 0) {
            let Some(target) = &mut self.aggregates else { continue };
            let keys = stage::result_keys(&stream.aggregates, results)?;
            let place = |row: usize| stage::partition_of(key(&keys, row), stream.definition.spec.partitions);
            target.spread(producer, place, results, |row| key(&keys, row), |_| now, |_| None)?;
        }
        let Some(target) = &mut self.partials else { return Ok(()) };
        let parts = partial_rows(partition, &flushed.partials, flushed.clock)?;
        let keys = parts.column(1).as_string::<i32>();
        target.send(producer, 0, &parts, |row| key(keys, row), |_| now, |_| None)
    }

    /// Sends snapshots of the state, which covers the input before `position`.
    pub(crate) fn snapshots(
        &mut self,
        producer: &BaseProducer<Reports>,
        partition: u32,
        of: &str,
        position: i64,
        snapshots: Vec<(Key, Bytes)>,
        now: i64,
    ) -> Result<(), KafkaError> {
        let Some(target) = self.state.as_mut().filter(|_| !snapshots.is_empty()) else { return Ok(()) };
        let (gone, kept): (Vec<_>, Vec<_>) = snapshots.into_iter().partition(|(_, state)| state.is_empty());
        for (key, _) in gone {
            target.delete(producer, partition, &key, now)?;
        }
        let rows = snapshot_rows(of, position, &kept)?;
        target.send(producer, partition, &rows, |row| kept[row].0.as_bytes(), |_| now, |_| None)
    }
}

/// Which rows are anomalous, of a step that says so.
pub(crate) fn anomalous(rows: &Rows) -> Option<&BooleanArray> {
    rows.batch.column_by_name(stream::columns::ANOMALOUS)?.as_boolean_opt()
}

fn key(keys: &StringArray, row: usize) -> &[u8] {
    keys.value(row).as_bytes()
}

/// When each message of a batch was taken in: milliseconds since 1970, by offset.
#[derive(Debug, Default)]
pub(crate) struct Times(pub Vec<(u64, i64)>);

impl Times {
    pub(crate) fn of(&self, position: u64) -> i64 {
        match self.0.binary_search_by_key(&position, |(offset, _)| *offset) {
            Ok(index) => self.0[index].1,
            Err(_) => 0,
        }
    }
}
