//! Kafka, a registry and writers as processes, fed with scored events whose values are known.

use std::{
    env,
    path::PathBuf,
    process::Command,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use arrow::array::AsArray;
use broker::{Connection, Offsets};
use codec::Encoder;
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
    consumer::{BaseConsumer, CommitMode, Consumer},
    producer::{BaseProducer, BaseRecord, Producer},
};
use registry::Registry;
use servers::{Apicurio, Kafka, KafkaOptions, Program, free_port};
use stream::Stream;

use crate::{rows, sinks::Store};

/// One cluster at a time: several on a small machine are slower than one after the other.
static ALONE: Mutex<()> = Mutex::new(());
/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(120);
/// Between two handfuls of events.
const TICK: Duration = Duration::from_millis(50);

/// Servers with the topics of the particle stream.
pub(crate) struct Cluster {
    kafka: Kafka,
    apicurio: Apicurio,
    stream: Arc<Stream>,
    // After the servers: the next one begins when they have ended.
    _alone: MutexGuard<'static, ()>,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let kafka = Kafka::start(KafkaOptions::default()).unwrap();
        let cluster = Self { kafka, apicurio: Apicurio::start().unwrap(), stream: rows::stream(), _alone: alone };
        let applied =
            Command::new(program("beamline")).args(["topics", "apply", definition()]).envs(cluster.envs()).status();
        assert!(applied.unwrap().success());
        cluster
    }

    fn envs(&self) -> [(&'static str, String); 2] {
        [("BEAMLINE_KAFKA_BOOTSTRAP", self.kafka.bootstrap()), ("BEAMLINE_REGISTRY_URL", self.apicurio.url())]
    }

    /// Starts a writer, which holds rows for `interval` at most.
    pub(crate) fn writer(&self, store: &Store, instance: &str, interval: &str) -> Writer {
        let address = format!("127.0.0.1:{}", free_port());
        let place = if store.backend == "cql" { "--cql" } else { "--lake" };
        let arguments = [
            ["--stream", definition()],
            ["--listen", &address],
            ["--instance", instance],
            ["--backend", &store.backend],
            [place, &store.at],
            ["--batch-interval", interval],
            ["--batch-rows", "200000"],
        ];
        let envs = self.envs();
        let envs: Vec<(&str, &str)> = envs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Writer { program: Program::start(program("writer"), arguments.as_flattened(), &envs).unwrap(), address }
    }

    /// What a writer of a backend reads, in this process.
    pub(crate) fn feed(&self, backend: &str) -> writer::KafkaFeed {
        let registry = Registry::new(&registry::Settings::new(self.apicurio.url())).unwrap();
        let connection = Connection::plaintext(self.kafka.bootstrap());
        let sources = stores::sources(&self.stream).unwrap();
        writer::KafkaFeed::new(&connection, &registry, &group(backend), &sources, backend).unwrap()
    }

    /// Sends events `from..to`, so many a second, from a thread of its own. Event `n` goes to partition `n % partitions`.
    pub(crate) fn send(&self, from: u64, to: u64, rate: u64) -> JoinHandle<()> {
        let (stream, bootstrap) = (self.stream.clone(), self.kafka.bootstrap());
        let schema = stream.scored_schema().unwrap();
        let registry = Registry::new(&registry::Settings::new(self.apicurio.url())).unwrap();
        let topic = stream.topics().scored;
        let id = registry.register(&format!("{topic}-value"), schema.avro()).unwrap();
        thread::spawn(move || {
            // Without idempotence a request that is sent again after a time-out, on a busy machine, puts its events into
            // the topic a second time.
            let producer: BaseProducer = ClientConfig::new()
                .set("bootstrap.servers", bootstrap)
                .set("enable.idempotence", "true")
                .create()
                .unwrap();
            let mut encoder = Encoder::new(schema, id).unwrap();
            let partitions = u64::from(stream.definition.spec.partitions);
            let (begun, mut sent) = (Instant::now(), from);
            while sent < to {
                let due = from + begun.elapsed().as_millis() as u64 * rate / 1_000;
                let numbers: Vec<u64> = (sent..due.min(to)).collect();
                let events = rows::events(&stream, &numbers);
                let messages = encoder.encode(&events).unwrap();
                let keys = events.column_by_name("detector_id").unwrap().as_string::<i32>().clone();
                for (row, number) in numbers.iter().enumerate() {
                    let payload = messages.message(row);
                    let record = BaseRecord::to(&topic).key(keys.value(row)).payload(payload.as_ref());
                    producer.send(record.partition((number % partitions) as i32)).map_err(|(error, _)| error).unwrap();
                }
                sent += numbers.len() as u64;
                producer.poll(TICK);
            }
            producer.flush(LIMIT).unwrap();
            let written: i64 = (0..partitions as i32)
                .map(|partition| producer.client().fetch_watermarks(&topic, partition, LIMIT).unwrap().1)
                .sum();
            assert_eq!(written as u64, to, "{topic} has each event once");
        })
    }

    /// What a backend's group has committed of the scored events, all partitions together.
    pub(crate) fn committed(&self, backend: &str) -> u64 {
        let offsets = Offsets::connect(&Connection::plaintext(self.kafka.bootstrap())).unwrap();
        let partitions: Vec<u32> = (0..self.stream.definition.spec.partitions).collect();
        let committed = offsets.committed(&group(backend), &self.stream.topics().scored, &partitions).unwrap();
        committed.values().map(|committed| committed.offset as u64).sum()
    }

    /// Waits until a backend's group has committed so many events.
    pub(crate) fn wait_until_stored(&self, backend: &str, events: u64, writers: &[&Writer]) {
        let begun = Instant::now();
        while self.committed(backend) < events {
            if begun.elapsed() > LIMIT {
                let logs: Vec<String> = writers.iter().map(|writer| writer.program.log()).collect();
                panic!("{backend}: {} of {events} events\n{}", self.committed(backend), logs.join("\n----\n"));
            }
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// Deletes what a backend's group has committed; it may have no members.
    pub(crate) fn delete_group(&self, backend: &str) {
        let begun = Instant::now();
        loop {
            let group = group(backend);
            let deleted = admin(self, async |admin, options| {
                let deleted = admin.delete_groups(&[&group], options).await.unwrap();
                deleted.into_iter().all(|group| group.is_ok())
            });
            if deleted {
                return;
            }
            // A member that was killed is one until its session ends.
            assert!(begun.elapsed() < LIMIT, "{group} still has members");
            thread::sleep(Duration::from_millis(500));
        }
    }

    /// Commits where a backend's group, which has no members, stands in every partition.
    pub(crate) fn commit(&self, backend: &str, offset: i64) {
        let client: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.kafka.bootstrap())
            .set("group.id", group(backend))
            .create()
            .unwrap();
        let begun = Instant::now();
        // A coordinator that has just been chosen says so at first.
        while let Err(error) = client.commit(&self.everywhere(offset), CommitMode::Sync) {
            assert!(begun.elapsed() < LIMIT, "{error}");
            thread::sleep(Duration::from_millis(200));
        }
    }

    fn everywhere(&self, offset: i64) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for partition in 0..self.stream.definition.spec.partitions {
            let topic = self.stream.topics().scored;
            list.add_partition_offset(&topic, partition as i32, Offset::Offset(offset)).unwrap();
        }
        list
    }

    /// Deletes the first events of every partition, as a topic's retention does.
    pub(crate) fn delete_events(&self, before: i64) {
        let list = self.everywhere(before);
        admin(self, async |admin, options| {
            admin.delete_records(&list, options).await.unwrap();
        });
    }
}

fn admin<T>(cluster: &Cluster, act: impl AsyncFnOnce(&AdminClient<DefaultClientContext>, &AdminOptions) -> T) -> T {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", cluster.kafka.bootstrap()).create().unwrap();
    store::query::block_on(act(&admin, &AdminOptions::new())).unwrap()
}

fn group(backend: &str) -> String {
    format!("beamline.particle-events.writer-{backend}")
}

fn definition() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../streams/particle-events.yaml")
}

/// One of our programs, which `cargo test --workspace` has built beside the tests.
pub(crate) fn program(name: &str) -> PathBuf {
    env::current_exe().unwrap().ancestors().nth(2).unwrap().join(name)
}

/// A writer's process.
pub(crate) struct Writer {
    pub(crate) program: Program,
    address: String,
}

impl Writer {
    pub(crate) fn wait_until_ready(&self) {
        let ready = self.program.wait_for_http(&format!("http://{}/readyz", self.address), LIMIT);
        ready.unwrap_or_else(|error| panic!("{error}\n{}", self.program.log()));
    }

    /// Asks it to stop; gives how many rows it says that it has stored.
    pub(crate) fn stop(&self) -> u64 {
        self.program.signal("TERM").unwrap();
        let status = self.program.wait(LIMIT);
        let log = self.program.log();
        assert!(status.is_some_and(|status| status.success()), "{status:?}\n{log}");
        let line = log.lines().rev().find(|line| line.contains("stored") && line.contains("writes")).unwrap();
        let rows = line.split("rows").nth(1).unwrap().trim_start_matches(['"', ':', '=', ' ']);
        rows.split(|letter: char| !letter.is_ascii_digit()).next().unwrap().parse().unwrap()
    }
}
