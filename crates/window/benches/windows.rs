//! Events a second of one-minute windows by 1,000 groups.
//!
//! `cargo bench --profile dev -p window -p beamline --bench windows`

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use divan::{Bencher, counter::ItemsCount};
use stream::{FileReader, Stream};
use window::{Aggregator, Events};

const EVENTS: usize = 65_536;
const GROUPS: usize = 1_000;

const SCHEMA: &str = r#"{ "type": "record", "name": "Hit", "fields": [
    { "name": "id", "type": "string" }, { "name": "detector", "type": "string" },
    { "name": "at", "type": { "type": "long", "logicalType": "timestamp-micros" } },
    { "name": "energy", "type": "double" } ] }"#;

struct Files;

impl FileReader for Files {
    fn read(&self, _path: &str) -> Result<Vec<u8>, String> {
        Ok(SCHEMA.into())
    }
}

fn stream(select: &str) -> Stream {
    let text = format!(
        "apiVersion: beamline.dev/v1\nkind: Stream\nmetadata: {{ name: bench }}\nspec:\n  schema: hit.avsc\n  \
         id: id\n  key: detector\n  time: at\n  aggregate:\n    - {{ name: rates, window: 1m, group_by: [detector], \
         select: {{ {select} }} }}\n"
    );
    Stream::load("bench.yaml", &text, &Files).unwrap_or_else(|errors| panic!("{errors}"))
}

fn events(stream: &Stream) -> (RecordBatch, Vec<i64>, StringArray) {
    let times: Vec<i64> = (0..EVENTS as i64).map(|event| 1_735_689_600_000_000 + event * 100).collect();
    let ids = StringArray::from_iter_values((0..EVENTS).map(|event| format!("hit-{event}")));
    let detector = |event: usize| format!("detector-{:04}", event.wrapping_mul(2_654_435_761) % GROUPS);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(ids.clone()),
        Arc::new(StringArray::from_iter_values((0..EVENTS).map(detector))),
        Arc::new(TimestampMicrosecondArray::from(times.clone()).with_timezone("+00:00")),
        Arc::new(Float64Array::from_iter_values((0..EVENTS).map(|event| (event % 997) as f64 * 0.37))),
    ];
    let schema = stream.input.arrow();
    let columns = columns.iter().zip(schema.fields()).map(|(c, f)| arrow::compute::cast(c, f.data_type()).unwrap());
    (RecordBatch::try_new(schema.clone(), columns.collect()).unwrap(), times, ids)
}

#[divan::bench(args = [
    "events: count(*)",
    "events: count(*), mean: avg(energy), most: max(energy)",
    "spread: stddev(energy)",
    "median: approx_median(energy)",
    "detectors: approx_distinct(id)",
])]
fn process(bencher: Bencher<'_, '_>, select: &str) {
    let stream = stream(select);
    let (batch, times, ids) = events(&stream);
    let mut aggregator = Aggregator::new(&stream).unwrap();
    let events = Events { batch: &batch, times: &times, ids: &ids };
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| aggregator.process(&events).unwrap().len());
}

/// What a commit costs that finds all groups changed.
#[divan::bench]
fn flush_and_snapshot(bencher: Bencher<'_, '_>) {
    let stream = stream("events: count(*), mean: avg(energy), most: max(energy)");
    let (batch, times, ids) = events(&stream);
    let mut aggregator = Aggregator::new(&stream).unwrap();
    bencher.counter(ItemsCount::new(GROUPS)).bench_local(|| {
        aggregator.process(&Events { batch: &batch, times: &times, ids: &ids }).unwrap();
        let flushed = aggregator.flush().unwrap();
        (flushed.changed.map(|rows| rows.num_rows()), aggregator.snapshots().unwrap().len())
    });
}

fn main() {
    divan::main();
}
