//! Asks a cluster how far a stream's steps have come, without joining a group of theirs.

use std::collections::BTreeMap;

use broker::{BrokerError, Committed, Connection, Reports};
use kafka::{Generator, GeneratorNote, KafkaError, Note, Step, StoredNote};
use lake::Format;
use live::StoreFacts;
use rdkafka::consumer::BaseConsumer;
use stream::{Stream, Topics};

use crate::{
    account::{Done, Looked},
    error::DashboardError,
};

/// A group and the topic that it reads.
struct Place {
    group: String,
    topic: String,
    partitions: Vec<u32>,
    /// Reads offsets in the group's name; joins nothing.
    reader: BaseConsumer<Reports>,
}

/// Asks for one stream.
pub(crate) struct Looker {
    ends: BaseConsumer<Reports>,
    generator: Place,
    redrive: Place,
    enricher: Place,
    detector: Place,
    fused: Place,
    aggregator: Option<Place>,
    /// The writers to each store that there may be.
    writers: Vec<(&'static str, Place)>,
}

/// How far a step has come.
struct Progress {
    done: Done,
    next: BTreeMap<u32, i64>,
}

impl Place {
    fn new(connection: &Connection, group: String, topic: &str, partitions: u32) -> Result<Self, BrokerError> {
        let reader = connection.client(Reports::default(), |config| {
            config
                .set("group.id", &group)
                .set("isolation.level", "read_uncommitted")
                .set("enable.auto.commit", "false");
        })?;
        Ok(Self { group, topic: topic.to_owned(), partitions: (0..partitions).collect(), reader })
    }

    fn of_step(connection: &Connection, stream: &Stream, topics: &Topics, step: Step) -> Result<Self, BrokerError> {
        let partitions = stream.definition.spec.partitions;
        Self::new(connection, step.group(stream.name()), step.input(topics), partitions)
    }

    fn committed(&self) -> Result<BTreeMap<u32, Committed>, BrokerError> {
        broker::committed(&self.reader, &self.group, &self.topic, &self.partitions)
    }

    /// What a step has noted for all its partitions, and where it stands in them.
    fn step(&self) -> Result<Progress, DashboardError> {
        let mut step = Progress { done: Done::default(), next: BTreeMap::new() };
        for (partition, committed) in self.committed()? {
            let note = Note::parse(&committed.metadata);
            let note = note.map_err(|reason| KafkaError::Note { group: self.group.clone(), partition, reason })?;
            step.done.ledger += &note.ledger();
            step.done.since = step.done.since.max(note.since);
            step.done.runs = true;
            step.next.insert(partition, committed.offset);
        }
        Ok(step)
    }

    /// How many offsets lie between where a step stands and the end of its topic.
    fn behind(&self, ends: &BaseConsumer<Reports>, next: &BTreeMap<u32, i64>) -> Result<u64, BrokerError> {
        let mut behind = 0;
        for partition in &self.partitions {
            let (first, end) = broker::range(ends, &self.topic, *partition)?;
            let next = next.get(partition).map_or(first, |next| (*next).max(first));
            behind += u64::try_from(end - next).unwrap_or_default();
        }
        Ok(behind)
    }
}

impl Looker {
    pub(crate) fn connect(connection: &Connection, stream: &Stream) -> Result<Self, BrokerError> {
        let topics = stream.topics();
        let of_step = |step| Place::of_step(connection, stream, &topics, step);
        let partitions = stream.definition.spec.partitions;
        let writer = |backend| {
            let group = kafka::writer_group(stream.name(), backend);
            Ok::<_, BrokerError>((backend, Place::new(connection, group, &topics.scored, partitions)?))
        };
        let ends = connection.client(Reports::default(), |config| {
            config.set("isolation.level", "read_committed");
        })?;
        Ok(Self {
            ends,
            generator: Place::new(connection, Generator::group(stream.name()), &topics.raw, 1)?,
            redrive: Place::new(connection, kafka::redrive_group(stream.name()), &topics.raw, 1)?,
            enricher: of_step(Step::Enrich)?,
            detector: of_step(Step::Detect)?,
            fused: of_step(Step::Fused)?,
            // What writers write to.
            writers: ["cql"].into_iter().chain(Format::ALL.map(Format::name)).map(writer).collect::<Result<_, _>>()?,
            aggregator: match stream.aggregates.is_empty() {
                true => None,
                false => Some(of_step(Step::Aggregate)?),
            },
        })
    }

    /// How old the rows of each store are: of its partitions the one that is furthest behind.
    fn stores(&self) -> Vec<StoreFacts> {
        let mut stores = Vec::new();
        for (backend, place) in &self.writers {
            // The page does without where it may not ask for a writer's group.
            let committed = place.committed().unwrap_or_else(|error| {
                tracing::debug!(%error, backend, "asking how old a store's rows are");
                BTreeMap::new()
            });
            let notes = committed.values().filter_map(|committed| StoredNote::parse(&committed.metadata));
            stores.extend(notes.min_by_key(|note| note.sent).map(|note| StoreFacts {
                store: (*backend).to_owned(),
                p50_ms: note.p50,
                p99_ms: note.p99,
                sent_ms: note.sent,
            }));
        }
        stores
    }

    /// How far all steps have come. Those further on are asked first, so that none seems to have read what was not written.
    pub(crate) fn look(&self) -> Result<Looked, DashboardError> {
        let aggregator = self.aggregator.as_ref().map(Place::step).transpose()?;
        let (mut detector, fused, enricher) = (self.detector.step()?, self.fused.step()?, self.enricher.step()?);
        let generated = self.generator.committed()?.remove(&0);
        let generated = generated.map(|committed| GeneratorNote::parse(&committed.metadata)).transpose();
        let generated = generated.map_err(|reason| KafkaError::Note {
            group: self.generator.group.clone(),
            partition: 0,
            reason,
        })?;
        let redriven = self.redrive.committed()?.remove(&0).map_or(0, |committed| committed.offset.max(0) as u64);
        let aggregator = match (aggregator, &self.aggregator) {
            (Some(step), Some(place)) => Some(Done { behind: place.behind(&self.ends, &step.next)?, ..step.done }),
            _ => None,
        };
        detector.done.behind = self.detector.behind(&self.ends, &detector.next)?;
        // A stream runs in one of the two ways and keeps to it.
        let is_fused = fused.done.runs && !enricher.done.runs;
        let (place, step) = if is_fused { (&self.fused, fused) } else { (&self.enricher, enricher) };
        let front = Done { behind: place.behind(&self.ends, &step.next)?, ..step.done };
        Ok(Looked {
            generated: generated.map(|note| (note.sent, note.dead_lettered)),
            redriven,
            front,
            fused: is_fused,
            detector: detector.done,
            aggregator,
            stores: self.stores(),
        })
    }
}
