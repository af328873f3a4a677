//! Sends the events of a source: each once, whatever ends the process.
//!
//! The source's cursor is committed in the same transaction as the events, as a note with an offset of a group that
//! nobody joins. A generator that starts reads the note, goes to the cursor and goes on.

mod outlet;
pub(crate) mod topic_source;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use broker::{Connection, Offsets, Reports};
use measure::{Health, TracedAs};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::BaseConsumer,
    error::{KafkaError as ClientError, RDKafkaErrorCode},
};
use registry::Registry;
use source::{Cursor, Next, RECORDS_MAX, Source};
use stream::{Stream, Topics};

use self::outlet::{NAME, Origin, Outlet};
use crate::{GeneratorNote, KafkaError, client::backoff::Backoff, clock::now_millis, messages::note::Ask, topics};

/// A generator that sent for so long was healthy: the next failure begins with the shortest wait.
pub(crate) const HEALTHY: Duration = Duration::from_secs(30);
/// How long the cluster may take to answer at the start.
pub(crate) const START_MAX: Duration = Duration::from_secs(60);

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
    /// Which generator this is, where several read the topics of another program side by side.
    pub instance: String,
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
    if let stream::Source::Kafka(definition) = &generator.source {
        return topic_source::generate(generator, definition, health, stop);
    }
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
pub(crate) fn is_fenced(error: &KafkaError) -> bool {
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
    expect_empty(generator, &offsets)?;
    Ok(begin())
}

/// Makes sure that nothing was sent yet: where no place is known, a beginning would send it again.
pub(crate) fn expect_empty(generator: &Generator, offsets: &Offsets) -> Result<(), KafkaError> {
    let topic = &generator.topics.raw;
    let mut records = 0;
    for partition in 0..generator.stream.definition.spec.partitions {
        let (first, end) = offsets.range(topic, partition)?;
        records += (end - first).max(0) as u64;
    }
    match records {
        0 => Ok(()),
        _ => {
            let group = Generator::group(generator.stream.name());
            Err(KafkaError::PlaceLost { topic: topic.clone(), records, group })
        }
    }
}

/// One producer, from its first transaction to its last.
struct Session<'a> {
    generator: &'a Generator,
    note: &'a mut GeneratorNote,
    source: &'a mut dyn Source,
    outlet: Outlet<'a>,
    /// Only asked for its group's name.
    place: BaseConsumer<Reports>,
    /// Events and dead letters of the open transaction.
    open: (u64, u64),
}

impl<'a> Session<'a> {
    fn open(
        generator: &'a Generator,
        note: &'a mut GeneratorNote,
        source: &'a mut dyn Source,
        from_start: bool,
    ) -> Result<Self, KafkaError> {
        let group = Generator::group(generator.stream.name());
        let outlet = Outlet::connect(generator, &group)?;
        // Only now is it sure that no earlier generator commits any more.
        *note = match from_start {
            true => GeneratorNote::begin(note.source.clone(), note.started),
            false => take_up(generator, false, Offsets::decided)?.begun(note.started),
        };
        source.seek(&note.cursor)?;
        let place = generator.connection.client(Reports::default(), |config| {
            config.set("group.id", &group).set("enable.auto.commit", "false");
        })?;
        Ok(Self { generator, note, source, outlet, place, open: (0, 0) })
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
                    let count = records.len() as u64;
                    let dead = self.outlet.send(records, &Origin::in_source)?.len() as u64;
                    self.open.0 += count - dead;
                    self.open.1 += dead;
                }
            }
            self.outlet.poll();
            if self.outlet.is_due() {
                self.commit()?;
            }
        }
    }

    /// Commits the open transaction, and where the source stands with it.
    fn commit(&mut self) -> Result<(), KafkaError> {
        if !self.outlet.is_open() {
            return Ok(());
        }
        let cursor: Cursor = self.source.cursor();
        let (events, letters) = std::mem::take(&mut self.open);
        let note = self.note.after(cursor, events, letters);
        let fail = |source| KafkaError::Client { what: "noting an offset", source };
        let mut offsets = TopicPartitionList::with_capacity(1);
        let mut element = offsets.add_partition(&self.generator.topics.raw, 0);
        element.set_offset(Offset::Offset(note.cursor.position as i64)).map_err(fail)?;
        element.set_metadata(note.text());
        self.outlet.commit(&self.place, offsets)?;
        *self.note = note;
        self.source.forget_before(self.note.cursor.position)?;
        Ok(())
    }
}
