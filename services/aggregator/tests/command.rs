//! The command line: what is wrong is said at once, with exit code 64.

use fixtures::{Ended, run};

const SERVICE: &str = env!("CARGO_BIN_EXE_aggregator");

#[test]
fn says_all_that_is_missing_at_once() {
    fixtures::says_what_is_missing(SERVICE);
}

#[test]
fn explains_itself() {
    fixtures::explains_itself(SERVICE);
}

#[test]
fn says_that_a_stream_without_aggregates_needs_none() {
    let stream = concat!(env!("CARGO_MANIFEST_DIR"), "/../../streams/nab.yaml");
    let Ended { code, said } = run(
        SERVICE,
        &[
            "--stream",
            stream,
            "--kafka-bootstrap",
            "127.0.0.1:1",
            "--registry-url",
            "http://127.0.0.1:1",
            "--listen",
            "127.0.0.1:0",
        ],
    );
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("has no aggregates"), "{said}");
}
