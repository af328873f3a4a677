//! Probes: they change nothing of what a stream gives, and say how old rows are when a store has them.

use std::{
    collections::BTreeMap,
    fs, thread,
    time::{Duration, Instant},
};

use broker::Reports;
use kafka::Step;
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::Headers,
};
use servers::{Cassandra, Prometheus};

use crate::{
    cluster::{Cluster, Service},
    input, monitoring, results, windows,
};

const EVENTS: u64 = 30_000;
/// How often the generator of the replay is started: each begins with probes.
const PARTS: u64 = 6;
const PARTITIONS: u64 = 8;

#[test]
fn probes_among_the_events_of_a_replay_change_no_row_and_no_window() {
    let (plain, probed) = (Given::with(&[]), Given::with(&["--probes", "on"]));
    let probes = probed.counted[0];
    assert!(probes >= PARTS * PARTITIONS && probed.counted == [probes; 4], "generator and steps: {:?}", probed.counted);
    assert_eq!(plain.counted, [0; 4], "a replay of files has none unless they are asked for");
    assert_eq!((probed.without_value, plain.without_value), (probes as usize, 0));
    assert!(plain.rows.values().map(Vec::len).sum::<usize>() > EVENTS as usize / 2);
    for (partition, rows) in &plain.rows {
        let same = probed.rows.get(partition) == Some(rows);
        assert!(same, "the rows of partition {partition} are those without probes, to the last byte");
    }
    assert!(plain.windows.len() > 100 && probed.windows == plain.windows, "{} windows", plain.windows.len());
    assert_eq!(probed.letters, plain.letters);
}

/// What came of a stream.
struct Given {
    /// The values of `S.scored` by partition, without the five bytes that name the schema.
    rows: BTreeMap<i32, Vec<Vec<u8>>>,
    /// How many records of it have none.
    without_value: usize,
    windows: windows::Windows,
    /// How many dead letters there are.
    letters: u64,
    /// Probes in the accounts of the generator, the enricher, the detector and the aggregator.
    counted: [u64; 4],
}

impl Given {
    /// Sends a file of the year 2019 in parts, with these flags of the generator, and sees what comes of it.
    fn with(flags: &[&str]) -> Self {
        let cluster = Cluster::start();
        input::write(&cluster.path("input.jsonl"), EVENTS);
        // An event's time has nothing to do with a probe's.
        let events = fs::read_to_string(cluster.path("input.jsonl")).unwrap();
        fs::write(cluster.path("input.jsonl"), events.replace("\"timestamp\": 1735", "\"timestamp\": 1546")).unwrap();
        let definition = fs::read_to_string(cluster.path("stream.yaml")).unwrap();
        fs::write(cluster.path("stream.yaml"), format!("{definition}{}", windows::AGGREGATES)).unwrap();
        cluster.beamline(&["topics", "apply", "stream.yaml"]);
        let services = ["enricher", "anomaly-detector", "aggregator"].map(|name| cluster.service(name, "s", &[]));
        for part in 1..=PARTS {
            let end = (EVENTS * part / PARTS).to_string();
            let generator = cluster.service("generator", "g", &[&["--once", "--events", &end], flags].concat());
            let ended = generator.program.wait(Duration::from_secs(120));
            assert!(ended.is_some_and(|status| status.success()), "{}", generator.program.log());
        }
        Self::of(&cluster, services)
    }

    fn of(cluster: &Cluster, services: [Service; 3]) -> Self {
        let (sent, begun) = (cluster.sent(), Instant::now());
        let ledger = |step| cluster.ledger(step);
        let counted = || [Step::Enrich, Step::Detect, Step::Aggregate].map(|step| ledger(step).probes);
        while ledger(Step::Enrich).records < sent.sent
            || ledger(Step::Detect).records < ledger(Step::Enrich).out
            || counted() != [sent.probes; 3]
        {
            let logs = || services.iter().map(|service| service.program.log()).collect::<Vec<_>>().join("\n");
            assert!(begun.elapsed() < Duration::from_secs(120), "{:?}, {sent:?}\n{}", counted(), logs());
            thread::sleep(Duration::from_millis(200));
        }
        let stream = service::load_stream(&cluster.path("stream.yaml")).unwrap();
        windows::wait_for_aggregates(cluster, &stream, ledger(Step::Detect).out, &services);
        services.iter().for_each(Service::stop);
        let said = cluster.beamline(&["topics", "ledger", "stream.yaml"]);
        assert!(said.contains("the ledger balances"), "{said}");
        assert_eq!(said.matches(&format!("; {} probes", sent.probes)).count(), if sent.probes > 0 { 4 } else { 0 });
        // Compacted topics have none: a record without a value deletes a key there.
        let topics = stream.topics();
        for topic in [&topics.aggregates, &topics.detector_state, &topics.aggregator_state, &topics.anomalies] {
            let headers = records(cluster, topic).into_iter().filter(|(_, _, is_probe)| *is_probe).count();
            assert_eq!(headers, 0, "probes in {topic}");
        }
        let mut rows: BTreeMap<i32, Vec<Vec<u8>>> = BTreeMap::new();
        let scored = records(cluster, &topics.scored);
        let without_value = scored.iter().filter(|(_, value, _)| value.is_none()).count();
        for (partition, value, _) in scored {
            rows.entry(partition).or_default().extend(value.map(|value| value[5..].to_vec()));
        }
        let [enriched, detected, aggregated] = counted();
        let letters = [Step::Enrich, Step::Detect, Step::Aggregate].map(|step| ledger(step).dead_lettered).iter().sum();
        let windows = windows::on_kafka(cluster, &stream);
        Self { rows, without_value, windows, letters, counted: [sent.probes, enriched, detected, aggregated] }
    }
}

/// Every committed record of a topic as a client that is not ours sees it: its partition, its value, and whether it says
/// that it is a probe.
fn records(cluster: &Cluster, topic: &str) -> Vec<(i32, Option<Vec<u8>>, bool)> {
    results::wait_until_decided(cluster, topic);
    let consumer: BaseConsumer<Reports> = cluster
        .connection()
        .client(Reports::default(), |config| {
            config
                .set("group.id", "foreign")
                .set("isolation.level", "read_committed")
                .set("enable.auto.commit", "false")
                .set("enable.partition.eof", "true");
        })
        .unwrap();
    let partitions = cluster.offsets().partitions(topic).unwrap();
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition_offset(topic, partition as i32, Offset::Beginning).unwrap();
    }
    consumer.assign(&list).unwrap();
    let (mut found, mut ended) = (Vec::new(), 0);
    while ended < partitions {
        match consumer.poll(Duration::from_secs(30)) {
            Some(Ok(message)) => {
                let is_probe = message
                    .headers()
                    .is_some_and(|headers| headers.iter().any(|header| header.key == "beamline-probe"));
                found.push((message.partition(), message.payload().map(<[u8]>::to_vec), is_probe));
            }
            Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
            other => panic!("{topic}: {other:?}"),
        }
    }
    found
}

#[test]
fn a_live_stream_says_in_every_store_how_old_its_rows_are() {
    let cluster = Cluster::start();
    let cassandra = Cassandra::start().unwrap();
    let node = cassandra.contact_point();
    let definition = fs::read_to_string(cluster.path("stream.yaml")).unwrap();
    let live = definition.replace("files: { paths: [input.jsonl] }", "synthetic: { profile: uniform, rate: 500 }");
    assert_ne!(live, definition);
    fs::write(cluster.path("stream.yaml"), live).unwrap();
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    cluster.beamline(&["store", "apply", "stream.yaml", "--cql", &node, "--replication", "1"]);
    let (delta, parquet) = (cluster.path("delta").display().to_string(), cluster.path("parquet").display().to_string());
    let places = [("cql", ["--cql", &node]), ("delta", ["--lake", &delta]), ("parquet", ["--lake", &parquet])];
    let steps = ["generator", "enricher", "anomaly-detector"].map(|name| cluster.service(name, name, &[]));
    let writers = places.map(|(backend, place)| {
        let more = ["--backend", backend, place[0], place[1], "--batch-interval", "500ms"];
        cluster.service("writer", backend, &more)
    });
    let addresses: Vec<&str> = steps.iter().chain(&writers).map(|service| service.address.as_str()).collect();
    let prometheus = Prometheus::start_if_there(&addresses).unwrap();
    for ((backend, place), writer) in places.iter().zip(&writers) {
        let begun = Instant::now();
        let row = loop {
            let sql = "SELECT count(*), count(DISTINCT partition), min(sequence), max(age_ms) FROM probes";
            let (code, printed, said) =
                cluster.beamline_ends(&[&["query", "--format", "csv"], &place[..], &[sql]].concat());
            let cells: Vec<i64> =
                printed.lines().nth(1).into_iter().flat_map(|row| row.split(',')).flat_map(str::parse).collect();
            if code == Some(0) && cells.len() == 4 && cells[1] == PARTITIONS as i64 && cells[2] >= 5 {
                break cells;
            }
            let log = writer.program.log();
            assert!(begun.elapsed() < Duration::from_secs(90), "{backend}: {code:?} {printed}{said}\n{log}");
            thread::sleep(Duration::from_millis(500));
        };
        println!("{backend}: partitions, sequence and age in ms: {row:?}");
        assert_eq!(row[0], PARTITIONS as i64, "{backend}: one row a partition, however many probes came");
        assert!((1..20_000).contains(&row[3]), "{backend}: {row:?}");
        let (_, metrics) = servers::http_get(&format!("http://{}/metrics", writer.address)).unwrap();
        let counted = metrics
            .lines()
            .find(|line| line.starts_with("beamline_probe_age_seconds_count"))
            .and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        assert!(counted.is_some_and(|count| count >= 40.0), "{metrics}");
        let stream = service::load_stream(&cluster.path("stream.yaml")).unwrap();
        let notes = kafka::stored_notes(&cluster.offsets(), &stream, backend).unwrap();
        println!("{backend}: {:?}", notes.get(&0));
        assert_eq!(notes.len(), PARTITIONS as usize);
        assert!(notes.values().all(|note| note.p50 > 0 && note.p50 <= note.p99 && note.sent <= note.stored));
    }
    let (enriched, detected) = (cluster.ledger(Step::Enrich), cluster.ledger(Step::Detect));
    assert!(enriched.balances() && detected.balances() && detected.probes > 0, "{enriched:?} {detected:?}");
    // An event may have the energy at which the definition divides by zero.
    let letters = results::letters(&cluster);
    assert!(letters.iter().all(|letter| letter.kind == "expression"), "a probe is not a dead letter: {letters:?}");
    if let Some(prometheus) = prometheus {
        missing_probes_alarm(&prometheus, &writers[0]);
    }
    writers[0].program.signal("CONT").unwrap();
    writers.iter().chain(&steps).for_each(Service::stop);
}

/// Holds a writer up, and sees that the alert fires of its store and of no other.
fn missing_probes_alarm(prometheus: &Prometheus, writer: &Service) {
    let alert = monitoring::alerts().into_iter().find(|(name, _)| name == "BeamlineProbeMissing").unwrap().1;
    let firing = || prometheus.query(&alert).unwrap();
    assert!(firing().is_empty(), "all is well");
    writer.program.signal("STOP").unwrap();
    let begun = Instant::now();
    let fired = loop {
        let fired = firing();
        if !fired.is_empty() {
            break fired;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "no alert after a minute");
        thread::sleep(Duration::from_millis(500));
    };
    println!("the alert fired {:?} after the writer was stopped", begun.elapsed());
    assert!(begun.elapsed() > Duration::from_secs(25));
    let said = format!("{fired:?}");
    assert!(said.contains("cql") && !said.contains("delta") && !said.contains("parquet"), "{said}");
}
