//! Merged files hold the rows of all, in order.

use std::fs;

use arrow::compute::concat_batches;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use store::{FileEntry, Results, StoreError, WriterOptions, compact};
use stream::{PartitionBy, ResultFormat};

use crate::fixture::{events, folder, options, put};

fn small_files(results: &Results, options: &WriterOptions, count: i64) -> Vec<FileEntry> {
    (0..count).flat_map(|n| put(results, options, 2, 20 * n as u64, &[events(20 * n, 20)])).collect()
}

#[test]
fn rows_and_their_order_stay() {
    let (_folder, results) = folder();
    let mut files = small_files(&results, &options(), 40);
    files.reverse();
    let merged = compact(&results, &files, None, |_| false).unwrap();
    assert_eq!(merged.path, "processed_data/part-00002-000000000000-000000000780.parquet");
    assert_eq!((merged.rows, merged.first_position, merged.last_position), (800, 0, 780));
    results.publish(std::slice::from_ref(&merged)).unwrap();
    results.remove(&files).unwrap();
    results.remove(&files).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(results.path(&merged)).unwrap()).unwrap();
    let said = reader.metadata().file_metadata().key_value_metadata().unwrap();
    assert!(said.iter().any(|said| said.value.as_deref() == Some("muon-pairs")), "{said:?}");
    let rows: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    assert_eq!(concat_batches(&rows[0].schema(), &rows).unwrap(), events(0, 800));
    assert_eq!(fs::read_dir(results.root().join("processed_data")).unwrap().count(), 1);

    let later = put(&results, &options(), 2, 800, &[events(800, 20)]);
    let again = compact(&results, &[merged.clone(), later[0].clone()], None, |_| false).unwrap();
    assert_eq!(again.rows, 820);
    assert_ne!(again.path, merged.path);
}

#[test]
fn text_is_merged_as_if_written_at_once() {
    for format in [ResultFormat::Csv, ResultFormat::Json] {
        let options = WriterOptions { format, ..options() };
        let (_folder, results) = folder();
        let merged = compact(&results, &small_files(&results, &options, 5), None, |_| false).unwrap();
        let (_other, at_once) = folder();
        let whole = put(&at_once, &options, 2, 0, &[events(0, 100)]);
        let merged = fs::read(results.root().join(&merged.staged)).unwrap();
        assert_eq!(merged, fs::read(at_once.path(&whole[0])).unwrap(), "{format:?}");
    }
}

#[test]
fn only_like_files_are_merged() {
    let (_folder, results) = folder();
    let by_hour = WriterOptions { partition_by: PartitionBy::Hour, ..options() };
    let hours = put(&results, &by_hour, 0, 0, &[events(0, 100)]);
    assert_eq!(hours.len(), 2);
    for unlike in [&hours[..], &[]] {
        assert!(matches!(compact(&results, unlike, None, |_| false), Err(StoreError::Rows { .. })));
    }
    let files = small_files(&results, &options(), 2);
    fs::write(results.path(&files[1]), b"PAR1 torn").unwrap();
    let error = compact(&results, &files, None, |_| false).unwrap_err().to_string();
    assert!(error.contains("part-00002-000000000020.parquet is damaged"), "{error}");
}
