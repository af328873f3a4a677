//! Probes in a lake: the newest of each partition, in the commit of what stood before it.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::{
    array::{Int64Array, RecordBatch, StringArray, UInt64Array},
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use lake::{DeltaSink, FileSink, Format, Lake, Location};
use sink::{Batch, Probe, Sink, Table};
use tempfile::TempDir;

const TABLE: Table = Table::ProcessedData;
const TOPIC: &str = "s.scored";

fn schema() -> SchemaRef {
    let fields = [Field::new("time", DataType::Utf8, false), Field::new("row", DataType::Int64, false)];
    Arc::new(Schema::new(fields.to_vec()))
}

/// A row at each of these positions, and probes at others.
fn batch(rows: std::ops::Range<u64>, probes: &[(u64, i64)], next: u64) -> Batch {
    let times = rows.clone().map(|_| "2025-01-31T13:00:00Z");
    let columns: Vec<arrow::array::ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(times)),
        Arc::new(Int64Array::from_iter_values(rows.clone().map(|row| row as i64))),
    ];
    Batch {
        table: TABLE,
        topic: TOPIC.to_owned(),
        partition: 0,
        rows: RecordBatch::try_new(schema(), columns).unwrap(),
        positions: UInt64Array::from_iter_values(rows.clone()),
        times: Int64Array::from_iter_values(rows.map(|_| 0)),
        keys: None,
        probes: probes
            .iter()
            .map(|(position, sent)| Probe { position: *position, sequence: *position, sent: *sent })
            .collect(),
        next,
    }
}

/// What is known of partition 0 after some writes: how many files there are, and the newest probe's number and time.
fn after(sink: &mut dyn Sink, folder: &TempDir, batches: Vec<Batch>) -> (usize, Option<(u64, i64)>) {
    sink.write(batches).unwrap();
    let location = Location::parse(folder.path().to_str().unwrap()).unwrap();
    let lake = tokio::runtime::Runtime::new().unwrap().block_on(Lake::open(&location)).unwrap();
    let probe = lake.probes.get(&0).inspect(|probe| assert!(probe.stored > probe.sent));
    (lake.tables[0].files.len(), probe.map(|probe| (probe.sequence, probe.sent)))
}

fn holds_the_newest(sink: &mut dyn Sink, folder: &TempDir) {
    assert_eq!(after(sink, folder, vec![batch(0..5, &[], 5)]), (1, None));
    // Probes alone are a commit without a file.
    assert_eq!(after(sink, folder, vec![batch(5..5, &[(5, 1_000), (6, 2_000)], 7)]), (1, Some((6, 2_000))));
    // The same once more changes nothing, and neither does what a writer sends that was taken over from.
    assert_eq!(after(sink, folder, vec![batch(5..5, &[(5, 1_000)], 6)]), (1, Some((6, 2_000))));
    let both = vec![batch(7..9, &[], 9), batch(9..9, &[(9, 3_000)], 10)];
    assert_eq!(after(sink, folder, both), (2, Some((9, 3_000))));
    assert_eq!(after(sink, folder, vec![batch(10..12, &[], 12)]), (3, Some((9, 3_000))));
    assert_eq!(sink.positions().unwrap().kept.get(&(TOPIC.to_owned(), 0)), Some(&12));
}

#[test]
fn a_folder_of_parquet_files_has_the_newest_probe() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::parse(folder.path().to_str().unwrap()).unwrap();
    let mut sink = FileSink::new(location, Format::Parquet, "s", "time", &[(TABLE, schema())]).unwrap();
    holds_the_newest(&mut sink, &folder);
}

#[test]
fn a_delta_table_has_the_newest_probe() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::parse(folder.path().to_str().unwrap()).unwrap();
    let mut sink = DeltaSink::new(location, "s", "time", &[(TABLE, TOPIC.to_owned(), schema())], 1).unwrap();
    holds_the_newest(&mut sink, &folder);
}
