//! Parts of groups that are in several partitions: as they stand on Kafka, and the stage that puts them together.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, BinaryArray, Int32Array, Int64Array, RecordBatch, StringArray},
    datatypes::{Int32Type, Int64Type},
};
use bytes::Bytes;
use codec::ValueSchema;
use stage::{Key, Merge, Outputs, Partial, Rows, Stage, StageError, WindowError};
use stream::Stream;

use crate::KafkaError;

const AVRO: &str = include_str!("../../schemas/partial.avsc");

/// The column that says which window and group.
pub(crate) const KEY: &str = "key";

/// The schema of parts.
pub(crate) fn partials_schema() -> Result<ValueSchema, KafkaError> {
    Ok(ValueSchema::parse(AVRO)?)
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

/// Puts parts together. It hands nothing on row by row: results come out when it is flushed.
pub(crate) struct MergeParts {
    merge: Merge,
    /// The first row since the last snapshot.
    uncovered: Option<u64>,
    overdue: u64,
    /// Why a snapshot could not be taken.
    failure: Option<WindowError>,
}

impl MergeParts {
    pub(crate) fn new(stream: &Stream) -> Result<Self, StageError> {
        Ok(Self { merge: Merge::new(stream)?, uncovered: None, overdue: 0, failure: None })
    }
}

impl Stage for MergeParts {
    fn process(&mut self, rows: Rows, _: &mut Outputs) -> Result<(), StageError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.uncovered.get_or_insert(rows.positions.value(0));
        let partitions = rows.batch.column(0).as_primitive::<Int32Type>();
        let states = rows.batch.column(2).as_binary::<i32>();
        let clocks = rows.batch.column(3).as_primitive::<Int64Type>();
        for row in 0..rows.len() {
            let partition = partitions.value(row) as u32;
            if states.is_valid(row) {
                self.overdue += self.merge.apply(partition, states.value(row))?;
            }
            if clocks.is_valid(row) {
                self.merge.clock(partition, clocks.value(row));
            }
        }
        Ok(())
    }

    fn flush(&mut self, out: &mut Outputs) -> Result<(), StageError> {
        if let Some(failure) = self.failure.take() {
            return Err(failure.into());
        }
        out.changed.extend(self.merge.changed()?);
        out.closed.extend(self.merge.settle()?);
        out.overdue += std::mem::take(&mut self.overdue);
        Ok(())
    }

    fn horizon(&self) -> Option<u64> {
        self.uncovered
    }

    /// All that changed, whatever `bytes` says.
    fn snapshots(&mut self, bytes: usize) -> Vec<(Key, Bytes)> {
        let _ = bytes;
        match self.merge.snapshots() {
            Ok(snapshots) => {
                self.uncovered = None;
                snapshots.into_iter().map(|(key, state)| (key, Bytes::from(state))).collect()
            }
            Err(error) => {
                self.failure = Some(error);
                Vec::new()
            }
        }
    }

    fn restore(&mut self, key: Key, snapshot: &[u8]) -> Result<(), StageError> {
        Ok(self.merge.restore(&key, snapshot)?)
    }
}
