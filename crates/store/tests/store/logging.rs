//! The manifest as a log: what readers see after each commit, whatever a crash or a full disk leaves.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use proptest::prelude::*;
use serde_json::json;
use store::{Change, FileEntry, Manifest, ManifestLog, Results, StoreError, Table};

use crate::fixture::{ask, events, folder, options, put, schemas};

fn file(number: u64) -> FileEntry {
    FileEntry {
        table: Table::ProcessedData,
        path: format!("processed_data/part-00000-{number:012}.parquet"),
        staged: format!("_beamline/staging/processed_data.part-00000-{number:012}.parquet"),
        rows: 1,
        bytes: 4096,
        partition: 0,
        first_position: number,
        last_position: number,
        time_min: Some(number as i64),
        time_max: Some(number as i64),
        written: Some(1_700_000_000_000_000),
    }
}

fn change(position: u64, added: Vec<FileEntry>, removed: Vec<String>) -> Change {
    let (ledger, dropped) = (json!({ "records": position }), Default::default());
    Change { position, finished: false, ledger, dropped, removed, added }
}

/// The manifest with a change made, as one who knows nothing of logs would make it.
fn changed(manifest: &Manifest, change: &Change) -> Manifest {
    let mut manifest = manifest.clone();
    manifest.files.retain(|file| !change.removed.contains(&file.path));
    manifest.files.extend(change.added.iter().cloned());
    manifest.files.sort_by(|a, b| a.path.cmp(&b.path));
    (manifest.position, manifest.finished) = (change.position, change.finished);
    (manifest.ledger, manifest.dropped) = (change.ledger.clone(), change.dropped.clone());
    manifest
}

/// The log that the checkpoint names.
fn log(results: &Results) -> PathBuf {
    let text = fs::read(results.state().join("manifest.json")).unwrap();
    let number = serde_json::from_slice::<serde_json::Value>(&text).unwrap()["log"].as_u64().unwrap();
    results.state().join(format!("manifest-{number:06}.log"))
}

fn logs(results: &Results) -> usize {
    let names = fs::read_dir(results.state()).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().ends_with(".log")).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn readers_see_every_commit(commits in prop::collection::vec((0..4_u64, 0..4_usize, any::<bool>()), 1..20)) {
        let (_folder, results) = folder();
        let mut manifest = Manifest::new("s", "f", "id", schemas());
        let mut log = ManifestLog::begin(&results, &manifest).unwrap();
        for (number, (added, removed, checkpoint)) in commits.into_iter().enumerate() {
            let first = 10 * number as u64;
            let removed = manifest.files.iter().take(removed).map(|file| file.path.clone()).collect();
            let change = change(first + added, (first..first + added).map(file).collect(), removed);
            manifest = changed(&manifest, &change);
            log.append(&change, || manifest.clone()).unwrap();
            prop_assert_eq!(results.manifest().unwrap().unwrap(), manifest.clone());
            if checkpoint {
                log.checkpoint(&manifest).unwrap();
                prop_assert_eq!(results.manifest().unwrap().unwrap(), manifest.clone());
            }
        }
    }
}

#[test]
fn a_commit_writes_what_it_changes_however_many_files_there_are() {
    let (_folder, results) = folder();
    let mut manifest = Manifest::new("s", "f", "id", schemas());
    manifest.files = (0..10_000).map(file).collect();
    let mut writer = ManifestLog::begin(&results, &manifest).unwrap();
    let checkpoint = || fs::read(results.state().join("manifest.json")).unwrap();
    let (before, mut bytes) = (checkpoint(), 0);
    for number in 10_000..10_100 {
        let change = change(number, vec![file(number)], vec![file(number - 10_000).path]);
        writer.append(&change, || panic!("no checkpoint is due")).unwrap();
        let now = fs::metadata(log(&results)).unwrap().len();
        assert!(now - bytes < 1024, "a commit wrote {} bytes", now - bytes);
        bytes = now;
    }
    assert_eq!(checkpoint(), before);
    assert_eq!(results.manifest().unwrap().unwrap().files.len(), 10_000);
}

#[test]
fn a_torn_end_is_passed_over_and_damage_before_it_is_not() {
    let (_folder, results) = folder();
    let manifest = Manifest::new("s", "f", "id", schemas());
    let mut writer = ManifestLog::begin(&results, &manifest).unwrap();
    for number in 1..4 {
        writer.append(&change(number, vec![file(number)], Vec::new()), || panic!("no checkpoint is due")).unwrap();
    }
    let path = log(&results);
    let whole = fs::read(&path).unwrap();
    let ends: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] == b'\n').map(|at| at + 1).collect();
    for length in 0..=whole.len() {
        for filler in [&b""[..], &[0; 40], b"torn\n"] {
            fs::write(&path, [&whole[..length], filler].concat()).unwrap();
            let kept = ends.iter().filter(|end| **end <= length).count() as u64;
            assert_eq!(results.manifest().unwrap().unwrap().position, kept, "cut at {length}");
        }
    }
    for at in 0..ends[1] - 1 {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        fs::write(&path, damaged).unwrap();
        let error = results.manifest().map(|manifest| manifest.map(|manifest| manifest.position)).unwrap_err();
        assert!(matches!(&error, StoreError::Damaged { path, .. } if *path == log(&results)), "{at}: {error}");
    }
    // The next run begins at what its own checkpoint says.
    ManifestLog::begin(&results, &manifest).unwrap();
    assert_eq!(results.manifest().unwrap(), Some(manifest));
}

#[test]
fn readers_and_checkpoints_do_not_meet() {
    let (_folder, results) = folder();
    let mut manifest = Manifest::new("s", "f", "id", schemas());
    let mut writer = ManifestLog::begin(&results, &manifest).unwrap();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let (mut last, mut reads) = (0, 0);
                    while !over.load(Ordering::Relaxed) {
                        let position = results.manifest().unwrap().unwrap().position;
                        assert!(position >= last, "{position} after {last}");
                        (last, reads) = (position, reads + 1);
                    }
                    reads
                })
            })
            .collect();
        for position in 1..200 {
            let change = change(position, vec![file(position)], Vec::new());
            manifest = changed(&manifest, &change);
            writer.append(&change, || panic!("no checkpoint is due")).unwrap();
            writer.checkpoint(&manifest).unwrap();
        }
        over.store(true, Ordering::Relaxed);
        readers.into_iter().for_each(|reader| assert!(reader.join().unwrap() > 0));
    });
    assert_eq!(logs(&results), 2, "the current log and the one before");
}

#[test]
fn a_log_that_has_outgrown_its_checkpoint_begins_again() {
    let (_folder, results) = folder();
    let manifest = Manifest::new("s", "f", "id", schemas());
    let mut writer = ManifestLog::begin(&results, &manifest).unwrap();
    let mut checkpoints = 0;
    for position in 1..=100 {
        let mut change = change(position, Vec::new(), Vec::new());
        change.ledger = json!("x".repeat(100_000));
        let manifest = changed(&manifest, &change);
        let whole = || {
            checkpoints += 1;
            manifest.clone()
        };
        writer.append(&change, whole).unwrap();
        assert_eq!(results.manifest().unwrap().unwrap().position, position);
    }
    assert!((5..=15).contains(&checkpoints), "{checkpoints} checkpoints for 10 MB of log");
}

#[test]
fn a_query_keeps_what_it_began_with() {
    let (_folder, results) = folder();
    let mut manifest = Manifest::new("muon-pairs", "f00d", "id", schemas());
    manifest.files =
        (0..3).flat_map(|n| put(&results, &options(), 0, 100 * n, &[events(100 * n as i64, 100)])).collect();
    let mut log = ManifestLog::begin(&results, &manifest).unwrap();
    let mut deferred = store::Deferred::new(&results);
    let count = "SELECT count(*) AS n FROM processed_data";
    store::query::block_on(async {
        let session = store::query::open(&[results.root()], &Default::default()).await.unwrap();
        let merged = store::compact(&results, &manifest.files, None, |_| false).unwrap();
        results.publish(std::slice::from_ref(&merged)).unwrap();
        let old: Vec<String> = manifest.files.iter().map(|file| file.path.clone()).collect();
        log.append(&change(300, vec![merged], old.clone()), || panic!("no checkpoint is due")).unwrap();
        deferred.push(old, std::time::SystemTime::now());
        deferred.finish(std::time::SystemTime::now()).unwrap();
        let rows = session.sql(count).await.unwrap().next().await.unwrap().unwrap();
        assert_eq!(rows.column(0).as_ref(), &arrow::array::Int64Array::from(vec![300]));
    })
    .unwrap();
    deferred.finish(std::time::SystemTime::now()).unwrap();
    assert_eq!(fs::read_dir(results.root().join("processed_data")).unwrap().count(), 1, "the query has ended");
    assert_eq!(ask(&results, count).unwrap().num_rows(), 1);
}
