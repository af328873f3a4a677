//! Any bytes given to every reader: no panic, no reading without end, and no more records than bytes could hold.
//!
//! `make fuzz-inputs` runs them with many more cases.

use std::{fs, path::Path, sync::Arc};

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use proptest::prelude::*;
use source::{Next, Options};
use stream::FileFormat;

use crate::house::{stream, try_open};

const SCHEMA: &str = r#"{"type":"record","name":"E","fields":[
    {"name":"event_id","type":"string"},
    {"name":"timestamp","type":{"type":"long","logicalType":"timestamp-micros"}},
    {"name":"detector_id","type":"string"},
    {"name":"n","type":["null","long"],"default":null},
    {"name":"y","type":["null","double"],"default":null}]}"#;

const HEADER: &[u8] = b"event_id,timestamp,detector_id,n,y\n";

/// Arrow's own reader asks for as much memory as a damaged file claims, so that random bytes are not for it.
fn fuzzed() -> impl Iterator<Item = FileFormat> {
    FileFormat::ALL.into_iter().filter(|format| *format != FileFormat::Arrow)
}

/// Calls after which a reader must have come to its end.
const CALLS_MAX: usize = 5_000;

fn rows() -> RecordBatch {
    let ids: Vec<String> = (0..50).map(|row| format!("e{row}")).collect();
    let columns: [(&str, ArrayRef); 5] = [
        ("event_id", Arc::new(StringArray::from(ids.clone()))),
        ("timestamp", Arc::new(StringArray::from(vec!["2025-01-01T00:00:00Z"; 50]))),
        ("detector_id", Arc::new(StringArray::from(ids))),
        ("n", Arc::new(Int64Array::from_iter_values(0..50))),
        ("y", Arc::new(Float64Array::from_iter_values((0..50).map(f64::from)))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// A whole file of a format.
fn whole(format: FileFormat) -> Vec<u8> {
    let rows = rows();
    match format {
        FileFormat::Csv => {
            let mut writer = arrow::csv::Writer::new(Vec::new());
            writer.write(&rows).unwrap();
            writer.into_inner()
        }
        FileFormat::Jsonl => {
            let mut writer = arrow::json::LineDelimitedWriter::new(Vec::new());
            writer.write(&rows).unwrap();
            writer.finish().unwrap();
            writer.into_inner()
        }
        FileFormat::Json => {
            let mut writer = arrow::json::ArrayWriter::new(Vec::new());
            writer.write(&rows).unwrap();
            writer.finish().unwrap();
            writer.into_inner()
        }
        FileFormat::Parquet => {
            let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), rows.schema(), None).unwrap();
            writer.write(&rows).unwrap();
            writer.into_inner().unwrap()
        }
        FileFormat::Orc => {
            let mut bytes = Vec::new();
            let layout = orc::Layout::new(rows.schema_ref(), &[]).unwrap();
            let mut writer = orc::Writer::new(&mut bytes, layout).unwrap();
            writer.write(&rows).unwrap();
            writer.finish().unwrap();
            bytes
        }
        FileFormat::Avro => {
            let mut writer = arrow_avro::writer::AvroWriter::new(Vec::new(), rows.schema().as_ref().clone()).unwrap();
            writer.write(&rows).unwrap();
            writer.finish().unwrap();
            writer.into_inner()
        }
        FileFormat::Fits => fits(),
        FileFormat::Arrow => {
            let mut writer = arrow::ipc::writer::FileWriter::try_new(Vec::new(), &rows.schema()).unwrap();
            writer.write(&rows).unwrap();
            writer.finish().unwrap();
            writer.into_inner().unwrap()
        }
    }
}

/// The same rows as a FITS file.
fn fits() -> Vec<u8> {
    let block = |cards: &[&str]| -> Vec<u8> {
        let mut bytes: Vec<u8> = cards.iter().flat_map(|card| format!("{card:80}").into_bytes()).collect();
        bytes.extend(format!("{:80}", "END").into_bytes());
        bytes.resize(bytes.len().next_multiple_of(2_880), b' ');
        bytes
    };
    let columns =
        [("event_id", "4A"), ("timestamp", "20A"), ("detector_id", "4A"), ("n", "K"), ("y", "D"), ("w", "1PD")];
    let named = columns.iter().enumerate().flat_map(|(place, (name, form))| {
        [format!("TTYPE{}  = '{name}'", place + 1), format!("TFORM{}  = '{form}'", place + 1)]
    });
    let named: Vec<String> = named.collect();
    let table = ["XTENSION= 'BINTABLE'", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 52", "NAXIS2  = 50", "PCOUNT  = 400"];
    let table: Vec<&str> = table.into_iter().chain(["TFIELDS = 6"]).chain(named.iter().map(String::as_str)).collect();
    let mut bytes = [block(&["SIMPLE  =                    T", "BITPIX  = 8", "NAXIS   = 0"]), block(&table)].concat();
    for row in 0..50_u32 {
        bytes.extend(format!("{:4}2025-01-01T00:00:00Z{:4}", format!("e{row}"), format!("e{row}")).bytes());
        bytes.extend([u64::from(row).to_be_bytes(), f64::from(row).to_be_bytes()].concat());
        bytes.extend([1_u32.to_be_bytes(), (row * 8).to_be_bytes()].concat());
    }
    bytes.extend((0..50).flat_map(|row| f64::from(row).to_be_bytes()));
    bytes.resize(bytes.len().next_multiple_of(2_880), 0);
    bytes
}

/// Samples and reads a file of these bytes to its end or first failure; how many records there were.
fn read(folder: &Path, format: FileFormat, bytes: &[u8]) -> usize {
    let ending = format.ending();
    fs::write(folder.join(format!("a.{ending}")), bytes).unwrap();
    let _ = source::sample(&folder.join(format!("a.{ending}")), Some(format));
    let source =
        format!("{{ files: {{ paths: [a.{ending}], format: {ending}, json: {{ nan: true, as_written: true }} }} }}");
    let stream = stream(SCHEMA, ["event_id", "detector_id", "timestamp"], &source);
    let options = Options { base: folder.to_owned(), ..Options::default() };
    let Ok(mut source) = try_open(&stream, &options) else { return 0 };
    let mut records = 0;
    for _ in 0..CALLS_MAX {
        match source.next(1_000) {
            Ok(Next::Records(found)) => records += found.len(),
            Ok(Next::Idle) => {}
            Ok(Next::End) | Err(_) => return records,
        }
    }
    panic!("{ending}: no end after {records} records of {} bytes", bytes.len());
}

fn cases() -> ProptestConfig {
    let cases = std::env::var("BEAMLINE_FUZZ_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: cases.unwrap_or(48), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn any_bytes_come_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..400), text in "[\\[{}\\]\",:;a-z0-9\\n\\r -]{0,400}") {
        let folder = tempfile::tempdir().unwrap();
        for format in fuzzed() {
            let with_header = [HEADER, &bytes].concat();
            for bytes in [bytes.as_slice(), text.as_bytes(), &with_header] {
                prop_assert!(read(folder.path(), format, bytes) <= bytes.len() + 1);
            }
        }
    }

    /// Whole files with some bytes changed, taken out or doubled.
    #[test]
    fn damaged_files_come_to_an_end(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 1..6)) {
        let folder = tempfile::tempdir().unwrap();
        for format in fuzzed() {
            let mut bytes = whole(format);
            for (place, byte, how) in &changes {
                let place = place.index(bytes.len());
                match how {
                    0 => bytes[place] = *byte,
                    1 => bytes.truncate(place.max(1)),
                    _ => bytes.insert(place, *byte),
                }
            }
            let records = read(folder.path(), format, &bytes);
            prop_assert!(records <= bytes.len() + 1, "{records} records of {} bytes", bytes.len());
        }
    }
}

#[test]
fn whole_files_of_every_format_are_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    for format in FileFormat::ALL {
        let name = folder.path().join(format!("a.{}", format.ending()));
        fs::write(&name, whole(format)).unwrap();
        let sample = source::sample(&name, None).unwrap();
        assert_eq!(sample.format, format);
        assert_eq!(read(folder.path(), format, &whole(format)), 50);
        if let source::Content::Rows(rows) = sample.content {
            assert_eq!(rows.num_rows(), 50);
        }
    }
}
