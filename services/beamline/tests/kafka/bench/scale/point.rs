//! One point of an axis: a full topic, and what the services use that work it off.

use std::{
    fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use broker::{Admin, Offsets};
use kafka::Step;
use rdkafka::producer::Producer;

use crate::{
    bench::usage::{cpu_seconds, peak_mebibytes},
    cluster::{Cluster, Service},
};

const LIMIT: Duration = Duration::from_secs(600);
const SETTLING: Duration = Duration::from_secs(120);

/// What is run: its name is its stream's.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub name: String,
    /// Processes of each step.
    pub workers: u32,
    pub partitions: u32,
    pub keys: u64,
    /// Of a message's value.
    pub bytes: usize,
    /// Numbers of an event, and as many expressions.
    pub columns: usize,
    /// Open windows and groups: an aggregator counts them, and nothing is detected.
    pub groups: Option<u64>,
    /// Events that are measured.
    pub events: u64,
}

impl Point {
    /// Events before them: each key and group has one, so that what is measured finds all of them there.
    pub(super) fn before(&self) -> u64 {
        self.keys.max(self.groups.unwrap_or_default()).min(self.events)
    }
}

/// What all processes of a step used.
#[derive(Debug, Clone)]
pub(super) struct Used {
    /// Of an event, from the moment when all of them were there.
    pub cpu_seconds: f64,
    /// Of the largest of the processes, at its peak.
    pub mebibytes: f64,
    /// Of the group while it worked: none came or went.
    pub rebalances: f64,
    /// Of the group before, until each process had its share.
    pub joining: f64,
    /// Transactions, of all processes.
    pub transactions: f64,
    /// Of an event that was the first of its key or group.
    pub first_cpu_seconds: f64,
}

#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub point: Point,
    /// Of a value, on average.
    pub bytes: f64,
    /// Until the last step was done.
    pub seconds: f64,
    pub steps: Vec<Used>,
    /// Processor time of the broker, of an event.
    pub broker_seconds: f64,
    /// Bytes of an event on the broker's disk: raw, enriched, scored, and all that is left.
    pub stored: [f64; 4],
    /// Bytes of states that the detector had no memory for.
    pub spilled: f64,
}

struct Group {
    step: Step,
    name: &'static str,
    services: Vec<Service>,
}

impl Group {
    fn start(cluster: &Cluster, file: &str, point: &Point, (name, step): (&'static str, Step)) -> Self {
        let start = |number| cluster.service_of(file, name, &format!("{name}-{number}"), &[]);
        Self { step, name, services: (0..point.workers).map(start).collect() }
    }

    /// Waits until each process has its share of the partitions.
    fn settle(&self, point: &Point) {
        self.services.iter().for_each(Service::wait_until_ready);
        let (begun, share) = (Instant::now(), f64::from(point.partitions.div_ceil(point.workers)));
        loop {
            let owned: Vec<f64> =
                self.services.iter().map(|service| service.metric("beamline_partitions_assigned")).collect();
            if owned.iter().sum::<f64>() == f64::from(point.partitions) && owned.iter().all(|owned| *owned <= share) {
                return;
            }
            assert!(begun.elapsed() < SETTLING, "{} has {owned:?}\n{}", self.name, self.services[0].program.log());
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn sum(&self, metric: &str) -> f64 {
        self.services.iter().map(|service| service.metric(metric)).sum()
    }

    fn has(&self, events: u64, offsets: &Offsets, point: &Point) -> bool {
        for service in &self.services {
            assert!(service.program.wait(Duration::ZERO).is_none(), "{}", service.program.log());
        }
        let account = kafka::account(offsets, &point.name, point.partitions, self.step).unwrap().unwrap_or_default();
        account.records >= events
    }

    fn marks(&self) -> Marks {
        Marks {
            cpu_seconds: self.services.iter().map(|service| cpu_seconds(service.program.pid())).sum(),
            rebalances: self.sum("beamline_rebalances_total"),
            transactions: self.sum("beamline_transactions_committed_total"),
        }
    }

    /// From one moment on and to another.
    fn used(&self, point: &Point, [joined, begun, ended]: [Marks; 3]) -> Used {
        Used {
            cpu_seconds: (ended.cpu_seconds - begun.cpu_seconds) / point.events as f64,
            mebibytes: self.services.iter().map(|it| peak_mebibytes(it.program.pid())).fold(0.0, f64::max),
            rebalances: ended.rebalances - joined.rebalances,
            joining: joined.rebalances,
            transactions: ended.transactions - begun.transactions,
            first_cpu_seconds: (begun.cpu_seconds - joined.cpu_seconds) / point.before() as f64,
        }
    }
}

/// What the processes of a step had used at a moment.
#[derive(Clone, Copy)]
struct Marks {
    cpu_seconds: f64,
    rebalances: f64,
    transactions: f64,
}

pub(super) fn measure(cluster: &Cluster, point: Point) -> Measured {
    let file = point.define(cluster);
    let mut steps = vec![("enricher", Step::Enrich), ("anomaly-detector", Step::Detect)];
    if point.groups.is_some() {
        steps.push(("aggregator", Step::Aggregate));
    }
    let groups: Vec<Group> = steps.into_iter().map(|step| Group::start(cluster, &file, &point, step)).collect();
    groups.iter().for_each(|group| group.settle(&point));
    let stream = service::load_stream(&cluster.path(&file)).unwrap();
    let schema = cluster.registry().register(&format!("{}-value", point.name), stream.input.avro()).unwrap();
    let (offsets, producer) = (cluster.offsets(), point.producer(cluster));
    let marks = || groups.iter().map(Group::marks).collect::<Vec<_>>();
    // Gives how long it took.
    let work_off = |events: u64| {
        let begun = Instant::now();
        producer.commit_transaction(LIMIT).unwrap();
        while !groups.iter().rev().all(|group| group.has(events, &offsets, &point)) {
            assert!(begun.elapsed() < LIMIT, "{}: {}", point.name, groups[0].services[0].program.log());
            thread::sleep(Duration::from_millis(50));
        }
        begun.elapsed().as_secs_f64()
    };

    let (before, events) = (point.before(), point.events as f64);
    point.fill(&producer, schema, 0..before);
    let joined = marks();
    work_off(before);
    let (stored_before, broker) = (stored(cluster, &point.name), cluster.kafka.node(0).pid().unwrap());
    let broker_before = cpu_seconds(broker);
    let bytes = point.fill(&producer, schema, before..before + point.events);
    let begun = marks();
    let seconds = work_off(before + point.events);
    let stored_after = stored(cluster, &point.name);
    let ended = marks();
    let of = |(at, group): (usize, &Group)| group.used(&point, [joined[at], begun[at], ended[at]]);
    let measured = Measured {
        bytes: bytes as f64 / events,
        seconds,
        steps: groups.iter().enumerate().map(of).collect(),
        broker_seconds: (cpu_seconds(broker) - broker_before) / events,
        stored: std::array::from_fn(|place| stored_after[place].saturating_sub(stored_before[place]) as f64 / events),
        spilled: groups[1].sum("beamline_state_spilled_bytes"),
        point: point.clone(),
    };
    groups.iter().flat_map(|group| &group.services).for_each(Service::stop);
    let enriched = cluster.ledger_of(&point.name, point.partitions, Step::Enrich);
    assert_eq!(enriched.out, before + point.events, "{enriched:?}");
    let names = topics(cluster, &point.name);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Admin::connect(&cluster.connection()).unwrap().delete(&names).unwrap();
    measured
}

/// The folders of a stream's partitions on the broker, by their topics.
fn folders(cluster: &Cluster, stream: &str) -> Vec<(String, PathBuf)> {
    let data = cluster.kafka.folder().join("node-1/data");
    let folders = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path());
    let of_stream = |folder: PathBuf| {
        let name = folder.file_name()?.to_str()?.to_owned();
        let (topic, _) = name.rsplit_once('-')?;
        let rest = topic.strip_prefix(stream)?;
        (rest.is_empty() || rest.starts_with('.')).then(|| (topic.to_owned(), folder.clone()))
    };
    folders.filter_map(of_stream).collect()
}

fn topics(cluster: &Cluster, stream: &str) -> Vec<String> {
    let mut topics: Vec<String> = folders(cluster, stream).into_iter().map(|(topic, _)| topic).collect();
    topics.sort();
    topics.dedup();
    topics
}

/// Bytes of the raw, the enriched and the scored topic and of all others of the stream on the broker's disk, indexes left out.
fn stored(cluster: &Cluster, stream: &str) -> [u64; 4] {
    let mut stored = [0; 4];
    for (topic, folder) in folders(cluster, stream) {
        let place = match &topic[stream.len()..] {
            "" => 0,
            ".enriched" => 1,
            ".scored" => 2,
            _ => 3,
        };
        // A segment may be deleted meanwhile.
        let files = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        let logs = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "log"));
        stored[place] += logs.filter_map(|log| log.metadata().ok()).map(|log| log.len()).sum::<u64>();
    }
    stored
}
