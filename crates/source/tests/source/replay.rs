//! Every format gives the same events, in any pieces and from any place.

use std::{fs, io::Write, path::Path, sync::Arc};

use arrow::{array::RecordBatch, compute, datatypes::DataType, json::LineDelimitedWriter};
use arrow_avro::writer::AvroWriter;
use flate2::{Compression, write::GzEncoder};
use parquet::{arrow::ArrowWriter, file::properties::WriterProperties};
use proptest::prelude::*;
use source::{Next, RECORDS_MAX};

use crate::house::{All, nine, open, read, read_all, tail};

/// `count` CSV lines with a header; every 50th is bad.
pub(crate) fn csv(count: usize, bad: bool) -> String {
    let mut text = String::from("n,event_id,timestamp,detector_id,extra,x,y,z,kind,ok\n");
    for n in 0..count {
        let x = if n % 7 == 0 { String::new() } else { format!("{}", n as f64 * 0.25) };
        let y = if bad && n % 50 == 3 { "oops".to_owned() } else { format!("{}e-3", n * 3) };
        let kind = ["\"quoted, and \"\"so\"\"\nover lines\"", "plain", ""][n % 3];
        let time = format!("2025-01-02T03:{:02}:{:02}.{:06}Z", n / 60 % 60, n % 60, n);
        text += &format!("{n},e{n},{time},d{},junk,{x},{y},1.5,{kind},{}\n", n % 5, n % 2 == 0);
    }
    text
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    // Two members, as `cat a.gz b.gz` makes them.
    let mut packed = Vec::new();
    for half in bytes.chunks(bytes.len() / 2 + 1) {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(half).unwrap();
        packed.extend(encoder.finish().unwrap());
    }
    packed
}

fn rows_of(folder: &Path, text: &str) -> RecordBatch {
    fs::write(folder.join("plain.csv"), text).unwrap();
    read_all(open(&nine("{ files: { paths: [plain.csv] } }"), folder).as_mut()).rows
}

/// Writes the rows in every format and returns the files' names.
fn write_all_formats(folder: &Path, rows: &RecordBatch, csv: &str) -> Vec<&'static str> {
    let mut json = LineDelimitedWriter::new(Vec::new());
    json.write(rows).unwrap();
    json.finish().unwrap();
    let json = json.into_inner();
    let mut avro = AvroWriter::new(Vec::new(), rows.schema().as_ref().clone()).unwrap();
    for start in (0..rows.num_rows()).step_by(100) {
        avro.write(&rows.slice(start, 100.min(rows.num_rows() - start))).unwrap();
    }
    avro.finish().unwrap();
    let avro = avro.into_inner();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(64)).build();
    let mut parquet = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).unwrap();
    parquet.write(rows).unwrap();
    let parquet = parquet.into_inner().unwrap();
    let mut orc = Vec::new();
    let mut writer = orc::Writer::new(&mut orc, orc::Layout::new(rows.schema_ref(), &[]).unwrap()).unwrap();
    writer.write(rows).unwrap();
    writer.finish().unwrap();
    for (name, bytes) in [
        ("a.csv", csv.as_bytes().to_vec()),
        ("b.csv.gz", gzip(csv.as_bytes())),
        ("c.jsonl", json.clone()),
        ("d.jsonl.gz", gzip(&json)),
        ("e.parquet", parquet),
        ("f.avro", avro.clone()),
        ("g.avro.gz", gzip(&avro)),
        ("h.orc", orc),
    ] {
        fs::write(folder.join(name), bytes).unwrap();
    }
    vec!["a.csv", "b.csv.gz", "c.jsonl", "d.jsonl.gz", "e.parquet", "f.avro", "g.avro.gz", "h.orc"]
}

#[test]
fn every_format_gives_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let text = csv(321, false);
    let rows = rows_of(folder.path(), &text);
    assert_eq!(rows.num_rows(), 321);
    assert_eq!(rows["x"].null_count(), 46);
    assert!(matches!(rows["timestamp"].data_type(), DataType::Timestamp(..)));
    for name in write_all_formats(folder.path(), &rows, &text) {
        let mut source = open(&nine(&format!("{{ files: {{ paths: [{name}] }} }}")), folder.path());
        let all = read_all(source.as_mut());
        assert_eq!(all.rejected, [], "{name}");
        assert_eq!(all.rows, rows, "{name}");
        assert_eq!(all.positions, (0..321).collect::<Vec<_>>(), "{name}");
        let progress = source.progress();
        assert_eq!(Some(progress.done), progress.total, "{name}");
    }
}

/// Records are asked for by their number; how much memory that takes must not go by their size.
#[test]
fn large_records_come_few_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    // The same text again and again: a Parquet file has it once.
    let text = csv(64, false).replace(",plain,", &format!(",{},", "x".repeat(1_000_000)));
    let rows = rows_of(folder.path(), &text);
    write_all_formats(folder.path(), &rows, &text);
    for name in ["a.csv", "b.csv.gz", "c.jsonl", "e.parquet"] {
        let mut source = open(&nine(&format!("{{ files: {{ paths: [{name}] }} }}")), folder.path());
        let (mut given, mut most) = (0, 0);
        loop {
            match source.next(RECORDS_MAX).unwrap() {
                Next::Records(records) => {
                    given += records.len();
                    most = most.max(records.bytes());
                }
                Next::Idle => {}
                Next::End => break,
            }
        }
        assert_eq!(given, 64, "{name}");
        assert!(most < 10_000_000, "{name}: {most} bytes at once");
    }
}

#[test]
fn patterns_are_read_sorted_and_positions_go_on() {
    let folder = tempfile::tempdir().unwrap();
    for (name, count) in [("b.csv", 3), ("a.csv", 2), ("c.txt", 9)] {
        fs::write(folder.path().join(name), csv(count, false)).unwrap();
    }
    let all = read_all(open(&nine("{ files: { paths: [\"*.csv\", a.csv] } }"), folder.path()).as_mut());
    assert_eq!(all.positions, (0..7).collect::<Vec<_>>());
    let ids = compute::cast(&all.rows["n"], &DataType::Utf8).unwrap();
    let ids: Vec<_> = arrow::array::AsArray::as_string::<i32>(&ids).iter().flatten().map(str::to_owned).collect();
    assert_eq!(ids, ["0", "1", "0", "1", "2", "0", "1"]);
}

/// A folder with the same records in every format, the bad ones only where a format can hold them.
fn mixed() -> (tempfile::TempDir, Arc<stream::Stream>, All) {
    let folder = tempfile::tempdir().unwrap();
    let good = csv(130, false);
    let rows = rows_of(folder.path(), &good);
    write_all_formats(folder.path(), &rows, &csv(130, true));
    let mut jsonl = fs::read_to_string(folder.path().join("c.jsonl")).unwrap();
    jsonl.insert_str(0, "nonsense\n\n{\"n\": 1}\n");
    fs::write(folder.path().join("c.jsonl"), jsonl).unwrap();
    let paths = "[a.csv, b.csv.gz, c.jsonl, d.jsonl.gz, e.parquet, f.avro, g.avro.gz, h.orc]";
    let stream = nine(&format!("{{ files: {{ paths: {paths} }} }}"));
    let all = read_all(open(&stream, folder.path()).as_mut());
    assert_eq!(all.rejected.len(), 8);
    assert_eq!(all.rows.num_rows(), 8 * 130 - 6);
    (folder, stream, all)
}

#[test]
fn pieces_and_places_never_matter() {
    let (folder, stream, all) = mixed();
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(sizes in prop::collection::vec(1usize..200, 1..6), place in any::<prop::sample::Index>())| {
        let mut source = open(&stream, folder.path());
        let (found, failed, cursors) = read(source.as_mut(), &sizes);
        prop_assert!(failed.is_none());
        prop_assert_eq!(&found, &all);
        let cursor = &cursors[place.index(cursors.len())];
        let kept: source::Cursor = serde_json::from_str(&serde_json::to_string(cursor).unwrap()).unwrap();
        source.seek(&kept).unwrap();
        prop_assert_eq!(source.cursor().position, kept.position);
        let (found, _, _) = read(source.as_mut(), &[37]);
        let rest = tail(&all, kept.position);
        prop_assert_eq!((found.positions, found.rejected), (rest.positions.clone(), rest.rejected));
        if !rest.positions.is_empty() {
            prop_assert_eq!(found.rows, rest.rows);
        }
    });
}

#[test]
fn a_cursor_may_skip_records_behind_its_place() {
    let (folder, stream, all) = mixed();
    let mut source = open(&stream, folder.path());
    for position in [0, 1, 4, 129, 130, 131, 400, 900] {
        let cursor = source::Cursor { position, skip: position, ..source::Cursor::default() };
        source.seek(&cursor).unwrap();
        let Next::Records(records) = source.next(1).unwrap() else { panic!("{position}") };
        let found = records.positions.values().first().copied().or(records.rejected.first().map(|r| r.position));
        assert_eq!(found, Some(position));
        let rest = tail(&all, position);
        if rest.positions.first() == Some(&position) {
            assert_eq!(records.rows, rest.rows.slice(0, 1));
        }
    }
}
