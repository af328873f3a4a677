//! How long it takes until a detector with 10,000 keys goes on after its partitions have moved.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use kafka::Step;
use stream::Topics;

use super::{
    PARTITIONS, define, fill,
    paced::{sample, send},
    usage::resident_mebibytes,
    wait_for,
};
use crate::cluster::{Cluster, Service};

/// Events before anything moves: a hundred of each key.
const EVENTS: u64 = 1_000_000;
/// So many different events go on being sent.
const SAMPLE: u64 = 200_000;
const SENDING_MAX: Duration = Duration::from_secs(300);
/// How long snapshots are counted.
const COUNTING: Duration = Duration::from_secs(20);

/// Detectors whose group agrees by one protocol.
struct Moving<'a> {
    cluster: &'a Cluster,
    stream: String,
    file: String,
    protocol: &'static str,
}

pub(super) fn measure(cluster: &Cluster, rate: u64) {
    for protocol in ["classic", "consumer"] {
        let stream = format!("moving-{protocol}");
        let moving = Moving { cluster, file: define(cluster, &stream), stream, protocol };
        fill(cluster, &moving.file, EVENTS);
        let enricher = cluster.service_of(&moving.file, "enricher", "bench", &[]);
        let first = moving.detector("first");
        let (connection, stop) = (cluster.connection(), AtomicBool::new(false));
        let sample = sample(&connection, &moving.stream, SAMPLE);
        wait_for(&first, &cluster.offsets(), &moving.stream, Step::Detect, EVENTS - EVENTS / 100);
        println!("group protocol {protocol}, {rate} events/s");
        thread::scope(|scope| {
            scope.spawn(|| send(&connection, &moving.stream, &sample, rate, SENDING_MAX, &stop));
            moving.measure(first);
            stop.store(true, Ordering::Relaxed);
        });
        enricher.stop();
    }
}

impl Moving<'_> {
    fn detector(&self, instance: &str) -> Service {
        self.cluster.service_of(&self.file, "anomaly-detector", instance, &["--group-protocol", self.protocol])
    }

    fn measure(&self, first: Service) {
        self.until_all_go_on(Instant::now());
        let before = first.metric("beamline_snapshot_bytes_total");
        thread::sleep(COUNTING);
        let written = first.metric("beamline_snapshot_bytes_total") - before;
        let mebibytes = |bytes: f64| bytes / f64::from(1 << 20);
        println!(
            "  {:.0} keys: {:.0} MiB in use, of which state {:.0} MiB; snapshots {:.2} MiB/s",
            first.metric("beamline_state_keys"),
            resident_mebibytes(first.program.pid()),
            mebibytes(first.metric("beamline_state_bytes")),
            mebibytes(written) / COUNTING.as_secs_f64(),
        );
        // Another one takes everything over.
        let begun = Instant::now();
        first.stop();
        let second = self.detector("second");
        self.until_all_go_on(begun);
        said("all partitions, to a process that starts", &second, begun.elapsed());
        // A third takes half, and gives it back.
        let third = self.detector("third");
        third.wait_until_ready();
        self.until_all_go_on(Instant::now());
        let begun = Instant::now();
        third.stop();
        self.until_all_go_on(begun);
        said("half of the partitions, to a process that runs", &second, begun.elapsed());
        second.stop();
    }

    /// Waits until every partition has committed something new.
    fn until_all_go_on(&self, begun: Instant) {
        let offsets = self.cluster.offsets();
        let (group, input) = (Step::Detect.group(&self.stream), Topics::of(&self.stream).enriched);
        let partitions: Vec<u32> = (0..PARTITIONS).collect();
        let committed = || -> BTreeMap<u32, i64> {
            let committed = offsets.committed(&group, &input, &partitions).unwrap();
            committed.into_iter().map(|(partition, committed)| (partition, committed.offset)).collect()
        };
        let before = committed();
        loop {
            let now = committed();
            if now.iter().all(|(partition, offset)| before.get(partition).is_none_or(|before| offset > before)) {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(120), "{before:?} {now:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn said(what: &str, service: &Service, took: Duration) {
    println!(
        "  {what}: every partition goes on after {:.2} s; a partition's state is put back and up to date in {:.2} s on average",
        took.as_secs_f64(),
        service.metric("beamline_restore_duration_seconds_sum")
            / service.metric("beamline_restore_duration_seconds_count"),
    );
}
