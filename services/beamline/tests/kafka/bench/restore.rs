//! How long it takes until a detector with 10,000 keys goes on after its partitions have moved.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use kafka::Step;
use stream::Topics;

use super::{PARTITIONS, define, usage::resident_mebibytes, wait_for};
use crate::cluster::{Cluster, Service};

const STREAM: &str = "moving";
/// Events before anything moves: a hundred of each key.
const EVENTS: u64 = 1_000_000;
/// How long snapshots are counted.
const COUNTING: Duration = Duration::from_secs(20);

pub(super) fn measure(cluster: &Cluster, rate: u64) {
    let file = define(cluster, STREAM);
    super::fill(cluster, &file, EVENTS);
    let enricher = cluster.service_of(&file, "enricher", "bench", &[]);
    let detector = |instance: &str| cluster.service_of(&file, "anomaly-detector", instance, &[]);
    let first = detector("first");
    // A few of the events end before the detector.
    let most = EVENTS - EVENTS / 100;
    wait_for(&cluster.offsets(), STREAM, Step::Detect, most);
    let generator = cluster.service_of(&file, "generator", "g", &["--rate", &rate.to_string()]);
    wait_for(&cluster.offsets(), STREAM, Step::Detect, most + 4 * rate);
    let before = metric(&first, "beamline_snapshot_bytes_total");
    thread::sleep(COUNTING);
    let written = metric(&first, "beamline_snapshot_bytes_total") - before;
    println!(
        "a detector with {:.0} keys at {rate} events/s: {:.0} MiB in use, of which state {:.0} MiB; snapshots {:.2} MiB/s",
        metric(&first, "beamline_state_keys"),
        resident_mebibytes(first.program.pid()),
        metric(&first, "beamline_state_bytes") / f64::from(1 << 20),
        written / COUNTING.as_secs_f64() / f64::from(1 << 20),
    );

    // Another one takes everything over.
    first.stop();
    let second = cluster.service_of(&file, "anomaly-detector", "second", &[]);
    let took = until_all_go_on(cluster);
    said("all partitions, to a process that starts", &second, took);
    // A third takes half, and gives it back.
    let third = detector("third");
    third.wait_until_ready();
    until_all_go_on(cluster);
    third.stop();
    said("half of the partitions, to a process that runs", &second, until_all_go_on(cluster));
    [generator, enricher, second].iter().for_each(Service::stop);
}

fn said(what: &str, service: &Service, took: Duration) {
    println!(
        "{what}: every partition goes on after {:.2} s; {:.0} keys, a partition's state put back and up to date in {:.2} s \
         on average",
        took.as_secs_f64(),
        metric(service, "beamline_state_keys"),
        metric(service, "beamline_restore_duration_seconds_sum")
            / metric(service, "beamline_restore_duration_seconds_count"),
    );
}

/// Waits until every partition has committed something new.
fn until_all_go_on(cluster: &Cluster) -> Duration {
    let offsets = cluster.offsets();
    let committed = || -> BTreeMap<u32, i64> {
        let (group, topics) = (Step::Detect.group(STREAM), Topics::of(STREAM));
        let partitions: Vec<u32> = (0..PARTITIONS).collect();
        let committed = offsets.committed(&group, &topics.enriched, &partitions).unwrap();
        committed.into_iter().map(|(partition, committed)| (partition, committed.offset)).collect()
    };
    let (begun, before) = (Instant::now(), committed());
    loop {
        let now = committed();
        if now.iter().all(|(partition, offset)| before.get(partition).is_none_or(|before| offset > before)) {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "{before:?} {now:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The sum of a metric over its labels.
fn metric(service: &Service, name: &str) -> f64 {
    let (status, text) = servers::http_get(&format!("http://{}/metrics", service.address)).unwrap();
    assert_eq!(status, 200);
    let values = text
        .lines()
        .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{') || rest.starts_with(' ')));
    values.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum()
}
