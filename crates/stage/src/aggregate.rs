//! The third step: windows of event time. It hands nothing on; what it makes of the events comes out when it is flushed.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, UInt32Array, UInt64Array},
    compute::take,
};
use bytes::Bytes;
use stream::Stream;
use window::{Aggregator, Events, LeftOut};

use crate::{Key, Outputs, Rows, Stage, StageError, StateSize, WholeState, key_text, rows::event_times};

/// Windows of event time.
#[derive(Debug)]
pub struct Aggregate {
    stream: Arc<Stream>,
    aggregator: Aggregator,
    state: WholeState,
}

impl Aggregate {
    /// The third step of `stream`, or `None` where nothing is aggregated.
    ///
    /// # Errors
    /// Where the definition's aggregates cannot be computed.
    pub fn new(stream: Arc<Stream>) -> Result<Option<Self>, StageError> {
        if stream.aggregates.is_empty() {
            return Ok(None);
        }
        let aggregator = Aggregator::new(&stream)?;
        Ok(Some(Self { stream, aggregator, state: WholeState::default() }))
    }

    /// Whether a snapshot's key is one of this stage's: no event has such a key.
    pub fn owns(key: &str) -> bool {
        Aggregator::owns(key)
    }

    /// Results as they stand of groups that contain the stream's key, in windows that are not closed; final where the
    /// stream is `over`.
    ///
    /// # Errors
    /// Where a result cannot be put together.
    pub fn unclosed(&mut self, over: bool) -> Result<Option<RecordBatch>, StageError> {
        Ok(self.aggregator.unclosed(over)?)
    }

    /// How many windows and groups are open.
    pub fn open_windows(&self) -> usize {
        self.aggregator.open_windows()
    }

    /// The rows of events that were left out, with what they were left out of.
    fn late_rows(&self, rows: &Rows, left_out: &[LeftOut]) -> Result<Rows, StageError> {
        let indices = UInt32Array::from_iter_values(left_out.iter().map(|left_out| left_out.row as u32));
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(left_out.iter().map(|left_out| left_out.aggregate.name.as_str()))),
            Arc::new(Float64Array::from_iter(left_out.iter().map(|left_out| left_out.late_by_seconds))),
            Arc::new(StringArray::from_iter_values(left_out.iter().map(|left_out| left_out.reason.as_str()))),
        ];
        for column in rows.batch.columns() {
            columns.push(take(column, &indices, None)?);
        }
        Ok(Rows {
            batch: RecordBatch::try_new(self.stream.aggregates.late.clone(), columns)?,
            positions: UInt64Array::from(take(&rows.positions, &indices, None)?.to_data()),
            keys: StringArray::from(take(&rows.keys, &indices, None)?.to_data()),
            ingested: None,
            traces: rows.traces.clone(),
        })
    }
}

impl Stage for Aggregate {
    fn process(&mut self, rows: Rows, out: &mut Outputs) -> Result<(), StageError> {
        self.state.check()?;
        if rows.is_empty() {
            return Ok(());
        }
        self.state.changed_at(rows.positions.value(0));
        let spec = &self.stream.definition.spec;
        let column = |name: &str| Ok::<_, StageError>(rows.batch.column(rows.batch.schema_ref().index_of(name)?));
        let times: Int64Array = event_times(column(&spec.time)?)?;
        let ids = key_text(column(&spec.id)?)?;
        // A time that is missing is beyond all bounds.
        let times: Vec<i64> = times.iter().map(|time| time.unwrap_or(i64::MIN)).collect();
        let events = Events { batch: &rows.batch, times: &times, ids: &ids };
        let left_out = self.aggregator.process(&events)?;
        out.ahead += self.aggregator.doubted();
        if !left_out.is_empty() {
            out.late_events += left_out.chunk_by(|a, b| a.row == b.row).count() as u64;
            out.late.push(self.late_rows(&rows, &left_out)?);
        }
        Ok(())
    }

    fn flush(&mut self, out: &mut Outputs) -> Result<(), StageError> {
        self.state.check()?;
        let flushed = self.aggregator.flush()?;
        out.closed.extend(flushed.closed);
        out.changed.extend(flushed.changed);
        out.partials.extend(flushed.partials);
        out.clock = self.aggregator.clock();
        Ok(())
    }

    fn horizon(&self) -> Option<u64> {
        self.state.horizon()
    }

    /// All that changed, whatever `bytes` says.
    fn snapshots(&mut self, bytes: usize) -> Result<Vec<(Key, Bytes)>, StageError> {
        let _ = bytes;
        Ok(self.state.taken(self.aggregator.snapshots()))
    }

    fn state(&self) -> StateSize {
        StateSize { keys: self.open_windows(), ..StateSize::default() }
    }

    fn restore(&mut self, key: Key, snapshot: &[u8]) -> Result<(), StageError> {
        Ok(self.aggregator.restore(&key, snapshot)?)
    }
}
