//! Commits in the database and beside it, after a crash.

use std::{collections::BTreeMap, fs};

use redb::ReadableDatabase;
use source::Cursor;
use stage::Ledger;
use store::{FileEntry, Table};

use super::{CACHE_BYTES, Checkpoint, Commit, Snapshot};
use crate::{journal::JOURNAL_BYTES_MAX, progress::Progress};

fn progress(position: u64) -> Progress {
    Progress {
        position,
        horizon: 0,
        stated: Some(0),
        cursor: Cursor { position, ..Cursor::default() },
        ledger: Ledger { records: position, ..Ledger::default() },
        finished: false,
        dropped: BTreeMap::new(),
    }
}

fn file(number: u64) -> FileEntry {
    FileEntry {
        table: Table::ProcessedData,
        path: format!("processed_data/part-00000-{number:012}.parquet"),
        staged: String::new(),
        rows: 1,
        bytes: 1,
        partition: 0,
        first_position: number,
        last_position: number,
        time_min: None,
        time_max: None,
        written: None,
    }
}

/// Commits one record, with a file; every tenth commit replaces the files before it by one.
fn commit(checkpoint: &mut Checkpoint, position: u64, states: Option<&[Snapshot]>) {
    let removed: Vec<FileEntry> =
        if position.is_multiple_of(10) { (position - 9..position).map(file).collect() } else { Vec::new() };
    let progress = progress(position);
    let commit = Commit { progress: &progress, snapshots: states, added: &[file(position)], removed: &removed };
    checkpoint.commit(&commit).unwrap();
}

fn stands(checkpoint: &Checkpoint) -> (u64, Vec<u64>) {
    let files = checkpoint.files().unwrap().into_values().map(|file| file.first_position).collect();
    (checkpoint.progress().unwrap().map_or(0, |progress| progress.position), files)
}

#[test]
fn commits_beside_the_database_are_there_after_a_crash_at_any_byte() {
    let folder = tempfile::tempdir().unwrap();
    let (path, log) = (folder.path().join("checkpoint.redb"), folder.path().join("checkpoint.log"));
    let mut checkpoint = Checkpoint::open(&path).unwrap();
    (1..=14).for_each(|position| commit(&mut checkpoint, position, None));
    drop(checkpoint);
    let (database, whole) = (fs::read(&path).unwrap(), fs::read(&log).unwrap());
    for length in (0..=whole.len()).step_by(17).chain([whole.len()]) {
        fs::write(&path, &database).unwrap();
        fs::write(&log, &whole[..length]).unwrap();
        let lines = whole[..length].iter().filter(|byte| **byte == b'\n').count() as u64;
        // The first commit made the database, and the first line says so.
        let last = lines.max(1);
        let expected: Vec<u64> = if last < 10 { (1..=last).collect() } else { (10..=last).collect() };
        let checkpoint = Checkpoint::open(&path).unwrap();
        assert_eq!(stands(&checkpoint), (last, expected.clone()), "cut at {length}");
        let cursor = checkpoint.cursor_before(last - last.min(1)).unwrap().map(|cursor| cursor.position);
        assert_eq!(cursor, (last > 1).then(|| last - 1), "a restart finds where the source stood");
        drop(checkpoint);
        assert_eq!(stands(&Checkpoint::open(&path).unwrap()), (last, expected), "also the second time");
    }
}

#[test]
fn a_log_of_an_earlier_database_counts_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (path, log) = (folder.path().join("checkpoint.redb"), folder.path().join("checkpoint.log"));
    let mut checkpoint = Checkpoint::open(&path).unwrap();
    (1..=3).for_each(|position| commit(&mut checkpoint, position, None));
    let old = fs::read(&log).unwrap();
    let state = Snapshot { partition: 0, key: "a".into(), position: 4, state: vec![1].into() };
    commit(&mut checkpoint, 4, Some(&[state]));
    drop(checkpoint);
    fs::write(&log, old).unwrap();
    let checkpoint = Checkpoint::open(&path).unwrap();
    assert_eq!(stands(&checkpoint), (4, vec![1, 2, 3, 4]));
    let mut states = 0;
    let count = |_| {
        states += 1;
        Ok(())
    };
    checkpoint.each_snapshot(count).unwrap();
    assert_eq!(states, 1);
}

#[test]
fn a_journal_that_is_full_goes_into_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let (path, log) = (folder.path().join("checkpoint.redb"), folder.path().join("checkpoint.log"));
    let mut checkpoint = Checkpoint::open(&path).unwrap();
    let mut longest = 0;
    for position in 1..=4000 {
        commit(&mut checkpoint, position, None);
        longest = longest.max(fs::metadata(&log).map_or(0, |file| file.len()));
    }
    assert!((JOURNAL_BYTES_MAX..JOURNAL_BYTES_MAX + 8192).contains(&longest), "{longest} bytes");
    drop(checkpoint);
    assert_eq!(stands(&Checkpoint::open(&path).unwrap()).0, 4000);
}

#[test]
fn states_on_the_disk_take_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut checkpoint = Checkpoint::open(&folder.path().join("checkpoint.redb")).unwrap();
    let (keys, state) = (6 * CACHE_BYTES / 8192, vec![7; 8192]);
    let snapshot = |key: usize| Snapshot {
        partition: 0,
        key: format!("{key}").as_str().into(),
        position: 1,
        state: state.clone().into(),
    };
    let states: Vec<Snapshot> = (0..keys).map(snapshot).collect();
    commit(&mut checkpoint, 1, Some(&states));
    let mut read = 0;
    let count = |found: Snapshot| {
        read += usize::from(found.state == state);
        Ok(())
    };
    checkpoint.each_snapshot(count).unwrap();
    assert_eq!(read, keys);
    let cached = checkpoint.database.cache_stats().used_bytes();
    assert!((1..=CACHE_BYTES).contains(&cached), "{cached} bytes");
}
