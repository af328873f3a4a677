//! What came out: of the topics, and of a run in one process.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use arrow::{
    array::{Array, AsArray},
    datatypes::Float64Type,
};
use broker::{Offsets, Reports};
use codec::ValueSchema;
use kafka::{ReadDeadLetter, ReadTopic, Reader, Received};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
};

use crate::cluster::Cluster;

/// Score (its bits), reasons and trace of each event.
pub(crate) type Scores = BTreeMap<String, (u64, String, String)>;

/// Waits until nothing is open in a topic: a transaction that a killed service left hides what was committed behind it
/// until the broker gives it up.
pub(crate) fn wait_until_decided(cluster: &Cluster, topic: &str) {
    let offsets = Offsets::connect(&cluster.connection()).unwrap();
    let waiting = Instant::now();
    for partition in 0..offsets.partitions(topic).unwrap() {
        while offsets.stable_end(topic, partition).unwrap() < offsets.range(topic, partition).unwrap().1 {
            assert!(waiting.elapsed() < Duration::from_secs(60), "a transaction stays open in {topic} {partition}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Whether a group has committed messages of a topic before it. Its lag does not say: markers, and what was given up,
/// count as well.
pub(crate) fn has_more(cluster: &Cluster, group: &str, topic: &str) -> bool {
    let offsets = cluster.offsets();
    let partitions: Vec<u32> = (0..offsets.partitions(topic).unwrap()).collect();
    let committed = offsets.committed(group, topic, &partitions).unwrap();
    let consumer: BaseConsumer<Reports> = cluster
        .connection()
        .client(Reports::default(), |config| {
            config
                .set("group.id", "tests")
                .set("isolation.level", "read_committed")
                .set("enable.auto.commit", "false")
                .set("enable.partition.eof", "true");
        })
        .unwrap();
    let mut list = TopicPartitionList::new();
    for partition in &partitions {
        let next = committed.get(partition).map_or(Offset::Beginning, |committed| Offset::Offset(committed.offset));
        list.add_partition_offset(topic, *partition as i32, next).unwrap();
    }
    consumer.assign(&list).unwrap();
    let (mut ended, begun) = (0, Instant::now());
    while ended < partitions.len() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{topic} does not end");
        match consumer.poll(Duration::from_secs(1)) {
            Some(Ok(_)) => return true,
            Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
            _ => {}
        }
    }
    false
}

/// Everything that is committed in a topic.
pub(crate) fn read_all(cluster: &Cluster, topic: &str, schema: ValueSchema) -> Vec<Received> {
    // What was committed last may not be decided everywhere yet.
    wait_until_decided(cluster, topic);
    let connection = cluster.connection();
    let starts: Vec<(u32, i64)> = (0..Offsets::connect(&connection).unwrap().partitions(topic).unwrap())
        .map(|partition| (partition, 0))
        .collect();
    let topic = ReadTopic { name: topic.to_owned(), schema };
    let mut reader = Reader::assign(&connection, &cluster.registry(), &topic, &starts).unwrap();
    let (mut received, begun) = (Vec::new(), Instant::now());
    while reader.ended().len() < starts.len() {
        assert!(begun.elapsed() < Duration::from_secs(600), "{} does not end", topic.name);
        received.extend(reader.next(Duration::from_millis(500)).unwrap());
    }
    assert!(received.iter().all(|received| received.rejected.is_empty()), "everything in {} is ours", topic.name);
    received
}

/// What stands for no score, of an event of a key that is being learned: no score has these bits.
const NO_SCORE: u64 = u64::MAX;

/// The scores on Kafka. An event that stands twice is a failure.
pub(crate) fn scores(cluster: &Cluster) -> Scores {
    scores_of(cluster, "particles.scored")
}

/// The scores in a topic.
pub(crate) fn scores_of(cluster: &Cluster, topic: &str) -> Scores {
    let stream = service::load_stream(&cluster.path("stream.yaml")).unwrap();
    let mut scores = Scores::new();
    for received in read_all(cluster, topic, stream.scored_schema().unwrap()) {
        let rows = &received.rows;
        let score = rows.column_by_name("anomaly_score").unwrap().as_primitive::<Float64Type>();
        let [ids, reasons, traces] = ["event_id", "anomaly_reasons", "trace_id"].map(|name| {
            let column = rows.column_by_name(name).unwrap().as_string::<i32>();
            move |row: usize| if column.is_null(row) { String::new() } else { column.value(row).to_owned() }
        });
        for row in 0..rows.num_rows() {
            let bits = if score.is_null(row) { NO_SCORE } else { score.value(row).to_bits() };
            let twice = scores.insert(ids(row), (bits, reasons(row), traces(row)));
            assert!(twice.is_none(), "{} stands twice", ids(row));
        }
    }
    scores
}

/// The dead letters on Kafka.
pub(crate) fn letters(cluster: &Cluster) -> Vec<ReadDeadLetter> {
    let received = read_all(cluster, "particles.dead-letters", kafka::dead_letters_schema().unwrap());
    received.iter().flat_map(|received| ReadDeadLetter::from_rows(&received.rows).unwrap()).collect()
}

/// The scores of a run in one process over the same input.
pub(crate) fn scores_in_one_process(cluster: &Cluster) -> Scores {
    cluster.beamline(&["--quiet", "replay", "stream.yaml", "--out", "results"]);
    scores_in(cluster, &["--results", "results"])
}

/// The scores of a store, which `place` names for the command line. An event that stands twice is a failure.
pub(crate) fn scores_in(cluster: &Cluster, place: &[&str]) -> Scores {
    let question = "SELECT event_id, anomaly_score, coalesce(trace_id, '') AS trace, \
                    coalesce(anomaly_reasons, '') AS reasons FROM processed_data WHERE timestamp > '2024-12-31'";
    let answer = cluster.beamline(&[&["query", "--format", "csv", "--limit", "0"], place, &[question]].concat());
    let scores: Scores = answer
        .lines()
        .skip(1)
        .map(|line| {
            let mut cells = line.splitn(4, ',');
            let [id, score, trace, reasons] = [(); 4].map(|()| cells.next().unwrap());
            let bits = if score.is_empty() { NO_SCORE } else { score.parse::<f64>().unwrap().to_bits() };
            (id.to_owned(), (bits, reasons.trim_matches('"').to_owned(), trace.trim_matches('"').to_owned()))
        })
        .collect();
    assert_eq!(scores.len(), answer.lines().count() - 1, "each event once in {place:?}");
    scores
}

/// Says where two runs differ.
pub(crate) fn assert_same(found: &Scores, wanted: &Scores) {
    let missing: Vec<&String> = wanted.keys().filter(|id| !found.contains_key(*id)).take(5).collect();
    let foreign: Vec<&String> = found.keys().filter(|id| !wanted.contains_key(*id)).take(5).collect();
    assert!(missing.is_empty() && foreign.is_empty(), "lost: {missing:?}, from nowhere: {foreign:?}");
    let differ: Vec<_> = found.iter().filter(|(id, score)| wanted[*id] != **score).take(5).collect();
    assert!(differ.is_empty(), "scored differently: {differ:?}");
}
