//! What each step makes of small batches, as a user would see it.

mod aggregating;
mod detecting;
mod enriching;
mod passing_on;

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray, UInt64Array},
    datatypes::{Float64Type, TimestampMicrosecondType},
};
use fixtures::Memory;
use stream::Stream;

use crate::{DeadLetter, Outputs, Rows, Stage, Traces};

const SCHEMA: &str = r#"{ "type": "record", "name": "Reading", "fields": [
    { "name": "id", "type": ["null", "string"] },
    { "name": "sensor", "type": ["null", "string"] },
    { "name": "at", "type": ["null", "string"] },
    { "name": "value", "type": ["null", "double"] } ] }"#;

const SECOND: i64 = 1_000_000;

/// A stream of readings with this in its `spec`, which is indented by two spaces.
fn stream(spec: &str) -> Arc<Stream> {
    let text = format!(
        "apiVersion: beamline.dev/v1\nkind: Stream\nmetadata: {{ name: readings }}\nspec:\n  schema: reading.avsc\n  \
         id: id\n  key: sensor\n  time: at\n  partitions: 1\n{spec}\n"
    );
    let files = Memory(&[("reading.avsc", SCHEMA), ("sensors.csv", "sensor,offset\na,1.5\nb,-2\n")]);
    Arc::new(Stream::load("readings.yaml", &text, &files).unwrap_or_else(|errors| panic!("{errors}")))
}

/// A reading: its sensor, its time as text, its value.
type Reading<'a> = (Option<&'a str>, Option<&'a str>, Option<f64>);

/// Rows at positions 10, 20, ...; their ids are `r0`, `r1`, ...
fn rows(stream: &Stream, readings: &[Reading<'_>]) -> Rows {
    let keys: StringArray = readings.iter().map(|(sensor, ..)| Some(sensor.unwrap_or_default())).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new((0..readings.len()).map(|row| Some(format!("r{row}"))).collect::<StringArray>()),
        Arc::new(readings.iter().map(|(sensor, ..)| *sensor).collect::<StringArray>()),
        Arc::new(readings.iter().map(|(_, at, _)| *at).collect::<StringArray>()),
        Arc::new(readings.iter().map(|(.., value)| *value).collect::<Float64Array>()),
    ];
    Rows {
        batch: RecordBatch::try_new(stream.input.arrow().clone(), columns).unwrap(),
        positions: UInt64Array::from_iter_values((1..=readings.len() as u64).map(|row| row * 10)),
        keys,
        ingested: None,
        traces: Traces::default(),
    }
}

/// Rows of one sensor, each a number of microseconds after the start of 2025, with a value.
fn timed(stream: &Stream, sensor: &str, of: &[(i64, f64)]) -> Rows {
    let at: Vec<String> = of.iter().map(|(micros, _)| (1_735_689_600.0 + *micros as f64 / 1e6).to_string()).collect();
    let readings: Vec<Reading<'_>> =
        of.iter().zip(&at).map(|((_, value), at)| (Some(sensor), Some(at.as_str()), Some(*value))).collect();
    rows(stream, &readings)
}

fn taken(stage: &mut dyn Stage, rows: Rows) -> Outputs {
    let mut out = Outputs::default();
    stage.process(rows, &mut out).unwrap();
    out
}

/// The rows that came out, as one batch.
fn batch(out: &Outputs) -> RecordBatch {
    let batches: Vec<&RecordBatch> = out.rows.iter().map(|rows| &rows.batch).collect();
    arrow::compute::concat_batches(&batches[0].schema(), batches).unwrap()
}

fn numbers(batch: &RecordBatch, column: &str) -> Vec<Option<f64>> {
    batch[column].as_primitive::<Float64Type>().iter().collect()
}

fn texts(batch: &RecordBatch, column: &str) -> Vec<Option<String>> {
    batch[column].as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
}

/// The position, kind, rule and reason of each dead letter.
fn dead_letters(dead_letters: &[DeadLetter]) -> Vec<(u64, &str, &str, &str)> {
    dead_letters
        .iter()
        .map(|dead_letter| {
            (dead_letter.position, dead_letter.kind.name(), dead_letter.rule.as_str(), dead_letter.reason.as_str())
        })
        .collect()
}
