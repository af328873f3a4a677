//! Which topics fill which tables.

use arrow::datatypes::SchemaRef;
use codec::ValueSchema;
use service::Failure;
use sink::Table;
use stream::{Stream, columns::ANOMALY_CAUSES};

/// A topic, what its values are read as, and the table they go to.
#[derive(Debug, Clone)]
pub struct Source {
    /// The table.
    pub table: Table,
    /// The topic.
    pub topic: String,
    /// The schema of its values.
    pub schema: ValueSchema,
    /// The table's columns: those of a run in one process, which a value's types can be narrower than.
    pub columns: SchemaRef,
}

impl Source {
    /// The columns that ORC files have as JSON text: those whose types they lack.
    pub fn texts_in_orc(&self) -> Vec<&str> {
        let fields = self.columns.fields().iter();
        let texts = fields.filter(|field| match self.table {
            Table::Aggregates => field.data_type().is_nested(),
            // Other columns are refused.
            _ => field.name() == ANOMALY_CAUSES,
        });
        texts.map(|field| field.name().as_str()).collect()
    }
}

/// What a stream has to store.
///
/// # Errors
/// Never for a stream that was checked.
pub fn sources(stream: &Stream) -> Result<Vec<Source>, Failure> {
    let topics = stream.topics();
    let scored = stream.scored_schema().map_err(Failure::run_time)?;
    let letters = kafka::dead_letters_schema().map_err(Failure::run_time)?;
    let source = |table, topic: &String, schema: &ValueSchema, columns: &SchemaRef| Source {
        table,
        topic: topic.clone(),
        schema: schema.clone(),
        columns: columns.clone(),
    };
    let mut sources = vec![source(Table::ProcessedData, &topics.scored, &scored, &stream.scored)];
    if stream.definition.spec.detect.is_some() {
        let anomalies = stream.anomalies_schema().map_err(Failure::run_time)?;
        sources.push(source(Table::Anomalies, &topics.anomalies, &anomalies, &stream.anomalies()));
    }
    sources.push(source(Table::DeadLetters, &topics.dead_letters, &letters, letters.arrow()));
    if !stream.aggregates.is_empty() {
        let late = stream.late_schema().map_err(Failure::run_time)?;
        sources.push(source(Table::Late, &topics.late, &late, &stream.aggregates.late));
        let aggregates = stream.aggregates_schema().map_err(Failure::run_time)?;
        sources.push(source(Table::Aggregates, &topics.aggregates, &aggregates, &stream.aggregates.schema));
    }
    Ok(sources)
}
