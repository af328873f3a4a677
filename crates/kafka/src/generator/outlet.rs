//! Where a generator's events go: rows to the stream's raw topic, what is not an event to its dead letters, in one
//! transaction with how far its source has been read.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use arrow::array::StringArray;
use broker::Reports;
use metrics::Counter;
use opentelemetry::trace::SpanContext;
use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, ConsumerContext},
    producer::BaseProducer,
};
use source::{Records, Router, Share};
use stage::{DeadLetter, Rows, TraceId};

use super::settings::Generator;
use crate::{
    KafkaError,
    client::transaction::TransactionalProducer,
    clock::{SystemClock, now_millis},
    cluster::Producer,
    messages::{
        dead_letters::{DeadLetterRecord, dead_letter_rows},
        hops,
        probe::Probe,
        schemas::Register,
        size::Sizes,
        target::{Target, TooLarge},
        trace::{Sampling, joined},
    },
    runtime::live::Live,
};

/// The name in groups, metrics and dead letters.
pub(crate) const NAME: &str = "generator";
/// Records of a transaction at most.
const TRANSACTION_RECORDS_MAX: u64 = 100_000;

/// Where a record comes from, for its dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The topic; empty for a position in a source that is none.
    pub topic: String,
    /// The partition there, where it is one.
    pub partition: Option<u32>,
    /// The offset, or position.
    pub offset: u64,
}

/// What is known of records besides their rows, by their position.
pub(crate) trait Whence {
    /// Where a record comes from.
    fn origin(&self, position: u64) -> Origin;

    /// The trace that it came with.
    fn trace(&self, position: u64) -> Option<SpanContext>;

    /// When it was taken in, in milliseconds since 1970.
    fn taken_in(&self, position: u64) -> i64;
}

/// Of records of a source that is not a topic: where each piece of them begins, and when it came.
#[derive(Default)]
pub(crate) struct InSource(Vec<(u64, i64)>);

impl InSource {
    /// Takes note that a piece has come, which begins at `position`.
    pub(crate) fn came(&mut self, position: u64, millis: i64) {
        self.0.push((position, millis));
    }
}

impl Whence for InSource {
    fn origin(&self, position: u64) -> Origin {
        Origin { topic: String::new(), partition: None, offset: position }
    }

    fn trace(&self, _: u64) -> Option<SpanContext> {
        None
    }

    fn taken_in(&self, position: u64) -> i64 {
        let behind = self.0.partition_point(|(begin, _)| *begin <= position);
        self.0.get(behind.saturating_sub(1)).map_or_else(now_millis, |(_, millis)| *millis)
    }
}

/// A producer of events and dead letters.
pub(crate) struct Outlet<'a> {
    generator: &'a Generator,
    producer: TransactionalProducer,
    router: Router,
    sizes: Sizes,
    rows: Target,
    dead_letters: Target,
    sampling: Sampling,
    sent: Counter,
    dead_lettered: Counter,
    open: Option<Open>,
}

/// An open transaction.
struct Open {
    since: Instant,
    events: u64,
    dead_letters: u64,
    probes: u64,
    /// When the last of them was sent, in milliseconds since 1970.
    probed: i64,
    /// The partitions of which an event carries where it comes from.
    traced: BTreeSet<u32>,
}

impl<'a> Outlet<'a> {
    /// Connects as the producer `id`: from now on an earlier one of that name is fenced.
    pub(crate) fn connect(generator: &'a Generator, id: &str) -> Result<Self, KafkaError> {
        let spec = &generator.stream.definition.spec;
        let sizes = Sizes::of(&generator.stream);
        let timeout = generator.transaction_timeout;
        let producer = TransactionalProducer::connect(&generator.connection, id, timeout, sizes.message())?;
        let stream = generator.stream.name();
        let live = Live::of(&generator.connection);
        let register = Register::new(&live, &generator.registry, &generator.topics);
        let target = |topic: &str, schema, bytes| Target::new(topic, schema, &register, bytes);
        Ok(Self {
            rows: target(&generator.topics.raw, generator.stream.input.clone(), sizes.event())?,
            dead_letters: target(&generator.topics.dead_letters, crate::dead_letters_schema()?, sizes.dead_letter())?,
            sizes,
            router: Router::new(&spec.key, spec.partitions),
            sampling: Sampling::of(generator.trace_ratio),
            sent: measure::GENERATOR_RECORDS.of([stream]),
            dead_lettered: measure::DEAD_LETTERS.of([stream, NAME]),
            generator,
            producer,
            open: None,
        })
    }

    /// Opens a transaction where none is open, whose first record came at `since`.
    pub(crate) fn begin(&mut self, since: Instant) -> Result<(), KafkaError> {
        if self.open.is_none() {
            self.producer.begin()?;
            self.open = Some(Open { since, events: 0, dead_letters: 0, probes: 0, probed: 0, traced: BTreeSet::new() });
        }
        Ok(())
    }

    /// What else goes into the open transaction is sent by this.
    pub(crate) fn client(&self) -> &BaseProducer<Reports> {
        self.producer.client()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Whether the open transaction should be committed.
    pub(crate) fn is_due(&self) -> bool {
        self.open.as_ref().is_some_and(|open| {
            open.since.elapsed() >= self.generator.commit_interval
                || open.events + open.dead_letters >= TRANSACTION_RECORDS_MAX
        })
    }

    /// Serves the producer's reports; they are many.
    pub(crate) fn poll(&self) {
        self.producer.poll();
    }

    /// Sends records, the first of which came at `since`, in the open transaction. `whence` says where the one at a position
    /// comes from. Gives the positions that became dead letters.
    pub(crate) fn send(
        &mut self,
        (records, since): (Records, Instant),
        whence: &dyn Whence,
    ) -> Result<Vec<u64>, KafkaError> {
        self.begin(since)?;
        let mut dead = Vec::new();
        for share in self.router.route(records)? {
            dead.extend(self.send_share(share, whence)?);
        }
        Ok(dead)
    }

    fn send_share(&mut self, share: Share, whence: &dyn Whence) -> Result<Vec<u64>, KafkaError> {
        let (mut events, mut dead) = (0, share.rejected);
        if let Some(rows) = share.rows {
            events = rows.len() as u64;
            let (keys, positions) = (&rows.keys, &rows.positions);
            let topic = &self.generator.topics.raw;
            let traced = self.open.as_mut().is_some_and(|open| open.traced.insert(share.partition));
            let hop = self.generator.traced_as.as_ref().filter(|_| traced).map(hops::sent);
            let ids = self.sampling.is_on().then(|| self.ids(&rows)).transpose()?;
            let trace = |row: usize| {
                let id = ids.as_ref().map_or("", |ids| ids.value(row));
                TraceId::of(self.generator.stream.name(), id)
            };
            let headers = |row: usize| {
                let position = positions.value(row);
                let headers = match whence.trace(position) {
                    Some(parent) => Some(joined(parent, topic, share.partition)),
                    None => self.sampling.headers(position, || trace(row), topic, share.partition),
                };
                match hop.as_deref().filter(|_| row == 0) {
                    Some(hop) => Some(hops::tell(headers, hop)),
                    None => headers,
                }
            };
            let key = |row: usize| keys.value(row).as_bytes();
            let time = |row: usize| whence.taken_in(positions.value(row));
            let client = self.producer.client();
            let too_large = self.rows.send(client, share.partition, &rows.batch, key, time, headers)?;
            for TooLarge { row, reason } in too_large {
                events -= 1;
                let whole = rows.json(row, rows.batch.num_columns())?;
                dead.push(DeadLetter::oversized(positions.value(row), whole, reason));
            }
            let waited = self.rows.take_waited();
            if waited > Duration::ZERO {
                measure::GENERATOR_BACKPRESSURE.of([self.generator.stream.name()]).record(waited.as_secs_f64());
            }
        }
        dead.sort_by_key(|dead_letter| dead_letter.position);
        let positions: Vec<u64> = dead.iter().map(|dead_letter| dead_letter.position).collect();
        self.send_dead_letters(share.partition, dead, whence)?;
        if let Some(open) = &mut self.open {
            open.events += events;
            open.dead_letters += positions.len() as u64;
        }
        Ok(positions)
    }

    /// The events' ids.
    fn ids(&self, rows: &Rows) -> Result<StringArray, KafkaError> {
        let ids = rows.batch.schema_ref().index_of(&self.generator.stream.definition.spec.id)?;
        Ok(stage::key_text(rows.batch.column(ids))?)
    }

    fn send_dead_letters(
        &mut self,
        partition: u32,
        dead: Vec<DeadLetter>,
        whence: &dyn Whence,
    ) -> Result<(), KafkaError> {
        if dead.is_empty() {
            return Ok(());
        }
        let times: Vec<i64> = dead.iter().map(|dead_letter| whence.taken_in(dead_letter.position)).collect();
        let record = |dead_letter: DeadLetter| {
            let Origin { topic, partition: of, offset } = whence.origin(dead_letter.position);
            let (dead_letter, partition) = (DeadLetter { position: offset, ..dead_letter }, of.unwrap_or(partition));
            DeadLetterRecord { dead_letter, stage: NAME, topic, partition, schema_id: None, trace_id: None }
        };
        let records: Vec<DeadLetterRecord> = dead.into_iter().map(record).collect();
        let rows = dead_letter_rows(&records, self.sizes)?;
        let client = self.producer.client();
        let too_large =
            self.dead_letters.send(client, partition, &rows, |_| b"".as_slice(), |row| times[row], |_| None)?;
        self.dead_letters.all(too_large)
    }

    /// Sends a probe in the open transaction, behind what was sent to the partition before it.
    pub(crate) fn probe(&mut self, partition: u32, sequence: u64) -> Result<(), KafkaError> {
        self.begin(Instant::now())?;
        let probe = Probe::new(now_millis(), sequence);
        self.rows.probe(self.producer.client(), partition, probe.text().as_bytes(), probe.sent)?;
        if let Some(open) = &mut self.open {
            open.probes += 1;
            open.probed = probe.sent;
        }
        Ok(())
    }

    /// Commits the open transaction, with the offsets that the group of `member` has come to by it.
    pub(crate) fn commit<C: ConsumerContext>(
        &mut self,
        member: &BaseConsumer<C>,
        offsets: TopicPartitionList,
    ) -> Result<(), KafkaError> {
        self.producer.commit_offsets(&SystemClock, member, offsets)?;
        if let Some(open) = self.open.take() {
            self.sent.increment(open.events);
            self.dead_lettered.increment(open.dead_letters);
            if open.probes > 0 {
                let stream = self.generator.stream.name();
                measure::PROBES_SENT.of([stream]).increment(open.probes);
                measure::PROBE_SENT_TIME.of([stream]).set(open.probed as f64 / 1e3);
            }
        }
        Ok(())
    }

    /// Gives the open transaction up.
    pub(crate) fn abort(&mut self) -> Result<(), KafkaError> {
        match self.open.take() {
            Some(_) => self.producer.abort(),
            None => Ok(()),
        }
    }
}
