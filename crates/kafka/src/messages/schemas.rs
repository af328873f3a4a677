//! The subjects that a stream has in the registry.

use std::cell::Cell;

use codec::ValueSchema;
use registry::Registry;
use stream::{Stream, Topics};

use crate::{
    KafkaError,
    cluster::{Cluster, Positions},
    messages::{
        dead_letters::dead_letters_schema, framing::subject_of, partials::partials_schema, snapshots::snapshots_schema,
    },
};

/// A topic's values in the registry.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The topic.
    pub topic: String,
    /// The schema of its values.
    pub schema: ValueSchema,
}

impl Subject {
    /// The subject's name: the topic's with `-value` behind it.
    pub fn name(&self) -> String {
        subject_of(&self.topic)
    }
}

/// Everything that a stream registers.
///
/// # Errors
/// Where a column has no Avro type, which loading the stream has ruled out.
pub fn subjects(stream: &Stream, topics: &Topics) -> Result<Vec<Subject>, KafkaError> {
    let subject = |topic: &str, schema: ValueSchema| Subject { topic: topic.to_owned(), schema };
    let mut subjects = vec![
        subject(&topics.raw, stream.input.clone()),
        subject(&topics.enriched, stream.enriched_schema()?),
        subject(&topics.scored, stream.scored_schema()?),
        subject(&topics.anomalies, stream.anomalies_schema()?),
        subject(&topics.dead_letters, dead_letters_schema()?),
        subject(&topics.detector_state, snapshots_schema()?),
    ];
    if !stream.aggregates.is_empty() {
        subjects.push(subject(&topics.aggregates, stream.aggregates_schema()?));
        subjects.push(subject(&topics.late, stream.late_schema()?));
        subjects.push(subject(&topics.aggregator_state, snapshots_schema()?));
    }
    if stream.aggregates.are_merged() {
        subjects.push(subject(&topics.partials, partials_schema()?));
        subjects.push(subject(&topics.merger_state, snapshots_schema()?));
    }
    Ok(subjects)
}

/// Registers the schemas of topics of a stream.
pub(crate) struct Register<'a, C> {
    cluster: &'a C,
    registry: &'a Registry,
    topics: &'a Topics,
    /// Whether the registry is known to have the schemas of all messages that are there.
    is_whole: Cell<bool>,
}

impl<'a, C: Cluster> Register<'a, C> {
    pub(crate) fn new(cluster: &'a C, registry: &'a Registry, topics: &'a Topics) -> Self {
        Self { cluster, registry, topics, is_whole: Cell::new(false) }
    }

    /// The id of the schema of a topic's values, which is registered where it is not yet.
    ///
    /// # Errors
    /// [`KafkaError::SchemasForgotten`] where it is not, and the registry has no schema of a topic of the stream that holds
    /// messages: it has lost its schemas, and what is registered now may get a number that messages carry for another one.
    pub(crate) fn id(&self, topic: &str, schema: &ValueSchema) -> Result<u32, KafkaError> {
        let subject = subject_of(topic);
        if let Some(id) = self.registry.id_of(&subject, schema.avro())? {
            return Ok(id);
        }
        if !self.is_whole.get() {
            self.look()?;
            self.is_whole.set(true);
        }
        Ok(self.registry.register(&subject, schema.avro())?)
    }

    fn look(&self) -> Result<(), KafkaError> {
        let Topics { enriched, scored, anomalies, aggregates, dead_letters, late, .. } = self.topics;
        let Topics { detector_state, aggregator_state, .. } = self.topics;
        let positions = self.cluster.positions()?;
        // Those that every stream has, but for the raw topic: others may write to it, with schemas under subjects of their own.
        let own = [dead_letters, detector_state, enriched, scored, anomalies, aggregates, late, aggregator_state];
        for topic in own {
            // In this order: whoever wrote messages had registered their schema before.
            let subject = subject_of(topic);
            if holds_messages(&positions, topic)? && self.registry.versions(&subject)?.is_empty() {
                return Err(KafkaError::SchemasForgotten { subject, topic: topic.clone() });
            }
        }
        Ok(())
    }
}

fn holds_messages(positions: &impl Positions, topic: &str) -> Result<bool, KafkaError> {
    for partition in 0..positions.partitions(topic)? {
        let (first, end) = positions.range(topic, partition)?;
        if first < end {
            return Ok(true);
        }
    }
    Ok(false)
}
