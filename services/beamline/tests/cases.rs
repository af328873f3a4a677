//! The cases of every example pass, and say what differs where one number of them is changed.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn beamline(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_beamline"));
    command.current_dir(folder).env_clear().args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The names of the streams of the repository.
fn streams() -> Vec<String> {
    let entries = fs::read_dir(root().join("streams")).unwrap();
    let files = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names = files.filter(|file| !file.ends_with(".test.yaml"));
    names.filter_map(|file| Some(file.strip_suffix(".yaml")?.to_owned())).collect()
}

#[test]
fn every_stream_of_the_repository_has_cases_and_they_pass() {
    let definitions: Vec<String> = streams().iter().map(|name| format!("streams/{name}.yaml")).collect();
    assert!(definitions.len() >= 10, "{definitions:?}");
    let mut arguments = vec!["test"];
    arguments.extend(definitions.iter().map(String::as_str));
    let output = beamline(&root(), &arguments);
    assert!(output.status.success(), "{output:?}");
    // A pattern that fits definitions fits their cases too.
    let both = "\"$0\" check-config streams/*.yaml && \"$0\" test streams/*.yaml";
    let mut shell = Command::new("sh");
    let output = shell.args(["-c", both, env!("CARGO_BIN_EXE_beamline")]).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// The first number that is expected of anything, with where it stands.
fn first_expected_number(cases: &str) -> (std::ops::Range<usize>, String) {
    let sections = ["    rows:\n", "    anomalies:\n", "    windows:\n"];
    let begin = sections.iter().filter_map(|section| cases.find(section)).min().unwrap();
    let is_number = |text: &str| text.parse::<f64>().is_ok();
    let mut at = begin;
    for field in cases[begin..].split_inclusive([',', '}']) {
        if let Some((name, value)) = field.trim_end_matches([',', '}']).rsplit_once(": ")
            && is_number(value.trim())
        {
            let column = name.rsplit([' ', '{']).next().unwrap().to_owned();
            let start = at + name.len() + 2;
            return (start..start + value.trim_end().len(), column);
        }
        at += field.len();
    }
    panic!("no number is expected in\n{cases}");
}

#[test]
fn a_changed_number_is_a_difference_that_names_both_values() {
    let folder = tempfile::tempdir().unwrap();
    for part in ["streams", "schemas", "reference"] {
        fs::create_dir(folder.path().join(part)).unwrap();
        for entry in fs::read_dir(root().join(part)).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, folder.path().join(part).join(path.file_name().unwrap())).unwrap();
        }
    }
    for name in streams() {
        let path = folder.path().join(format!("streams/{name}.test.yaml"));
        let cases = fs::read_to_string(&path).unwrap();
        let (range, column) = first_expected_number(&cases);
        let old = cases[range.clone()].to_owned();
        let changed = old.parse::<f64>().unwrap() + 1.0;
        fs::write(&path, format!("{}{changed}{}", &cases[..range.start], &cases[range.end..])).unwrap();
        let output = beamline(folder.path(), &["test", &format!("streams/{name}.yaml")]);
        assert_eq!(output.status.code(), Some(1), "{name}, {column}: {output:?}");
        let said = stdout(&output);
        assert!(said.contains("  FAIL "), "{name}: {said}");
        assert!(said.contains(&format!("- {column}: {changed}")), "{name}: {changed}\n{said}");
        assert!(said.contains(&format!("+ {column}: ")), "{name}: {said}");
    }
}

#[test]
fn init_writes_a_first_case_that_passes_and_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..20).map(|row| format!("2025-01-01T00:00:{row:02}Z,st-{},{}.5\n", row % 3, row)).collect();
    fs::write(folder.path().join("readings.csv"), format!("time,station,temperature\n{rows}")).unwrap();
    let written = beamline(folder.path(), &["init", "readings.csv"]);
    assert!(stdout(&written).contains("  beamline test ./readings.yaml"), "{written:?}");
    let cases = fs::read_to_string(folder.path().join("readings.test.yaml")).unwrap();
    assert!(cases.contains("temperature: 0.5"), "{cases}");
    let output = beamline(folder.path(), &["test", "readings.yaml"]);
    assert!(output.status.success(), "{output:?}");
    let changed = cases.replace("temperature: 0.5", "temperature: 0.25");
    assert_ne!(changed, cases);
    fs::write(folder.path().join("readings.test.yaml"), &changed).unwrap();
    fs::remove_file(folder.path().join("readings.yaml")).unwrap();
    fs::remove_file(folder.path().join("readings.avsc")).unwrap();
    let again = beamline(folder.path(), &["init", "readings.csv"]);
    assert!(again.status.success(), "{again:?}");
    assert_eq!(fs::read_to_string(folder.path().join("readings.test.yaml")).unwrap(), changed);
}

#[test]
fn a_stream_without_cases_and_a_broken_file_of_cases_are_matters_of_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let written = beamline(folder.path(), &["demo", "nab", "--write", "."]);
    assert!(written.status.success(), "{written:?}");
    let cases = folder.path().join("streams/nab.test.yaml");
    let refused = |text: &str| {
        fs::write(&cases, text).unwrap();
        let output = beamline(folder.path(), &["test", "streams/nab.yaml"]);
        assert_eq!(output.status.code(), Some(64), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let event = "{ value_id: a, series: s, timestamp: \"2025-01-01T00:00:00Z\", value: 1.5 }";
    let message = refused(&format!("cases:\n  - {{ name: one, events: [{event}], rows: [{{ valu: 2 }}] }}\n"));
    assert!(message.contains("streams/nab.test.yaml: case `one`: rows have no column `valu`"), "{message}");
    let message = refused(&format!("cases:\n  - {{ name: one, events: [{event}] }}\n"));
    assert!(message.contains("case `one` expects nothing"), "{message}");
    let message = refused("cases:\n  - { nam: one, events: [1] }\n");
    assert!(message.contains("streams/nab.test.yaml:2:7: unknown field `nam`; did you mean `name`?"), "{message}");
    fs::remove_file(&cases).unwrap();
    let output = beamline(folder.path(), &["test", "streams/nab.yaml"]);
    assert_eq!(output.status.code(), Some(64));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("`beamline test streams/nab.yaml --write` writes a first case"), "{message}");
}
