//! The aggregates of every example: in one process as one query over the raw events has them, and on Kafka as in one
//! process, bit by bit; for several numbers of partitions and replicas, orderly and shuffled within the lateness, quiet
//! and with kills.

mod batch;
mod data;
mod queries;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
    thread,
    time::{Duration, Instant},
};

use kafka::Step;
use local::Meter;
use stream::{Stream, Windows};

use self::{
    data::Variant,
    queries::{Example, examples},
};
use crate::{
    cluster::{Cluster, Service},
    results, windows,
};

/// Time-outs of services, so that what a killed one had goes to others soon.
const SHORT: [&str; 4] = ["--session-timeout", "6s", "--transaction-timeout", "4s"];
/// How long a stream is kept going for each kill.
const SECONDS_A_KILL: f64 = 2.0;

/// A generator of Knuth's.
fn random(mut seed: u64) -> impl FnMut() -> u64 {
    move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        seed >> 33
    }
}

#[test]
fn in_one_process_every_example_is_what_one_query_says() {
    let folder = tempfile::tempdir().unwrap();
    for example in examples() {
        data::write(folder.path(), &example);
        for (partitions, shuffled) in [(1, true), (1, false), (3, true), (3, false), (8, true), (8, false)] {
            let variant = Variant { partitions, replicas: 1, shuffled, kills: 0 };
            in_one_process(folder.path(), &example, variant);
        }
    }
}

#[test]
fn on_kafka_every_example_is_what_one_process_computes() {
    side_by_side([
        Variant { partitions: 8, replicas: 1, shuffled: false, kills: 0 },
        Variant { partitions: 3, replicas: 3, shuffled: true, kills: 4 },
        Variant { partitions: 8, replicas: 3, shuffled: true, kills: 4 },
        Variant { partitions: 1, replicas: 1, shuffled: true, kills: 0 },
        Variant { partitions: 8, replicas: 3, shuffled: false, kills: 4 },
        Variant { partitions: 3, replicas: 1, shuffled: true, kills: 4 },
    ]);
}

#[test]
#[ignore = "takes half an hour: make faults-windows"]
fn on_kafka_every_example_in_every_variant() {
    for partitions in [1, 3, 8] {
        for replicas in [1, 3] {
            for (shuffled, kills) in [(false, 0), (true, 0), (false, 20), (true, 20)] {
                side_by_side([Variant { partitions, replicas, shuffled, kills }; 6]);
            }
        }
    }
}

/// Runs the examples on one cluster, each in a variant of its own.
fn side_by_side(variants: [Variant; 6]) {
    let cluster = Cluster::start();
    let begun = Instant::now();
    let mut runs = Vec::new();
    for (example, variant) in examples().into_iter().zip(variants) {
        data::write(cluster.folder.path(), &example);
        let (stream, results) = in_one_process(cluster.folder.path(), &example, variant);
        runs.push(Run::start(&cluster, &example, variant, stream, results));
    }
    let kills = runs.iter().map(|run| run.variant.kills).max().unwrap_or_default();
    let mut random = random(kills);
    for _ in 0..kills {
        thread::sleep(Duration::from_secs_f64(SECONDS_A_KILL));
        for run in runs.iter_mut().filter(|run| run.variant.kills > 0) {
            run.kill(random());
        }
    }
    for run in runs {
        run.check();
    }
    println!("{} s", begun.elapsed().as_secs());
}

/// Runs a variant in one process, and holds its results against one query. Gives the stream and the results.
fn in_one_process(folder: &Path, example: &Example, variant: Variant) -> (Arc<Stream>, PathBuf) {
    let definition = data::define(folder, example, variant, None);
    let stream = service::load_stream(&definition).unwrap();
    let results = definition.with_extension("results");
    let options = local::Options {
        source: stream.definition.spec.source.clone().unwrap(),
        stream: stream.clone(),
        base: folder.to_owned(),
        results: results.clone(),
        threads: 2,
        commit_records: 3_000,
        commit_interval: Duration::from_secs(60),
        snapshot_bytes: 1 << 20,
        state_bytes: 1 << 20,
        end_position: None,
        end_after: None,
    };
    let summary = local::run(&options, &Meter::default(), &AtomicBool::new(false)).unwrap();
    let ledger = &summary.ledger;
    assert!(summary.finished && ledger.balances() && ledger.records == data::EVENTS && ledger.late == 0, "{summary:?}");
    batch::check(example, &stream, &data::raw(folder, example, variant.shuffled), &results);
    (stream, results)
}

/// A variant of an example on Kafka.
struct Run<'a> {
    cluster: &'a Cluster,
    variant: Variant,
    stream: Arc<Stream>,
    /// What one process has.
    results: PathBuf,
    generator: Service,
    services: Vec<(&'static str, Service)>,
    started: usize,
}

impl<'a> Run<'a> {
    fn start(cluster: &'a Cluster, example: &Example, variant: Variant, stream: Arc<Stream>, results: PathBuf) -> Self {
        let seconds = (variant.kills > 0).then_some(variant.kills as f64 * SECONDS_A_KILL);
        let definition = data::define(cluster.folder.path(), example, variant, seconds);
        cluster.beamline(&["topics", "apply", &definition.display().to_string()]);
        let generator = cluster.service_of(&definition, "generator", "g", &["--once"]);
        let mut run = Self { cluster, variant, stream, results, generator, services: Vec::new(), started: 0 };
        let aggregators = std::iter::repeat_n("aggregator", variant.replicas);
        for name in ["enricher", "anomaly-detector"].into_iter().chain(aggregators) {
            run.add(name);
        }
        run
    }

    fn add(&mut self, name: &'static str) {
        self.started += 1;
        let definition = self.cluster.path(&format!("{}.yaml", self.stream.name()));
        let service = self.cluster.service_of(&definition, name, &format!("{name}-{}", self.started), &SHORT);
        self.services.push((name, service));
    }

    /// Kills a service without a word, and starts another of its kind.
    fn kill(&mut self, random: u64) {
        let (name, service) = self.services.remove(random as usize % self.services.len());
        service.program.signal("KILL").unwrap();
        self.add(name);
    }

    /// Waits for the end, and holds every result against that of one process.
    fn check(self) {
        let (cluster, stream) = (self.cluster, &self.stream);
        let ended = self.generator.program.wait(Duration::from_secs(120));
        assert!(ended.is_some_and(|status| status.success()), "{}", self.generator.program.log());
        let session = batch::open(&[&self.results]);
        let local = |sql: &str| batch::rows(&session, sql);
        let scored = local("SELECT 1 FROM processed_data").num_rows() as u64;
        let services: Vec<Service> = self.services.into_iter().map(|(_, service)| service).collect();
        windows::wait_for_aggregates(cluster, stream, scored, &services);
        let ledger = cluster.ledger_of(stream.name(), self.variant.partitions, Step::Aggregate);
        assert!(ledger.balances() && ledger.records == scored && ledger.late == 0, "{}: {ledger:?}", stream.name());
        results::wait_until_decided(cluster, &stream.topics().aggregates);
        let found = windows::on_kafka(cluster, stream);
        let wanted = windows::windows(stream, &[local("SELECT * FROM aggregates")]);
        for (key, row) in &found {
            assert_eq!(Some(row), wanted.get(key), "{}: {key}", stream.name());
        }
        // A session comes out when time is past it, which it is not at the end of the stream.
        let is_session = |windows: &Windows| matches!(windows, Windows::Session { .. });
        let sessions = stream.aggregates.list.iter().filter(|aggregate| is_session(&aggregate.windows));
        let open = sessions.flat_map(|sessions| {
            let last =
                format!("SELECT max({}) - INTERVAL '10 minutes' FROM processed_data", stream.definition.spec.time);
            let named = format!("aggregate = '{}'", sessions.name);
            let rows = local(&format!("SELECT * FROM aggregates WHERE {named} AND window_end >= ({last})"));
            windows::windows(stream, &[rows]).into_keys()
        });
        let open: BTreeSet<String> = open.collect();
        let missing: Vec<&String> =
            wanted.keys().filter(|key| !found.contains_key(*key) && !open.contains(*key)).collect();
        assert!(missing.is_empty(), "{}: {missing:?}", stream.name());
        println!("{}: {} results, {} in one process", stream.name(), found.len(), wanted.len());
        services.iter().for_each(Service::stop);
    }
}
