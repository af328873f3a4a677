//! Snapshots of state as they stand on Kafka.

use std::sync::{Arc, OnceLock};

use arrow::{
    array::{ArrayRef, AsArray, BinaryArray, Int64Array, RecordBatch, StringArray},
    datatypes::Int64Type,
};
use bytes::Bytes;
use codec::{Decoder, Limits, ValueSchema};
use stage::Key;

use crate::{KafkaError, messages::framing::parsed};

const AVRO: &str = include_str!("../../schemas/snapshot.avsc");

/// The schema of snapshots.
pub(crate) fn snapshots_schema() -> Result<ValueSchema, KafkaError> {
    static PARSED: OnceLock<ValueSchema> = OnceLock::new();
    parsed(AVRO, &PARSED)
}

/// Rows of the schema.
pub(crate) fn snapshot_rows(of: &str, position: i64, snapshots: &[(Key, Bytes)]) -> Result<RecordBatch, KafkaError> {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(std::iter::repeat_n(of, snapshots.len()))),
        Arc::new(Int64Array::from(vec![position; snapshots.len()])),
        Arc::new(BinaryArray::from_iter_values(snapshots.iter().map(|(_, state)| state))),
    ];
    Ok(RecordBatch::try_new(snapshots_schema()?.arrow().clone(), columns)?)
}

/// The state in a record of a state topic; nothing where the record is not a snapshot. Every program writes them in the same
/// schema, whatever its number in the registry.
pub(crate) fn value_of(record: &[u8]) -> Result<Option<Vec<u8>>, KafkaError> {
    let Some((head, _)) = record.split_first_chunk::<5>() else { return Ok(None) };
    let id = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
    let schema = snapshots_schema()?;
    let mut decoder = Decoder::new(schema.clone(), Limits::default())?;
    decoder.add_writer(id, schema.avro())?;
    let decoded = decoder.decode(&[record])?;
    Ok((decoded.rows.num_rows() == 1).then(|| snapshot(&decoded.rows, 0).2.to_vec()))
}

/// One snapshot of a batch that was read back: of which state, up to where, and the state.
pub(crate) fn snapshot(rows: &RecordBatch, row: usize) -> (&str, i64, &[u8]) {
    let of = rows.column(0).as_string::<i32>().value(row);
    let position = rows.column(1).as_primitive::<Int64Type>().value(row);
    (of, position, rows.column(2).as_binary::<i32>().value(row))
}
