//! `beamline bench` measures every stream that has a synthetic source.
#![allow(clippy::unwrap_used)]

use std::{path::Path, process::Command};

#[test]
fn synthetic_streams_are_measured() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = tempfile::tempdir().unwrap();
    // One without aggregates, and two with them, in one folder.
    for stream in ["bench", "particle-physics", "sensors"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_beamline"));
        command.current_dir(&project).args(["bench", "--events", "3000", "--folder"]).arg(folder.path());
        let done = command.arg(format!("streams/{stream}.yaml")).output().unwrap();
        let (said, wrong) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{stream}: {wrong}");
        assert!(said.contains("end to end: 3,000 events") && said.contains("the ledger balances"), "{stream}: {said}");
        assert!(said.contains("detect"), "{stream}: {said}");
    }
}

#[test]
fn a_relative_folder_is_one_of_where_the_command_is_given() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let place = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_beamline"));
    command.current_dir(place.path()).args(["bench", "--events", "3000", "--folder", "kept"]);
    let done = command.arg(project.join("streams/bench.yaml")).output().unwrap();
    let (said, wrong) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{wrong}");
    assert!(said.contains("end to end: 3,000 events"), "{said}");
    assert!(place.path().join("kept/input-bench-3000").is_dir());
}
