//! The command line: what is wrong is said at once, with exit code 64.

#![allow(clippy::unwrap_used)]

use std::process::Command;

fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_aggregator")).args(arguments).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap() + &String::from_utf8(output.stdout).unwrap())
}

#[test]
fn says_all_that_is_missing_at_once() {
    let (code, said) = run(&["--commit-interval", "soon"]);
    assert_eq!(code, Some(64), "{said}");
    for what in ["--stream", "--kafka-bootstrap", "--registry-url", "--commit-interval"] {
        assert!(said.contains(what), "{what} is not in: {said}");
    }
}

#[test]
fn explains_itself() {
    let (code, said) = run(&["--help"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("BEAMLINE_KAFKA_BOOTSTRAP") && said.contains("--transaction-timeout"), "{said}");
}

#[test]
fn says_that_a_stream_without_aggregates_needs_none() {
    let stream = concat!(env!("CARGO_MANIFEST_DIR"), "/../../streams/nab.yaml");
    let (code, said) = run(&[
        "--stream",
        stream,
        "--kafka-bootstrap",
        "127.0.0.1:1",
        "--registry-url",
        "http://127.0.0.1:1",
        "--listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("has no aggregates"), "{said}");
}
