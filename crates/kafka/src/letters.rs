//! Dead letters as they stand on Kafka.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, BinaryArray, Int32Array, Int64Array, RecordBatch, StringArray},
    datatypes::{Int32Type, Int64Type},
};
use codec::ValueSchema;
use stage::DeadLetter;

use crate::KafkaError;

/// The schema of a dead letter: stable, whatever the stream.
const AVRO: &str = include_str!("../schemas/dead-letter.avsc");

/// The schema of dead letters.
///
/// # Errors
/// Never in practice: the schema is part of the program.
pub fn letters_schema() -> Result<ValueSchema, KafkaError> {
    Ok(ValueSchema::parse(AVRO)?)
}

/// A dead letter with where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The letter; its position is the offset in `topic`, or the position in a source where that is empty.
    pub letter: DeadLetter,
    /// The step that could not go on with it.
    pub stage: &'static str,
    /// Where the bytes came from; empty for a source's.
    pub topic: String,
    /// The partition there.
    pub partition: u32,
    /// The registry's id of the schema that the bytes claim to have.
    pub schema_id: Option<u32>,
    /// The trace that the message belonged to.
    pub trace_id: Option<String>,
}

/// Rows of the schema.
pub(crate) fn letter_rows(letters: &[Letter]) -> Result<RecordBatch, KafkaError> {
    let text = |of: &dyn Fn(&Letter) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(letters.iter().map(of)))
    };
    let columns: Vec<ArrayRef> = vec![
        text(&|letter| letter.stage.to_owned()),
        text(&|letter| letter.letter.kind.name().to_owned()),
        text(&|letter| letter.letter.rule.clone()),
        text(&|letter| letter.letter.reason.clone()),
        Arc::new(BinaryArray::from_iter_values(letters.iter().map(|letter| &letter.letter.payload))),
        Arc::new(letters.iter().map(|letter| letter.schema_id.map(|id| id as i32)).collect::<Int32Array>()),
        text(&|letter| letter.topic.clone()),
        Arc::new(Int32Array::from_iter_values(letters.iter().map(|letter| letter.partition as i32))),
        Arc::new(Int64Array::from_iter_values(letters.iter().map(|letter| letter.letter.position as i64))),
        Arc::new(letters.iter().map(|letter| letter.trace_id.clone()).collect::<StringArray>()),
    ];
    Ok(RecordBatch::try_new(letters_schema()?.arrow().clone(), columns)?)
}

/// A dead letter as it was read back from its topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadLetter {
    /// The step that could not go on with it.
    pub stage: String,
    /// What kind of failure.
    pub kind: String,
    /// The rule or column that it failed at.
    pub rule: String,
    /// Why.
    pub reason: String,
    /// The bytes.
    pub payload: Vec<u8>,
    /// The registry's id of the schema that the bytes claim to have.
    pub schema_id: Option<u32>,
    /// Where the bytes came from; empty for a source's.
    pub topic: String,
    /// The partition there.
    pub partition: u32,
    /// The offset there, or the position in a source.
    pub offset: u64,
    /// The trace that the message belonged to.
    pub trace_id: Option<String>,
}

impl ReadLetter {
    /// The letters in rows of the schema.
    ///
    /// # Errors
    /// Where the rows have other columns.
    pub fn from_rows(rows: &RecordBatch) -> Result<Vec<Self>, KafkaError> {
        let column = |name: &str| {
            rows.column_by_name(name).cloned().ok_or_else(|| KafkaError::Foreign {
                topic: "dead letters".into(),
                reason: format!("column `{name}` is missing"),
            })
        };
        let text = |name: &str| -> Result<StringArray, KafkaError> { Ok(column(name)?.as_string::<i32>().clone()) };
        let (stage, kind, rule, reason) = (text("stage")?, text("kind")?, text("rule")?, text("reason")?);
        let (topic, trace) = (text("topic")?, text("trace_id")?);
        let (payload, schema) = (column("payload")?, column("schema_id")?);
        let (partition, offset) = (column("partition")?, column("offset")?);
        let schema = schema.as_primitive::<Int32Type>();
        let letter = |row: usize| Self {
            stage: stage.value(row).to_owned(),
            kind: kind.value(row).to_owned(),
            rule: rule.value(row).to_owned(),
            reason: reason.value(row).to_owned(),
            payload: payload.as_binary::<i32>().value(row).to_vec(),
            schema_id: schema.is_valid(row).then(|| schema.value(row) as u32),
            topic: topic.value(row).to_owned(),
            partition: partition.as_primitive::<Int32Type>().value(row) as u32,
            offset: offset.as_primitive::<Int64Type>().value(row) as u64,
            trace_id: trace.is_valid(row).then(|| trace.value(row).to_owned()),
        };
        Ok((0..rows.num_rows()).map(letter).collect())
    }
}

#[cfg(test)]
mod tests {
    use stage::DeadLetterKind;

    use super::*;

    #[test]
    fn come_back_as_they_were() {
        let letter = Letter {
            letter: DeadLetter {
                position: 7,
                payload: b"\x00junk".as_slice().into(),
                kind: DeadLetterKind::Decode,
                rule: String::new(),
                reason: "no framed Avro".into(),
            },
            stage: "enricher",
            topic: "clicks".into(),
            partition: 3,
            schema_id: Some(u32::MAX),
            trace_id: None,
        };
        let read = ReadLetter::from_rows(&letter_rows(std::slice::from_ref(&letter)).unwrap()).unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!((read[0].offset, read[0].partition, read[0].schema_id), (7, 3, Some(u32::MAX)));
        assert_eq!((read[0].kind.as_str(), read[0].payload.as_slice()), ("decode", b"\x00junk".as_slice()));
    }
}
