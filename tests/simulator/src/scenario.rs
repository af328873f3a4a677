//! What the workers of a history have to do: a stream, its steps, and the records of its raw topic.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use codec::Encoder;
use fixtures::{Memory, Random, definition};
use kafka::{Options, Step};
use registry::Registry;
use stage::StateMemory;
use stream::{Stream, Topics};

use crate::{
    broker::{Broker, log::Record, transactions::Outcome},
    outside::Outside,
};

/// The time when a history begins, in milliseconds since 1970.
pub(crate) const BEGUN_MILLIS: i64 = 1_767_225_600_000;

const SCHEMA: &str = r#"{
  "type": "record", "name": "Reading",
  "fields": [
    { "name": "id", "type": "string" },
    { "name": "sensor", "type": "string" },
    { "name": "time", "type": { "type": "long", "logicalType": "timestamp-micros" } },
    { "name": "value", "type": "double" },
    { "name": "note", "type": "string" }
  ]
}"#;

/// The smallest events that can be asked for, so that those above the limit are small too. A long note makes a row that no
/// topic of the stream takes. Events have scores as early as can be asked for, and what keys share is frozen every few of them.
const SPEC: &str = r#"
  limits: { event_bytes: 1024 }
  quality:
    - { name: sane, check: "value > -1000" }
  enrich:
    columns: { doubled: "value * 2", wide: "repeat(note, 150)" }
    filter: "value <> 13"
  detect:
    features: [doubled, "frequency(CAST(value / 25 AS BIGINT))"]
    rules:
      - { name: high, when: "value > 80" }
    layers: { chains: false }
    warm_up: 16
    episode_after: 2
    share_every: 4
  aggregate:
    - name: each
      window: 100ms
      lateness: 50ms
      group_by: [sensor]
      select: { events: "count(*)", total: "sum(doubled)", odd: "count(*) FILTER (WHERE anomalous)" }
    - name: all
      window: 200ms
      lateness: 1h
      select: { events: "count(*)", total: "sum(doubled)", highest: "max(doubled)" }
"#;

/// Between the times of two events, in microseconds: windows are closed while a history lasts.
const STEP_MICROS: i64 = 10_000;

/// Bytes of a record that a topic of such a stream takes: a whole dead letter.
pub(crate) const RECORD_BYTES_MAX: usize = 128 << 10;
/// Records of a partition at the beginning, at least and at most,
const HEAD: (u64, u64) = (4, 14);
/// and how many more there are in long input: so many that keys have scores, which depend on what other keys had before them.
const LONG: u64 = 36;
/// The input that is long.
const LONG_INPUT: u64 = 1;
/// Keys of a partition of long input.
const KEYS: u64 = 2;
/// Those that come when all faults are over.
const TAIL: u64 = 2;

/// A record of the raw topic.
pub(crate) struct Raw {
    pub record: Record,
    /// Whether its transaction was committed.
    pub counts: bool,
}

/// What the workers of a history have to do.
pub(crate) struct Scenario {
    pub name: String,
    pub stream: Arc<Stream>,
    registry: Registry,
    /// The steps, each with workers of its own.
    pub steps: Vec<Step>,
    /// The group of each.
    pub groups: Vec<String>,
    topics: Topics,
    /// The records of each partition at the beginning,
    pub head: Vec<Vec<Raw>>,
    /// and those that come at the end.
    pub tail: Vec<Vec<Raw>>,
    input: u64,
}

/// What an event is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ordinary,
    Filtered,
    Insane,
    Garbage,
    Oversized,
    Wide,
    GivenUp,
}

impl Scenario {
    /// The stream of all scenarios.
    pub(crate) fn stream() -> Result<Arc<Stream>, String> {
        let text = definition(SPEC);
        let stream = Stream::load("readings.yaml", &text, &Memory(&[("reading.avsc", SCHEMA)]));
        stream.map(Arc::new).map_err(|problems| problems.to_string())
    }

    /// Steps that work on input of this number. Number 0 has nothing that is bad or large, and number 1 is long.
    pub(crate) fn new(stream: &Arc<Stream>, registry: &Registry, steps: &[Step], input: u64) -> Result<Self, String> {
        let raw = format!("{}-value", stream.topics().raw);
        let id = registry.register(&raw, stream.input.avro()).map_err(|error| error.to_string())?;
        let encoder = Encoder::new(stream.input.clone(), id).map_err(|error| error.to_string())?;
        let is_long = input == LONG_INPUT;
        let keys = if is_long { KEYS } else { 1 };
        let mut writer = Writer { stream, encoder, random: Random::seeded(input), keys, written: 0 };
        let (mut head, mut tail) = (Vec::new(), Vec::new());
        for partition in 0..stream.definition.spec.partitions {
            let count = HEAD.0 + writer.random.below(HEAD.1 - HEAD.0) + if is_long { LONG } else { 0 };
            let of = |count: u64, writer: &mut Writer<'_>| {
                (0..count).map(|_| writer.record(partition, input > 0)).collect::<Result<Vec<_>, String>>()
            };
            head.push(of(count, &mut writer)?);
            tail.push((0..TAIL).map(|_| writer.record(partition, false)).collect::<Result<_, _>>()?);
        }
        let names: Vec<&str> = steps.iter().map(|step| step.name()).collect();
        Ok(Self {
            name: format!("{:?}, input {input}", names),
            stream: stream.clone(),
            registry: registry.clone(),
            steps: steps.to_vec(),
            groups: steps.iter().map(|step| step.group(stream.name())).collect(),
            topics: stream.topics(),
            head,
            tail,
            input,
        })
    }

    /// What each step reads.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|step| step.input(&self.topics))
    }

    pub(crate) fn partitions(&self) -> u32 {
        self.stream.definition.spec.partitions
    }

    /// Whether nothing in its input is bad or large.
    pub(crate) fn is_plain(&self) -> bool {
        self.input == 0
    }

    /// Whether its histories take much longer than those of others.
    pub(crate) fn is_lengthy(&self) -> bool {
        self.input == LONG_INPUT || self.steps.contains(&Step::Merge)
    }

    /// Whether a worker of its steps needs more states than it may keep in memory.
    pub(crate) fn spills(&self) -> bool {
        self.input == LONG_INPUT && self.steps.iter().any(|step| matches!(step, Step::Detect | Step::Fused))
    }

    /// How a step runs, with one state of each partition in memory and the others in `outside`.
    pub(crate) fn options(&self, step: usize, outside: Outside) -> Options {
        let connection = broker::Connection::plaintext("in memory");
        let options = Options::new(self.stream.clone(), self.steps[step], connection, self.registry.clone());
        // A state is large beside so few events: some of its snapshots are written, and some are not.
        Options { snapshot_share: 2.0, state_memory: StateMemory::bounded(1, outside), ..options }
    }

    /// A cluster with the stream's topics and what stands in the raw one at the beginning.
    pub(crate) fn broker(&self) -> Broker {
        let mut broker = Broker { record_bytes_max: RECORD_BYTES_MAX, ..Broker::default() };
        let topics = self.stream.topics();
        let single = [&topics.partials, &topics.merger_state, &topics.notes];
        for topic in topics.all() {
            let is_single = single.iter().any(|other| other.as_str() == topic);
            broker.create(topic, if is_single { 1 } else { self.partitions() });
        }
        self.write(&self.head, &mut broker);
        broker
    }

    /// Writes records of the raw topic, those of transactions that were given up among them.
    pub(crate) fn write(&self, records: &[Vec<Raw>], broker: &mut Broker) {
        let raw = self.stream.topics().raw;
        for (partition, records) in records.iter().enumerate() {
            for record in records {
                let (id, at) = (("source", 1), (raw.as_str(), partition as u32));
                let outcome = if record.counts { Outcome::Committed } else { Outcome::Aborted };
                broker.producers.entry("source".to_owned()).or_default().epoch = 1;
                let record = record.record.clone();
                if broker.produce(id, at, record).is_ok()
                    && let Ok(Some(transaction)) = broker.decide(id.0, id.1, outcome)
                {
                    broker.mark(transaction);
                }
            }
        }
    }

    /// How many records of the raw topic count.
    pub(crate) fn records(&self) -> u64 {
        self.head.iter().chain(&self.tail).flatten().filter(|raw| raw.counts).count() as u64
    }
}

/// Writes records of the raw topic.
struct Writer<'a> {
    stream: &'a Stream,
    encoder: Encoder,
    random: Random,
    /// Keys of a partition.
    keys: u64,
    written: i64,
}

impl Writer<'_> {
    fn kind(&mut self) -> Kind {
        match self.random.below(24) {
            0 => Kind::Filtered,
            1 => Kind::Insane,
            2 => Kind::Garbage,
            3 => Kind::Oversized,
            4 => Kind::Wide,
            5..=6 => Kind::GivenUp,
            _ => Kind::Ordinary,
        }
    }

    fn record(&mut self, partition: u32, any: bool) -> Result<Raw, String> {
        let kind = if any { self.kind() } else { Kind::Ordinary };
        self.written += 1;
        let key = format!("s{partition}{}", if self.random.below(self.keys) > 0 { "b" } else { "" });
        let value = match kind {
            Kind::Garbage => b"no event".to_vec(),
            Kind::Oversized => vec![b'x'; 1500],
            _ => self.event(&key, kind)?,
        };
        let key = Some(key.into_bytes());
        let record = Record { key, value: Some(value), time: BEGUN_MILLIS + self.written, headers: Vec::new() };
        Ok(Raw { record, counts: kind != Kind::GivenUp })
    }

    fn event(&mut self, key: &str, kind: Kind) -> Result<Vec<u8>, String> {
        let value = match kind {
            Kind::Filtered => 13.0,
            Kind::Insane => -5000.0,
            _ => self.random.unit() * 100.0,
        };
        let note = if kind == Kind::Wide { "n".repeat(900) } else { String::new() };
        let time = BEGUN_MILLIS * 1000 + self.written * STEP_MICROS;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec![format!("e{}", self.written)])),
            Arc::new(StringArray::from(vec![key])),
            Arc::new(TimestampMicrosecondArray::from(vec![time]).with_timezone("UTC")),
            Arc::new(Float64Array::from(vec![value])),
            Arc::new(StringArray::from(vec![note])),
        ];
        let schema = self.stream.input.arrow().clone();
        let columns = columns
            .into_iter()
            .zip(schema.fields())
            .map(|(column, field)| arrow::compute::cast(&column, field.data_type()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| error.to_string())?;
        let rows = RecordBatch::try_new(schema, columns).map_err(|error| error.to_string())?;
        let framed = self.encoder.encode(&rows).map_err(|error| error.to_string())?;
        Ok(framed.message(0).to_vec())
    }
}
