//! What services do beside a bare loop of the client library on the same broker. `make bench-kafka`.

mod bare;
mod handover;
mod idle;
mod latency;
mod overload;
mod paced;
mod restore;
mod scale;
mod streams;
mod theirs;
mod throughput;
mod usage;

use std::{env, fs, path::Path, thread, time::Duration};

use broker::Offsets;
use kafka::Step;

use crate::cluster::{Cluster, Service};

/// After so long a transaction is committed, by services and by the bare loop: the services' own default.
const COMMIT_INTERVAL: Duration = Duration::from_millis(100);
const PARTITIONS: u32 = 8;

fn number(name: &str, default: u64) -> u64 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Writes `streams/bench.yaml` (six expressions, every layer of the detector, 10,000 keys) as a stream of this name, and
/// makes its topics. Gives the file's name.
fn define(cluster: &Cluster, name: &str) -> String {
    define_with(cluster, name, "")
}

/// The same with more behind the definition's last line.
fn define_with(cluster: &Cluster, name: &str, more: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = fs::read_to_string(root.join("streams/bench.yaml")).unwrap();
    let text =
        text.replace("../", &format!("{}/", root.display())).replace("name: bench", &format!("name: {name}")) + more;
    let file = format!("{name}.yaml");
    fs::write(cluster.path(&file), text).unwrap();
    cluster.beamline(&["topics", "apply", &file]);
    file
}

/// Fills the raw topic with so many events.
fn fill(cluster: &Cluster, file: &str, events: u64) {
    let generator =
        cluster.service_of(file, "generator", "g", &["--once", "--rate", "0", "--events", &events.to_string()]);
    let ended = generator.program.wait(Duration::from_secs(600));
    assert!(ended.is_some_and(|status| status.success()), "{}", generator.program.log());
}

/// Waits until a step of a stream, which `service` does, has committed so many records; gives how many it has then.
fn wait_for(service: &Service, offsets: &Offsets, stream: &str, step: Step, wanted: u64) -> u64 {
    loop {
        assert!(service.program.wait(Duration::ZERO).is_none(), "{}", service.program.log());
        let records = kafka::account(offsets, stream, PARTITIONS, step).unwrap().unwrap_or_default().records;
        if records >= wanted {
            return records;
        }
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
#[ignore = "a measurement: make bench-kafka"]
fn bench_services_beside_a_bare_loop() {
    let cluster = Cluster::start_to_measure();
    println!(
        "one broker, {PARTITIONS} partitions, a commit every {} ms, two cores for everything",
        COMMIT_INTERVAL.as_millis()
    );
    throughput::measure(&cluster, number("BEAMLINE_BENCH_EVENTS", 1_000_000));
    for rate in [number("BEAMLINE_BENCH_RATE", 5_000), number("BEAMLINE_BENCH_HIGH_RATE", 50_000)] {
        latency::measure(&cluster, rate);
    }
}

#[test]
#[ignore = "a measurement: make bench-idle"]
fn measure_idle() {
    idle::measure(&Cluster::start_to_measure(), number("BEAMLINE_IDLE_SECONDS", 60));
}

#[test]
#[ignore = "a measurement: make bench-kafka"]
fn bench_state_that_moves() {
    restore::measure(&Cluster::start_to_measure(), number("BEAMLINE_BENCH_RATE", 5_000));
}

#[test]
#[ignore = "a measurement: make bench-kafka"]
fn bench_topics_of_another_program() {
    theirs::measure(&Cluster::start_to_measure(), number("BEAMLINE_BENCH_EVENTS", 1_000_000));
}

#[test]
#[ignore = "a measurement: make bench-overload"]
fn measure_overload() {
    let phase = Duration::from_secs(number("BEAMLINE_OVERLOAD_SECONDS", 300));
    overload::measure(&Cluster::start_to_measure(), number("BEAMLINE_BENCH_EVENTS", 1_000_000), phase);
}

#[test]
#[ignore = "a measurement: make bench-handover"]
fn measure_handover() {
    let (events, pairs) = (number("BEAMLINE_BENCH_EVENTS", 1_000_000), number("BEAMLINE_BENCH_PAIRS", 5));
    handover::measure(&Cluster::start_to_measure(), events, pairs);
}

#[test]
#[ignore = "a measurement: make bench-scale"]
fn measure_scale() {
    let axes = env::var("BEAMLINE_SCALE_AXES").unwrap_or_default();
    scale::measure(number("BEAMLINE_SCALE_EVENTS", 1_000_000), &axes);
}
