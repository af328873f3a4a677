//! Windows of a small stream of readings: what its partitions give, and what comes of putting them together.

mod functions;
mod merging;
mod sessions;
mod slots;
mod windows;

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
    datatypes::{DataType, TimestampMicrosecondType},
    util::display::array_value_to_string,
};
use fixtures::{Memory, READING, definition};
use stream::Stream;

use crate::{Aggregator, Events, Flushed, LeftOut};

const SECOND: i64 = 1_000_000;

/// A stream of readings with these aggregates, in three partitions.
fn stream(aggregates: &str) -> Stream {
    let text = definition(&format!("  aggregate:\n{aggregates}"));
    Stream::load("readings.yaml", &text, &Memory(&[("reading.avsc", READING)]))
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Takes events: of a sensor, at a second, with a value. The value is in the id, which tells events of one time apart.
fn take(aggregator: &mut Aggregator, stream: &Stream, of: &[(&str, i64, f64)]) -> Vec<LeftOut> {
    let times: Vec<i64> = of.iter().map(|(_, second, _)| second.saturating_mul(SECOND)).collect();
    let ids = StringArray::from_iter_values(of.iter().map(|(.., value)| format!("id-{value}")));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(ids.clone()),
        Arc::new(StringArray::from_iter_values(of.iter().map(|(sensor, ..)| *sensor))),
        Arc::new(TimestampMicrosecondArray::from(times.clone()).with_timezone("UTC")),
        Arc::new(Float64Array::from_iter_values(of.iter().map(|(.., value)| *value))),
    ];
    let batch = RecordBatch::try_new(stream.scored.clone(), columns).unwrap();
    aggregator.process(&Events { batch: &batch, times: &times, ids: &ids }).unwrap()
}

/// What was left out: the row, by how many seconds it was late, and why.
fn reasons(left_out: &[LeftOut]) -> Vec<(usize, Option<f64>, &str)> {
    left_out.iter().map(|event| (event.row, event.late_by_seconds, event.reason.as_str())).collect()
}

/// Results as lines of what is not null: times in seconds, and a star where a row is final.
fn lines<'a>(batches: impl IntoIterator<Item = &'a RecordBatch>) -> Vec<String> {
    let cell = |values: &ArrayRef, row: usize| match values.data_type() {
        DataType::Timestamp(..) => (values.as_primitive::<TimestampMicrosecondType>().value(row) / SECOND).to_string(),
        DataType::Boolean => if values.as_boolean().value(row) { "*" } else { "-" }.to_owned(),
        _ => array_value_to_string(values, row).unwrap(),
    };
    let rows = batches.into_iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| (batch, row)));
    rows.map(|(batch, row)| {
        let cells = batch.columns().iter().filter(|values| values.is_valid(row)).map(|values| cell(values, row));
        cells.collect::<Vec<_>>().join(" ")
    })
    .collect()
}

/// The closed and the changed results of a flush.
fn flushed(flushed: &Flushed) -> (Vec<String>, Vec<String>) {
    (lines(&flushed.closed), lines(&flushed.changed))
}
