//! The examples inside the binary: they run in an empty folder, and are written out to be changed.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn beamline(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_beamline"));
    command.current_dir(folder).env_clear().args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(64), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_first_example_runs_in_an_empty_folder() {
    let folder = tempfile::tempdir().unwrap();
    let said = said(&beamline(folder.path(), &["demo", "--for", "1s"]));
    assert!(said.starts_with("particle-physics: stopped"), "{said}");
    assert!(folder.path().join("beamline-results/particle-physics/_beamline/manifest.json").is_file());
}

#[test]
fn all_examples_are_listed_and_an_unknown_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let list = said(&beamline(folder.path(), &["demo", "--list"]));
    let names: Vec<&str> = list.lines().filter_map(|line| line.split(' ').next()).collect();
    let known: Vec<&str> = examples::Example::all().map(|example| example.name).collect();
    assert_eq!(names, known);
    let unknown = refused(&beamline(folder.path(), &["demo", "particles"]));
    assert!(unknown.contains("there is no example `particles`; there are particle-physics, "), "{unknown}");
    let files = refused(&beamline(folder.path(), &["demo", "nab"]));
    assert!(files.contains("`beamline demo nab --write FOLDER`"), "{files}");
}

#[test]
fn an_example_is_written_out_and_nothing_of_the_users_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let write = ["demo", "sensors", "--write", "my folder"];
    let written = said(&beamline(folder.path(), &write));
    for file in ["streams/sensors.yaml", "schemas/sensor-reading.avsc"] {
        assert!(written.contains(&format!("wrote my folder/{file}\n")), "{written}");
    }
    let definition = folder.path().join("my folder/streams/sensors.yaml");
    said(&beamline(folder.path(), &["check-config", "my folder/streams/sensors.yaml"]));
    said(&beamline(folder.path(), &write));
    let changed = fs::read_to_string(&definition).unwrap().replace("rate: 500", "rate: 501");
    fs::write(&definition, &changed).unwrap();
    fs::remove_file(folder.path().join("my folder/schemas/sensor-reading.avsc")).unwrap();
    let refusal = refused(&beamline(folder.path(), &write));
    assert!(refusal.contains("my folder/streams/sensors.yaml is there and differs"), "{refusal}");
    assert_eq!(fs::read_to_string(&definition).unwrap(), changed);
    assert!(!folder.path().join("my folder/schemas/sensor-reading.avsc").exists(), "nothing is written then");
    said(&beamline(folder.path(), &[&write[..], &["--force"]].concat()));
    assert_ne!(fs::read_to_string(&definition).unwrap(), changed);
    said(&beamline(folder.path(), &["demo", "--write", "all"]));
    let all = fs::read_dir(folder.path().join("all/streams")).unwrap().count();
    assert!(all >= examples::Example::all().count(), "{all}");
}

/// What a newcomer sees in the first minute: a handful of alarms, most of them about labelled anomalies.
#[test]
fn the_first_example_has_few_alarms_and_most_are_worth_a_look() {
    let folder = tempfile::tempdir().unwrap();
    said(&beamline(folder.path(), &["demo", "--write", "."]));
    // At 1000 events a second these are the first minute.
    let run = ["run", "streams/particle-physics.yaml", "--rate", "0", "--events", "60000"];
    said(&beamline(folder.path(), &run));
    let sql = "SELECT count(*), count(*) FILTER (WHERE is_anomaly) FROM anomalies";
    let counts = said(&beamline(folder.path(), &["query", "--format", "csv", sql]));
    let counts: Vec<u32> = counts.lines().nth(1).unwrap().split(',').map(|count| count.parse().unwrap()).collect();
    assert!((3..=15).contains(&counts[0]), "{counts:?}");
    assert!(counts[1] * 3 >= counts[0] * 2, "{counts:?}");
}
