//! Sends the events of a source: each once, whatever ends the process.
//!
//! The source's cursor is committed in the same transaction as the events, as a note with an offset of a group that
//! nobody joins, and as a record of a compacted topic, in case the offset is forgotten. A generator that starts reads the
//! note, goes to the cursor and goes on.

mod begin;
mod outlet;
mod place;
mod probing;
pub(crate) mod settings;
pub(crate) mod topic_source;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Instant,
};

use backoff::Backoff;
use broker::{Offsets, Reports};
use measure::Health;
use rdkafka::{Offset, TopicPartitionList, consumer::BaseConsumer};
use source::{Cursor, Gathered, Next, RECORDS_MAX, Records, Source};

use self::{
    begin::is_fenced,
    outlet::{InSource, NAME, Outlet},
    place::Keeper,
    probing::Probing,
    settings::{Generator, HEALTHY, START_MAX},
};
use crate::{GeneratorNote, KafkaError, clock::now_millis, messages::note::Ask, topics};

/// Records that come in small pieces wait for others, until their transaction is due or there are so many of them: a batch costs
/// the same whatever its size, in every partition.
const RECORDS_WORTH: usize = 2_048;

/// Sends until the source ends or `stop` is set; says what has been sent in all.
///
/// # Errors
/// Where the source, the topics or the cluster do not allow it, or another generator of this stream has taken over.
pub fn generate(generator: &Generator, health: &dyn Health, stop: &AtomicBool) -> Result<GeneratorNote, KafkaError> {
    generator.connection.check(START_MAX)?;
    topics::fit(&generator.connection, &generator.stream, &generator.topics, stop)?;
    let generator = &Generator { probes: Some(probing::are_sent(generator)?), ..generator.clone() };
    if let stream::Source::Kafka(definition) = &generator.source {
        return topic_source::generate(generator, definition, health, stop);
    }
    let mut from_start = generator.from_start;
    // Looked at before an earlier generator is fenced: one that cannot begin leaves it alone.
    let begin = GeneratorNote::begin(generator.source.identity(), now_millis() * 1000);
    let mut note = if from_start { begin } else { take_up(generator, begin, false, stop)? };
    let mut source = open_source(generator, note.started)?;
    let mut backoff = Backoff::new();
    loop {
        let begun = Instant::now();
        let done = Session::open(generator, &mut note, &mut source, from_start, stop)
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

/// The generator's source, first started at this moment.
fn open_source(generator: &Generator, started: i64) -> Result<Box<dyn Source>, KafkaError> {
    let options =
        source::Options { base: generator.base.clone(), started, log_dir: generator.log_dir.clone(), speed: None };
    Ok(source::open(&generator.source, &generator.stream, &options)?)
}

/// What an earlier generator has sent, also by a transaction that is still open where it has to be `decided`; else `begin`.
fn take_up(
    generator: &Generator,
    begin: GeneratorNote,
    decided: bool,
    stop: &AtomicBool,
) -> Result<GeneratorNote, KafkaError> {
    let offsets = Offsets::connect(&generator.connection)?;
    let (topic, group) = (&generator.topics.raw, Generator::group(generator.stream.name()));
    let ask: Ask = if decided { Offsets::decided } else { Offsets::committed };
    let note = match ask(&offsets, &group, topic, &[0])?.remove(&0) {
        Some(committed) => {
            let fail = |reason| KafkaError::Note { group, partition: 0, reason };
            Some(GeneratorNote::parse(&committed.metadata).map_err(fail)?)
        }
        None => place::find(generator, decided, stop)?,
    };
    match note {
        Some(note) if note.source != begin.source => {
            Err(KafkaError::OtherSource { topic: topic.clone(), found: note.source, wanted: begin.source })
        }
        note => Ok(note.unwrap_or(begin)),
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
    keeper: Keeper,
    /// Records that wait for others, and when they came.
    gathered: Gathered,
    whence: InSource,
    /// Events, dead letters and probes of the open transaction.
    open: (u64, u64, u64),
    probing: Probing,
}

impl<'a> Session<'a> {
    fn open(
        generator: &'a Generator,
        note: &'a mut GeneratorNote,
        source: &'a mut Box<dyn Source>,
        from_start: bool,
        stop: &AtomicBool,
    ) -> Result<Self, KafkaError> {
        let group = Generator::group(generator.stream.name());
        let outlet = Outlet::connect(generator, &group)?;
        // Only now is it sure that no earlier generator commits any more.
        let begin = GeneratorNote::begin(note.source.clone(), note.started);
        let found = if from_start { begin } else { take_up(generator, begin, true, stop)? };
        if found.started != note.started {
            *source = open_source(generator, found.started)?;
        }
        *note = found;
        source.seek(&note.cursor)?;
        let place = generator.connection.client(Reports::default(), |config| {
            config.set("group.id", &group).set("enable.auto.commit", "false");
        })?;
        Ok(Self {
            generator,
            note,
            source: source.as_mut(),
            outlet,
            place,
            keeper: Keeper::new(generator)?,
            gathered: Gathered::new(RECORDS_WORTH, generator.commit_interval),
            whence: InSource::default(),
            open: (0, 0, 0),
            probing: Probing::new(generator.probe_every()),
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
                Next::Records(records) => self.gather(records, cursor.position)?,
            }
            if self.gathered.is_due() {
                self.hand_out()?;
            }
            self.probe()?;
            self.outlet.poll();
            if self.outlet.is_due() {
                self.commit()?;
            }
        }
    }

    /// Adds records, which begin at `position`, to those that wait.
    fn gather(&mut self, records: Records, position: u64) -> Result<(), KafkaError> {
        if !self.gathered.goes_with(&records) {
            self.hand_out()?;
        }
        self.whence.came(position, now_millis());
        self.gathered.push(records);
        Ok(())
    }

    /// Sends the records that wait.
    fn hand_out(&mut self) -> Result<(), KafkaError> {
        let whence = std::mem::take(&mut self.whence);
        let Some((records, since)) = self.gathered.take()? else { return Ok(()) };
        let count = records.len() as u64;
        let dead = self.outlet.send((records, since), &whence)?.len() as u64;
        self.open.0 += count - dead;
        self.open.1 += dead;
        self.probing.sent_records(count > 0);
        Ok(())
    }

    /// Sends a probe to every partition, where that is due.
    fn probe(&mut self) -> Result<(), KafkaError> {
        let now = Instant::now();
        if !self.probing.is_due(now) {
            return Ok(());
        }
        // They go behind the rows before them.
        self.hand_out()?;
        let partitions = self.generator.stream.definition.spec.partitions;
        // Each partition gets one every time.
        let sequence = (self.note.probes + self.open.2) / u64::from(partitions) + 1;
        for partition in 0..partitions {
            self.outlet.probe(partition, sequence)?;
            self.open.2 += 1;
        }
        self.probing.sent_probes(now);
        Ok(())
    }

    /// Commits the open transaction, and where the source stands with it.
    fn commit(&mut self) -> Result<(), KafkaError> {
        self.hand_out()?;
        if !self.outlet.is_open() {
            return Ok(());
        }
        let cursor: Cursor = self.source.cursor();
        let (events, dead_letters, probes) = std::mem::take(&mut self.open);
        let note = self.note.after(cursor, events, dead_letters).probed(probes);
        let fail = |source| KafkaError::Client { what: "noting an offset", source };
        let mut offsets = TopicPartitionList::with_capacity(1);
        let mut element = offsets.add_partition(&self.generator.topics.raw, 0);
        element.set_offset(Offset::Offset(note.cursor.position as i64)).map_err(fail)?;
        element.set_metadata(note.text());
        self.keeper.keep(self.outlet.client(), &note, now_millis())?;
        self.outlet.commit(&self.place, offsets)?;
        *self.note = note;
        self.source.forget_before(self.note.cursor.position)?;
        Ok(())
    }
}
