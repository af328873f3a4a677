//! The sink, its log and what others see, with every way to be stopped in between.

use arrow::{
    array::{AsArray, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Int64Type, Schema},
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

use super::*;
use crate::{Lake, log::Places, sweep::sweep_older};

const TABLE: Table = Table::ProcessedData;

fn schema() -> SchemaRef {
    let fields = [Field::new("time", DataType::Utf8, false), Field::new("row", DataType::Int64, false)];
    Arc::new(Schema::new(fields.to_vec()))
}

/// Rows `from..to` of partition 0, in two hours.
fn batch(from: i64, to: i64) -> Batch {
    let times = (from..to).map(|row| format!("2025-01-31T{:02}:00:00Z", 13 + row % 2));
    let columns: Vec<arrow::array::ArrayRef> =
        vec![Arc::new(StringArray::from_iter_values(times)), Arc::new(Int64Array::from_iter_values(from..to))];
    Batch {
        table: TABLE,
        topic: "s.scored".to_owned(),
        partition: 0,
        rows: RecordBatch::try_new(schema(), columns).unwrap(),
        positions: (from as u64..to as u64).collect(),
        times: (from..to).collect(),
        probes: Vec::new(),
        keys: None,
        next: to as u64,
    }
}

fn location(folder: &TempDir) -> Location {
    Location::parse(folder.path().to_str().unwrap()).unwrap()
}

fn sink(folder: &TempDir) -> FileSink {
    FileSink::new(location(folder), Format::Parquet, "s", "time", &[(TABLE, schema())]).unwrap()
}

/// A lake that is open, and threads to use it with.
fn open(folder: &TempDir) -> (OpenLake, Runtime) {
    let (sink, runtime) = (sink(folder), write::runtime().unwrap());
    let lake = runtime.block_on(OpenLake::open(&sink.location, &sink.descriptor, &sink.layouts)).unwrap();
    (lake, runtime)
}

fn layouts() -> BTreeMap<Table, Layout> {
    BTreeMap::from([(TABLE, Layout::new(TABLE, &schema(), "time"))])
}

fn rows_in(paths: impl Iterator<Item = std::path::PathBuf>) -> Vec<i64> {
    let mut rows: Vec<i64> = paths
        .flat_map(|path| {
            let file = std::fs::File::open(path).unwrap();
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
            reader
                .flat_map(|rows| rows.unwrap().column(1).as_primitive::<Int64Type>().values().to_vec())
                .collect::<Vec<_>>()
        })
        .collect();
    rows.sort_unstable();
    rows
}

/// What a query sees.
fn queried(folder: &TempDir) -> Vec<i64> {
    let lake = write::runtime().unwrap().block_on(Lake::open(&location(folder))).unwrap();
    rows_in(lake.tables[0].files.iter().map(|path| format!("/{path}").into()))
}

/// What a tool sees that lists the table's folder.
fn listed(folder: &TempDir) -> Vec<i64> {
    let hours = std::fs::read_dir(folder.path().join(TABLE.name())).into_iter().flatten();
    rows_in(hours.flat_map(|hour| std::fs::read_dir(hour.unwrap().path()).unwrap()).map(|file| file.unwrap().path()))
}

fn numbers(to: i64) -> Vec<i64> {
    (0..to).collect()
}

#[test]
fn a_writer_that_goes_on_behind_its_successor_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (mut first, mut second) = (sink(&folder), sink(&folder));
    first.write(vec![batch(0, 10)]).unwrap();
    assert_eq!(second.positions().unwrap().kept.values().copied().collect::<Vec<_>>(), [10]);
    second.write(vec![batch(10, 16)]).unwrap();
    second.write(vec![batch(16, 30)]).unwrap();
    // It holds the same rows in another cut, from the same position on.
    first.write(vec![batch(10, 24)]).unwrap();
    assert_eq!((queried(&folder), listed(&folder)), (numbers(30), numbers(30)));
    // And some that nobody has stored yet.
    first.write(vec![batch(24, 40)]).unwrap();
    second.write(vec![batch(30, 50)]).unwrap();
    assert_eq!((queried(&folder), listed(&folder)), (numbers(50), numbers(50)));
}

#[test]
fn what_is_staged_is_seen_by_nobody_and_what_is_committed_is_finished_by_whoever_comes_next() {
    let folder = tempfile::tempdir().unwrap();
    let (mut lake, runtime) = open(&folder);
    let batches = [batch(0, 10)];
    let staged = runtime.block_on(lake.stage(&batches, &layouts())).unwrap();
    assert_eq!((queried(&folder), listed(&folder)), (vec![], vec![]));
    // Killed behind the commit.
    let entry = lake.entry(&staged, &batches);
    assert!(matches!(runtime.block_on(lake.log.commit(entry)).unwrap(), Committed::Done));
    assert_eq!((queried(&folder), listed(&folder)), (numbers(10), vec![]));
    let mut next = sink(&folder);
    next.write(vec![batch(0, 20)]).unwrap();
    assert_eq!((queried(&folder), listed(&folder)), (numbers(20), numbers(20)));
    // The first one goes on.
    runtime.block_on(lake.log.settle()).unwrap();
    assert_eq!((queried(&folder), listed(&folder)), (numbers(20), numbers(20)));
}

#[test]
fn a_writer_whose_staged_files_were_swept_stages_them_once_more() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, runtime) = open(&folder);
    let batches = [batch(0, 10)];
    let files = runtime.block_on(lake.stage(&batches, &layouts())).unwrap();
    let (mut other, _) = open(&folder);
    runtime.block_on(sweep_older(&mut other.log, &other.store, &other.path, std::time::Duration::ZERO)).unwrap();
    assert_eq!(std::fs::read_dir(folder.path().join("_beamline/staged")).unwrap().count(), 0);
    let mut log = lake.log;
    let overtaken = runtime.block_on(log.commit(Entry::new(files.id.clone()))).unwrap();
    let Committed::Overtaken(others) = overtaken else { panic!("the sweep was not seen") };
    assert!(!files.still_hold(&others, &batches));
}

#[test]
fn of_two_compactions_at_once_one_gives_way_and_no_row_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = sink(&folder);
    (0..6).for_each(|part| writer.write(vec![batch(part * 10, part * 10 + 10)]).unwrap());
    let runtime = write::runtime().unwrap();
    let both = runtime.block_on(async {
        let place = location(&folder);
        futures::join!(crate::compact(&place, 1 << 20, None), crate::compact(&place, 1 << 20, None))
    });
    let merged: usize = [both.0, both.1].into_iter().flat_map(|done| done.unwrap()).map(|done| done.merged).sum();
    assert!((6..=16).contains(&merged), "{merged}");
    writer.write(vec![batch(60, 70)]).unwrap();
    assert_eq!((queried(&folder), listed(&folder)), (numbers(70), numbers(70)));
    let done = runtime.block_on(crate::compact(&location(&folder), 1 << 20, Some("2025-01-31T14"))).unwrap();
    assert!(done[0].dropped > 0);
    let left: Vec<i64> = numbers(70).into_iter().filter(|row| row % 2 == 1).collect();
    assert_eq!((queried(&folder), listed(&folder)), (left.clone(), left));
}

#[test]
fn a_query_sees_a_merged_file_or_its_parts_wherever_the_compaction_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    sink(&folder).write(vec![batch(0, 10)]).unwrap();
    let (mut lake, runtime) = open(&folder);
    let places = runtime.block_on(Places::open(&lake.store, &lake.path, &[TABLE.name()])).unwrap();
    let remove: Vec<String> = places.of(TABLE.name()).map(|(file, _)| file.clone()).collect();
    let staged = runtime.block_on(lake.stage(&[Batch { partition: 1, ..batch(0, 10) }], &layouts())).unwrap();
    let mut entry = lake.log.next(staged.id.clone());
    entry.moves.push(Move { id: staged.id, add: staged.files, remove: remove.clone() });
    assert!(matches!(runtime.block_on(lake.log.commit(entry)).unwrap(), Committed::Done));
    assert_eq!(queried(&folder), numbers(10));
    // One of the parts is gone, and nothing else was done.
    std::fs::remove_file(folder.path().join(&remove[0])).unwrap();
    assert_eq!(queried(&folder), numbers(10));
    sink(&folder).write(vec![batch(10, 12)]).unwrap();
    assert_eq!((queried(&folder), listed(&folder)), (numbers(12), numbers(12)));
}
