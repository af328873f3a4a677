//! What windows cost an aggregator, and how long after its end a window's final row is there. `make bench-windows`.

use std::{
    env, fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use arrow::{
    array::AsArray,
    compute::{cast, filter_record_batch},
    datatypes::{DataType, Int64Type, TimestampMicrosecondType},
};
use kafka::{ReadTopic, Reader, Step};
use stream::columns;

use crate::{
    cluster::{Cluster, Service},
    results,
};

/// Ticks a second in `/proc`.
const TICKS: f64 = 100.0;
const PARTITIONS: u32 = 8;

/// Events of 1,000 detectors; `key` says whether a group is in one partition.
fn define(cluster: &Cluster, name: &str, key: &str, rate: f64, aggregates: &str) -> PathBuf {
    let text = format!(
        "apiVersion: beamline.dev/v1\nkind: Stream\nmetadata: {{ name: {name} }}\nspec:\n  schema: particle-event.avsc\n  \
         id: event_id\n  key: {key}\n  time: timestamp\n  partitions: {PARTITIONS}\n  source:\n    synthetic: \
         {{ profile: uniform, rate: {rate}, keys: 1000 }}\n  aggregate:\n{aggregates}"
    );
    let path = cluster.path(&format!("{name}.yaml"));
    fs::write(&path, text).unwrap();
    cluster.beamline(&["topics", "apply", &path.display().to_string()]);
    path
}

const SELECT: &str = "select: { events: \"count(*)\", mean: \"avg(energy_gev)\", highest: \"max(energy_gev)\" }";

#[test]
#[ignore = "a measurement: make bench-windows"]
fn events_a_second_of_an_aggregator() {
    let events = env::var("BEAMLINE_BENCH_EVENTS").map_or(1_000_000, |events| events.parse().unwrap());
    let cluster = Cluster::start_to_measure();
    for (name, key, what) in [
        ("keyed", "detector_id", "each group in one partition"),
        ("merged", "event_id", "each group in every partition"),
    ] {
        let windows =
            format!("    - {{ name: rates, window: 1m, lateness: 10s, group_by: [detector_id], {SELECT} }}\n");
        let definition = define(&cluster, name, key, 0.0, &windows);
        let service = |name: &str, more: &[&str]| cluster.service_of(&definition, name, "1", more);
        let generator = service("generator", &["--once", "--events", &events.to_string()]);
        let before = [service("enricher", &[]), service("anomaly-detector", &[])];
        assert!(generator.program.wait(Duration::from_secs(600)).is_some_and(|status| status.success()));
        let read = |step| cluster.ledger_of(name, PARTITIONS, step).records;
        while read(Step::Detect) < events {
            thread::sleep(Duration::from_millis(200));
        }
        before.iter().for_each(Service::stop);
        let aggregator = service("aggregator", &[]);
        aggregator.wait_until_ready();
        // From a commit to the last one: not how it starts.
        let mut first = None;
        let (seconds, processor, records) = loop {
            let (now, used, records) = (Instant::now(), processor_seconds(&aggregator), read(Step::Aggregate));
            match first {
                None if records > 0 => first = Some((now, used, records)),
                Some((begun, before, done)) if records >= events => {
                    break ((now - begun).as_secs_f64(), used - before, records - done);
                }
                _ => thread::sleep(Duration::from_millis(50)),
            }
        };
        let (records, memory) = (records as f64, resident(&aggregator) / f64::from(1 << 20));
        println!(
            "1-minute windows by 1,000 groups, {what}: {:.0} events/s, {:.0} a CPU second, {memory:.0} MiB",
            records / seconds,
            records / processor
        );
        aggregator.stop();
    }
}

#[test]
#[ignore = "a measurement: make bench-windows"]
fn delay_of_final_rows() {
    let cluster = Cluster::start_to_measure();
    let windows = format!(
        "    - {{ name: keyed, window: 10s, lateness: 1s, group_by: [detector_id], {SELECT} }}\n    \
         - {{ name: merged, window: 10s, lateness: 1s, group_by: [particle_type], {SELECT} }}\n"
    );
    let definition = define(&cluster, "paced", "detector_id", 1000.0, &windows);
    let stream = service::load_stream(&definition).unwrap();
    let service = |name: &str, more: &[&str]| cluster.service_of(&definition, name, "1", more);
    let services = ["enricher", "anomaly-detector", "aggregator"].map(|name| service(name, &[]));
    services.iter().for_each(Service::wait_until_ready);
    let generator = service("generator", &["--once", "--events", "75000"]);
    let starts: Vec<(u32, i64)> = (0..PARTITIONS).map(|partition| (partition, 0)).collect();
    let topic = ReadTopic { name: stream.topics().aggregates, schema: stream.aggregates_schema().unwrap() };
    let mut reader = Reader::assign(&cluster.connection(), &cluster.registry(), &topic, &starts).unwrap();
    // Aggregate, and how long after the window's end in event time its row was there, in microseconds.
    let mut delays: Vec<(String, i64)> = Vec::new();
    let mut ended = None;
    while ended.is_none_or(|ended: Instant| ended.elapsed() < Duration::from_secs(3)) {
        if ended.is_none() {
            ended = generator.program.wait(Duration::ZERO).map(|_| Instant::now());
        }
        for received in reader.next(Duration::from_millis(20)).unwrap() {
            let column = |name: &str| received.rows.column_by_name(name).unwrap();
            let last = filter_record_batch(&received.rows, column(columns::FINAL).as_boolean()).unwrap();
            let names = last.column_by_name(columns::AGGREGATE).unwrap().as_string::<i32>();
            let ends = last.column_by_name(columns::WINDOW_END).unwrap().as_primitive::<TimestampMicrosecondType>();
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as i64;
            delays.extend((0..last.num_rows()).map(|row| (names.value(row).to_owned(), now - ends.value(row))));
        }
    }
    // A synthetic stream's event time begins a little before its first event is sent.
    let behind = results::read_all(&cluster, "paced", stream.input.clone());
    let mut behind: Vec<i64> = behind
        .iter()
        .flat_map(|received| {
            let times = cast(received.rows.column_by_name("timestamp").unwrap(), &DataType::Int64).unwrap();
            let times = times.as_primitive::<Int64Type>().clone();
            received.times.iter().enumerate().map(|(row, taken)| taken * 1000 - times.value(row)).collect::<Vec<_>>()
        })
        .collect();
    let behind = quantile(&mut behind, 0.5);
    for name in ["keyed", "merged"] {
        let mut of: Vec<i64> = delays.iter().filter(|(of, _)| of == name).map(|(_, delay)| delay - behind).collect();
        assert!(!of.is_empty(), "no window of {name} closed");
        let count = of.len();
        let [middle, most] = [0.5, 0.99].map(|share| quantile(&mut of, share) as f64 / 1e6 - 1.0);
        println!(
            "{name}: {count} final rows; from a window's end and its lateness to the row {middle:.2} s (median), {most:.2} s (99 %)"
        );
    }
    services.iter().for_each(Service::stop);
}

fn quantile(values: &mut [i64], share: f64) -> i64 {
    values.sort_unstable();
    values[((values.len() - 1) as f64 * share) as usize]
}

/// User and system time of a service so far (fields 14 and 15 of `/proc/PID/stat`).
fn processor_seconds(service: &Service) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", service.program.pid())).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / TICKS
}

/// Bytes of a service that are in memory, in pages of 4 KiB.
fn resident(service: &Service) -> f64 {
    let text = fs::read_to_string(format!("/proc/{}/statm", service.program.pid())).unwrap();
    text.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 4096.0
}
