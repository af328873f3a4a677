//! The enricher's work by a program of Kafka Streams.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use servers::Program;

use super::{PARTITIONS, throughput::Rate, usage::cpu_seconds};
use crate::cluster::Cluster;

const LIMIT: Duration = Duration::from_secs(300);

/// How fast it is from `stream`, which has so many events and was enriched before, to the enriched topic of `to`.
pub(super) fn enrich(cluster: &Cluster, stream: &str, to: &str, events: u64) -> Rate {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = root.join("tests/kafka/bench/Enricher.java");
    let table = root.join("../../reference/particles.csv").display().to_string();
    let (brokers, registry) = (cluster.kafka.bootstrap(), cluster.apicurio.url());
    let (to, subject) = (format!("{to}.enriched"), format!("{stream}.enriched-value"));
    let program = Program::start_kafka_streams(&source, &[&brokers, &registry, stream, &to, &subject, &table]).unwrap();
    let (group, offsets, begun) = (format!("{to}.streams"), cluster.offsets(), Instant::now());
    let wait = |wanted: u64| loop {
        assert!(program.wait(Duration::ZERO).is_none() && begun.elapsed() < LIMIT, "{}", program.log());
        let all: Vec<u32> = (0..PARTITIONS).collect();
        let committed = offsets.committed(&group, stream, &all).unwrap();
        let done = committed.values().map(|committed| committed.offset as u64).sum::<u64>();
        if done >= wanted {
            return (done, Instant::now(), cpu_seconds(program.pid()));
        }
        thread::sleep(Duration::from_millis(50));
    };
    let (first, last) = (wait(1), wait(events));
    program.signal("TERM").unwrap();
    Rate::of(last.0 - first.0, last.1 - first.1, last.2 - first.2)
}
