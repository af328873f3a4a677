//! The trace of each anomaly: the one that the event came with, or the one that follows from its id.

use arrow::{
    array::{Array, ArrayRef, BooleanArray, StringArray, StringBuilder, UInt64Array},
    compute,
    error::ArrowError,
};
use stream::Stream;

use crate::{Rows, TraceId, Traces, key_text};

/// Bytes of a trace's id as text.
const BYTES: usize = 32;

/// What the traces of a batch's rows follow from.
pub(super) struct Traced<'a> {
    stream: &'a str,
    ids: &'a ArrayRef,
    positions: &'a UInt64Array,
    came: &'a Traces,
}

impl<'a> Traced<'a> {
    pub(super) fn of(stream: &'a Stream, rows: &'a Rows) -> Result<Self, ArrowError> {
        let ids = rows.batch.column(rows.batch.schema_ref().index_of(&stream.definition.spec.id)?);
        Ok(Self { stream: stream.name(), ids, positions: &rows.positions, came: &rows.traces })
    }

    /// The id of each anomaly's trace; null for ordinary rows, which most often have none.
    pub(super) fn column(&self, anomalous: &BooleanArray) -> Result<StringArray, ArrowError> {
        let ids = key_text(&compute::filter(self.ids, anomalous)?)?;
        let mut traces = StringBuilder::with_capacity(anomalous.len(), ids.len() * BYTES);
        let (mut ids, mut next) = (ids.iter().map(Option::unwrap_or_default), 0);
        for (row, id) in anomalous.values().set_indices().zip(ids.by_ref()) {
            traces.append_nulls(row - next);
            let came = self.came.of(self.positions.value(row));
            traces.append_value(came.unwrap_or_else(|| TraceId::of(self.stream, id)).to_string());
            next = row + 1;
        }
        traces.append_nulls(anomalous.len() - next);
        Ok(traces.finish())
    }
}
