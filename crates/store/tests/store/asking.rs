//! Queries give exactly the committed rows, and say what is wrong with themselves.

use std::fs;

use arrow::{
    array::{AsArray, Int64Array},
    datatypes::Int64Type,
    util::pretty::pretty_format_batches,
};
use store::{Manifest, QueryOptions, Results, StoreError, Table, TableWriter, WriterOptions, final_csv};
use stream::{PartitionBy, ResultFormat};

use crate::fixture::{BEGIN, MINUTE, ask, ask_all, complaint, events, filled, folder, options, put, schemas};

fn number(results: &Results, sql: &str) -> i64 {
    ask(results, sql).unwrap().column(0).as_primitive::<Int64Type>().value(0)
}

#[test]
fn the_statement_of_the_mission_works_as_written() {
    for format in [ResultFormat::Parquet, ResultFormat::Csv, ResultFormat::Json] {
        let (_folder, results, _) = filled(&WriterOptions { format, ..options() });
        let rows = ask(&results, "SELECT * FROM processed_data WHERE timestamp > '2025-01-01'").unwrap();
        // The 121st event is the first one after midnight.
        assert_eq!(rows.num_rows(), 179, "{format:?}");
        let ids =
            ask(&results, "select id from processed_data where timestamp > '2025-01-01' order by timestamp limit 1");
        assert_eq!(ids.unwrap().column(0).as_string::<i32>().value(0), "e\"121\"", "{format:?}");
    }
}

#[test]
fn names_need_no_quotes_and_functions_have_any_case() {
    let (_folder, results, _) = filled(&options());
    assert_eq!(number(&results, "SELECT COUNT(*) FROM processed_data WHERE Q1 = 3 and abs(pt1) <= 1"), 35);
    assert_eq!(number(&results, "Select Count(*) From muon_pairs where \"Q1\" = 3"), 42);
    assert_eq!(number(&results, "SELECT count(*) FROM muon_pairs.processed_data WHERE azimuth(pt1, 1.0) > 0"), 250);
    assert_eq!(number(&results, "SELECT count(*) FROM anomalies"), 0);
    assert_eq!(number(&results, "SELECT count(payload) FROM dead_letters"), 0);
    let plan = ask(&results, "EXPLAIN SELECT id FROM processed_data WHERE Q1 = 3").unwrap();
    let plan = pretty_format_batches(&[plan]).unwrap().to_string();
    assert!(plan.contains("pruning_predicate"), "{plan}");
    let tables = pretty_format_batches(&[ask(&results, "SHOW TABLES").unwrap()]).unwrap().to_string();
    assert!(tables.contains("dead_letters") && !tables.contains("late"), "{tables}");
    assert_eq!(ask(&results, "DESCRIBE processed_data").unwrap().num_rows(), 6);
}

#[test]
fn mistakes_are_explained() {
    let (_folder, results, _) = filled(&options());
    let says = |sql: &str, expected: &str| {
        let found = complaint(&results, sql);
        assert!(found.contains(expected), "{sql}: {found}");
    };
    says("SELECT q1 FROM processed_data", "column `q1` does not exist; did you mean `Q1`?");
    says("SELECT temperature FROM processed_data", "the columns are `id`, `timestamp`");
    says("SELECT * FROM procesed_data", "table `procesed_data` does not exist; did you mean `processed_data`?");
    says("SELECT * FROM late", "table `late` does not exist");
    says("SELECT invariant_mas(pt1) FROM processed_data", "did you mean");
    says("SELEC * FROM processed_data", "SELEC");
    says("SELECT * FROM processed_data WHERE", "expected");
    says("SELECT 1; SELECT 2", "single");
    for sql in [
        "DROP TABLE processed_data",
        "insert into processed_data values (1)",
        "COPY processed_data TO 'x.csv'",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1",
        "SET datafusion.execution.batch_size = 1",
    ] {
        assert!(matches!(ask(&results, sql), Err(StoreError::NoQuery { .. })), "{sql}: {}", complaint(&results, sql));
    }
    assert!(ask(&results, "SELECT * FROM '/etc/passwd'").is_err());
}

#[test]
fn files_out_of_range_are_not_read() {
    let (_folder, results, _) = filled(&options());
    let plan =
        ask(&results, "EXPLAIN ANALYZE SELECT pt1 FROM processed_data WHERE timestamp >= '2025-01-01T01:20:00Z'");
    let plan = pretty_format_batches(&[plan.unwrap()]).unwrap().to_string();
    assert!(plan.contains("output_rows=100"), "{plan}");
    let pruned = ["files_ranges_pruned_statistics", "row_groups_pruned_statistics"]
        .iter()
        .any(|metric| plan.split(metric).nth(1).is_some_and(|rest| rest.contains("1 matched")));
    assert!(pruned, "{plan}");
}

#[test]
fn folders_by_hour_and_mixed_formats_are_one_table() {
    let (_folder, results) = folder();
    let by_hour = WriterOptions { partition_by: PartitionBy::Hour, ..options() };
    let json = WriterOptions { format: ResultFormat::Json, ..options() };
    let mut manifest = Manifest::new("muon-pairs", "f00d", "id", schemas());
    manifest.files.extend(put(&results, &by_hour, 0, 0, &[events(0, 200)]));
    manifest.files.extend(put(&results, &json, 0, 200, &[events(200, 100)]));
    results.publish_manifest(&manifest).unwrap();
    assert_eq!(number(&results, "SELECT count(DISTINCT id) FROM processed_data"), 300);
    assert_eq!(number(&results, "SELECT sum(Q1) FROM processed_data"), (0..300i64).map(|n| n % 7 - 3).sum::<i64>());
    let csv = WriterOptions { format: ResultFormat::Csv, ..options() };
    manifest.files.extend(put(&results, &csv, 0, 300, &[events(300, 100)]));
    results.publish_manifest(&manifest).unwrap();
    let error = complaint(&results, "SELECT sum(Q1) FROM processed_data");
    assert!(error.contains("processed_data: its files are of several formats"), "{error}");
}

#[test]
fn several_results_are_asked_at_once() {
    let (_one, a, _) = filled(&options());
    let (_two, b) = folder();
    let mut manifest = Manifest::new("muon-pairs", "f00d", "id", schemas());
    manifest.files = put(&b, &options(), 0, 0, &[events(0, 250)]);
    b.publish_manifest(&manifest).unwrap();
    let folders = [a.root(), b.root()];
    let missing = "SELECT count(*) FROM muon_pairs.processed_data a LEFT ANTI JOIN muon_pairs_2.processed_data b \
        ON a.id = b.id";
    let rows = ask_all(&folders, missing, &QueryOptions::default()).unwrap();
    assert_eq!(rows.column(0).as_ref(), &Int64Array::from(vec![50]));
    let error = ask_all(&folders, "SELECT * FROM processed_data", &QueryOptions::default()).unwrap_err().to_string();
    assert!(error.contains("muon_pairs.processed_data"), "{error}");
}

#[test]
fn a_folder_may_be_named_by_way_of_its_parent() {
    let (folder, results, manifest) = filled(&options());
    let inside = folder.path().join("inside");
    fs::create_dir(&inside).unwrap();
    let around = Results::new(inside.join("..").join(results.root().strip_prefix(folder.path()).unwrap()));
    assert_eq!(number(&around, "SELECT count(*) FROM processed_data"), 300);
    fs::remove_file(results.path(&manifest.files[1])).unwrap();
    let error = complaint(&around, "SELECT * FROM processed_data");
    assert!(error.contains("inside/../") && error.contains("is not there"), "{error}");
}

#[test]
fn limits_hold() {
    let (_folder, results, _) = filled(&options());
    let options = QueryOptions { rows_max: Some(10), ..QueryOptions::default() };
    assert_eq!(ask_all(&[results.root()], "SELECT * FROM processed_data", &options).unwrap().num_rows(), 10);
    let options = QueryOptions { memory_bytes_max: 1 << 16, ..QueryOptions::default() };
    let greedy = "SELECT a.id, b.id FROM processed_data a JOIN processed_data b ON a.Q1 = b.Q1 ORDER BY a.id, b.id";
    let error = ask_all(&[results.root()], greedy, &options).unwrap_err();
    assert!(matches!(error, StoreError::Memory { .. }), "{error}");
}

#[test]
fn damaged_and_missing_files_are_named() {
    for (torn, expected) in [(true, "is damaged"), (false, "is not there")] {
        let (_folder, results, manifest) = filled(&options());
        let path = results.path(&manifest.files[1]);
        match torn {
            true => {
                let mut bytes = fs::read(&path).unwrap();
                bytes[4..1000].fill(0xff);
                fs::write(&path, bytes).unwrap();
            }
            false => fs::remove_file(&path).unwrap(),
        }
        let error = complaint(&results, "SELECT * FROM processed_data");
        assert!(error.contains("part-00001-000000000000.parquet") && error.contains(expected), "{error}");
    }
}

#[test]
fn dead_letters_keep_their_bytes_whatever_the_format() {
    use std::sync::Arc;

    use arrow::array::{BinaryArray, Int32Array, RecordBatch, StringArray};
    let (_folder, results) = folder();
    let payload: &[u8] = &[0, 0xff, b',', b'"', b'\n', 0xfe];
    let text = || Arc::new(StringArray::from(vec!["x"]));
    let rows = RecordBatch::try_new(
        store::dead_letters_schema(),
        vec![
            Arc::new(Int64Array::from(vec![5])),
            Arc::new(Int32Array::from(vec![0])),
            text(),
            text(),
            text(),
            Arc::new(BinaryArray::from_vec(vec![payload])),
        ],
    )
    .unwrap();
    let csv = WriterOptions { format: ResultFormat::Csv, partition_by: PartitionBy::Hour, ..options() };
    let mut writer = TableWriter::new(&results, Table::DeadLetters, 0, 5, rows.schema(), &csv).unwrap();
    writer.write(&rows).unwrap();
    let mut manifest = Manifest::new("muon-pairs", "f00d", "id", schemas());
    manifest.files = writer.finish().unwrap();
    results.publish(&manifest.files).unwrap();
    results.publish_manifest(&manifest).unwrap();
    let found = ask(&results, "SELECT payload FROM dead_letters").unwrap();
    assert_eq!(found.column(0).as_binary::<i32>().value(0), payload);
}

#[test]
fn all_events_are_in_one_file_in_order() {
    let (_folder, results, manifest) = filled(&options());
    let path = results.root().join("all_events_final.csv");
    assert_eq!(final_csv(&results, &manifest, &["timestamp", "id"], &path).unwrap(), 300);
    let text = fs::read_to_string(&path).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("id,timestamp,Q1,pt1,anomalous,tags"));
    assert_eq!(lines.next(), Some("\"e,0\",2024-12-31T22:00:00Z,-3,,true,"));
    assert_eq!(
        lines.next(),
        Some("\"e\"\"1\"\"\",2024-12-31T22:01:00Z,-2,0.09983341664682815,false,\"[\"\"tag \\\"\"0\\\"\"\"\"]\"")
    );
    assert_eq!(text.lines().count(), 301);
    let last = BEGIN + 299 * MINUTE;
    assert_eq!(last % MINUTE, 0);
    assert!(text.lines().last().unwrap().contains("2025-01-01T02:59:00Z"));
    let error = final_csv(&results, &manifest, &["when"], &path).unwrap_err().to_string();
    assert!(error.contains("column `when` does not exist"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text, "a failure leaves the old file");
}
