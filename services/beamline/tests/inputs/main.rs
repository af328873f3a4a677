//! Files as real tools write them: what `init` makes of each, what a replay of its definition reads, and what a query
//! then gives, value by value. The table at the end says of each whether it was read, refused, or read wrongly.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod alerts;
mod avro;
mod cases;
mod large;
mod refused;
mod tools;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::cases::{CASES, Case, Expected};

/// What came of a file.
#[derive(Debug, PartialEq)]
enum Outcome {
    Read,
    Refused,
    Wrong(String),
}

fn beamline(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_beamline")).args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inputs/files")
}

/// Runs one file through `init` (or the definition beside it), a replay and a query.
fn run(case: &Case) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let stem = case.file.split('.').next().unwrap();
    fs::copy(files().join(case.file), folder.join(case.file)).unwrap();
    if case.init {
        let done = beamline(folder, &["init", case.file, "--name", stem]);
        if !done.status.success() {
            let said = text(&done.stderr);
            return match case.expected {
                Expected::Refused(words) if words.iter().all(|word| said.contains(word)) => Outcome::Refused,
                _ => Outcome::Wrong(format!("init: {said}")),
            };
        }
    } else {
        for ending in ["yaml", "avsc"] {
            fs::copy(files().join(format!("{stem}.{ending}")), folder.join(format!("{stem}.{ending}"))).unwrap();
        }
    }
    let definition = format!("{stem}.yaml");
    let done = beamline(folder, &["replay", &definition, "--out", "out"]);
    let written = fs::read_to_string(folder.join(&definition)).unwrap();
    if !done.status.success() {
        return Outcome::Wrong(format!("replay: {}{}\n{written}", text(&done.stdout), text(&done.stderr)));
    }
    let Expected::Values { sql, csv, says } = case.expected else {
        return Outcome::Wrong("it was read, and a refusal was expected".to_owned());
    };
    for line in says {
        if !written.contains(line) {
            return Outcome::Wrong(format!("the definition lacks {line:?}:\n{written}"));
        }
    }
    let done = beamline(folder, &["query", "--results", "out", "--format", "csv", sql]);
    let found = text(&done.stdout);
    match found.trim() == csv.trim() {
        true => Outcome::Read,
        false => Outcome::Wrong(format!("found\n{found}{}expected\n{csv}\n{written}", text(&done.stderr))),
    }
}

#[test]
fn every_input_is_read_as_it_was_written() {
    let mut wrong = Vec::new();
    let (mut read, mut refused) = (0, 0);
    for case in CASES {
        let outcome = run(case);
        let how = if case.init { "init, replay" } else { "replay" };
        println!(
            "{:32} {how:14} {}",
            case.file,
            match &outcome {
                Outcome::Read => "read",
                Outcome::Refused => "refused",
                Outcome::Wrong(_) => "WRONG",
            }
        );
        match outcome {
            Outcome::Read => read += 1,
            Outcome::Refused => refused += 1,
            Outcome::Wrong(why) => wrong.push(format!("{}: {why}", case.file)),
        }
    }
    println!("read {read}, refused {refused}, wrong {}", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
