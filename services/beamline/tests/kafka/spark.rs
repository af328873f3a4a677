//! Spark on what a stream writes: the tables of its lakes, and a streaming job on its topic.

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
    let (delta, parquet) = (cluster.path("delta").display().to_string(), cluster.path("parquet").display().to_string());
    let writer = |backend: &str, lake: &str| {
        let arguments = ["--backend", backend, "--lake", lake, "--batch-interval", "500ms"];
        cluster.service("writer", backend, &arguments)
    };
    let writers = [("delta", writer("delta", &delta)), ("parquet", writer("parquet", &parquet))];
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
    let ended = generator.program.wait(Duration::from_secs(120));
    assert!(ended.is_some_and(|status| status.success()), "{}", generator.program.log());
    let running: Vec<&Service> = after.iter().collect();
    let (_, detected) = cluster.wait_until_done(cluster.sent().sent, Duration::from_secs(180), &running);
    writers.iter().for_each(|(backend, writer)| wait_until_stored(&cluster, backend, writer));

    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let file = |name: &str| repository.join(name).display().to_string();
    let windows = cluster.path("windows").display().to_string();
    let (bootstrap, registry) = (cluster.kafka.bootstrap(), cluster.apicurio.url());
    let arguments = ["--bootstrap", &bootstrap, "--registry", &registry, "--topic", "particles.scored"];
    let begun = Instant::now();
    spark
        .submit(&file("examples/spark/streaming_job.py"), &[&arguments[..], &["--out", &windows, "--once"]].concat())
        .unwrap();
    println!("the streaming job took {:.1} s for {} events", begun.elapsed().as_secs_f64(), detected.out);
    let printed = spark
        .submit(&file("tests/spark/tables.py"), &[&delta, &parquet, &windows, "energy_gev", "detector_id"])
        .unwrap();
    let found = found(&printed);

    for (backend, lake) in [("delta", &delta), ("parquet", &parquet)] {
        let events = &found[&format!("{backend} events")];
        assert_eq!(events, &[[detected.out.to_string(), detected.out.to_string()]], "{backend}: each event once");
        let sql = "SELECT detector_id, count(*), min(energy_gev), max(energy_gev), max(anomaly_score) \
                   FROM processed_data GROUP BY detector_id ORDER BY detector_id";
        let ours = rows(&cluster.beamline(&["query", "--format", "csv", "--limit", "0", "--lake", lake, sql]));
        assert_eq!(found[&format!("{backend} by key")], ours, "{backend} by key");
        println!(
            "{backend}: {} events, each once; {} keys, every number as in `beamline query`",
            detected.out,
            ours.len()
        );
    }
    same_windows(&cluster, &found["windows"]);
    after.iter().chain(writers.iter().map(|(_, writer)| writer)).for_each(Service::stop);
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

/// The rows of an answer in CSV, in the same form: numbers with a point by their bits.
fn rows(csv: &str) -> Vec<Vec<String>> {
    let cell = |cell: &str| match cell.parse::<f64>() {
        Ok(number) if cell.contains(['.', 'e', 'E']) => format!("{:016x}", number.to_bits()),
        _ => cell.to_owned(),
    };
    csv.lines().skip(1).map(|line| line.split(',').map(cell).collect()).collect()
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
