//! Rows a second: the sinks against an independent load on the same server. `make bench-store`.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use servers::Cassandra;
use sink::Sink;

use crate::{
    rows::{PARTITIONS, batch, positions, stream},
    sinks::{Store, layouts},
};

/// Rows of one write.
const ROWS_A_WRITE: u64 = 20_000;
/// Positions of a partition that one write has.
pub(crate) const STEP: u64 = ROWS_A_WRITE / PARTITIONS as u64 * 2;

/// Writes rows, warms up first, and gives rows a second.
pub(crate) fn rows_a_second(sink: &mut dyn Sink, rows: u64) -> f64 {
    let stream = stream();
    let positions = positions(rows);
    let mut spent = Duration::ZERO;
    let mut measured = 0;
    for from in (0..positions).step_by(STEP as usize) {
        let to = (from + STEP).min(positions);
        // Made beforehand: what is measured is the sink.
        let batches: Vec<_> = (0..PARTITIONS).map(|partition| batch(&stream, partition, from, to)).collect();
        let count: usize = batches.iter().map(|batch| batch.rows.num_rows()).sum();
        let begin = Instant::now();
        sink.write(batches).unwrap();
        if from >= positions / 10 {
            spent += begin.elapsed();
            measured += count;
        }
    }
    measured as f64 / spent.as_secs_f64()
}

fn java(cassandra: &Cassandra, rows: u64, rows_a_batch: usize, in_flight: usize) -> f64 {
    let (host, port) = cassandra.contact_point().split_once(':').map(|(h, p)| (h.to_owned(), p.to_owned())).unwrap();
    let jars = format!("{}/*", Cassandra::jars().unwrap().display());
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stores/java/Bench.java");
    let output = Command::new("java")
        .args(["-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", &jars, source, &host, &port])
        .args([rows.to_string(), rows_a_batch.to_string(), in_flight.to_string()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let rate = text.lines().rev().find_map(|line| line.trim().parse().ok());
    rate.unwrap_or_else(|| panic!("no rate in {text}{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
#[ignore = "a measurement: make bench-store"]
fn rows_a_second_against_the_java_driver() {
    let rows = std::env::var("BEAMLINE_BENCH_ROWS").map_or(200_000, |rows| rows.parse().unwrap());
    let cassandra = Cassandra::start_to_measure().unwrap();
    let store = Store::new("cql", cassandra.contact_point());
    store.prepare();
    // The server is warm before anybody is measured.
    java(&cassandra, rows / 2, 64, 64);
    for rows_a_request in [1, 64] {
        // In turns, so that a busy moment of the machine hits both.
        let [mut ours, mut theirs] = [Vec::new(), Vec::new()];
        for _ in 0..2 {
            let mut sink = cql::CqlSink::new(store.settings(), layouts()).unwrap().with_rows_a_request(rows_a_request);
            ours.push(rows_a_second(&mut sink, rows));
            theirs.push(java(&cassandra, rows, rows_a_request, if rows_a_request == 1 { 128 } else { 32 }));
        }
        let [ours, theirs] = [ours, theirs].map(|all| all.into_iter().fold(0.0, f64::max));
        println!(
            "cql, {rows_a_request} rows a request: the writer {ours:.0} rows/s, the Java driver {theirs:.0} rows/s ({:.0} %)",
            100.0 * ours / theirs
        );
    }
}

/// How long questions take that a person waits for, in milliseconds, over so many stored rows.
#[test]
#[ignore = "a measurement: make bench-store"]
fn bench_queries_over_stored_rows() {
    let rows: u64 = std::env::var("BEAMLINE_BENCH_STORED").map_or(10_000_000, |rows| rows.parse().unwrap());
    let cassandra = Cassandra::start_to_measure().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let delta = folder.path().join("delta").to_str().unwrap().to_owned();
    for store in [Store::new("cql", cassandra.contact_point()), Store::new("delta", delta)] {
        store.prepare();
        let begun = Instant::now();
        store_rows(store.sink().as_mut(), rows);
        println!("{}: {rows} rows stored in {:.0} s", store.backend, begun.elapsed().as_secs_f64());
        // The last hour of the stream, as the rows' own times have it.
        let end = crate::rows::time(rows);
        let since = format!("to_timestamp_micros({})", end - 3_600_000_000);
        let questions = [
            (
                "last hour of one key",
                format!("SELECT * FROM processed_data WHERE detector_id = 'detector-07' AND timestamp > {since}"),
            ),
            (
                "a page of anomalies",
                format!("SELECT * FROM anomalies WHERE timestamp > {since} ORDER BY timestamp DESC LIMIT 100"),
            ),
        ];
        ask_all(&store, &questions);
        if store.backend == "delta" {
            let begun = Instant::now();
            let location = lake::Location::parse(&store.at).unwrap();
            let done = store::query::block_on(lake::compact(&location, 128 << 20, None)).unwrap().unwrap();
            println!("delta: compacted in {:.0} s: {done:?}", begun.elapsed().as_secs_f64());
            assert_eq!(ask_often(&store, "SELECT event_id FROM processed_data", 1).0 as u64, rows);
            ask_all(&store, &questions);
        }
    }
}

fn ask_all(store: &Store, questions: &[(&str, String)]) {
    for (name, sql) in questions {
        let (count, mut times) = ask_often(store, sql, 20);
        assert!(count > 0, "{sql}");
        times.sort_unstable();
        println!(
            "{}: {name}, {count} rows: median {} ms, worst of {} {} ms",
            store.backend,
            times[times.len() / 2].as_millis(),
            times.len(),
            times[times.len() - 1].as_millis()
        );
    }
}

/// Stores events, and one in a hundred of them as an anomaly too.
fn store_rows(sink: &mut dyn Sink, rows: u64) {
    let stream = stream();
    let positions = crate::rows::positions(rows);
    for from in (0..positions).step_by(STEP as usize) {
        let to = (from + STEP).min(positions);
        let mut batches: Vec<_> = (0..PARTITIONS).map(|partition| batch(&stream, partition, from, to)).collect();
        let mut anomalies = batch(&stream, 0, from, from + STEP / 25);
        anomalies.table = sink::Table::Anomalies;
        anomalies.topic = stream.topics().anomalies;
        batches.push(anomalies);
        sink.write(batches).unwrap();
    }
}

/// The rows of an answer, and how long each of so many took.
fn ask_often(store: &Store, sql: &str, often: usize) -> (usize, Vec<Duration>) {
    store::query::block_on(async {
        let session = ask::open(&store.source(), &store::QueryOptions::default()).await.unwrap();
        let (mut count, mut times) = (0, Vec::new());
        for _ in 0..often {
            let begun = Instant::now();
            let mut answer = session.sql(sql).await.unwrap();
            count = 0;
            while let Some(rows) = answer.next().await.unwrap() {
                count += rows.num_rows();
            }
            times.push(begun.elapsed());
        }
        (count, times)
    })
    .unwrap()
}
