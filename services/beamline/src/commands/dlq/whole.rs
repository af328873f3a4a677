//! The whole of what stands in a dead letter's payload on Kafka: fetched from its topic where the letter has only the head,
//! and as JSON where it is an event in Avro.

use arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::Int64Type,
};
use ask::{AskError, OnKafka, Source};
use kafka::{EventText, KafkaError, Originals};

/// The columns that say of what a payload is the head.
pub(super) const COLUMNS: &str = ", topic, size, digest";
/// The first of them in what `show` asks for.
const FIRST: usize = 6;

/// Completes payloads.
pub(super) struct Wholes {
    originals: Originals,
    text: EventText,
}

/// A payload, complete where it can be had.
pub(super) struct Payload {
    pub bytes: Vec<u8>,
    /// Bytes of the whole event, where the letter has only its head.
    pub size: Option<i64>,
    /// Why `bytes` are only the head.
    pub gone: Option<String>,
}

impl Payload {
    pub(super) fn complete(bytes: Vec<u8>) -> Self {
        Self { bytes, size: None, gone: None }
    }
}

impl Wholes {
    /// Of the topics that are asked; nothing where none are.
    pub(super) fn of(source: &Source) -> Result<Option<Self>, AskError> {
        let Source::Kafka(streams) = source else { return Ok(None) };
        let Some(OnKafka { connection, registry, stream, .. }) = streams.first() else { return Ok(None) };
        Ok(Some(Self { originals: Originals::connect(connection)?, text: EventText::new(stream, registry)? }))
    }

    /// The payload of a row that `show` has asked for, whose letter has `bytes`.
    pub(super) fn payload(&mut self, rows: &RecordBatch, row: usize, bytes: Vec<u8>) -> Result<Payload, AskError> {
        let text = |column: usize| rows.column(column).as_string::<i32>().value(row);
        let sizes = rows.column(FIRST + 1).as_primitive::<Int64Type>();
        let size = sizes.is_valid(row).then(|| sizes.value(row));
        let (mut whole, mut gone) = (bytes, None);
        if size.is_some() {
            let position = rows.column(0).as_primitive::<Int64Type>().value(row) as u64;
            let partition = rows.column(1).as_primitive::<arrow::datatypes::Int32Type>().value(row) as u32;
            let fetched = match text(FIRST) {
                // A source's own event: nobody but the source has it.
                "" => Err("the whole event is only in the source that it came from".to_owned()),
                topic => match self.originals.fetch(topic, partition, position, text(FIRST + 2)) {
                    Ok(bytes) => Ok(bytes),
                    Err(error @ KafkaError::Gone { .. }) => Err(error.to_string()),
                    Err(error) => return Err(error.into()),
                },
            };
            match fetched {
                Ok(bytes) => whole = bytes,
                Err(reason) => gone = Some(reason),
            }
        }
        // What begins like framed Avro may be an event that a person can read.
        if gone.is_none()
            && whole.first() == Some(&0)
            && let Some(json) = self.text.json(&whole)?
        {
            whole = json.to_vec();
        }
        Ok(Payload { bytes: whole, size, gone })
    }
}
