//! Spark on what a stream writes: the tables of its lakes, a notebook over them, a streaming job on its topic, and a topic that
//! another job writes of it, which is a source again.

mod back;
mod notebook;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use kafka::Step;
use serde_json::Value;
use servers::Spark;

use crate::{
    cluster::{Cluster, Service},
    input,
    stores::wait_until_stored,
    windows::wait_for_aggregates,
};

const EVENTS: u64 = 60_000;
/// Nothing is late, so that both count every event.
const AGGREGATES: &str = r#"
  aggregate:
    - name: rates
      window: 10s
      lateness: 10m
      group_by: [detector_id]
      select:
        events: "count(*)"
        lowest: "min(energy_gev)"
        highest: "max(energy_gev)"
        total: "sum(energy_gev)"
        mean: "avg(energy_gev)"
"#;
/// How far Spark's sums may be from ours, which are exact: relative to the value.
const ROUNDING: f64 = 1e-12;
const BACKENDS: [&str; 3] = ["delta", "parquet", "orc"];

#[test]
#[ignore = "fetches Spark; `make spark` runs it"]
fn spark_reads_every_table_and_its_job_has_the_same_windows() {
    let spark = Spark::get().unwrap();
    let cluster = Cluster::start();
    input::write(&cluster.path("input.jsonl"), EVENTS);
    let definition = format!("{}{AGGREGATES}", fs::read_to_string(cluster.path("stream.yaml")).unwrap())
        .replace("paths: [input.jsonl]", "paths: [input.jsonl], speed: 5");
    fs::write(cluster.path("stream.yaml"), &definition).unwrap();
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    let lakes = BACKENDS.map(|backend| (backend, cluster.path(backend).display().to_string()));
    let writers = lakes.each_ref().map(|(backend, lake)| {
        let arguments = ["--backend", backend, "--lake", lake, "--batch-interval", "500ms"];
        (*backend, cluster.service("writer", backend, &arguments))
    });
    let before = steps(&cluster, "before");
    before.iter().for_each(Service::wait_until_ready);
    let generator = cluster.service("generator", "g", &["--once"]);
    let begun = Instant::now();
    while cluster.ledger(Step::Detect).records < EVENTS / 4 {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing comes through");
        thread::sleep(Duration::from_millis(100));
    }
    // The schema evolves under load: the topic has messages of both versions.
    let more = "    columns:\n      p_total: \"sqrt(momentum_x * momentum_x + momentum_y * momentum_y)\"\n";
    fs::write(cluster.path("stream.yaml"), definition.replace("    columns:\n", more)).unwrap();
    cluster.beamline(&["schemas", "register", "stream.yaml"]);
    before.iter().for_each(Service::stop);
    let after = steps(&cluster, "after");
    let aggregators = [cluster.service("aggregator", "a", &[])];
    let ended = generator.program.wait(Duration::from_secs(120));
    assert!(ended.is_some_and(|status| status.success()), "{}", generator.program.log());
    let running: Vec<&Service> = after.iter().collect();
    let (_, detected) = cluster.wait_until_done(cluster.sent().sent, Duration::from_secs(180), &running);
    let stream = service::load_stream(&cluster.path("stream.yaml")).unwrap();
    wait_for_aggregates(&cluster, &stream, detected.out, &aggregators);
    writers.iter().for_each(|(backend, writer)| wait_until_stored(&cluster, backend, writer));
    after.iter().chain(&aggregators).chain(writers.iter().map(|(_, writer)| writer)).for_each(Service::stop);

    let windows = cluster.path("windows").display().to_string();
    let begun = Instant::now();
    submit(&spark, &cluster, "streaming_job.py", &["--out", &windows, "--once"]);
    println!("the streaming job took {:.1} s for {} events", begun.elapsed().as_secs_f64(), detected.out);
    let [delta, parquet, orc] = lakes.each_ref().map(|(_, lake)| lake.as_str());
    let arguments = [delta, parquet, orc, &windows, "energy_gev", "detector_id", "timestamp"];
    let found = found(&spark.submit(&file("tests/spark/tables.py"), &arguments).unwrap());
    for (backend, lake) in &lakes {
        same_table(&cluster, &found, backend, lake, detected.out);
    }
    same_windows(&cluster, &found["windows"]);
    notebook::same_figures(&spark, &cluster, delta);
    back::comes_back(&spark, &cluster, delta, None);
    back::comes_back(&spark, &cluster, delta, Some(back::AVRO));
}

/// A file of the repository.
fn file(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name).display().to_string()
}

/// Runs a job of the examples on the stream's topic.
fn submit(spark: &Spark, cluster: &Cluster, job: &str, more: &[&str]) {
    let (bootstrap, registry) = (cluster.kafka.bootstrap(), cluster.apicurio.url());
    let arguments = ["--bootstrap", &bootstrap, "--registry", &registry, "--topic", "particles.scored"];
    spark.submit(&file(&format!("examples/spark/{job}")), &[&arguments[..], more].concat()).unwrap();
}

/// The rows of a query over a lake.
fn ask(cluster: &Cluster, lake: &str, sql: &str) -> Vec<Vec<String>> {
    rows(&cluster.beamline(&["query", "--format", "csv", "--limit", "0", "--lake", lake, sql]))
}

/// Every event once, and every number as Beamline reads it.
fn same_table(cluster: &Cluster, found: &BTreeMap<String, Vec<Vec<String>>>, backend: &str, lake: &str, events: u64) {
    let counted = &found[&format!("{backend} events")];
    assert_eq!(counted, &[[events.to_string(), events.to_string()]], "{backend}: each event once");
    let micros = "arrow_cast(arrow_cast(timestamp, 'Timestamp(Microsecond, Some(\"UTC\"))'), 'Int64')";
    let sql = format!(
        "SELECT detector_id, count(*), min(energy_gev), max(energy_gev), max(anomaly_score), min({micros}), max({micros}), \
         sum({micros} % 1000003) FROM processed_data GROUP BY detector_id ORDER BY detector_id"
    );
    let ours = ask(cluster, lake, &sql);
    assert_eq!(found[&format!("{backend} by key")], ours, "{backend} by key");
    println!("{backend}: {events} events, each once; {} keys, every number as in `beamline query`", ours.len());
}

fn steps(cluster: &Cluster, version: &str) -> Vec<Service> {
    let start = |name| cluster.service(name, &format!("{name}-{version}"), &[]);
    ["enricher", "anomaly-detector"].into_iter().map(start).collect()
}

/// Rows as Spark has printed them, by their name.
fn found(printed: &str) -> BTreeMap<String, Vec<Vec<String>>> {
    let lines = printed.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .filter(|line| line["name"].is_string())
        .map(|line| {
            let cells =
                |row: &Value| row.as_array().unwrap().iter().map(|cell| cell.as_str().unwrap().to_owned()).collect();
            let rows = line["rows"].as_array().unwrap().iter().map(cells).collect();
            (line["name"].as_str().unwrap().to_owned(), rows)
        })
        .collect()
}

/// The rows of an answer in CSV, in the same form.
fn rows(csv: &str) -> Vec<Vec<String>> {
    let mut records = csv::Reader::from_reader(csv.as_bytes());
    records.records().map(|record| record.unwrap().iter().map(cell).collect()).collect()
}

/// A number with a point by its bits, anything else as it is.
fn cell(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(number) if text.contains(['.', 'e', 'E']) => format!("{:016x}", number.to_bits()),
        _ => text.to_owned(),
    }
}

/// Counts and extremes exactly; sums and means within the rounding of a sum in another order.
fn same_windows(cluster: &Cluster, found: &[Vec<String>]) {
    cluster.beamline(&["--quiet", "replay", "stream.yaml", "--out", "results"]);
    let sql = "SELECT arrow_cast(arrow_cast(window_start, 'Timestamp(Microsecond, Some(\"UTC\"))'), 'Int64'), detector_id, \
               events, lowest, highest, total, mean FROM rates ORDER BY 1, 2";
    let ours = rows(&cluster.beamline(&["query", "--format", "csv", "--limit", "0", "--results", "results", sql]));
    assert_eq!(found.len(), ours.len());
    assert!(ours.len() > 500, "{} windows", ours.len());
    let number = |cell: &str| f64::from_bits(u64::from_str_radix(cell, 16).unwrap());
    let mut furthest: f64 = 0.0;
    for (theirs, ours) in found.iter().zip(&ours) {
        assert_eq!(theirs[..5], ours[..5], "start, key, count, least, greatest");
        for at in [5, 6] {
            let (theirs, ours) = (number(&theirs[at]), number(&ours[at]));
            let apart = ((theirs - ours) / ours).abs();
            assert!(apart <= ROUNDING, "{theirs} and {ours}");
            furthest = furthest.max(apart);
        }
    }
    println!("{} windows: counts and extremes the same, sums and means within {furthest:.1e}", ours.len());
}
