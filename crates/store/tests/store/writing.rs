//! Files hold the rows that were written, and their bytes do not depend on how those were cut.

use std::fs;

use arrow::{array::RecordBatch, compute::concat_batches};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;
use store::{FileEntry, Results, SelectionWriter, StoreError, Table, TableWriter, WriterOptions};
use stream::{PartitionBy, ResultFormat};

use crate::fixture::{BEGIN, MINUTE, ask, events, filled, folder, options, put};

fn read(results: &Results, file: &FileEntry) -> RecordBatch {
    let file = fs::File::open(results.path(file)).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    let rows = concat_batches(&schema, &batches).unwrap();
    // What the file says of itself is in its schema's metadata.
    assert_eq!(schema.metadata()["beamline.fingerprint"], "f00d");
    RecordBatch::try_new(events(0, 0).schema(), rows.columns().to_vec()).unwrap()
}

#[test]
fn parquet_comes_back_as_written() {
    let (_folder, results) = folder();
    let rows = events(0, 500);
    let files = put(&results, &options(), 3, 40, std::slice::from_ref(&rows));
    assert_eq!(files.len(), 1);
    let file = &files[0];
    assert_eq!(file.path, "processed_data/part-00003-000000000040.parquet");
    assert_eq!((file.rows, file.partition, file.first_position, file.last_position), (500, 3, 40, 40));
    assert_eq!((file.time_min, file.time_max), (Some(BEGIN), Some(BEGIN + 499 * MINUTE)));
    assert_eq!(file.bytes, fs::metadata(results.path(file)).unwrap().len());
    assert_eq!(read(&results, file), rows);
}

#[test]
fn every_type_of_a_stream_has_a_layout() {
    use arrow::{
        array::new_null_array,
        datatypes::{DataType::*, Field, IntervalUnit, Schema, TimeUnit},
    };
    let types = [
        Boolean,
        Int8,
        Int16,
        Int32,
        Int64,
        UInt8,
        UInt16,
        UInt32,
        UInt64,
        Float16,
        Float32,
        Float64,
        Utf8,
        LargeUtf8,
        Utf8View,
        Binary,
        LargeBinary,
        FixedSizeBinary(16),
        Date32,
        Date64,
        Time32(TimeUnit::Millisecond),
        Time64(TimeUnit::Microsecond),
        Timestamp(TimeUnit::Millisecond, None),
        Duration(TimeUnit::Microsecond),
        Interval(IntervalUnit::DayTime),
        Decimal128(20, 3),
        Decimal256(50, 3),
        Dictionary(Int32.into(), Utf8.into()),
        List(Field::new("item", Float64, true).into()),
        Struct(vec![Field::new("x", Int64, true)].into()),
    ];
    let fields: Vec<Field> =
        types.iter().enumerate().map(|(n, t)| Field::new(format!("c{n}"), t.clone(), true)).collect();
    let columns = types.iter().map(|data_type| new_null_array(data_type, 9)).collect();
    let rows = RecordBatch::try_new(Schema::new(fields).into(), columns).unwrap();
    let (_folder, results) = folder();
    let mut options = WriterOptions { time: None, id: None, ..options() };
    for format in [ResultFormat::Parquet, ResultFormat::Csv, ResultFormat::Json] {
        options.format = format;
        assert_eq!(put(&results, &options, 0, 0, std::slice::from_ref(&rows))[0].rows, 9, "{format:?}");
    }
}

#[test]
fn no_row_makes_no_file() {
    let (_folder, results) = folder();
    let empty = events(0, 0);
    assert_eq!(put(&results, &options(), 0, 0, &[empty]), []);
    assert_eq!(SelectionWriter::new(&results, "a", 0, 0).unwrap().finish().unwrap(), []);
    assert_eq!(fs::read_dir(results.root().join("_beamline/staging")).unwrap().count(), 0);
}

#[test]
fn rows_of_another_table_are_refused() {
    let (_folder, results) = folder();
    let mut writer = TableWriter::new(&results, Table::Late, 0, 0, events(0, 0).schema(), &options()).unwrap();
    let error = writer.write(&events(0, 5).project(&[0, 1]).unwrap()).unwrap_err();
    assert!(matches!(error, StoreError::Rows { .. }), "{error}");
    let options = WriterOptions { time: Some("Q1".to_owned()), ..options() };
    let error = TableWriter::new(&results, Table::Late, 0, 0, events(0, 0).schema(), &options).err().unwrap();
    assert!(error.to_string().contains("`Q1` is Int64, which is not a time"), "{error}");
}

#[test]
fn text_formats_come_back_through_a_query() {
    let expected = ask(&filled(&options()).1, "SELECT * FROM processed_data ORDER BY timestamp").unwrap();
    for format in [ResultFormat::Csv, ResultFormat::Json] {
        let (_folder, results, _) = filled(&WriterOptions { format, ..options() });
        let found = ask(&results, "SELECT * FROM processed_data ORDER BY timestamp").unwrap();
        let flat = if format == ResultFormat::Csv { 5 } else { 6 };
        for column in 0..flat {
            assert_eq!(found.column(column), expected.column(column), "{format:?} {column}");
        }
        if format == ResultFormat::Csv {
            let tags = ask(&results, "SELECT tags FROM processed_data WHERE id = 'e,8'").unwrap();
            let text = arrow::util::pretty::pretty_format_batches(&[tags]).unwrap().to_string();
            assert!(text.contains(r#"["tag \"0\"","tag \"1\""]"#), "{text}");
        }
    }
}

#[test]
fn a_folder_holds_its_hour_and_no_more() {
    let (_folder, results) = folder();
    let options = WriterOptions { partition_by: PartitionBy::Hour, ..options() };
    let files = put(&results, &options, 0, 0, &[events(0, 90), events(90, 60)]);
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let hours = ["2024-12-31T22", "2024-12-31T23", "2025-01-01T00"];
    assert_eq!(paths, hours.map(|hour| format!("processed_data/hour={hour}/part-00000-000000000000.parquet")));
    assert_eq!(files.iter().map(|file| file.rows).collect::<Vec<_>>(), [60, 60, 30]);
    assert_eq!(read(&results, &files[1]), events(60, 60));
    assert_eq!(files[1].time_min, Some(BEGIN + 60 * MINUTE));
}

#[test]
fn more_days_than_open_files_lose_no_row() {
    let (_folder, results) = folder();
    let options = WriterOptions { partition_by: PartitionBy::Day, ..options() };
    let mut writer = TableWriter::new(&results, Table::ProcessedData, 0, 0, events(0, 0).schema(), &options).unwrap();
    for first in (0..100_000).step_by(1000) {
        writer.write(&events(first, 1000)).unwrap();
        assert!(writer.buffered_bytes() < 128 << 20);
    }
    let files = writer.finish().unwrap();
    assert!(files.len() >= 70, "{}", files.len());
    assert_eq!(files.iter().map(|file| file.rows).sum::<u64>(), 100_000);
    results.publish(&files).unwrap();
    let ids: std::collections::HashSet<&String> = files.iter().map(|file| &file.path).collect();
    assert_eq!(ids.len(), files.len(), "each file has a name of its own");
}

/// The bytes of all files that these cuts of the same rows give.
fn bytes(rows: &RecordBatch, cuts: &[usize], options: &WriterOptions) -> Vec<(String, Vec<u8>)> {
    let (_folder, results) = folder();
    let mut begin = 0;
    let mut pieces = Vec::new();
    for cut in cuts {
        let end = (begin + cut).min(rows.num_rows());
        pieces.push(rows.slice(begin, end - begin));
        begin = end;
    }
    pieces.push(rows.slice(begin, rows.num_rows() - begin));
    let files = put(&results, options, 0, 0, &pieces);
    files.iter().map(|file| (file.path.clone(), fs::read(results.path(file)).unwrap())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn cutting_does_not_change_a_byte(
        cuts in prop::collection::vec(prop_oneof![0usize..40, 1000usize..20_000], 0..30),
        by in prop_oneof![Just(PartitionBy::None), Just(PartitionBy::Day)],
        format in prop_oneof![3 => Just(ResultFormat::Parquet), 1 => Just(ResultFormat::Csv), 1 => Just(ResultFormat::Json)],
    ) {
        let rows = events(0, 30_000);
        let options = WriterOptions { partition_by: by, format, row_group_rows: 20_000, ..options() };
        let (whole, cut) = (bytes(&rows, &[], &options), bytes(&rows, &cuts, &options));
        prop_assert!(whole == cut, "cut at {cuts:?}");
    }
}
