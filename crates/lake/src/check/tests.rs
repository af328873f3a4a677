//! What is said of a lake, beside what a writer then does with it.

use std::{fs, path::Path, sync::Arc};

use arrow::{
    array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use sink::{Batch, Sink};

use super::*;
use crate::{DeltaSink, FileSink, write};

const TABLE: Table = Table::ProcessedData;

/// A time, and other columns.
fn schema(others: &[(&str, DataType, bool)]) -> SchemaRef {
    let others = others.iter().map(|(name, data_type, null)| Field::new(*name, data_type.clone(), *null));
    Arc::new(Schema::new([Field::new("time", DataType::Utf8, false)].into_iter().chain(others).collect::<Vec<_>>()))
}

/// One row.
fn batch(schema: &SchemaRef, position: u64) -> Batch {
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        match field.data_type() {
            DataType::Utf8 => Arc::new(StringArray::from_iter_values(["2025-01-31T13:00:00Z"])),
            DataType::Int64 => Arc::new(Int64Array::from_iter_values([1])),
            _ => Arc::new(Float64Array::from_iter_values([1.5])),
        }
    });
    let rows = RecordBatch::try_new(schema.clone(), columns.collect()).unwrap();
    let positions = [position].into_iter().collect();
    Batch {
        table: TABLE,
        topic: "s.scored".to_owned(),
        partition: 0,
        rows,
        positions,
        times: [0].into_iter().collect(),
        probes: Vec::new(),
        keys: None,
        next: position + 1,
    }
}

fn location(path: &Path) -> Location {
    Location::parse(path.to_str().unwrap()).unwrap()
}

/// Whether a writer stores a row.
fn writes(format: Format, path: &Path, schema: &SchemaRef, position: u64) -> bool {
    let location = location(path);
    let mut sink: Box<dyn Sink> = match format {
        Format::Delta => {
            let tables = [(TABLE, "s.scored".to_owned(), schema.clone())];
            Box::new(DeltaSink::new(location, "s", "time", &tables, 1).unwrap())
        }
        Format::Parquet | Format::Orc => {
            Box::new(FileSink::new(location, format, "s", "time", &[(TABLE, schema.clone())]).unwrap())
        }
    };
    sink.write(vec![batch(schema, position)]).is_ok()
}

fn checked(path: &Path, stream: &str, schema: &SchemaRef) -> Vec<Finding> {
    let runtime = write::runtime().unwrap();
    let found = runtime.block_on(check(&location(path), stream, "time", &[(TABLE, schema.clone())]));
    assert_eq!(found.time, None);
    found.findings
}

/// The worst that is said of a lake, and why.
fn worst(findings: &[Finding]) -> (Verdict, String) {
    let of = |verdict| findings.iter().find(|finding| finding.verdict == verdict);
    let worst = of(Verdict::Wrong).or_else(|| of(Verdict::Doubtful)).or(findings.last()).unwrap();
    (worst.verdict, worst.text.clone())
}

#[test]
fn a_folder_that_is_missing_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("a/lake");
    let found = checked(&lake, "s", &schema(&[]));
    assert!(found.iter().all(|finding| finding.verdict == Verdict::Good), "{found:?}");
    assert!(found[1].text.contains("holds no lake yet; the writer makes it"), "{found:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_place_that_cannot_be_written_is_wrong_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for (path, part) in
        [(file.join("lake"), "is a file; choose a folder"), ("/sys/lake".into(), "choose a folder that")]
    {
        let found = checked(&path, "s", &schema(&[]));
        let (verdict, text) = worst(&found);
        assert!(verdict == Verdict::Wrong && text.contains(part), "{text}");
        assert_eq!(found.last().unwrap().verdict, Verdict::Skipped);
        assert!(!writes(Format::Delta, &path, &schema(&[]), 0));
    }
}

#[test]
fn a_lake_of_another_stream_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    assert!(writes(Format::Parquet, folder.path(), &schema(&[]), 0));
    let (verdict, text) = worst(&checked(folder.path(), "other", &schema(&[])));
    assert!(
        verdict == Verdict::Wrong && text.contains("it holds the stream s as Parquet; choose another place"),
        "{text}"
    );
    assert_eq!(worst(&checked(folder.path(), "s", &schema(&[]))).0, Verdict::Good);
}

/// What becomes of a lake with `there` and a stream with `now`: what is said, and whether a writer then writes.
fn changed(format: Format, there: &SchemaRef, now: &SchemaRef) -> (Verdict, String, bool) {
    let folder = tempfile::tempdir().unwrap();
    assert!(writes(format, folder.path(), there, 0));
    let (verdict, text) = worst(&checked(folder.path(), "s", now));
    // To look changes nothing.
    assert_eq!(worst(&checked(folder.path(), "s", now)).1, text);
    (verdict, text, writes(format, folder.path(), now, 1))
}

#[test]
fn of_columns_that_change_a_delta_table_is_said_what_its_writer_does() {
    let (float, integer) = (DataType::Float64, DataType::Int64);
    let there = schema(&[("pt", float.clone(), true)]);
    for (now, expected, part) in [
        (schema(&[("pt", float.clone(), true)]), Verdict::Good, "has the stream's columns"),
        (
            schema(&[("pt", float.clone(), true), ("eta", float.clone(), true)]),
            Verdict::Good,
            "lacks eta; the writer adds what is missing",
        ),
        (schema(&[("pt", integer, true)]), Verdict::Wrong, "has column pt as Float64, and the stream as Int64"),
        (schema(&[]), Verdict::Wrong, "has column pt, and the stream has not"),
        (
            schema(&[("pt", float.clone(), true), ("eta", float, false)]),
            Verdict::Wrong,
            "lacks column eta, which cannot be null in the stream",
        ),
    ] {
        let (verdict, text, written) = changed(Format::Delta, &there, &now);
        assert!(verdict == expected && text.contains(part), "{verdict:?} {text}");
        assert_eq!(written, expected == Verdict::Good, "{text}");
    }
}

#[test]
fn parquet_files_of_other_columns_are_gone_on_with_and_named() {
    let there = schema(&[("pt", DataType::Float64, true)]);
    for (now, part) in [
        (schema(&[("pt", DataType::Int64, true)]), "has column pt as Float64, and the stream as Int64; queries"),
        (schema(&[]), "has column pt, and the stream has not; queries"),
    ] {
        let (verdict, text, written) = changed(Format::Parquet, &there, &now);
        assert!(verdict == Verdict::Doubtful && text.contains(part) && written, "{verdict:?} {text} {written}");
    }
}

#[test]
fn a_column_that_delta_has_no_type_for_is_named_before_there_is_a_lake() {
    let folder = tempfile::tempdir().unwrap();
    let odd = schema(&[("wait", DataType::Duration(arrow::datatypes::TimeUnit::Second), true)]);
    let (verdict, text) = worst(&checked(folder.path(), "s", &odd));
    assert!(verdict == Verdict::Doubtful && text.contains("store it with `--backend parquet`"), "{text}");
}
