//! Repaired events on their way back into a stream: all of them or none, and the same bytes once.

use std::{path::PathBuf, sync::Arc, time::Duration};

use broker::{Connection, Offsets, Reports};
use rdkafka::{Offset, TopicPartitionList, consumer::BaseConsumer};
use registry::Registry;
use source::{Next, RECORDS_MAX, Router, Share, Source};
use stage::{Outputs, Pipeline, Stage};
use stream::Stream;

use crate::{
    KafkaError,
    client::transaction::TransactionalProducer,
    clock::{SystemClock, now_millis},
    cluster::Producer,
    messages::{schemas::Register, size::Sizes, target::Target},
    runtime::live::Live,
};

/// How long the transaction may stay open.
const TRANSACTION: Duration = Duration::from_secs(60);
/// How many times the bytes of an event its text may have.
const TEXT_FACTOR: u32 = 8;
/// How many redrives are remembered: their hashes fit into the note that goes with an offset.
const REMEMBERED: usize = 100;
/// How many bad events a refusal names.
const NAMED_MAX: usize = 20;

/// Repaired events.
#[derive(Debug, Clone)]
pub struct Redrive {
    /// The stream.
    pub stream: Arc<Stream>,
    /// The cluster.
    pub connection: Connection,
    /// The registry.
    pub registry: Registry,
    /// The file.
    pub files: stream::Files,
    /// The hash of its bytes, by which it is known again.
    pub hash: String,
}

/// The group in whose name repaired events of a stream are counted: its offset of partition 0 is how many were sent.
pub fn redrive_group(stream: &str) -> String {
    format!("beamline.{stream}.redrive")
}

impl Redrive {
    fn open(&self) -> Result<Box<dyn Source>, KafkaError> {
        let options = source::Options { base: PathBuf::new(), started: 0, log_dir: PathBuf::new(), speed: None };
        // As text an event may have more bytes than in its topic, which is where it is held against the limit.
        let mut stream = Stream::clone(&self.stream);
        let limits = &mut stream.definition.spec.limits;
        limits.event_bytes = limits.event_bytes.saturating_mul(TEXT_FACTOR);
        Ok(source::open(&stream::Source::Files(self.files.clone()), &Arc::new(stream), &options)?)
    }

    /// Takes every share of the file.
    fn each(&self, mut take: impl FnMut(Share) -> Result<(), KafkaError>) -> Result<(), KafkaError> {
        let spec = &self.stream.definition.spec;
        let router = Router::new(&spec.key, spec.partitions);
        let mut source = self.open()?;
        loop {
            match source.next(RECORDS_MAX)? {
                Next::End => return Ok(()),
                Next::Idle => {}
                Next::Records(records) => router.route(records)?.into_iter().try_for_each(&mut take)?,
            }
        }
    }

    /// Makes sure that every event comes through the stages; says how many there are.
    fn check(&self) -> Result<u64, KafkaError> {
        let mut pipeline = Pipeline::new(&self.stream)?;
        let (mut events, mut bad, mut reasons) = (0, 0, Vec::new());
        self.each(|share| {
            let mut outputs = Outputs::default();
            let mut dead_letters = share.rejected;
            events += dead_letters.len() as u64;
            if let Some(rows) = share.rows {
                events += rows.len() as u64;
                pipeline.process(rows, &mut outputs)?;
            }
            dead_letters.extend(outputs.dead_letters);
            bad += dead_letters.len() as u64;
            for dead_letter in dead_letters.into_iter().take(NAMED_MAX.saturating_sub(reasons.len())) {
                let rule = if dead_letter.rule.is_empty() { String::new() } else { format!("{}: ", dead_letter.rule) };
                reasons.push(format!("  event {}: {rule}{}", dead_letter.position + 1, dead_letter.reason));
            }
            Ok(())
        })?;
        if bad > 0 { Err(KafkaError::Refused { bad, events, reasons }) } else { Ok(events) }
    }
}

/// Sends repaired events to the stream's raw topic, where they go through every step like others. Says how many.
///
/// What was sent is noted in the same transaction: whatever ends this, the same bytes are not sent a second time, unless
/// `again` says so.
///
/// # Errors
/// `Refused` where one of them would become a dead letter again, `Repeated` where they were sent before; and where the
/// cluster or the registry do not allow it. Then none is sent.
pub fn redrive(redrive: &Redrive, again: bool) -> Result<u64, KafkaError> {
    let events = redrive.check()?;
    let sizes = Sizes::of(&redrive.stream);
    let (group, topic) = (redrive_group(redrive.stream.name()), redrive.stream.topics().raw);
    let producer = TransactionalProducer::connect(&redrive.connection, &group, TRANSACTION, sizes.message())?;
    // Only now is it sure that nobody else is sending repaired events.
    let committed = Offsets::connect(&redrive.connection)?.decided(&group, &topic, &[0])?.remove(&0);
    let (sent, note) = committed.map_or((0, String::new()), |committed| (committed.offset, committed.metadata));
    let mut hashes: Vec<&str> = note.split(' ').filter(|hash| !hash.is_empty()).collect();
    if hashes.contains(&redrive.hash.as_str()) && !again {
        return Err(KafkaError::Repeated);
    }
    hashes.retain(|hash| *hash != redrive.hash);
    hashes.push(&redrive.hash);
    let remembered = hashes[hashes.len().saturating_sub(REMEMBERED)..].join(" ");

    let (live, topics) = (Live::of(&redrive.connection), redrive.stream.topics());
    let register = Register::new(&live, &redrive.registry, &topics);
    let mut target = Target::new(&topic, redrive.stream.input.clone(), &register, sizes.event())?;
    let now = now_millis();
    producer.begin()?;
    redrive.each(|share| {
        let Some(rows) = share.rows else { return Ok(()) };
        let key = |row: usize| rows.keys.value(row).as_bytes();
        let too_large = target.send(producer.client(), share.partition, &rows.batch, key, |_| now, |_| None)?;
        target.all(too_large)
    })?;
    let place: BaseConsumer<Reports> = redrive.connection.client(Reports::default(), |config| {
        config.set("group.id", &group).set("enable.auto.commit", "false");
    })?;
    let fail = |source| KafkaError::Client { what: "noting an offset", source };
    let mut offsets = TopicPartitionList::with_capacity(1);
    let mut element = offsets.add_partition(&topic, 0);
    element.set_offset(Offset::Offset(sent + events as i64)).map_err(fail)?;
    element.set_metadata(remembered);
    producer.commit_offsets(&SystemClock, &place, offsets)?;
    Ok(events)
}
