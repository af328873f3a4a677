//! Columns that the files lack.

use std::fs;

use arrow::{array::AsArray, datatypes::Int64Type};

use crate::house::{open, options, read_all, stream, try_open};

const SCHEMA: &str = r#"{"type":"record","name":"E","fields":[{"name":"id","type":"string"},{"name":"series","type":"string"},
    {"name":"t","type":{"type":"long","logicalType":"timestamp-micros"}},{"name":"half","type":"long"},{"name":"v","type":"double"}]}"#;

fn source(paths: &str, half: &str) -> String {
    format!(
        "{{ files: {{ paths: [{paths}], derive: {{ id: \"concat(_file, '-', CAST(_row AS VARCHAR))\", series: _file, \
         t: \"to_timestamp_micros(1735689600000000 + _row * 1000)\", half: \"{half}\" }} }} }}"
    )
}

#[test]
fn derived_columns_see_the_file_the_row_and_columns_that_are_not_in_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.csv"), "v,count,unused\n1.5,4,x\nbad,6,\n2.5,8,z\n").unwrap();
    fs::write(folder.path().join("b.jsonl"), "{\"v\": 3, \"count\": 10}\n").unwrap();
    let stream = stream(SCHEMA, ["id", "series", "t"], &source("a.csv, b.jsonl", "count / 2"));
    let all = read_all(open(&stream, folder.path()).as_mut());
    let ids: Vec<_> = all.rows["id"].as_string::<i32>().iter().flatten().collect();
    assert_eq!(ids, ["a-0", "a-2", "b-3"]);
    assert_eq!(all.rows["half"].as_primitive::<Int64Type>().values(), &[2, 4, 5]);
    let times = all.rows["t"].as_primitive::<arrow::datatypes::TimestampMicrosecondType>();
    assert_eq!(times.value(2), 1_735_689_600_003_000);
    assert_eq!(all.rejected[0].reason, "column `v`: \"bad\" is not a number");
}

#[test]
fn a_row_for_which_it_fails_is_rejected_and_a_bad_expression_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.csv"), "v,count\n1,4\n2,0\n3,\n4,8\n").unwrap();
    let all =
        read_all(open(&stream(SCHEMA, ["id", "series", "t"], &source("a.csv", "16 / count")), folder.path()).as_mut());
    assert_eq!(all.positions, [0, 3]);
    assert!(all.rejected[0].reason.starts_with("derived column `half`: "), "{}", all.rejected[0].reason);
    assert_eq!(all.rejected[1].reason, "column `half` is null");
    let stream = stream(SCHEMA, ["id", "series", "t"], &source("a.csv", "cuont"));
    let error = try_open(&stream, &options(folder.path())).map(|_| ()).unwrap_err();
    assert!(error.is_input() && error.to_string().contains("cuont"), "{error}");
}

#[test]
fn an_expression_may_look_for_what_a_record_of_the_stream_leaves_out() {
    let schema = r#"{"type":"record","name":"E","fields":[{"name":"id","type":"string"},
        {"name":"t","type":{"type":"long","logicalType":"timestamp-micros"}},
        {"name":"s","type":{"type":"record","name":"S","fields":[{"name":"v","type":["null","long"],"default":null}]}}]}"#;
    let folder = tempfile::tempdir().unwrap();
    let rows = [r#"{"id": "a", "s": {"@t": "2025-01-01T00:00:00Z", "v": 1}}"#, r#"{"id": "b", "s": {"v": 2.5}}"#];
    fs::write(folder.path().join("a.jsonl"), rows.join("\n")).unwrap();
    let source = "{ files: { paths: [a.jsonl], derive: { t: \"s['@t']\" } } }";
    let all = read_all(open(&stream(schema, ["id", "id", "t"], source), folder.path()).as_mut());
    let times = all.rows["t"].as_primitive::<arrow::datatypes::TimestampMicrosecondType>();
    assert_eq!(times.values(), &[1_735_689_600_000_000]);
    assert_eq!(all.rows["s"].as_struct().columns().len(), 1);
    assert_eq!(all.rejected[0].reason, "column `s`: 2.5 is not a whole number in range");
}
