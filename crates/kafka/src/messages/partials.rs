//! Parts of groups that are in several partitions, as they stand on Kafka.

use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, BinaryArray, Int32Array, Int64Array, RecordBatch, StringArray};
use codec::ValueSchema;
use stage::Partial;

use crate::{KafkaError, messages::framing::parsed};

const AVRO: &str = include_str!("../../schemas/partial.avsc");

/// The column that says which window and group.
pub(crate) const KEY: &str = "key";

/// The schema of parts.
pub(crate) fn partials_schema() -> Result<ValueSchema, KafkaError> {
    static PARSED: OnceLock<ValueSchema> = OnceLock::new();
    parsed(AVRO, &PARSED)
}

/// What a partition has to say: its parts, and behind them its clock, for a clock closes windows.
pub(crate) fn partial_rows(
    partition: u32,
    partials: &[Partial],
    clock: Option<i64>,
) -> Result<RecordBatch, KafkaError> {
    let ticks = usize::from(clock.is_some());
    let keys = partials.iter().map(|partial| &*partial.key).chain(std::iter::repeat_n("", ticks));
    let states = partials.iter().map(|partial| Some(partial.state.as_ref())).chain(std::iter::repeat_n(None, ticks));
    let clocks = std::iter::repeat_n(None, partials.len()).chain(clock.map(Some));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from(vec![partition as i32; partials.len() + ticks])),
        Arc::new(StringArray::from_iter_values(keys)),
        Arc::new(BinaryArray::from_iter(states)),
        Arc::new(Int64Array::from_iter(clocks)),
    ];
    Ok(RecordBatch::try_new(partials_schema()?.arrow().clone(), columns)?)
}
