//! Compaction beside a writer: both are killed, and two compactions meet.

use std::{
    process::{Child, Command},
    thread,
    time::Duration,
};

use crate::{
    child,
    cluster::program,
    faults::{check, some_millis},
    sinks::Store,
};

fn compact(store: &Store) -> Child {
    // Merged files are small enough to be merged again.
    let arguments = ["--quiet", "store", "compact", "--lake", &store.at, "--target", "1"];
    Command::new(program("beamline")).args(arguments).spawn().unwrap()
}

/// Writes events while compactions come in pairs; writers and every other compaction are killed.
fn compact_while_it_is_written(backend: &str) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(backend, folder.path().join("lake").to_str().unwrap());
    let events = 60_000;
    let file = folder.path().join("positions");
    let mut merged = 0;
    for round in 0..8 {
        let mut writer = child::start(&store, &file, events, &[(child::PACE, "60")]);
        thread::sleep(Duration::from_millis(1_500));
        let pair = [0, 1].map(|_| compact(&store));
        thread::sleep(some_millis(700));
        for (number, mut compaction) in pair.into_iter().enumerate() {
            if number == 0 && round % 2 == 0 {
                compaction.kill().unwrap();
            }
            // One of a pair may find that the other one was first.
            merged += u32::from(compaction.wait().unwrap().success());
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
    }
    assert!(merged > 4, "{merged} of 16 compactions came to their end");
    assert!(child::start(&store, &file, events, &[]).wait().unwrap().success());
    check(&store, events);
    assert!(compact(&store).wait().unwrap().success());
    check(&store, events);
}

#[test]
fn compactions_and_writers_that_are_killed_lose_no_row_of_a_delta_table() {
    compact_while_it_is_written("delta");
}

#[test]
fn compactions_and_writers_that_are_killed_lose_no_row_of_parquet_files() {
    compact_while_it_is_written("parquet");
}
