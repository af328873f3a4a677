//! Writers that come, go and are killed: every store has what one process has.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use broker::Reports;
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
};
use servers::Cassandra;

use crate::{
    cluster::{Cluster, Service},
    input, results, windows,
};

const EVENTS: u64 = 60_000;

#[test]
fn writers_that_come_and_go_store_what_one_process_does() {
    let cluster = Cluster::start();
    let cassandra = Cassandra::start().unwrap();
    let node = cassandra.contact_point();
    input::write(&cluster.path("input.jsonl"), EVENTS);
    let definition = fs::read_to_string(cluster.path("stream.yaml")).unwrap();
    fs::write(cluster.path("stream.yaml"), format!("{definition}{}", windows::AGGREGATES)).unwrap();
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    cluster.beamline(&["store", "apply", "stream.yaml", "--cql", &node, "--replication", "1"]);
    let mut steps: Vec<Service> = ["enricher", "anomaly-detector", "aggregator"]
        .iter()
        .map(|name| cluster.service(name, &format!("{name}-1"), &[]))
        .collect();
    let (delta, parquet) = (cluster.path("delta").display().to_string(), cluster.path("parquet").display().to_string());
    let writer = |backend: &str, number: u32| {
        let place = match backend {
            "cql" => ["--cql", &node],
            "delta" => ["--lake", &delta],
            _ => ["--lake", &parquet],
        };
        let limits = ["--batch-interval", "500ms", "--batch-rows", "5000"];
        cluster.service(
            "writer",
            &format!("{backend}-{number}"),
            &[&["--backend", backend], &place[..], &limits].concat(),
        )
    };
    let backends = ["cql", "delta", "parquet"];
    let mut writers: Vec<Service> = backends.iter().map(|backend| writer(backend, 0)).collect();
    writers.iter().for_each(Service::wait_until_ready);
    let generator = cluster.service("generator", "g", &["--once"]);
    let mut paused = Vec::new();
    for number in 1..=3 {
        thread::sleep(Duration::from_secs(2));
        for (at, backend) in backends.iter().enumerate() {
            let before = std::mem::replace(&mut writers[at], writer(backend, number));
            match number {
                1 => before.program.signal("KILL").unwrap(),
                2 => before.stop(),
                // With what it holds, until others have stored everything.
                _ => {
                    before.program.signal("STOP").unwrap();
                    paused.push(before);
                }
            }
        }
    }
    let ended = generator.program.wait(Duration::from_secs(120));
    assert!(ended.is_some_and(|status| status.success()), "{}", generator.program.log());
    let sent = cluster.sent();
    let limit = Duration::from_secs(180);
    let (enriched, detected) = cluster.wait_until_done(sent.sent, limit, &[&steps[0], &steps[1]]);
    let stream = service::load_stream(&cluster.path("stream.yaml")).unwrap();
    windows::wait_for_aggregates(&cluster, &stream, detected.out, &steps[2..]);
    for (at, backend) in backends.iter().enumerate() {
        wait_until_stored(&cluster, backend, &writers[at]);
    }
    writers.drain(..).for_each(|service| service.stop());
    paused.iter().for_each(|service| service.program.signal("CONT").unwrap());
    paused.drain(..).for_each(|service| service.stop());
    // As where a writer is killed between storing and committing: the table knows better than the group, and tells it.
    commit_nothing(&cluster, "beamline.particles.writer-delta", "particles.scored");
    let again = writer("delta", 4);
    wait_until_stored(&cluster, "delta", &again);
    again.stop();
    steps.drain(..).for_each(|service| service.stop());

    let wanted = results::scores_in_one_process(&cluster);
    let places = [["--cql", &node], ["--lake", &delta], ["--lake", &parquet]];
    let letters = sent.dead_lettered + enriched.dead_lettered + detected.dead_lettered;
    let count = |place: &[&str], sql: &str| {
        let answer = cluster.beamline(&[&["query", "--format", "csv"], place, &[sql]].concat());
        answer.lines().nth(1).unwrap().to_owned()
    };
    let late = count(&["--results", "results"], "SELECT count(*) FROM late");
    for place in &places {
        results::assert_same(&results::scores_in(&cluster, place), &wanted);
        let place: Vec<&str> = match place[0] {
            "--cql" => [&place[..], &["--full-scan"]].concat(),
            _ => place.to_vec(),
        };
        assert_eq!(count(&place, "SELECT count(*) FROM dead_letters"), letters.to_string(), "{place:?}");
        assert_eq!(count(&place, "SELECT count(*) FROM late"), late, "{place:?}");
        println!("{place:?}: {} events, {letters} dead letters, {late} late", wanted.len());
    }
    // The last result of each window, and no other: the merged ones change most often.
    for aggregate in ["rates", "totals", "by_type"] {
        // Rows, and not sums of them: those depend on the order in which a query adds.
        let sql = format!(
            "SELECT events, mean, energy, detectors FROM aggregates WHERE aggregate = '{aggregate}' ORDER BY 1, 2, 3, 4"
        );
        let rows = |place: &[&str]| cluster.beamline(&[&["query", "--format", "csv"], place, &[&sql]].concat());
        let wanted = rows(&["--results", "results"]);
        assert!(rows(&["--cql", &node, "--full-scan"]) == wanted, "{aggregate}");
        let by_name = format!("SELECT count(*), sum(events), count(DISTINCT window_start) FROM {aggregate}");
        for lake in &places[1..] {
            assert!(rows(lake) == wanted, "{aggregate} {lake:?}");
            assert_eq!(count(lake, &by_name), count(&["--results", "results"], &by_name), "{aggregate} {lake:?}");
            println!("{lake:?}: {aggregate}: {} results", wanted.lines().count() - 1);
        }
    }
}

/// Puts a group without members back to the beginning of a topic.
fn commit_nothing(cluster: &Cluster, group: &str, topic: &str) {
    let client: BaseConsumer<Reports> =
        cluster.connection().client(Reports::default(), |config| _ = config.set("group.id", group)).unwrap();
    let mut list = TopicPartitionList::new();
    for partition in 0..cluster.offsets().partitions(topic).unwrap() {
        list.add_partition_offset(topic, partition as i32, Offset::Offset(0)).unwrap();
    }
    client.commit(&list, CommitMode::Sync).unwrap();
}

/// Waits until a backend's group has committed everything.
pub(crate) fn wait_until_stored(cluster: &Cluster, backend: &str, service: &Service) {
    let begun = Instant::now();
    let group = format!("beamline.particles.writer-{backend}");
    for topic in ["scored", "anomalies", "dead-letters", "late", "aggregates"] {
        // A marker may stand behind what was read last.
        while cluster.offsets().lag(&group, &format!("particles.{topic}")).unwrap().values().any(|lag| *lag > 1) {
            let lag = cluster.offsets().lag(&group, &format!("particles.{topic}")).unwrap();
            assert!(begun.elapsed() < Duration::from_secs(120), "{backend} {topic} {lag:?}\n{}", service.program.log());
            thread::sleep(Duration::from_millis(200));
        }
    }
}
