//! Events a second of one-minute windows by 1,000 groups, and the memory of an open one.
//!
//! `cargo bench --profile dev --workspace --bench windows`

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{fs, sync::Arc, time::Instant};

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use divan::{Bencher, counter::ItemsCount};
use stream::{FileReader, Stream};
use window::{Aggregator, Events};

const EVENTS: usize = 65_536;
const GROUPS: usize = 1_000;

const USUAL: &str = "events: count(*), mean: avg(energy), most: max(energy)";

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

fn stream(select: &str, lateness: &str) -> Stream {
    let text = format!(
        "apiVersion: beamline.dev/v1\nkind: Stream\nmetadata: {{ name: bench }}\nspec:\n  schema: hit.avsc\n  \
         id: id\n  key: detector\n  time: at\n  aggregate:\n    - {{ name: rates, window: 1m, group_by: [detector], \
         lateness: {lateness}, select: {{ {select} }} }}\n"
    );
    Stream::load("bench.yaml", &text, &Files).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Events `spacing` microseconds apart, from the one of this number on.
fn events(stream: &Stream, first: i64, spacing: i64) -> (RecordBatch, Vec<i64>, StringArray) {
    let numbers = first..first + EVENTS as i64;
    let times: Vec<i64> = numbers.map(|event| 1_735_689_600_000_000 + event * spacing).collect();
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
    USUAL,
    "spread: stddev(energy)",
    "median: approx_median(energy)",
    "detectors: approx_distinct(id)",
])]
fn process(bencher: Bencher<'_, '_>, select: &str) {
    let stream = stream(select, "1m");
    let (batch, times, ids) = events(&stream, 0, 100);
    let mut aggregator = Aggregator::new(&stream).unwrap();
    let events = Events { batch: &batch, times: &times, ids: &ids };
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| aggregator.process(&events).unwrap().len());
}

/// What a commit costs that finds all groups changed.
#[divan::bench]
fn flush_and_snapshot(bencher: Bencher<'_, '_>) {
    let stream = stream(USUAL, "1m");
    let (batch, times, ids) = events(&stream, 0, 100);
    let mut aggregator = Aggregator::new(&stream).unwrap();
    bencher.counter(ItemsCount::new(GROUPS)).bench_local(|| {
        aggregator.process(&Events { batch: &batch, times: &times, ids: &ids }).unwrap();
        let flushed = aggregator.flush().unwrap();
        (flushed.changed.map(|rows| rows.num_rows()), aggregator.snapshots().unwrap().len())
    });
}

/// A stream of a thousand events a second, its windows opened and closed, with a commit each 131,072 events.
fn whole_stream() {
    let stream = stream(USUAL, "10s");
    let mut aggregator = Aggregator::new(&stream).unwrap();
    let batches: Vec<_> = (0..32).map(|batch| events(&stream, batch * EVENTS as i64, 1000)).collect();
    let (begun, processor, mut rows) = (Instant::now(), processor_seconds(), 0);
    for (number, (batch, times, ids)) in batches.iter().enumerate() {
        aggregator.process(&Events { batch, times, ids }).unwrap();
        if number % 2 == 1 {
            rows += aggregator.flush().unwrap().closed.map_or(0, |closed| closed.num_rows());
            aggregator.snapshots().unwrap();
        }
    }
    let count = (batches.len() * EVENTS) as f64;
    let (seconds, processor) = (begun.elapsed().as_secs_f64(), processor_seconds() - processor);
    println!("with commits: {:.0} events/s, {:.0} a CPU second, {rows} final rows", count / seconds, count / processor);
}

/// The resident memory of a thousand windows of each group.
fn memory_of_open_groups() {
    let stream = stream(USUAL, "1d");
    let mut aggregator = Aggregator::new(&stream).unwrap();
    // Each group has an event a minute.
    let mut number = 0;
    let before = resident();
    while aggregator.open_windows() < 1_000_000 {
        let (batch, times, ids) = events(&stream, number, 60_000);
        aggregator.process(&Events { batch: &batch, times: &times, ids: &ids }).unwrap();
        number += EVENTS as i64;
    }
    let open = aggregator.open_windows();
    println!("memory: {} bytes for each of {open} open groups", (resident() - before) / open as u64);
}

/// Bytes of this process that are in memory, in pages of 4 KiB.
fn resident() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").unwrap();
    text.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

/// User and system time of this process (fields 14 and 15 of `/proc/self/stat`), in ticks of 10 ms.
fn processor_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

fn main() {
    // Before anything else has left free memory behind.
    memory_of_open_groups();
    whole_stream();
    divan::main();
}
