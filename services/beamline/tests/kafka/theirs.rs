//! Topics that a program of somebody else writes: `init --kafka` looks at them, the definition that it writes runs as it
//! is, and each message becomes one event, whatever is killed meanwhile.

mod answers;
mod counted;
mod elsewhere;
mod program;

use std::{
    env, fs,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use arrow::{array::AsArray, datatypes::TimestampMicrosecondType};
use broker::{Connection, Reports};
use kafka::Step;
use rdkafka::{
    message::{Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer},
};

pub(crate) use self::counted::create;
use self::{
    counted::{each_batch, events, messages, time_of, wait_for_messages, wait_for_writer},
    program::Program,
};
use crate::cluster::{Cluster, Service};

/// The schema of the readings, for plain Avro.
const AVRO: &str = r#"{ "type": "record", "name": "Reading", "namespace": "org.theirs", "fields": [
  { "name": "reading_id", "type": "string" },
  { "name": "sensor", "type": "string" },
  { "name": "measured_at", "type": { "type": "long", "logicalType": "timestamp-millis" } },
  { "name": "temperature", "type": "double" },
  { "name": "humidity", "type": ["null", "double"], "default": null } ] }"#;

/// Time-outs of a generator and of workers: a fault must be longer than these to take partitions away.
const WORKER: [&str; 4] = ["--session-timeout", "6s", "--transaction-timeout", "4s"];

#[test]
fn a_topic_in_json_is_scored_by_the_definition_that_init_writes() {
    let Some(python) = servers::python().unwrap() else {
        println!("skipped: there is no Python with venv");
        return;
    };
    let cluster = Cluster::start();
    let hosts = cluster.kafka.bootstrap();
    create(&cluster.connection(), "sensors", 3, 1, &[]);
    Program::start(&cluster, &python, &["3000", "0", "sensors", "json"]).finish();
    let said = cluster.beamline(&["init", "--kafka", &hosts, "--topic", "sensors"]);
    assert!(
        said.contains("id: reading_id") && said.contains("key: sensor") && said.contains("time: measured_at"),
        "{said}"
    );
    assert!(!said.contains("dead letters"), "{said}");
    cluster.beamline(&["topics", "apply", "sensors-events.yaml"]);
    let generators = ["g1", "g2"].map(|name| cluster.service_of("sensors-events.yaml", "generator", name, &[]));
    let detector = cluster.service_of("sensors-events.yaml", "anomaly-detector", "d", &["--fused"]);
    wait_for_messages(
        &cluster,
        "sensors-events.yaml",
        3000,
        Duration::from_secs(60),
        &[&generators[0], &generators[1]],
    );
    assert_eq!(events(&cluster, "sensors-events.yaml"), messages(&cluster, "sensors"));
    let begun = Instant::now();
    while cluster.ledger_of("sensors-events", 4, Step::Fused).records < 3000 {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", detector.program.log());
        thread::sleep(Duration::from_millis(200));
    }
    generators.iter().for_each(Service::stop);
    detector.stop();
    let ledger = cluster.beamline(&["topics", "ledger", "sensors-events.yaml"]);
    assert!(ledger.contains("3000 taken in = 3000 sent + 0 dead letters"), "{ledger}");

    // The command that `init` prints: everything in one process.
    cluster.beamline(&["init", "--kafka", &hosts, "--topic", "sensors", "--name", "second"]);
    let said = cluster.beamline(&["run", "second.yaml", "--kafka", &hosts, "--for", "8s"]);
    assert!(said.contains("3000 taken in = 3000 sent") && said.contains("the ledger balances"), "{said}");
}

/// What befalls whom, in turn.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Generator,
    Program,
    Broker,
    Pause,
}

/// How much, unless a run of its own asks for more: readings of each topic, and faults.
const SHORT: (u64, u64) = (24_000, 4);

#[test]
fn faults_make_each_message_of_another_program_one_event() {
    let Some(python) = servers::python().unwrap() else {
        println!("skipped: there is no Python with venv");
        return;
    };
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let faults = number("BEAMLINE_FAULTS").unwrap_or(SHORT.1);
    let count = if faults > SHORT.1 { faults * 6_000 } else { SHORT.0 };
    let cluster = Cluster::start_three();
    let topics = [("readings", "json"), ("readings-avro", "avro")];
    fs::write(cluster.path("reading.avsc"), AVRO).unwrap();
    for (topic, _) in topics {
        create(&cluster.connection(), topic, 5, 3, &[("min.insync.replicas", "2")]);
    }
    let (all, pause) = (count.to_string(), "150");
    let mut programs = topics.map(|(topic, format)| {
        let arguments = [all.as_str(), pause, topic, format, "reading.avsc"];
        Program::start(&cluster, &python, if format == "json" { &arguments[..4] } else { &arguments })
    });
    let files = topics.map(|(topic, _)| format!("{topic}-events.yaml"));
    for (topic, _) in topics {
        wait_for_writer(&cluster, topic, 1_000);
    }
    for ((topic, format), file) in topics.iter().zip(&files) {
        let hosts = cluster.kafka.bootstrap();
        let init = ["init", "--kafka", hosts.as_str(), "--topic", topic, "--schema", "reading.avsc"];
        cluster.beamline(if *format == "json" { &init[..5] } else { &init });
        cluster.beamline(&["topics", "apply", file]);
    }
    let start = |file: &str, instance: &str| cluster.service_of(file, "generator", instance, &WORKER[2..]);
    let mut generators: Vec<(usize, Service)> =
        [(0, "a"), (0, "b"), (1, "c"), (1, "d")].map(|(file, name)| (file, start(&files[file], name))).into();
    generators.iter().for_each(|(_, generator)| generator.wait_until_ready());
    for fault in 0..faults {
        let kind = [Fault::Generator, Fault::Program, Fault::Broker, Fault::Pause][fault as usize % 4];
        let begun = Instant::now();
        match kind {
            Fault::Generator => {
                let (file, generator) = generators.remove(0);
                generator.program.signal("KILL").unwrap();
                generators.push((file, start(&files[file], &format!("g{fault}"))));
            }
            Fault::Program => programs.iter_mut().for_each(Program::kill_and_start),
            Fault::Broker => {
                let node = cluster.kafka.node(fault as usize % 3);
                node.kill();
                thread::sleep(Duration::from_secs(1));
                node.start().unwrap();
            }
            Fault::Pause => {
                // Longer than its session: its partitions have gone to the other when it wakes up.
                let program = &generators[1].1.program;
                program.signal("STOP").unwrap();
                thread::sleep(Duration::from_secs(12));
                program.signal("CONT").unwrap();
            }
        }
        println!("{:>3} {kind:?} took {:.1} s", fault + 1, begun.elapsed().as_secs_f64());
        thread::sleep(Duration::from_millis(1500));
    }
    programs.into_iter().for_each(Program::finish);
    for (index, ((topic, _), file)) in topics.iter().zip(&files).enumerate() {
        let written = messages(&cluster, topic);
        let total: u64 = written.values().sum();
        let running: Vec<&Service> =
            generators.iter().filter(|(of, _)| *of == index).map(|(_, generator)| generator).collect();
        wait_for_messages(&cluster, file, total, Duration::from_secs(180), &running);
        let found = events(&cluster, file);
        let differ: Vec<_> = written.iter().filter(|(id, count)| found.get(*id) != Some(*count)).take(5).collect();
        println!("{topic}: {total} messages, {} events", found.values().sum::<u64>());
        assert!(differ.is_empty() && found.len() == written.len(), "{topic}: {differ:?}");
    }
    for (_, generator) in &generators {
        generator.program.signal("KILL").unwrap();
    }
}

/// A producer of single messages.
fn producer(connection: &Connection, compression: &str) -> BaseProducer<Reports> {
    connection
        .client(Reports::default(), |config| {
            config.set("compression.type", compression).set("linger.ms", "0");
        })
        .unwrap()
}

fn send(producer: &BaseProducer<Reports>, topic: &str, key: Option<&str>, value: Option<&str>) {
    let mut record: BaseRecord<'_, str, str> = BaseRecord::to(topic).partition(0);
    record = record.headers(OwnedHeaders::new().insert(Header { key: "run", value: Some("7") }));
    if let Some(key) = key {
        record = record.key(key);
    }
    if let Some(value) = value {
        record = record.payload(value);
    }
    producer.send(record).map_err(|(error, _)| error).unwrap();
    producer.flush(Duration::from_secs(10)).unwrap();
}

/// A stream of all topics that a pattern matches, whose identity, key and time are the message's own.
const OWN: &str = r#"
apiVersion: beamline.dev/v1
kind: Stream
metadata: { name: own }
spec:
  schema: own.avsc
  id: id
  key: key
  time: time
  partitions: 4
  source:
    kafka:
      pattern: "their\\..*"
      format: json
      START
      derive:
        id: "concat($topic, '-', CAST($partition AS VARCHAR), '-', CAST($offset AS VARCHAR))"
        key: "coalesce($key, 'none')"
        time: "$timestamp"
        run: "$headers['run']"
"#;

const OWN_SCHEMA: &str = r#"{ "type": "record", "name": "Own", "fields": [
  { "name": "id", "type": "string" },
  { "name": "key", "type": "string" },
  { "name": "time", "type": { "type": "long", "logicalType": "timestamp-millis" } },
  { "name": "run", "type": ["null", "string"], "default": null },
  { "name": "x", "type": ["null", "double"], "default": null } ] }"#;

/// Each of these is an answer of `docs/your-topic.md`.
#[test]
fn what_a_topic_may_do_has_an_answer() {
    let cluster = Cluster::start();
    let connection = cluster.connection();
    fs::write(cluster.path("own.avsc"), OWN_SCHEMA).unwrap();
    fs::write(cluster.path("own.yaml"), OWN.replace("START", "start: earliest")).unwrap();
    create(&connection, "their.a", 1, 1, &[]);
    create(&connection, "their.append", 1, 1, &[("message.timestamp.type", "LogAppendTime")]);
    cluster.beamline(&["topics", "apply", "own.yaml"]);
    let taken = |count: u64, generator: &Service| {
        wait_for_messages(&cluster, "own.yaml", count, Duration::from_secs(60), &[generator]);
    };
    let generator = cluster.service_of("own.yaml", "generator", "g", &[]);

    // Every compression, with and without a key; a tombstone, and what is not JSON.
    for (index, compression) in ["none", "gzip", "snappy", "lz4", "zstd"].into_iter().enumerate() {
        let key = (index > 0).then_some("k");
        send(&producer(&connection, compression), "their.a", key, Some(&format!("{{\"x\": {index}}}")));
    }
    let plain = producer(&connection, "none");
    send(&plain, "their.a", Some("k"), None);
    send(&plain, "their.a", None, Some("not JSON"));
    let before = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    let old: BaseRecord<'_, str, str> = BaseRecord::to("their.append").payload("{\"x\": 1}").timestamp(1_000);
    plain.send(old).map_err(|(error, _)| error).unwrap();
    plain.flush(Duration::from_secs(10)).unwrap();
    taken(8, &generator);
    let found = events(&cluster, "own.yaml");
    let wanted: Vec<String> =
        (0..5).map(|offset| format!("their.a-0-{offset}")).chain(["their.append-0-0".into()]).collect();
    assert_eq!(found.keys().cloned().collect::<Vec<_>>(), wanted);
    let rows = cluster.beamline(&[
        "query",
        "--kafka",
        &cluster.kafka.bootstrap(),
        "--stream",
        "own.yaml",
        "--format",
        "csv",
        "SELECT offset, reason FROM dead_letters ORDER BY offset",
    ]);
    assert!(rows.contains("5,the message has no value (a tombstone)") && rows.contains("6,"), "{rows}");
    // The producer wrote 1970; the broker's time counts.
    assert!(time_of(&cluster, "own.yaml", "their.append-0-0").unwrap() >= before);
    assert_eq!(cluster.beamline_ends(&["run", "own.yaml"]).0, Some(64), "topics are read on Kafka only");

    // A topic that a pattern matches later, a partition more, and a topic that is created again: from their beginning.
    create(&connection, "their.b", 1, 1, &[]);
    send(&plain, "their.b", None, Some("{\"x\": 1}"));
    taken(9, &generator);
    let admin = broker::Admin::connect(&connection).unwrap();
    admin.add_partitions("their.b", 2).unwrap();
    thread::sleep(Duration::from_secs(1));
    let second: BaseRecord<'_, str, str> = BaseRecord::to("their.b").partition(1).payload("{\"x\": 2}");
    // A producer that does not know the topic as it was.
    let wider = producer(&connection, "none");
    wider.send(second).map_err(|(error, _)| error).unwrap();
    wider.flush(Duration::from_secs(10)).unwrap();
    taken(10, &generator);
    generator.stop();
    admin.delete(&["their.a"]).unwrap();
    thread::sleep(Duration::from_secs(2));
    create(&connection, "their.a", 1, 1, &[]);
    // As many as there were, so that only the messages themselves tell that the topic is another one.
    let fresh = producer(&connection, "none");
    for index in 0..8 {
        send(&fresh, "their.a", Some("again"), Some(&format!("{{\"x\": {index}}}")));
    }
    let generator = cluster.service_of("own.yaml", "generator", "g", &[]);
    taken(18, &generator);
    let found = events(&cluster, "own.yaml");
    assert_eq!(found["their.a-0-0"], 2, "{found:?}");
    assert_eq!((found["their.b-1-0"], found["their.a-0-7"], found.values().sum::<u64>()), (1, 1, 16));
    generator.stop();
}

/// Nothing can be committed in the other cluster: the places are in the stream's own.
#[test]
fn a_topic_of_another_cluster_is_read_once_whoever_is_killed() {
    let cluster = Cluster::start();
    let other = servers::Kafka::start(servers::KafkaOptions::default()).unwrap();
    let theirs = Connection::plaintext(other.bootstrap());
    create(&theirs, "their.far", 3, 1, &[]);
    let write = |numbers: std::ops::Range<u64>| {
        let producer = producer(&theirs, "lz4");
        for number in numbers {
            let value = format!("{{\"x\": {number}}}");
            let record: BaseRecord<'_, str, str> =
                BaseRecord::to("their.far").partition((number % 3) as i32).payload(value.as_str());
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(Duration::from_secs(10)).unwrap();
    };
    fs::write(cluster.path("own.avsc"), OWN_SCHEMA).unwrap();
    let from = format!("start: earliest\n      cluster: {{ brokers: \"{}\" }}", other.bootstrap());
    fs::write(cluster.path("own.yaml"), OWN.replace("START", &from)).unwrap();
    cluster.beamline(&["topics", "apply", "own.yaml"]);
    let mut generators: Vec<Service> =
        ["a", "b"].map(|name| cluster.service_of("own.yaml", "generator", name, &WORKER[2..])).into();
    for round in 0..4 {
        write(round * 3_000..(round + 1) * 3_000);
        // Somewhere in the middle of it.
        thread::sleep(Duration::from_millis(300));
        generators.remove(0).program.signal("KILL").unwrap();
        generators.push(cluster.service_of("own.yaml", "generator", &format!("r{round}"), &WORKER[2..]));
    }
    wait_for_messages(&cluster, "own.yaml", 12_000, Duration::from_secs(120), &generators.iter().collect::<Vec<_>>());
    let found = events(&cluster, "own.yaml");
    assert!(found.len() == 12_000 && found.values().all(|count| *count == 1), "{} of 12000", found.len());
    generators.iter().for_each(Service::stop);
}

/// As ZTF and Rubin send them, with records within records, arrays of them, images, and times in Julian days.
#[test]
fn alerts_are_read_in_containers_and_framed() {
    let Some(python) = servers::python().unwrap() else {
        println!("skipped: there is no Python with venv");
        return;
    };
    let cluster = Cluster::start();
    let (hosts, registry) = (cluster.kafka.bootstrap(), cluster.apicurio.url());
    for topic in ["alerts.container", "alerts.framed"] {
        create(&cluster.connection(), topic, 2, 1, &[]);
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kafka/alerts.py");
    let sent = Command::new(&python).arg(script).args([hosts.as_str(), &registry, "300"]).status().unwrap();
    assert!(sent.success());
    for (topic, format, id) in
        [("alerts.container", "avro-container", "id: candid"), ("alerts.framed", "confluent-avro", "id: diaSourceId")]
    {
        let said = cluster.beamline(&["init", "--kafka", &hosts, "--topic", topic]);
        assert!(said.contains(id) && !said.contains("dead letters"), "{said}");
        let file = format!("{}-events.yaml", topic.replace('.', "-"));
        let definition = fs::read_to_string(cluster.path(&file)).unwrap();
        assert!(definition.contains(&format!("format: {format}")), "{definition}");
        cluster.beamline(&["topics", "apply", &file]);
        let generator = cluster.service_of(&file, "generator", "g", &[]);
        wait_for_messages(&cluster, &file, 300, Duration::from_secs(60), &[&generator]);
        let found = events(&cluster, &file);
        assert!(found.len() == 300 && found.values().all(|count| *count == 1), "{topic}: {} of 300", found.len());
        let time = service::load_stream(&cluster.path(&file)).unwrap().definition.spec.time.clone();
        let mut first = i64::MAX;
        each_batch(&cluster, &file, |rows| {
            let times = rows[time.as_str()].as_primitive::<TimestampMicrosecondType>();
            first = first.min(times.iter().flatten().min().unwrap_or(i64::MAX));
        });
        // 2025-01-01, in UTC: a double of Julian days is exact to 40 microseconds, and Rubin's count TAI.
        assert!((first - 1_735_689_600_000_000).abs() < 100, "{topic}: {first}");
        generator.stop();
    }
}
