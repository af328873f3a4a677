//! Dead letters as they stand on Kafka.

use std::sync::{Arc, OnceLock};

use arrow::{
    array::{Array, ArrayRef, AsArray, BinaryArray, Int32Array, Int64Array, RecordBatch, StringArray},
    datatypes::{Int32Type, Int64Type},
};
use codec::ValueSchema;
use rdkafka::message::Message;
use stage::DeadLetter;

use crate::{
    KafkaError, Step,
    messages::{
        framing::{parsed, schema_id},
        size::{HEAD_BYTES, REASON_BYTES_MAX, RULE_BYTES_MAX, Sizes, Whole, shortened},
    },
};

/// The schema of a dead letter: stable, whatever the stream.
const AVRO: &str = include_str!("../../schemas/dead-letter.avsc");

/// The schema of dead letters.
///
/// # Errors
/// Never in practice: the schema is part of the program.
pub fn dead_letters_schema() -> Result<ValueSchema, KafkaError> {
    static PARSED: OnceLock<ValueSchema> = OnceLock::new();
    parsed(AVRO, &PARSED)
}

/// A dead letter with where it comes from, as a record of their topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterRecord {
    /// The dead letter; its position is the offset in `topic`, or the position in a source where that is empty.
    pub dead_letter: DeadLetter,
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

impl DeadLetterRecord {
    /// A dead letter of a step, on one of these messages of a partition, which are in order.
    ///
    /// A row that was decoded is in it as JSON, to be mended by hand; where that is larger than an event may be, the bytes
    /// are in it as they came.
    pub(crate) fn on<M: Message>(
        dead_letter: DeadLetter,
        (step, topic, partition): (Step, &str, u32),
        messages: &[&M],
        trace_id: Option<String>,
        sizes: Sizes,
    ) -> Self {
        let index = messages.partition_point(|message| (message.offset() as u64) < dead_letter.position);
        let received = messages.get(index).and_then(|message| message.payload());
        let dead_letter = match received {
            Some(received) if dead_letter.payload.len() > sizes.event() => {
                DeadLetter { payload: received.to_vec().into(), ..dead_letter }
            }
            _ => dead_letter,
        };
        let schema_id = received.and_then(schema_id);
        Self { stage: step.name(), topic: topic.to_owned(), partition, schema_id, trace_id, dead_letter }
    }
}

/// Rows of the schema. Of an event above the limit they have the head, with the size and digest of the whole.
pub(crate) fn dead_letter_rows(records: &[DeadLetterRecord], sizes: Sizes) -> Result<RecordBatch, KafkaError> {
    let wholes: Vec<Option<Whole>> = records
        .iter()
        .map(|record| &record.dead_letter.payload)
        .map(|payload| (payload.len() > sizes.event()).then(|| Whole::of(payload)))
        .collect();
    let payload = |(record, whole): (&'_ DeadLetterRecord, &Option<Whole>)| match whole {
        Some(_) => record.dead_letter.payload.slice(..record.dead_letter.payload.len().min(HEAD_BYTES)),
        None => record.dead_letter.payload.clone(),
    };
    let text = |of: &dyn Fn(&DeadLetterRecord) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(records.iter().map(of)))
    };
    let columns: Vec<ArrayRef> = vec![
        text(&|record| record.stage.to_owned()),
        text(&|record| record.dead_letter.kind.name().to_owned()),
        text(&|record| shortened(&record.dead_letter.rule, RULE_BYTES_MAX).into_owned()),
        text(&|record| shortened(&record.dead_letter.reason, REASON_BYTES_MAX).into_owned()),
        Arc::new(BinaryArray::from_iter_values(records.iter().zip(&wholes).map(payload))),
        Arc::new(records.iter().map(|record| record.schema_id.map(|id| id as i32)).collect::<Int32Array>()),
        text(&|record| record.topic.clone()),
        Arc::new(Int32Array::from_iter_values(records.iter().map(|record| record.partition as i32))),
        Arc::new(Int64Array::from_iter_values(records.iter().map(|record| record.dead_letter.position as i64))),
        Arc::new(records.iter().map(|record| record.trace_id.clone()).collect::<StringArray>()),
        Arc::new(wholes.iter().map(|whole| whole.as_ref().map(|whole| whole.size)).collect::<Int64Array>()),
        Arc::new(wholes.iter().map(|whole| whole.as_ref().map(|whole| &*whole.digest)).collect::<StringArray>()),
    ];
    Ok(RecordBatch::try_new(dead_letters_schema()?.arrow().clone(), columns)?)
}

/// A dead letter as it was read back from its topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadDeadLetter {
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
    /// Bytes of the whole, where `payload` is only its head.
    pub size: Option<u64>,
    /// SHA-256 of the whole in hexadecimal, where `payload` is only its head.
    pub digest: Option<String>,
}

impl ReadDeadLetter {
    /// The dead letters in rows of the schema.
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
        let (size, digest) = (column("size")?, text("digest")?);
        let size = size.as_primitive::<Int64Type>();
        let dead_letter = |row: usize| Self {
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
            size: size.is_valid(row).then(|| size.value(row) as u64),
            digest: digest.is_valid(row).then(|| digest.value(row).to_owned()),
        };
        Ok((0..rows.num_rows()).map(dead_letter).collect())
    }
}

#[cfg(test)]
mod tests {
    use stage::DeadLetterKind;

    use super::*;

    fn read(record: &DeadLetterRecord, event: usize) -> Vec<ReadDeadLetter> {
        let rows = dead_letter_rows(std::slice::from_ref(record), Sizes::limited(event)).unwrap();
        ReadDeadLetter::from_rows(&rows).unwrap()
    }

    #[test]
    fn of_what_is_above_the_limit_the_head_is_kept_with_size_and_digest() {
        let payload: Vec<u8> = (0..100_000).map(|byte| byte as u8).collect();
        let record = DeadLetterRecord {
            dead_letter: DeadLetter::oversized(7, payload.clone().into(), "é".repeat(REASON_BYTES_MAX)),
            stage: "enricher",
            topic: "clicks".into(),
            partition: 3,
            schema_id: None,
            trace_id: None,
        };
        let whole = read(&record, payload.len());
        assert_eq!((&whole[0].payload, whole[0].size), (&payload, None));
        assert!(whole[0].reason.len() <= REASON_BYTES_MAX);
        let head = read(&record, payload.len() - 1);
        assert_eq!((&*head[0].payload, head[0].size), (&payload[..HEAD_BYTES], Some(100_000)));
        assert_eq!(head[0].digest, Some(crate::messages::size::sha256(&payload)));
    }

    #[test]
    fn come_back_as_they_were() {
        let record = DeadLetterRecord {
            dead_letter: DeadLetter {
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
        let read = read(&record, 4096);
        assert_eq!(read.len(), 1);
        assert_eq!((read[0].size, &read[0].digest), (None, &None));
        assert_eq!((read[0].offset, read[0].partition, read[0].schema_id), (7, 3, Some(u32::MAX)));
        assert_eq!((read[0].kind.as_str(), read[0].payload.as_slice()), ("decode", b"\x00junk".as_slice()));
    }
}
