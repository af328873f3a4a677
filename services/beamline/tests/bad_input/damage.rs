//! Files that are not what they are called, end too early, or hold a line without end.

use std::{
    fs::{self, File},
    io::Write,
};

use flate2::{Compression, write::GzEncoder};

use crate::place::{HEADER, Place, csv, garbage, jsonl, position, row, says};

#[test]
fn binary_garbage() {
    let place = Place::new();
    for (name, parts) in [
        ("in.csv", ["is not CSV", "UTF-8"]),
        ("in.csv.gz", ["is damaged", "gzip"]),
        ("in.parquet", ["cannot be read as Parquet", "replace it"]),
        ("in.avro", ["cannot be read as Avro", "replace it"]),
    ] {
        place.write(name, garbage(100_000));
        let said = place.fails(64, &["replay", "readings.yaml", name]);
        says(&said, &parts);
        says(&said, &[name]);
    }
    // JSON lines have no header to tell: every line is a dead letter, and the good one among them goes through.
    let mut bytes = garbage(50_000);
    bytes.extend_from_slice(format!("\n{}", jsonl(1)).as_bytes());
    bytes.extend(garbage(50_000));
    place.write("in.jsonl", &bytes);
    let letters = place.replay("in.jsonl", "out");
    assert_eq!(place.ids("out"), ["r0"]);
    assert!(letters.len() > 300 && letters.iter().all(|letter| letter["kind"] == "decode"));
    // In CSV behind a good header as well.
    let bytes =
        [format!("{HEADER}\n{}\n", row("a")).as_bytes(), &garbage(50_000), format!("\n{}\n", row("z")).as_bytes()]
            .concat();
    place.write("behind.csv", bytes);
    assert!(place.replay("behind.csv", "behind").len() > 100);
    assert_eq!(place.ids("behind"), ["a", "z"]);
}

#[test]
fn empty_files() {
    let place = Place::new();
    for (name, part) in [
        ("in.csv", "a CSV file begins with a header line"),
        ("in.csv.gz", "a CSV file begins with a header line"),
        ("in.parquet", "replace it with a whole file"),
        ("in.avro", "replace it with a whole file"),
    ] {
        place.write(name, "");
        says(&place.fails(64, &["replay", "readings.yaml", name]), &[name, part]);
    }
    place.write("in.jsonl", "");
    assert!(place.replay("in.jsonl", "json").is_empty(), "an empty file has no events and no error");
    place.write("header.csv", HEADER);
    assert!(place.replay("header.csv", "header").is_empty());
    assert!(place.ids("json").is_empty() && place.ids("header").is_empty());
}

#[test]
fn files_that_are_not_there() {
    let place = Place::new();
    says(&place.fails(64, &["replay", "readings.yaml", "nope.csv"]), &["nope.csv", "no such file"]);
    fs::create_dir(place.path("folder.csv")).unwrap();
    says(&place.fails(64, &["replay", "readings.yaml", "folder.csv"]), &["folder.csv is a folder", "folder/*.csv"]);
    place.write("in.txt", csv(3));
    says(&place.fails(64, &["replay", "readings.yaml", "in.txt"]), &["in.txt", "csv, jsonl, parquet, orc or avro"]);
    // A run that never began claims nothing: the right name goes on in the same folder.
    place.write("in.csv", csv(3));
    place.ok(&["replay", "readings.yaml", "in.csv"]);
}

#[test]
fn a_truncated_archive_keeps_its_beginning_and_goes_on_once_mended() {
    let place = Place::new();
    let rows = 30_000;
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(csv(rows).as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    place.write("in.csv.gz", &packed[..packed.len() / 2]);
    let cut = ["replay", "readings.yaml", "in.csv.gz", "--out", "cut"];
    says(&place.fails(64, &cut), &["in.csv.gz is damaged after", "what stands before it is kept", "replace the file"]);
    let kept = position(&place.path("cut"));
    assert!(kept > 5_000, "{kept} rows before the damage are committed");
    place.verify("cut");
    assert_eq!(place.number("cut", "count(*)"), kept);
    place.fails(64, &cut);
    assert_eq!(position(&place.path("cut")), kept, "the same again");

    place.write("in.csv.gz", &packed);
    place.ok(&cut);
    place.ok(&["replay", "readings.yaml", "in.csv.gz", "--out", "whole"]);
    place.ok(&["verify", "cut", "whole"]);
    assert_eq!(place.number("cut", "count(*)"), rows as u64);

    // A wrong byte is found at the end only, and what was read till then may be wrong.
    let mut flipped = packed.clone();
    flipped[packed.len() * 2 / 3] ^= 0x55;
    place.write("in.csv.gz", &flipped);
    let flipped = ["replay", "readings.yaml", "in.csv.gz", "--out", "flipped"];
    says(&place.fails(64, &flipped), &["in.csv.gz is damaged somewhere before", "may be wrong", "--fresh"]);
    place.write("in.csv.gz", &packed);
    place.ok(&[&flipped[..], &["--fresh"]].concat());
    place.ok(&["verify", "flipped", "whole"]);
}

#[test]
fn a_broken_file_among_good_ones_costs_only_itself() {
    let place = Place::new();
    place.write("1.csv", csv(100));
    place.write("2.csv", "id,sensor\na,b\n");
    let more = ["replay", "readings.yaml", "1.csv", "2.csv", "--out", "out"];
    says(&place.fails(64, &more), &["2.csv", "no column `time`"]);
    assert_eq!(place.number("out", "count(*)"), 100, "the file before is committed");
    place.write("2.csv", format!("{HEADER}\n{}\n", row("late")));
    place.ok(&more);
    place.verify("out");
    assert_eq!(place.number("out", "count(*)"), 101);
}

/// A line of 100 MB between two good ones.
fn endless_line(place: &Place, name: &str, first: &str, begin: &[u8], last: &str) {
    let mut file = File::create(place.path(name)).unwrap();
    writeln!(file, "{first}").unwrap();
    file.write_all(begin).unwrap();
    let piece = vec![b'x'; 1_000_000];
    (0..100).for_each(|_| file.write_all(&piece).unwrap());
    writeln!(file, "\n{last}").unwrap();
}

#[test]
fn a_line_of_100_mb_is_one_dead_letter_and_little_memory() {
    let place = Place::new();
    let (first, last) = (jsonl(1), jsonl(2));
    endless_line(&place, "in.jsonl", first.trim_end(), b"{\"id\":\"", last.lines().last().unwrap());
    for (name, begin) in [("plain.csv", &b"b,s1,"[..]), ("quoted.csv", b"b,s1,\"")] {
        endless_line(&place, name, &format!("{HEADER}\n{}", row("r0")), begin, &row("r1"));
    }
    for (name, piped) in [("in.jsonl", false), ("plain.csv", false), ("quoted.csv", false), ("in.jsonl", true)] {
        let results = format!("{name}.{piped}");
        let mut command = if piped {
            let mut command = place.command(&["run", "readings.yaml", "--stdin", "jsonl", "--out", &results]);
            command.stdin(File::open(place.path(name)).unwrap());
            command
        } else {
            place.command(&["replay", "readings.yaml", name, "--out", &results])
        };
        let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
        let mut peak = 0;
        let status = loop {
            peak = peak.max(memory_kib(child.id()));
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        };
        assert!(status.success(), "{name}: {status}");
        assert!(peak < 300 * 1024, "{name}: {peak} KiB of memory");
        place.verify(&results);
        assert_eq!(place.ids(&results), ["r0", "r1"]);
        let letters = place.letters(&results);
        assert_eq!(letters.len(), 1);
        assert_eq!(letters[0]["position"], 1);
        let kept = place.query(&results, "SELECT length(encode(payload, 'hex')) / 2 AS bytes FROM dead_letters");
        assert_eq!(kept[0]["bytes"], 65_536);
        says(letters[0]["reason"].as_str().unwrap(), &["longer than 1048576 bytes", "its beginning is kept"]);
    }
}

/// The most memory that a process has had in use so far; 0 where the system does not tell.
fn memory_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
