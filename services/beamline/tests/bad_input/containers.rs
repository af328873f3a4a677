//! Avro and Parquet files that are cut off, damaged in the middle, or have other columns than the stream.

use std::fs;

use crate::place::{Place, csv, position, says};

const FIELDS: [&str; 4] = [
    r#"{"name":"id","type":"string"}"#,
    r#"{"name":"sensor","type":"string"}"#,
    r#"{"name":"time","type":{"type":"long","logicalType":"timestamp-micros"}}"#,
    r#"{"name":"value","type":"double"}"#,
];
const SYNC: [u8; 16] = *b"sixteen bytes ..";
const BLOCK_ROWS: usize = 1_000;

fn long(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest > 0x7f {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn bytes(value: &[u8], out: &mut Vec<u8>) {
    long(value.len() as i64, out);
    out.extend_from_slice(value);
}

/// An Avro file of so many blocks, with the first `fields` of the stream's columns.
fn avro(blocks: usize, fields: usize) -> Vec<u8> {
    let mut file = b"Obj\x01".to_vec();
    long(1, &mut file);
    bytes(b"avro.schema", &mut file);
    let fields_text = FIELDS[..fields].join(",");
    bytes(format!(r#"{{"type":"record","name":"Reading","fields":[{fields_text}]}}"#).as_bytes(), &mut file);
    long(0, &mut file);
    file.extend(SYNC);
    for block in 0..blocks {
        let mut rows = Vec::new();
        for n in block * BLOCK_ROWS..(block + 1) * BLOCK_ROWS {
            bytes(format!("r{n}").as_bytes(), &mut rows);
            bytes(format!("s{}", n % 7).as_bytes(), &mut rows);
            long(1_735_689_600_000_000 + n as i64, &mut rows);
            if fields > 3 {
                rows.extend((n as f64 % 100.0).to_le_bytes());
            }
        }
        long(BLOCK_ROWS as i64, &mut file);
        bytes(&rows, &mut file);
        file.extend(SYNC);
    }
    file
}

#[test]
fn avro_files_that_break_off() {
    let place = Place::new();
    let whole = avro(50, 4);
    place.write("whole.avro", &whole);
    assert!(place.replay("whole.avro", "quiet").is_empty());
    assert_eq!(place.number("quiet", "count(*)"), 50_000);

    let cut = ["replay", "readings.yaml", "in.avro", "--out", "cut"];
    place.write("in.avro", &whole[..whole.len() / 2]);
    says(&place.fails(64, &cut), &["in.avro is damaged", "replace the file"]);
    let kept = position(&place.path("cut"));
    assert!((20_000..=25_000).contains(&kept), "{kept} rows before the damage are committed");
    place.verify("cut");
    place.write("in.avro", &whole);
    place.ok(&cut);
    place.ok(&["verify", "cut", "quiet"]);
}

#[test]
fn avro_blocks_that_are_damaged() {
    let place = Place::new();
    let whole = avro(50, 4);
    let mut file = whole.clone();
    // In the middle of a block: a length that leads nowhere.
    let middle = file.len() / 2;
    file[middle..middle + 64].fill(0xff);
    place.write("in.avro", &file);
    let replay = ["replay", "readings.yaml", "in.avro", "--out", "out"];
    says(&place.fails(64, &replay), &["in.avro is damaged"]);
    place.verify("out");
    let kept = position(&place.path("out"));
    assert!((20_000..=25_000).contains(&kept), "{kept} rows before the damage are committed");
    // None of them is a row that the damage has changed.
    place.write("whole.avro", &whole);
    assert!(place.replay("whole.avro", "quiet").is_empty());
    place.write("in.avro", &whole);
    place.ok(&replay);
    place.ok(&["verify", "out", "quiet"]);
}

#[test]
fn avro_without_a_column() {
    let place = Place::new();
    place.write("in.avro", avro(1, 3));
    let said = place.fails(64, &["replay", "readings.yaml", "in.avro"]);
    says(&said, &["in.avro", "no column `value`", "`id`", "`sensor`", "`time`"]);
}

#[test]
fn parquet_files_that_break_off() {
    let place = Place::new();
    place.write("in.csv", csv(10_000));
    place.ok(&["replay", "readings.yaml", "in.csv", "--out", "first"]);
    let mut parquet = place.command(&["query", "--format", "parquet", "--limit", "0", "--results", "first"]);
    let select = "SELECT id, sensor, time, value, hits FROM processed_data ORDER BY time, id";
    let whole = parquet.arg(select).output().unwrap().stdout;
    place.write("whole.parquet", &whole);
    assert!(place.replay("whole.parquet", "second").is_empty());
    assert_eq!(place.number("second", "count(*)"), 10_000);

    place.write("cut.parquet", &whole[..whole.len() / 2]);
    let said = place.fails(64, &["replay", "readings.yaml", "cut.parquet", "--out", "cut"]);
    says(&said, &["cut.parquet cannot be read as Parquet", "replace it with a whole file"]);
    // The footer is whole, the pages are not.
    let mut damaged = whole.clone();
    damaged[100..whole.len() / 2].fill(0xa5);
    place.write("damaged.parquet", &damaged);
    says(&place.fails(64, &["replay", "readings.yaml", "damaged.parquet", "--out", "damaged"]), &["damaged.parquet"]);
    place.verify("damaged");
    assert!(fs::metadata(place.path("damaged/_beamline/manifest.json")).is_ok());
}
