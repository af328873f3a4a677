//! What a stream's topics are called and what schema their values have.

use arrow::datatypes::Schema;
use codec::{CodecError, ValueSchema};
use serde_json::Value as Json;

use crate::Stream;

/// The names of a stream's topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    /// Raw events: the stream's own name.
    pub raw: String,
    /// Events with looked-up and computed columns.
    pub enriched: String,
    /// The same with the detector's columns.
    pub scored: String,
    /// The anomalous ones only.
    pub anomalies: String,
    /// Window results; compacted.
    pub aggregates: String,
    /// What could not go on.
    pub dead_letters: String,
    /// What came after its window had closed.
    pub late: String,
    /// The detector's snapshots by key; compacted.
    pub detector_state: String,
    /// The aggregator's snapshots by key; compacted.
    pub aggregator_state: String,
    /// What each partition has of groups that are in several of them; one partition.
    pub partials: String,
    /// The snapshots of the merge of those; compacted, one partition.
    pub merger_state: String,
    /// What people wrote on the page about alarms and dead letters; compacted, one partition.
    pub notes: String,
}

impl Topics {
    /// The topics of the stream called `stream`.
    pub fn of(stream: &str) -> Self {
        let topic = |ending: &str| format!("{stream}.{ending}");
        Self {
            raw: stream.to_owned(),
            enriched: topic("enriched"),
            scored: topic("scored"),
            anomalies: topic("anomalies"),
            aggregates: topic("aggregates"),
            dead_letters: topic("dead-letters"),
            late: topic("late"),
            detector_state: topic("detector-state"),
            aggregator_state: topic("aggregator-state"),
            partials: topic("partials"),
            merger_state: topic("merger-state"),
            notes: topic("notes"),
        }
    }

    /// All of the names.
    pub fn all(&self) -> [&str; 11] {
        [
            &self.raw,
            &self.enriched,
            &self.scored,
            &self.anomalies,
            &self.aggregates,
            &self.dead_letters,
            &self.late,
            &self.detector_state,
            &self.aggregator_state,
            &self.partials,
            &self.merger_state,
        ]
    }
}

impl Stream {
    /// The names of the stream's topics.
    pub fn topics(&self) -> Topics {
        Topics::of(self.name())
    }

    /// The schema of `enriched`: the input's record name with `Enriched` behind it, in the same namespace.
    ///
    /// # Errors
    /// Where a column has no Avro type, which `load` has ruled out.
    pub fn enriched_schema(&self) -> Result<ValueSchema, CodecError> {
        self.derived(&self.enriched, "Enriched")
    }

    /// The schema of `scored`: the input's record name with `Scored` behind it, in the same namespace.
    ///
    /// # Errors
    /// Where a column has no Avro type, which `load` has ruled out.
    pub fn scored_schema(&self) -> Result<ValueSchema, CodecError> {
        self.derived(&self.scored, "Scored")
    }

    /// The schema of `anomalies`, under the name of that of `scored`: the same, where no row is one of its own.
    ///
    /// # Errors
    /// Where a column has no Avro type, which `load` has ruled out.
    pub fn anomalies_schema(&self) -> Result<ValueSchema, CodecError> {
        self.derived(&self.anomalies(), "Scored")
    }

    /// The schema of `aggregates`, one for all of them: a row has the columns of its aggregate, and null in those of the
    /// others. So they share a topic and a subject, and another aggregate is a compatible change.
    ///
    /// # Errors
    /// Where a column has no Avro type, which `load` has ruled out.
    pub fn aggregates_schema(&self) -> Result<ValueSchema, CodecError> {
        self.derived(&self.aggregates.schema, "Aggregates")
    }

    /// The schema of `late`: the scored event behind what it was late for.
    ///
    /// # Errors
    /// Where a column has no Avro type, which `load` has ruled out.
    pub fn late_schema(&self) -> Result<ValueSchema, CodecError> {
        self.derived(&self.aggregates.late, "Late")
    }

    fn derived(&self, schema: &Schema, ending: &str) -> Result<ValueSchema, CodecError> {
        let (name, namespace) = record_name(self.input.avro());
        ValueSchema::derive(schema, &format!("{name}{ending}"), &namespace)
    }
}

/// The name and namespace of a record's schema; a name with dots has its namespace in it (Avro 1.12, Names).
fn record_name(avro: &str) -> (String, String) {
    let schema: Json = serde_json::from_str(avro).unwrap_or_default();
    let name = schema["name"].as_str().unwrap_or("Event");
    match name.rsplit_once('.') {
        Some((namespace, name)) => (name.to_owned(), namespace.to_owned()),
        None => (name.to_owned(), schema["namespace"].as_str().unwrap_or_default().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_name_goes_before_the_namespace() {
        let expected = ("Hit".to_owned(), "a.b".to_owned());
        assert_eq!(record_name(r#"{"name": "Hit", "namespace": "a.b"}"#), expected);
        assert_eq!(record_name(r#"{"name": "a.b.Hit", "namespace": "ignored"}"#), expected);
    }
}
