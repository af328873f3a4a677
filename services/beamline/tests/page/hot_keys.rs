//! A key that has most of a partition's events is on the page while the stream runs.

use std::{fmt::Write as _, io::Write as _, process::Stdio, thread, time::Duration};

use crate::run::{Run, definition};

/// So many events are sent at once, half of them of one key.
const PIECE: u64 = 1000;

#[test]
fn the_overview_names_a_key_that_has_most_of_its_partition() {
    let folder = tempfile::tempdir().unwrap();
    let stream = definition(folder.path(), "1000");
    let mut run = Run::start_with(&stream, &folder.path().join("results"), &["--stdin", "jsonl"], Stdio::piped());
    let mut stdin = run.child.stdin.take().unwrap();
    // It ends when the run does.
    let feeding = thread::spawn(move || {
        let mut next = 0;
        while stdin.write_all(piece(next).as_bytes()).is_ok() {
            next += PIECE;
            thread::sleep(Duration::from_millis(20));
        }
    });
    let hot = stage::partition_of(b"hot", 8);
    let overview = run.wait("/streams/particle-events/overview", |overview| overview["hot_keys"][0].is_object());
    let named = overview["hot_keys"].as_array().unwrap();
    assert_eq!((named.len(), &named[0]["partition"], &named[0]["key"]), (1, &hot.into(), &"hot".into()));
    // Half of all, and an eighth of the other half beside them.
    assert!((0.85..0.93).contains(&named[0]["share"].as_f64().unwrap()), "{named:?}");
    run.child.kill().unwrap();
    feeding.join().unwrap();
}

fn piece(first: u64) -> String {
    let mut lines = String::new();
    for event in first..first + PIECE {
        let (energy, time) = (10 + event % 97, 1_735_689_600_000_000 + event * 1000);
        let key = if event % 2 == 0 { "hot".to_owned() } else { format!("D{}", event / 2 % 211) };
        writeln!(
            lines,
            "{{\"event_id\": \"e{event}\", \"timestamp\": {time}, \"particle_type\": \"muon\", \"energy_gev\": {energy}, \
             \"momentum_x\": {energy}, \"momentum_y\": 2.5, \"momentum_z\": 7.5, \"detector_id\": \"{key}\", \
             \"is_anomaly\": false}}"
        )
        .unwrap();
    }
    lines
}
