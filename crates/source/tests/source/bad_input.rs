//! Input of every bad kind: a clear message, or the bad records alone rejected.

use std::{fs, io::Write, path::Path};

use arrow::array::AsArray;
use source::{RECORD_BYTES_MAX, REJECTED_BYTES_MAX};

use crate::{
    house::{nine, open, options, read, read_all, stream, tail, try_open},
    replay::{csv, gzip},
};

const SMALL: &str = r#"{"type":"record","name":"E","fields":[{"name":"id","type":"long"},
    {"name":"t","type":["null",{"type":"long","logicalType":"timestamp-micros"}]},{"name":"v","type":["null","double"]}]}"#;

fn small(source: &str) -> std::sync::Arc<stream::Stream> {
    stream(SMALL, ["id", "id", "t"], source)
}

fn error_of(folder: &Path, source: &str) -> String {
    let error = match try_open(&nine(source), &options(folder)) {
        Err(error) => error,
        Ok(mut source) => read(source.as_mut(), &[100]).1.expect("an error"),
    };
    assert!(error.is_input(), "{error}");
    error.to_string()
}

#[test]
fn what_the_user_must_mend_is_said() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("empty.csv", &b""[..]),
        ("short.csv", b"event_id,timestamp,y\n"),
        ("garbage.parquet", b"\x00\x01\x02garbage"),
        ("garbage.avro", b"\x00\x01\x02garbage"),
        ("garbage.csv", b"\x00\xff\x01,\n\x00"),
        ("x.parquet.gz", b""),
        ("noise.csv.gz", b"this is not gzip"),
        ("unknown.dat", b""),
    ] {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    for (path, expected) in [
        ("missing.csv", "there is no such file"),
        ("\"no*.jsonl\"", "no file matches"),
        (".", "is a folder"),
        ("empty.csv", "is empty; a CSV file begins with a header line"),
        ("garbage.csv", "is not CSV"),
        ("short.csv", "has no column `detector_id`; it has `event_id`, `timestamp`, `y`"),
        ("garbage.parquet", "cannot be read as Parquet"),
        ("garbage.avro", "cannot be read as Avro"),
        ("x.parquet.gz", "unpack it"),
        ("noise.csv.gz", "is damaged"),
        ("unknown.dat", "set `format`"),
    ] {
        let error = error_of(folder.path(), &format!("{{ files: {{ paths: [{path}] }} }}"));
        assert!(error.contains(expected), "{path}: {error}");
    }
}

#[test]
fn a_truncated_gzip_gives_its_rows_first() {
    let folder = tempfile::tempdir().unwrap();
    let packed = gzip(csv(2000, false).as_bytes());
    fs::write(folder.path().join("t.csv.gz"), &packed[..packed.len() * 3 / 4]).unwrap();
    let stream = nine("{ files: { paths: [t.csv.gz] } }");
    let mut counts = Vec::new();
    for sizes in [[10_000], [33]] {
        let (all, failed, _) = read(open(&stream, folder.path()).as_mut(), &sizes);
        let error = failed.expect("an error").to_string();
        assert!(error.contains("truncated") && error.contains("unpacked bytes"), "{error}");
        assert_eq!(all.rejected, []);
        counts.push(all.rows.num_rows());
    }
    assert!(counts[0] > 1000 && counts[0] == counts[1], "{counts:?}");
}

#[test]
fn a_line_of_a_hundred_megabytes_is_rejected_alone() {
    let folder = tempfile::tempdir().unwrap();
    for (name, head, good) in [("l.csv", "id,t,v\n", "1,,2\n"), ("l.jsonl", "", "{\"id\":1}\n")] {
        let mut file = fs::File::create(folder.path().join(name)).unwrap();
        write!(file, "{head}{good}").unwrap();
        for _ in 0..100 {
            file.write_all(&[b'x'; RECORD_BYTES_MAX]).unwrap();
        }
        write!(file, "\n{good}").unwrap();
        let all = read_all(open(&small(&format!("{{ files: {{ paths: [{name}] }} }}")), folder.path()).as_mut());
        assert_eq!((all.positions.as_slice(), all.rejected.len()), ([0, 2].as_slice(), 1), "{name}");
        assert_eq!((all.rejected[0].position, all.rejected[0].payload.len()), (1, REJECTED_BYTES_MAX));
        assert!(all.rejected[0].reason.contains("longer than 1048576 bytes"), "{}", all.rejected[0].reason);
    }
}

#[test]
fn strange_values_are_rows_where_the_type_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let text = "id,t,v\n1,9999-12-31T23:59:59Z,NaN\n2,1970-01-01,inf\n3,1735787045,-Infinity\n4,yesterday,1\n5,,1e999\n\0,,\n7,,\n";
    fs::write(folder.path().join("s.csv"), text).unwrap();
    let all = read_all(open(&small("{ files: { paths: [s.csv] } }"), folder.path()).as_mut());
    let ids = all.rows["id"].as_primitive::<arrow::datatypes::Int64Type>();
    assert_eq!(ids.values(), &[1, 2, 3, 7]);
    let reasons: Vec<_> = all.rejected.iter().map(|r| (r.position, r.reason.as_str())).collect();
    let expected = [
        (3, "column `t`: \"yesterday\" is not a time"),
        (4, "column `v`: \"1e999\" is not a number"),
        (5, "column `id`: \"\\0\" is not a whole number in range"),
    ];
    assert_eq!(reasons, expected);
    assert_eq!(&all.rejected[0].payload[..], b"4,yesterday,1");
}

#[test]
fn empty_files_without_a_header_end_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["e.jsonl", "e.jsonl.gz"] {
        fs::write(folder.path().join(name), b"").unwrap();
        let (all, failed, _) =
            read(open(&nine(&format!("{{ files: {{ paths: [{name}] }} }}")), folder.path()).as_mut(), &[5]);
        assert!(failed.is_none() && all.positions.is_empty());
    }
}

/// A number as Avro writes it, and where it ends.
fn long(bytes: &[u8], start: usize) -> (i64, usize) {
    let length = bytes[start..].iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    let raw =
        bytes[start..start + length].iter().rev().fold(0_u64, |number, byte| number << 7 | u64::from(byte & 0x7f));
    ((raw >> 1) as i64 ^ -((raw & 1) as i64), start + length)
}

/// The container with `extra` behind the rows of its block of this number.
fn with_left_over(whole: &[u8], number: usize, extra: &[u8]) -> Vec<u8> {
    let sync = &whole[whole.len() - 16..];
    let mut start = whole.windows(16).position(|bytes| bytes == sync).unwrap() + 16;
    for _ in 0..number {
        let (size, begin) = long(whole, long(whole, start).1);
        start = begin + size as usize + 16;
    }
    let (_, size_at) = long(whole, start);
    let (size, begin) = long(whole, size_at);
    let end = begin + size as usize;
    let mut out = whole[..size_at].to_vec();
    let mut zigzag = 2 * (size as u64 + extra.len() as u64);
    while zigzag >= 0x80 {
        out.push(zigzag as u8 | 0x80);
        zigzag >>= 7;
    }
    out.push(zigzag as u8);
    [&out, &whole[begin..end], extra, &whole[end..]].concat()
}

#[test]
fn bytes_left_over_behind_a_block_are_a_dead_letter_and_its_rows_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let text: String = (0..60).map(|n| format!("{n},,{n}\n")).collect();
    fs::write(folder.path().join("a.csv"), format!("id,t,v\n{text}")).unwrap();
    let rows = read_all(open(&small("{ files: { paths: [a.csv] } }"), folder.path()).as_mut()).rows;
    let mut writer = arrow_avro::writer::AvroWriter::new(Vec::new(), rows.schema().as_ref().clone()).unwrap();
    for start in (0..60).step_by(20) {
        writer.write(&rows.slice(start, 20)).unwrap();
    }
    writer.finish().unwrap();
    let whole = writer.into_inner();
    let stream = small("{ files: { paths: [d.avro] } }");
    for (number, position) in [(0, 20), (1, 40), (2, 60)] {
        fs::write(folder.path().join("d.avro"), with_left_over(&whole, number, b"junk")).unwrap();
        for sizes in [&[10_000][..], &[7], &[20], &[1, 3]] {
            let (all, failed, cursors) = read(open(&stream, folder.path()).as_mut(), sizes);
            assert!(failed.is_none(), "{failed:?}");
            assert!(all.rows == rows, "{} rows", all.rows.num_rows());
            let [rejected] = all.rejected.as_slice() else { panic!("{:?}", all.rejected) };
            assert_eq!((rejected.position, rejected.payload.as_ref()), (position, b"junk".as_slice()));
            assert!(rejected.reason.starts_with("4 bytes are left over behind the 20 rows"), "{}", rejected.reason);
            for cursor in cursors {
                let mut source = open(&stream, folder.path());
                source.seek(&cursor).unwrap();
                assert_eq!(read_all(source.as_mut()).positions, tail(&all, cursor.position).positions);
            }
        }
    }
}

#[test]
fn a_damaged_avro_file_gives_the_blocks_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let text: String = (0..6000).map(|n| format!("{n},,{n}\n")).collect();
    fs::write(folder.path().join("a.csv"), format!("id,t,v\n{text}")).unwrap();
    let rows = read_all(open(&small("{ files: { paths: [a.csv] } }"), folder.path()).as_mut()).rows;
    let mut writer = arrow_avro::writer::AvroWriter::new(Vec::new(), rows.schema().as_ref().clone()).unwrap();
    for start in (0..6000).step_by(500) {
        writer.write(&rows.slice(start, 500)).unwrap();
    }
    writer.finish().unwrap();
    let whole = writer.into_inner();
    let stream = small("{ files: { paths: [d.avro] } }");
    let block = (whole.len() - 300) / 12;
    for (cut, damage) in
        [(whole.len() - 10, None), (whole.len() - 3 * block, None), (whole.len(), Some(whole.len() - 5))]
    {
        let mut bytes = whole[..cut].to_vec();
        if let Some(damage) = damage {
            bytes[damage] ^= 0xff;
        }
        fs::write(folder.path().join("d.avro"), bytes).unwrap();
        let mut counts = Vec::new();
        for size in [10_000, 77] {
            let (all, failed, cursors) = read(open(&stream, folder.path()).as_mut(), &[size]);
            let error = failed.expect("an error");
            assert!(error.is_input() && error.to_string().contains("is damaged after"), "{error}");
            assert!(all.rows == rows.slice(0, all.rows.num_rows()), "{}", all.rows.num_rows());
            counts.push(all.rows.num_rows());
            let mut source = open(&stream, folder.path());
            source.seek(&cursors[cursors.len() / 2]).unwrap();
            let (rest, failed, _) = read(source.as_mut(), &[1000]);
            assert!(failed.is_some());
            assert_eq!(rest.positions.len() as u64, counts[0] as u64 - cursors[cursors.len() / 2].position);
        }
        assert!(counts[0] == counts[1] && counts[0] >= 4000 && counts[0] % 500 == 0, "{counts:?}");
    }
}
