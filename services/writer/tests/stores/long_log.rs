//! A Delta table that has lived long: its log has many commits, most files of which were merged since. `make bench-store`
//! does it with 100,000 of them (`BEAMLINE_LOG_COMMITS`).

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use serde_json::{Value, json};

use crate::{rows, sinks::Store};

/// Of so many commits one merges the files of those before it, as `store compact` does.
const COMMITS_A_MERGE: u64 = 50;
/// Rows of the one file that all entries name, under names of their own.
const ROWS: u64 = 20;

/// Adds so many commits to the log of a table that has one commit of one file.
fn live_long(table: &Path, commits: u64) {
    let entry = |version: u64| table.join(format!("_delta_log/{version:020}.json"));
    let first = fs::read_to_string(entry(1)).unwrap();
    let actions: Vec<Value> = first.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |name: &str| actions.iter().find_map(|action| action.get(name)).unwrap().clone();
    let (info, add) = (of("commitInfo"), of("add"));
    let path = PathBuf::from(add["path"].as_str().unwrap());
    let folder = path.parent().unwrap().to_str().unwrap().to_owned();
    let mut merged: Vec<String> = Vec::new();
    for version in 2..commits + 2 {
        let name = format!("{folder}/part-{version:09}.parquet");
        let mut added = add.clone();
        added["path"] = json!(name);
        let mut lines = vec![json!({ "commitInfo": info }), json!({ "add": added })];
        if version % COMMITS_A_MERGE == 0 {
            let size = &add["size"];
            let remove = |path: &String| {
                json!({ "remove": { "path": path, "deletionTimestamp": add["modificationTime"], "dataChange": false,
                    "extendedFileMetadata": true, "partitionValues": add["partitionValues"], "size": size } })
            };
            lines.extend(merged.drain(..).map(|path| remove(&path)));
            fs::hard_link(table.join(&path), table.join(&name)).unwrap();
        } else {
            merged.push(name);
        }
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(entry(version), text).unwrap();
    }
    // What the last ones added is not merged yet.
    merged.iter().for_each(|name| fs::hard_link(table.join(&path), table.join(name)).unwrap());
}

/// Milliseconds until a query is planned, the better of two; and what it answers.
fn plan(store: &Store) -> (u128, usize) {
    let sql = "SELECT event_id FROM processed_data WHERE timestamp > '2025-01-01'";
    let asked = store::query::block_on(async {
        let (mut best, mut count) = (u128::MAX, 0);
        for _ in 0..2 {
            let begun = Instant::now();
            let session = ask::open(&store.source(), &store::QueryOptions::default()).await.unwrap();
            let mut answer = session.sql(sql).await.unwrap();
            best = best.min(begun.elapsed().as_millis());
            count = 0;
            while let Some(rows) = answer.next().await.unwrap() {
                count += rows.num_rows();
            }
        }
        (best, count)
    });
    asked.unwrap()
}

/// Makes a file older.
fn age(path: &Path, days: u64) {
    let then = SystemTime::now() - Duration::from_secs(days * 24 * 3600);
    File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
}

fn entries(table: &Path) -> usize {
    fs::read_dir(table.join("_delta_log")).unwrap().count()
}

/// Plans a query before and after the log is cleaned up, and checks what stays.
fn clean_up(commits: u64) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new("delta", folder.path().to_str().unwrap());
    let stream = rows::stream();
    store.sink().write(vec![rows::batch(&stream, 0, 0, 2 * ROWS)]).unwrap();
    let table = folder.path().join("processed_data");
    live_long(&table, commits);
    let compact = || {
        // Nothing is small enough to be merged: what is measured is the log.
        let location = lake::Location::parse(&store.at).unwrap();
        let done = store::query::block_on(lake::compact(&location, 0, None)).unwrap().unwrap();
        done.iter().find(|done| done.table == sink::Table::ProcessedData).unwrap().log.unwrap()
    };
    let (before, count) = plan(&store);
    let listed = entries(&table);
    let begun = Instant::now();
    let done = compact();
    let spent = begun.elapsed().as_secs_f64();
    assert_eq!((done.checkpoint, done.expired, done.deleted), (commits + 1, 0, 0), "nothing has expired");
    let (checkpointed, again) = plan(&store);
    assert_eq!(again, count);

    // A month and more later, with a file that a killed writer left.
    let left = table.join("event_hour=2025-01-31T12/part-left.parquet");
    fs::write(&left, "left").unwrap();
    age(&left, 8);
    fs::read_dir(table.join("_delta_log")).unwrap().for_each(|entry| age(&entry.unwrap().path(), 31));
    let done = compact();
    assert_eq!((done.checkpoint, done.expired as u64, done.deleted), (commits + 1, commits + 1, 1));
    assert!(!left.exists());
    let (cleaned, again) = plan(&store);
    assert_eq!(again, count);
    let kept = entries(&table);
    assert!(kept < 20, "{kept} entries");
    println!(
        "{commits} commits, {count} rows: a query is planned in {before} ms without a checkpoint, in {checkpointed} ms with \
         the one that `store compact` wrote within {spent:.1} s, and in {cleaned} ms when {listed} entries of the log are {kept}"
    );
    // Writers go on: the positions are in the checkpoint.
    let mut sink = store.sink();
    sink.write(vec![rows::batch(&stream, 0, 0, 4 * ROWS)]).unwrap();
    assert_eq!(plan(&store).1, count + ROWS as usize);
    assert_eq!(sink.positions().unwrap().kept[&(stream.topics().scored, 0)], 4 * ROWS);
}

#[test]
fn a_log_of_2000_commits_is_cleaned_up() {
    clean_up(2_000);
}

#[test]
#[ignore = "a measurement: make bench-store"]
fn bench_a_table_of_many_commits() {
    clean_up(std::env::var("BEAMLINE_LOG_COMMITS").map_or(100_000, |commits| commits.parse().unwrap()));
}
