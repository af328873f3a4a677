//! Results of windows in a lake: every version once, the last one found by its offset, and earlier ones gone with a merge.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, fs::File, ops::Range, sync::Arc};

use arrow::{
    array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
    datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit},
};
use lake::{DeltaSink, FileSink, Format, Lake, Location, compact};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sink::{Batch, Sink, Table};
use tempfile::TempDir;

const TABLE: Table = Table::Aggregates;
const TOPIC: &str = "s.aggregates";
/// 2025-01-31T13:00:00Z in microseconds.
const BEGIN: i64 = 1_738_328_400_000_000;
/// Keys of the results, of which each position has the next one.
const KEYS: u64 = 7;

/// The columns of results, with what the aggregates compute.
fn schema(computed: &[&str]) -> SchemaRef {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
    let computed = computed.iter().map(|name| Field::new(*name, DataType::Int64, true));
    let fixed = [
        Field::new("aggregate", DataType::Utf8, false),
        Field::new("window_start", time.clone(), true),
        Field::new("window_end", time, true),
    ];
    Arc::new(Schema::new(fixed.into_iter().chain(computed).collect::<Vec<_>>()))
}

/// The results at these positions: windows of an hour each; what is computed of one is its position.
fn batch(schema: &SchemaRef, positions: Range<u64>) -> Batch {
    let key = |at: u64| at % KEYS;
    let hour = |at: u64| BEGIN + key(at) as i64 % 2 * 3_600_000_000;
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        match field.data_type() {
            DataType::Utf8 => Arc::new(StringArray::from_iter_values(positions.clone().map(|_| "rates"))),
            DataType::Int64 => Arc::new(Int64Array::from_iter_values(positions.clone().map(|at| at as i64))),
            _ => Arc::new(
                TimestampMicrosecondArray::from_iter_values(positions.clone().map(hour)).with_timezone("+00:00"),
            ),
        }
    });
    Batch {
        table: TABLE,
        topic: TOPIC.to_owned(),
        partition: 0,
        rows: RecordBatch::try_new(schema.clone(), columns.collect()).unwrap(),
        positions: positions.clone().collect(),
        times: positions.clone().map(|_| 0).collect(),
        keys: Some(StringArray::from_iter_values(positions.clone().map(|at| format!("rates/{}", key(at))))),
        probes: Vec::new(),
        next: positions.end,
    }
}

fn location(folder: &TempDir) -> Location {
    Location::parse(folder.path().to_str().unwrap()).unwrap()
}

fn sink(folder: &TempDir, format: Format, schema: &SchemaRef) -> Box<dyn Sink> {
    let each = BTreeMap::from([("rates".to_owned(), vec!["n".to_owned()])]);
    match format {
        Format::Delta => {
            let tables = [(TABLE, TOPIC.to_owned(), schema.clone())];
            Box::new(DeltaSink::new(location(folder), "s", "time", &tables, 1).unwrap().with_aggregates(each))
        }
        Format::Parquet | Format::Orc => {
            let tables = [(TABLE, schema.clone())];
            Box::new(FileSink::new(location(folder), format, "s", "time", &tables).unwrap().with_aggregates(each))
        }
    }
}

fn block_on<T>(task: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(task)
}

/// Key, offset and a column of every row that the lake's files have.
fn rows(folder: &TempDir, column: &str) -> Vec<(String, i64, Option<i64>)> {
    let lake = block_on(Lake::open(&location(folder))).unwrap();
    let table = lake.tables.iter().find(|table| table.table == TABLE).unwrap();
    let own = table.versions.clone().unwrap();
    let mut found = Vec::new();
    for path in &table.files {
        let path = format!("/{path}");
        let batches: Vec<RecordBatch> = match lake.format {
            Format::Parquet | Format::Delta => {
                let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
                reader.build().unwrap().map(Result::unwrap).collect()
            }
            Format::Orc => {
                let file = orc::File::open(File::open(path).unwrap(), false).unwrap();
                file.read_as(own.beside(&table.schema)).map(Result::unwrap).collect()
            }
        };
        for rows in batches {
            let numbers = |name: &str| rows.column_by_name(name).map(|of| of.as_primitive::<Int64Type>().clone());
            let keys = rows.column_by_name(&own.key).unwrap().as_string::<i32>();
            for row in 0..rows.num_rows() {
                let value = numbers(column).and_then(|values| values.iter().nth(row).flatten());
                found.push((keys.value(row).to_owned(), numbers(&own.offset).unwrap().value(row), value));
            }
        }
    }
    found.sort();
    found
}

/// Which offset is the last of each key, in rows that may have several of it.
fn last(rows: &[(String, i64, Option<i64>)]) -> Vec<i64> {
    let last: BTreeMap<&str, i64> = rows.iter().map(|(key, offset, _)| (key.as_str(), *offset)).collect();
    last.into_values().collect()
}

#[test]
fn every_version_is_there_once_and_a_merge_leaves_the_last() {
    for format in Format::ALL {
        let folder = tempfile::tempdir().unwrap();
        let (mut first, mut second) = (sink(&folder, format, &schema(&["n"])), sink(&folder, format, &schema(&["n"])));
        first.write(vec![batch(&schema(&["n"]), 0..10)]).unwrap();
        // Another writer has some of the same, and more; then the first one goes on where it was.
        second.write(vec![batch(&schema(&["n"]), 5..20)]).unwrap();
        first.write(vec![batch(&schema(&["n"]), 10..30)]).unwrap();
        assert_eq!(first.positions().unwrap().kept, BTreeMap::from([((TOPIC.to_owned(), 0), 30)]));
        let found = rows(&folder, "n");
        assert!(found.iter().all(|(_, offset, value)| Some(*offset) == *value), "{found:?}");
        // Of the versions that come with one write the last one is stored.
        let offsets: std::collections::BTreeSet<i64> = found.iter().map(|(_, offset, _)| *offset).collect();
        assert_eq!((found.len(), offsets.len()), (21, 21), "{format:?}: {found:?}");
        assert_eq!(last(&found), [28, 29, 23, 24, 25, 26, 27], "{format:?}");

        let done = block_on(compact(&location(&folder), 1 << 20, None)).unwrap();
        assert_eq!((done[0].made, done[0].replaced), (2, 14), "{format:?}: {done:?}");
        let merged = rows(&folder, "n");
        assert_eq!((merged.len(), last(&merged)), (7, last(&found)), "{format:?}");
        // What comes once more, and what is new.
        second.write(vec![batch(&schema(&["n"]), 0..30)]).unwrap();
        assert_eq!(rows(&folder, "n"), merged);
        second.write(vec![batch(&schema(&["n"]), 0..33)]).unwrap();
        assert_eq!(last(&rows(&folder, "n")), [28, 29, 30, 31, 32, 26, 27]);
    }
}

#[test]
fn an_aggregate_more_or_less_goes_on_in_the_same_table() {
    // An ORC file does not say its types, so it is read by the columns that the table has now.
    for format in [Format::Parquet, Format::Delta] {
        let folder = tempfile::tempdir().unwrap();
        sink(&folder, format, &schema(&["n", "gone"])).write(vec![batch(&schema(&["n", "gone"]), 0..7)]).unwrap();
        let mut now = sink(&folder, format, &schema(&["n", "new"]));
        now.write(vec![batch(&schema(&["n", "new"]), 7..10)]).unwrap();
        // A window of before keeps what it had, whatever is merged.
        for _ in 0..2 {
            let found = rows(&folder, "gone");
            assert_eq!(last(&found), [7, 8, 9, 3, 4, 5, 6], "{format:?}");
            assert_eq!(found.iter().rev().find(|(key, ..)| key == "rates/3").unwrap().2, Some(3), "{format:?}");
            assert_eq!(found.iter().find(|(_, offset, _)| *offset == 9).unwrap().2, None, "{format:?}");
            block_on(compact(&location(&folder), 1 << 20, None)).unwrap();
        }
        assert_eq!(rows(&folder, "new").iter().filter_map(|(.., new)| *new).collect::<Vec<_>>(), [7, 8, 9]);
    }
}

#[test]
fn a_lake_that_had_none_begins_with_them_and_an_older_program_passes_them_over() {
    for format in Format::ALL {
        let folder = tempfile::tempdir().unwrap();
        let event = Arc::new(Schema::new(vec![Field::new("time", DataType::Utf8, false)]));
        let events = || vec![(Table::ProcessedData, "s.scored".to_owned(), event.clone())];
        let positions = |tables: &[(Table, String, SchemaRef)]| match format {
            Format::Delta => DeltaSink::new(location(&folder), "s", "time", tables, 1).unwrap().positions(),
            Format::Parquet | Format::Orc => {
                let tables: Vec<_> = tables.iter().map(|(table, _, schema)| (*table, schema.clone())).collect();
                FileSink::new(location(&folder), format, "s", "time", &tables).unwrap().positions()
            }
        };
        positions(&events()).unwrap();
        let both = [events(), vec![(TABLE, TOPIC.to_owned(), schema(&["n"]))]].concat();
        assert!(positions(&both).unwrap().kept.is_empty(), "its topic is read from the beginning");
        let lake = block_on(Lake::open(&location(&folder))).unwrap();
        assert_eq!(lake.tables.iter().map(|of| of.table).collect::<Vec<_>>(), [Table::ProcessedData, TABLE]);
        // What a program of before reads of the description.
        let described = std::fs::read_to_string(folder.path().join("_beamline/lake.json")).unwrap();
        let described: serde_json::Value = serde_json::from_str(&described).unwrap();
        assert!(described["tables"].get("aggregates").is_none() && described["aggregates"].is_object());
    }
}
