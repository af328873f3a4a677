//! An hour of faults, on three brokers and in one process at once: nothing is lost, nothing stands twice, every score is that of a
//! quiet run, and neither memory nor the time of a commit grows. `make soak` runs it; it takes less with
//! `BEAMLINE_SOAK_MINUTES`, `BEAMLINE_SOAK_EVENTS_KAFKA` and `BEAMLINE_SOAK_EVENTS_LOCAL`.

mod fingerprints;
mod local;
mod quiet;
mod reading;
mod report;
mod times;
mod watch;

use std::{
    fs, thread,
    time::{Duration, Instant, SystemTime},
};

use fixtures::Random;
use servers::KafkaOptions;

use crate::{
    cluster::Cluster,
    fault::{self, Befallen},
    faults::number,
    fleet::Fleet,
    results, sizes,
    soak::{
        reading::Reading,
        report::Report,
        watch::{Calm, Watch, Watched},
    },
};

/// Parts that the time is divided into: ten minutes of an hour.
const PARTS: usize = 6;
/// Faults on Kafka in an hour.
const FAULTS: u64 = 200;
/// How long a registry is away.
const REGISTRY_AWAY: Duration = Duration::from_secs(10);
/// The least time between two faults.
const BREATH: Duration = Duration::from_secs(1);
/// So much of each partition stays on the disk, besides the segment that is being written: of 8 partitions of 3 topics on each of
/// 3 brokers 3.4 GB. It holds more than ten minutes of events.
const BROKER: [(&str, &str); 6] = [
    ("log.retention.bytes", "33554432"),
    ("log.segment.bytes", "16777216"),
    ("log.retention.check.interval.ms", "5000"),
    ("log.segment.delete.delay.ms", "1000"),
    ("offsets.topic.segment.bytes", "16777216"),
    ("transaction.state.log.segment.bytes", "16777216"),
];

/// The stream: `paths: [input.jsonl]` is replaced by events that are made up, at a rate that takes the whole time.
fn define(cluster: &Cluster, seed: u64, rate: f64) -> String {
    let text = fs::read_to_string(cluster.path("stream.yaml")).unwrap();
    let source = format!(
        "synthetic: {{ profile: uniform, rate: {rate}, anomalies: 0.005, seed: {seed}, keys: 1000, start: \
         \"2025-01-01T00:00:00Z\" }}"
    );
    assert!(text.contains("files: { paths: [input.jsonl] }"), "{text}");
    // Alarms that are worth comparing.
    text.replace("files: { paths: [input.jsonl] }", &source)
        .replace("  detect:\n", "  detect:\n    false_alarm_rate: 1e-3\n")
}

#[test]
#[ignore = "takes an hour: make soak"]
fn an_hour_of_faults_loses_nothing_repeats_nothing_and_grows_nothing() {
    let minutes = number("BEAMLINE_SOAK_MINUTES", 60);
    let (on_kafka, in_process) =
        (number("BEAMLINE_SOAK_EVENTS_KAFKA", 20_000_000), number("BEAMLINE_SOAK_EVENTS_LOCAL", 50_000_000));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let seed = number("BEAMLINE_SOAK_SEED", now.as_secs() % 1_000_000);
    let time = Duration::from_secs(minutes * 60);
    println!("{on_kafka} events on Kafka and {in_process} in one process in {minutes} minutes, seed {seed}");

    let properties = BROKER.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let cluster = Cluster::start_with(KafkaOptions { properties, ..fault::options() });
    let [kafka_text, local_text] =
        [on_kafka, in_process].map(|events| define(&cluster, seed, events as f64 / time.as_secs_f64()));
    fs::write(cluster.path("stream.yaml"), kafka_text).unwrap();
    fs::write(cluster.path("local.yaml"), local_text).unwrap();
    let [stream, local_stream] =
        ["stream.yaml", "local.yaml"].map(|name| service::load_stream(&cluster.path(name)).unwrap());
    fault::prepare(&cluster);
    // What is counted at the end stays until then.
    sizes::set(&cluster, "particles.dead-letters", "retention.bytes", "-1");
    let reading = Reading::begin(&cluster, stream.scored_schema().unwrap(), on_kafka);
    let mut fleet = Fleet::start(&cluster, &["--events", &on_kafka.to_string()], REGISTRY_AWAY);
    let (calm, part, results) = (Calm::default(), time / PARTS as u32, cluster.path("results"));
    let folders = vec![cluster.kafka.folder().to_owned(), cluster.folder.path().to_owned()];
    let watch =
        Watch::begin(Watched { running: fleet.running.clone(), calm: calm.clone(), folders, part, parts: PARTS });
    let local = local::begin(local::Plan {
        program: crate::cluster::binary("beamline"),
        definition: cluster.path("local.yaml"),
        results: results.clone(),
        events: in_process,
        part,
        parts: PARTS,
        running: fleet.running.clone(),
    });
    let mut befallen = Befallen::default();
    befall_for(&mut fleet, time, &mut Random::seeded(seed), &calm, &mut befallen);

    let limit = time.max(Duration::from_secs(1200));
    fleet.wait_for_generator(limit);
    let (sent, foreign) = (cluster.sent(), fleet.foreign);
    let (enriched, detected) = cluster.wait_until_done(sent.sent + foreign, limit, &fleet.services());
    println!("{sent:?}, {foreign} messages of others\n{enriched:?}\n{detected:?}");
    results::wait_until_decided(&cluster, "particles.scored");
    let found = reading.end();
    let local = local.join().unwrap();
    let mut parts = watch.end();
    parts.iter_mut().zip(&local.commits).for_each(|(part, commits)| part.local.add(commits));
    local.faults.iter().for_each(|name| befallen.count(name));

    let mut report = Report::default();
    report.faults(&befallen, minutes);
    report.growth(&parts, minutes);
    report.hold("every event of the source is sent or a dead letter", sent.sent + sent.dead_lettered == on_kafka);
    report.hold("the enrichers have read each record once", enriched.records == sent.sent + foreign);
    report.hold("the ledger balances", enriched.balances() && detected.balances() && detected.records == enriched.out);
    let letters = sent.dead_lettered + enriched.dead_lettered + detected.dead_lettered;
    report.hold("each dead letter stands once", results::letters(&cluster).len() as u64 == letters);
    report.hold("each scored event stands once", found.seen() == detected.out);
    println!("{} services ended by themselves and were started again", fleet.restarted);
    fleet.services().into_iter().for_each(crate::cluster::Service::stop);
    report.same("on Kafka", &found, &quiet::run(&stream, on_kafka));
    let (found, whole) = local::found(&results, in_process);
    report.hold("the run in one process accounts for every event", whole);
    report.same("in one process", &found, &quiet::run(&local_stream, in_process));
    report.end();
}

/// Faults of all kinds, round by round, each round in another order.
fn befall_for(fleet: &mut Fleet<'_>, time: Duration, random: &mut Random, calm: &Calm, befallen: &mut Befallen) {
    let kinds = fault::ALL.len() as u64;
    let faults = (FAULTS * time.as_secs() / 3600).div_ceil(kinds).max(1) * kinds;
    let begun = Instant::now();
    let mut round = Vec::new();
    println!("fault   at s    took s  what");
    for number in 1..=faults {
        if round.is_empty() {
            round = fault::ALL.to_vec();
        }
        let (fault, name) = round.swap_remove(random.below(round.len() as u64) as usize);
        let due = time.mul_f64((number - 1) as f64 / faults as f64);
        thread::sleep(due.saturating_sub(begun.elapsed()).max(BREATH));
        calm.set(false);
        fleet.revive();
        let at = begun.elapsed();
        let what = fault::befall(fleet, fault, random.below(1 << 30));
        calm.set(true);
        let took = (begun.elapsed() - at).as_secs_f64();
        let text = what.as_deref().unwrap_or("could not be");
        println!("{number:>5} {:>6.1} {took:>9.1}  {name}: {text}", at.as_secs_f64());
        what.iter().for_each(|_| befallen.count(name));
    }
    thread::sleep(time.saturating_sub(begun.elapsed()));
}
