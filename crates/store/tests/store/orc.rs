//! Results as ORC files: the answers of Parquet, merged or not, and what ORC lacks is refused by name.

use std::{fs, fs::File};

use arrow::{array::RecordBatch, compute::concat_batches};
use store::{
    FileEntry, Manifest, OutputFormat, QueryOptions, Results, Table, TableLimits, TableWriter, WriterOptions, compact,
};
use stream::{PartitionBy, ResultFormat};
use tempfile::TempDir;

use crate::fixture::{self, ask, complaint, folder, options, put};

/// The events without their list, which ORC files are written without.
fn events(first: i64, count: i64) -> RecordBatch {
    fixture::events(first, count).project(&[0, 1, 2, 3, 4]).unwrap()
}

/// Results with 300 events.
fn filled(options: &WriterOptions) -> (TempDir, Results, Manifest) {
    let (folder, results) = folder();
    let mut manifest = Manifest::new("muon-pairs", "f00d", "id", [(Table::ProcessedData, events(0, 0).schema())]);
    for first in [0, 100, 200] {
        manifest.files.extend(put(&results, options, 0, first, &[events(first as i64, 100)]));
    }
    results.publish_manifest(&manifest).unwrap();
    (folder, results, manifest)
}

fn orc() -> WriterOptions {
    WriterOptions { format: ResultFormat::Orc, ..options() }
}

#[test]
fn a_query_answers_what_it_answers_of_parquet() {
    let parquet = filled(&options());
    for options in [orc(), WriterOptions { partition_by: PartitionBy::Hour, ..orc() }] {
        let orc = filled(&options);
        assert!(orc.2.files.iter().all(|file| file.path.ends_with(".orc")));
        for sql in [
            "SELECT * FROM processed_data ORDER BY timestamp",
            "SELECT count(*) FROM muon_pairs",
            "SELECT pt1, id FROM processed_data WHERE timestamp > '2025-01-01' AND pt1 IS NOT NULL ORDER BY id",
            "SELECT \"Q1\", count(*), min(pt1), max(timestamp) FROM processed_data WHERE NOT anomalous GROUP BY \"Q1\" ORDER BY \"Q1\"",
            "SELECT id FROM processed_data ORDER BY timestamp LIMIT 3",
        ] {
            assert_eq!(ask(&orc.1, sql).unwrap(), ask(&parquet.1, sql).unwrap(), "{sql}");
        }
    }
}

#[test]
fn merged_files_hold_the_rows_in_order() {
    let (_folder, results) = folder();
    let files: Vec<FileEntry> =
        (0..20).flat_map(|n| put(&results, &orc(), 2, 20 * n as u64, &[events(20 * n, 20)])).collect();
    let merged = compact(&results, &files, Some(&events(0, 0).schema()), |_| false).unwrap();
    assert_eq!(merged.path, "processed_data/part-00002-000000000000-000000000380.orc");
    let rows = orc::File::open(File::open(results.root().join(&merged.staged)).unwrap(), false).unwrap();
    let rows: Vec<RecordBatch> = rows.read_as(events(0, 0).schema()).map(Result::unwrap).collect();
    assert_eq!(concat_batches(&rows[0].schema(), &rows).unwrap(), events(0, 400));
    fs::write(results.path(&files[1]), b"ORC torn").unwrap();
    let error = compact(&results, &files, Some(&events(0, 0).schema()), |_| false).unwrap_err().to_string();
    assert!(error.contains("part-00002-000000000020.orc is damaged"), "{error}");
}

#[test]
fn files_of_orc_and_parquet_are_one_table() {
    let (_folder, results, mut manifest) = filled(&orc());
    manifest.files.extend(put(&results, &options(), 0, 300, &[events(300, 100)]));
    results.publish_manifest(&manifest).unwrap();
    let found = ask(&results, "SELECT * FROM processed_data ORDER BY timestamp").unwrap();
    assert_eq!(found, events(0, 400));
}

#[test]
fn a_damaged_or_missing_file_is_named() {
    let (_folder, results, manifest) = filled(&orc());
    let path = results.path(&manifest.files[1]);
    let whole = fs::read(&path).unwrap();
    for damaged in [&whole[..whole.len() / 2], b"ORC", b""] {
        fs::write(&path, damaged).unwrap();
        let error = complaint(&results, "SELECT sum(pt1) FROM processed_data");
        assert!(error.contains("part-00000-000000000100.orc is damaged"), "{error}");
    }
    fs::remove_file(&path).unwrap();
    let error = complaint(&results, "SELECT sum(pt1) FROM processed_data");
    assert!(error.contains("part-00000-000000000100.orc is listed as committed but is not there"), "{error}");
}

#[test]
fn a_list_is_refused_by_name() {
    let (_folder, results) = folder();
    let rows = fixture::events(0, 9);
    let mut writer = TableWriter::new(&results, Table::ProcessedData, 0, 0, rows.schema(), &orc()).unwrap();
    let error = writer.write(&rows).and_then(|()| writer.finish().map(drop)).unwrap_err().to_string();
    assert!(error.contains("column `tags` has the type List"), "{error}");
}

#[test]
fn an_answer_is_printed_as_orc() {
    let (_folder, results, _) = filled(&options());
    let printed = |sql: &str| {
        store::query::block_on(async {
            let session = store::query::open(&[results.root()], &QueryOptions::default()).await.unwrap();
            let mut out = Vec::new();
            let answer = session.sql(sql).await.unwrap();
            let printed = store::print(answer, OutputFormat::Orc, TableLimits::FILE, &mut out).await;
            printed.map(|printed| (printed.rows, out))
        })
        .unwrap()
    };
    let (rows, bytes) = printed("SELECT * FROM processed_data ORDER BY timestamp").unwrap();
    let file = orc::File::open(bytes::Bytes::from(bytes), false).unwrap();
    let read: Vec<RecordBatch> = file.read_as(events(0, 0).schema()).map(Result::unwrap).collect();
    assert_eq!((rows, concat_batches(&read[0].schema(), &read).unwrap()), (300, events(0, 300)));
    let error = printed("SELECT array_agg(id) AS ids FROM processed_data").unwrap_err().to_string();
    assert!(error.contains("column `ids`") && error.contains("not written to ORC files"), "{error}");
}
