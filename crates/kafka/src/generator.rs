//! Sends the events of a source: each once, whatever ends the process.
//!
//! The source's cursor is committed in the same transaction as the events, as a note with an offset of a group that
//! nobody joins. A generator that starts reads the note, goes to the cursor and goes on.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use broker::{BrokerError, Committed, Connection, Offsets, Reports};
use measure::{Health, TracedAs};
use metrics::Counter;
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::BaseConsumer,
    error::{KafkaError as ClientError, RDKafkaErrorCode},
};
use registry::Registry;
use source::{Cursor, Next, RECORDS_MAX, Router, Share, Source};
use stage::DeadLetter;
use stream::{Stream, Topics};

use crate::{
    GeneratorNote, KafkaError,
    client::backoff::Backoff,
    client::transaction::TransactionalProducer,
    clock::now_millis,
    messages::hops,
    messages::letters::{Letter, letter_rows},
    messages::size::Sizes,
    messages::target::{Target, TooLarge},
    messages::trace::Sampling,
    topics,
};

/// The name in groups, metrics and dead letters.
const NAME: &str = "generator";
/// Records of a transaction at most.
const TRANSACTION_RECORDS_MAX: u64 = 100_000;
/// A generator that sent for so long was healthy: the next failure begins with the shortest wait.
const HEALTHY: Duration = Duration::from_secs(30);
/// How long the cluster may take to answer at the start.
const START_MAX: Duration = Duration::from_secs(60);

/// What to send, and how.
#[derive(Debug, Clone)]
pub struct Generator {
    /// The stream.
    pub stream: Arc<Stream>,
    /// Its topics.
    pub topics: Topics,
    /// The cluster.
    pub connection: Connection,
    /// The registry.
    pub registry: Registry,
    /// Where the events come from.
    pub source: stream::Source,
    /// The folder that paths in `source` are relative to.
    pub base: PathBuf,
    /// The folder of the durable log, for sources that cannot be read again.
    pub log_dir: PathBuf,
    /// A commit at the latest after so long.
    pub commit_interval: Duration,
    /// How long a transaction may stay open.
    pub transaction_timeout: Duration,
    /// End at this position.
    pub end_position: Option<u64>,
    /// Begin at the source's beginning whatever was sent before.
    pub from_start: bool,
    /// Of how many events a trace begins.
    pub trace_ratio: f64,
    /// Who this is in traces; nothing where none are sent.
    pub traced_as: Option<TracedAs>,
}

impl Generator {
    /// The group that keeps the place.
    pub fn group(stream: &str) -> String {
        format!("beamline.{stream}.{NAME}")
    }
}

/// Sends until the source ends or `stop` is set; says what has been sent in all.
///
/// # Errors
/// Where the source, the topics or the cluster do not allow it, or another generator of this stream has taken over.
pub fn generate(generator: &Generator, health: &dyn Health, stop: &AtomicBool) -> Result<GeneratorNote, KafkaError> {
    generator.connection.check(START_MAX)?;
    topics::fit(&generator.connection, &generator.stream, &generator.topics, stop)?;
    let mut from_start = generator.from_start;
    let mut note = take_up(generator, from_start, Offsets::committed)?;
    let options = source::Options {
        base: generator.base.clone(),
        started: note.started,
        log_dir: generator.log_dir.clone(),
        speed: None,
    };
    let mut source = source::open(&generator.source, &generator.stream, &options)?;
    let mut backoff = Backoff::new();
    loop {
        let begun = Instant::now();
        let done = Session::open(generator, &mut note, source.as_mut(), from_start)
            .and_then(|mut session| session.run(health, stop));
        match done {
            Ok(()) => {
                health.done(NAME);
                return Ok(note);
            }
            Err(error) if error.is_passing() && !is_fenced(&error) => {
                if begun.elapsed() > HEALTHY {
                    backoff.succeeded();
                }
                let wait = backoff.next();
                tracing::warn!(%error, wait_ms = wait.as_millis() as u64, "sending goes on from what is committed");
                health.unready(NAME, &error.to_string());
                if stop.load(Ordering::Relaxed) {
                    return Ok(note);
                }
                thread::sleep(wait);
                health.beat(NAME);
            }
            Err(error) => return Err(error),
        }
        // From now on what is committed counts, also where the beginning was asked for.
        from_start = false;
    }
}

/// Whether another generator of the same stream has taken over: fighting it would send nothing but trouble.
fn is_fenced(error: &KafkaError) -> bool {
    let (KafkaError::Client { source, .. } | KafkaError::Aborted { source, .. }) = error else { return false };
    let code = match source {
        ClientError::Transaction(error) => error.code(),
        other => match other.rdkafka_error_code() {
            Some(code) => code,
            None => return false,
        },
    };
    matches!(code, RDKafkaErrorCode::Fenced | RDKafkaErrorCode::ProducerFenced | RDKafkaErrorCode::InvalidProducerEpoch)
}

/// Reads what a group has committed of a topic's partitions.
type Ask = fn(&Offsets, &str, &str, &[u32]) -> Result<BTreeMap<u32, Committed>, BrokerError>;

/// What an earlier generator has sent.
fn take_up(generator: &Generator, from_start: bool, ask: Ask) -> Result<GeneratorNote, KafkaError> {
    let wanted = generator.source.identity();
    let begin = || GeneratorNote::begin(wanted.clone(), now_millis() * 1000);
    if from_start {
        return Ok(begin());
    }
    let offsets = Offsets::connect(&generator.connection)?;
    let (topic, group) = (&generator.topics.raw, Generator::group(generator.stream.name()));
    if let Some(committed) = ask(&offsets, &group, topic, &[0])?.remove(&0) {
        let note = GeneratorNote::parse(&committed.metadata).map_err(|reason| KafkaError::Note {
            group,
            partition: 0,
            reason,
        })?;
        return match note.source == wanted {
            true => Ok(note),
            false => Err(KafkaError::OtherSource { topic: topic.clone(), found: note.source, wanted }),
        };
    }
    let mut records = 0;
    for partition in 0..generator.stream.definition.spec.partitions {
        let (first, end) = offsets.range(topic, partition)?;
        records += (end - first).max(0) as u64;
    }
    match records {
        0 => Ok(begin()),
        _ => Err(KafkaError::PlaceLost { topic: topic.clone(), records, group }),
    }
}

/// One producer, from its first transaction to its last.
struct Session<'a> {
    generator: &'a Generator,
    note: &'a mut GeneratorNote,
    source: &'a mut dyn Source,
    producer: TransactionalProducer,
    /// Only asked for its group's name.
    place: BaseConsumer<Reports>,
    router: Router,
    sizes: Sizes,
    rows: Target,
    letters: Target,
    sampling: Sampling,
    sent: Counter,
    buried: Counter,
    /// The open transaction: since when, and how many events and dead letters.
    open: Option<(Instant, u64, u64)>,
    /// The partitions of which an event of the open transaction has told where it comes from.
    told: BTreeSet<u32>,
}

impl<'a> Session<'a> {
    fn open(
        generator: &'a Generator,
        note: &'a mut GeneratorNote,
        source: &'a mut dyn Source,
        from_start: bool,
    ) -> Result<Self, KafkaError> {
        let group = Generator::group(generator.stream.name());
        let spec = &generator.stream.definition.spec;
        let sizes = Sizes::of(&generator.stream);
        let timeout = generator.transaction_timeout;
        let producer = TransactionalProducer::connect(&generator.connection, &group, timeout, sizes.message())?;
        // Only now is it sure that no earlier generator commits any more.
        *note = match from_start {
            true => GeneratorNote::begin(note.source.clone(), note.started),
            false => take_up(generator, false, Offsets::decided)?.begun(note.started),
        };
        source.seek(&note.cursor)?;
        let place = generator.connection.client(Reports::default(), |config| {
            config.set("group.id", &group).set("enable.auto.commit", "false");
        })?;
        let stream = generator.stream.name();
        let target = |topic: &str, schema, bytes| Target::new(topic, schema, &generator.registry, bytes);
        Ok(Self {
            rows: target(&generator.topics.raw, generator.stream.input.clone(), sizes.event())?,
            letters: target(&generator.topics.dead_letters, crate::letters_schema()?, sizes.dead_letter())?,
            sizes,
            router: Router::new(&spec.key, spec.partitions),
            sampling: Sampling::of(generator.trace_ratio),
            sent: measure::GENERATOR_RECORDS.of([stream]),
            buried: measure::DEAD_LETTERS.of([stream, NAME]),
            generator,
            note,
            source,
            producer,
            place,
            open: None,
            told: BTreeSet::new(),
        })
    }

    fn run(&mut self, health: &dyn Health, stop: &AtomicBool) -> Result<(), KafkaError> {
        health.ready(NAME, true);
        let end = self.generator.end_position.unwrap_or(u64::MAX);
        loop {
            health.beat(NAME);
            let cursor = self.source.cursor();
            let over = stop.load(Ordering::Relaxed) || cursor.position >= end;
            let next = match over {
                true => Next::End,
                false => self.source.next(RECORDS_MAX.min((end - cursor.position) as usize))?,
            };
            match next {
                Next::End => return self.commit(),
                Next::Idle => {}
                Next::Records(records) => {
                    for share in self.router.route(records)? {
                        self.send(share)?;
                    }
                }
            }
            self.producer.poll();
            let due = self.open.is_some_and(|(since, events, letters)| {
                since.elapsed() >= self.generator.commit_interval || events + letters >= TRANSACTION_RECORDS_MAX
            });
            if due {
                self.commit()?;
            }
        }
    }

    /// Sends one partition's share in the open transaction.
    fn send(&mut self, share: Share) -> Result<(), KafkaError> {
        if self.open.is_none() {
            self.producer.begin()?;
            self.open = Some((Instant::now(), 0, 0));
            self.told.clear();
        }
        let now = now_millis();
        let (mut events, mut dead) = (0, share.rejected);
        if let Some(rows) = share.rows {
            events = rows.len() as u64;
            let (keys, positions) = (&rows.keys, &rows.positions);
            let topic = &self.generator.topics.raw;
            let by = self.generator.traced_as.as_ref().filter(|_| self.told.insert(share.partition));
            let told = by.map(hops::sent);
            let traced = |row: usize| {
                let headers = self.sampling.headers(positions.value(row), topic, share.partition);
                match told.as_deref().filter(|_| row == 0) {
                    Some(told) => Some(hops::tell(headers, told)),
                    None => headers,
                }
            };
            let key = |row: usize| keys.value(row).as_bytes();
            let client = self.producer.client();
            for TooLarge { row, reason } in
                self.rows.send(client, share.partition, &rows.batch, key, |_| now, traced)?
            {
                events -= 1;
                let whole = rows.json(row, rows.batch.num_columns())?;
                dead.push(DeadLetter::oversized(positions.value(row), whole, reason));
            }
            let waited = self.rows.take_waited();
            if waited > Duration::ZERO {
                measure::GENERATOR_BACKPRESSURE.of([self.generator.stream.name()]).record(waited.as_secs_f64());
            }
        }
        let buried = dead.len() as u64;
        if buried > 0 {
            dead.sort_by_key(|letter| letter.position);
            let letters: Vec<Letter> = dead
                .into_iter()
                .map(|letter| Letter {
                    letter,
                    stage: NAME,
                    topic: String::new(),
                    partition: share.partition,
                    schema_id: None,
                    trace_id: None,
                })
                .collect();
            let rows = letter_rows(&letters, self.sizes)?;
            let client = self.producer.client();
            let too_large = self.letters.send(client, share.partition, &rows, |_| b"".as_slice(), |_| now, |_| None)?;
            self.letters.all(too_large)?;
        }
        if let Some((_, sent, letters)) = &mut self.open {
            *sent += events;
            *letters += buried;
        }
        Ok(())
    }

    /// Commits the open transaction, and where the source stands with it.
    fn commit(&mut self) -> Result<(), KafkaError> {
        let Some((_, events, letters)) = self.open else { return Ok(()) };
        let cursor: Cursor = self.source.cursor();
        let note = self.note.after(cursor, events, letters);
        let fail = |source| KafkaError::Client { what: "noting an offset", source };
        let mut offsets = TopicPartitionList::with_capacity(1);
        let mut element = offsets.add_partition(&self.generator.topics.raw, 0);
        element.set_offset(Offset::Offset(note.cursor.position as i64)).map_err(fail)?;
        element.set_metadata(note.text());
        self.producer.commit_offsets(&self.place, offsets)?;
        *self.note = note;
        self.open = None;
        self.sent.increment(events);
        self.buried.increment(letters);
        self.source.forget_before(self.note.cursor.position)?;
        Ok(())
    }
}
