//! The subjects that a stream has in the registry.

use codec::ValueSchema;
use stream::{Stream, Topics};

use crate::{
    KafkaError,
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
