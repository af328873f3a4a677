//! Folders of results that cannot be written, are full, in use, or of something else.

use std::{path::Path, process::Stdio};

use fixtures::SmallDisk;

use crate::place::{HEADER, Place, csv, position, row, says};

#[test]
fn a_file_in_place_of_the_folder() {
    let place = Place::new();
    place.write("in.csv", csv(3));
    place.write("file", "precious");
    for out in ["file", "file/below"] {
        let said = place.fails(64, &["replay", "readings.yaml", "in.csv", "--out", out]);
        says(&said, &["cannot write to the results folder", out, "choose another folder"]);
    }
    says(
        &place.fails(64, &["replay", "readings.yaml", "in.csv", "--out", "file", "--fresh"]),
        &["file is not a folder"],
    );
    assert_eq!(std::fs::read_to_string(place.path("file")).unwrap(), "precious");
    std::fs::create_dir(place.path("folder")).unwrap();
    place.write("folder/mine.txt", "precious");
    let said = place.fails(64, &["replay", "readings.yaml", "in.csv", "--out", "folder", "--fresh"]);
    says(&said, &["holds no results of Beamline", "will not delete it"]);
    assert!(place.path("folder/mine.txt").exists());
}

#[test]
fn a_damaged_checkpoint() {
    let place = Place::new();
    place.write("in.csv", csv(3));
    std::fs::create_dir_all(place.path("out/_beamline")).unwrap();
    place.write("out/_beamline/checkpoint.redb", "this is not a database");
    let said = place.fails(1, &["replay", "readings.yaml", "in.csv", "--out", "out"]);
    says(&said, &["checkpoint is damaged", "out/_beamline/checkpoint.redb", "--fresh"]);
    place.ok(&["replay", "readings.yaml", "in.csv", "--out", "out", "--fresh"]);
    place.verify("out");
}

#[test]
fn results_of_something_else() {
    let place = Place::new();
    place.write("in.csv", csv(30));
    place.write("other.csv", csv(30));
    place.define("changed.yaml", "value * 2", "value * 3");
    place.define("renamed.yaml", "name: readings", "name: others");
    place.ok(&["replay", "readings.yaml", "in.csv", "--out", "out", "--events", "10"]);
    for (stream, file) in [("changed.yaml", "in.csv"), ("renamed.yaml", "in.csv"), ("readings.yaml", "other.csv")] {
        let said = place.fails(64, &["replay", stream, file, "--out", "out"]);
        says(&said, &["out holds results of", "--out", "--fresh"]);
    }
    place.ok(&["replay", "readings.yaml", "in.csv", "--out", "out"]);
    assert_eq!(place.number("out", "count(*)"), 30, "the refused ones did no harm");
    place.ok(&["replay", "changed.yaml", "in.csv", "--out", "out", "--fresh"]);
    assert_eq!(place.number("out", "sum(CASE WHEN doubled = value * 3 THEN 1 ELSE 0 END)"), 30);
}

#[test]
fn two_runs_of_one_folder() {
    let place = Place::new();
    let mut first = place.command(&["run", "readings.yaml", "--stdin", "jsonl", "--out", "out"]);
    let mut first = first.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    place.wait_until_running("out");
    for fresh in [&[][..], &["--fresh"]] {
        let arguments = [&["run", "readings.yaml", "--stdin", "jsonl", "--out", "out"], fresh].concat();
        says(&place.fails(64, &arguments), &["in use by another run", "stop it first", "--out"]);
    }
    drop(first.stdin.take());
    assert!(first.wait().unwrap().success(), "the first run is not disturbed");
    place.verify("out");
}

#[test]
fn ids_that_stand_twice_are_told() {
    let place = Place::new();
    place.write("in.csv", format!("{HEADER}\n{}\n{}\n{}\n{}\n", row("a"), row("b"), row("a"), row("c")));
    place.ok(&["replay", "readings.yaml", "in.csv", "--out", "out"]);
    let output = place.command(&["verify", "out"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    says(&String::from_utf8(output.stdout).unwrap(), &["FAIL", "1 values of `id` stand more than once"]);
}

fn full(place: &Place, arguments: &[&str], results: &Path) -> u64 {
    says(&place.fails(1, arguments), &["no space is left on the disk", "free some and start again"]);
    position(results)
}

#[test]
fn a_full_disk_keeps_what_is_committed() {
    let place = Place::new();
    let Some(disk) = SmallDisk::mount(place.path("disk"), "2m") else {
        eprintln!("skipped: a small disk cannot be mounted here (it needs root on Linux)");
        return;
    };
    place.write("in.csv", csv(100_000));
    let arguments = ["replay", "readings.yaml", "in.csv", "--out", "disk/out", "--commit-events", "10000"];
    let results = place.path("disk/out");
    let committed = full(&place, &arguments, &results);
    assert!((10_000..100_000).contains(&committed), "{committed}");
    place.verify("disk/out");
    assert_eq!(place.number("disk/out", "count(*)"), committed);

    assert!(full(&place, &arguments, &results) >= committed, "once more loses nothing");
    place.verify("disk/out");

    disk.grow("64m");
    place.ok(&arguments);
    place.ok(&["replay", "readings.yaml", "in.csv", "--out", "whole"]);
    place.ok(&["verify", "disk/out", "whole"]);
}

#[test]
fn a_disk_that_is_full_from_the_start() {
    let place = Place::new();
    let Some(disk) = SmallDisk::mount(place.path("disk"), "1m") else {
        eprintln!("skipped: a small disk cannot be mounted here (it needs root on Linux)");
        return;
    };
    place.write("in.csv", csv(1_000));
    let filler = std::fs::write(place.path("disk/filler"), vec![1; 2 << 20]);
    assert!(filler.is_err(), "the disk is full");
    let arguments = ["replay", "readings.yaml", "in.csv", "--out", "disk/out"];
    says(&place.fails(1, &arguments), &["no space is left on the disk"]);
    std::fs::remove_file(place.path("disk/filler")).unwrap();
    disk.grow("16m");
    place.ok(&arguments);
    place.verify("disk/out");
}
