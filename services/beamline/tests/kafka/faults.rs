//! Faults while a stream runs, of a seed that repeats them; then every event is accounted for.

use std::{
    env, fs, thread,
    time::{Duration, Instant},
};

use crate::{
    cluster::Cluster,
    fault::{self, Befallen},
    fleet::Fleet,
    input, results,
};

/// How long a registry is away: as long in a run of its own, shorter among the other tests.
const REGISTRY_AWAY: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(30));
/// Faults of a run among the other tests.
const FEW: u64 = 8;
/// About how long a fault takes, with the time until the next, in seconds.
const FAULT_SECONDS: f64 = 9.0;

/// What keys share, in blocks that are many in a partition: (as it stands in the definition, as it is here).
const SHARED: (&str, &str) = (
    "\"ln(energy_gev)\"]",
    "\"ln(energy_gev)\", \"frequency(CAST(energy_gev / 50 AS BIGINT))\"]\n    share_every: 500",
);

pub(crate) fn number(name: &str, default: u64) -> u64 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn faults_lose_nothing_and_change_no_score() {
    let (events, faults) = (number("BEAMLINE_FAULTS_EVENTS", 100_000), number("BEAMLINE_FAULTS", 6));
    let mut seed = number("BEAMLINE_FAULTS_SEED", 1);
    // Where to begin among the kinds, so that a short run can have any of them.
    let skipped = number("BEAMLINE_FAULTS_SKIP", 0);
    println!("{events} events, {faults} faults, seed {seed}");
    let cluster = Cluster::start_with(fault::options());
    input::write(&cluster.path("input.jsonl"), events);
    // Paced, so that the stream lasts about as long as the faults do: the events are a millisecond apart.
    let speed = events as f64 / 1000.0 / (faults as f64 * FAULT_SECONDS);
    let paced = fs::read_to_string(cluster.path("stream.yaml")).unwrap();
    assert!(paced.contains(SHARED.0));
    let paced = paced.replace(SHARED.0, SHARED.1);
    let paced = paced.replace("[input.jsonl] }", &format!("[input.jsonl], speed: {speed} }}"));
    fs::write(cluster.path("stream.yaml"), paced).unwrap();
    fault::prepare(&cluster);
    let registry_away = if faults > FEW { REGISTRY_AWAY.1 } else { REGISTRY_AWAY.0 };
    let mut fleet = Fleet::start(&cluster, &[], registry_away);
    let first = Instant::now();
    let mut befallen = Befallen::default();
    println!("fault   at s    took s  what");
    for number in 0..faults {
        // A generator of Knuth's.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let begun = Instant::now();
        let (fault, name) = fault::ALL[(number + skipped) as usize % fault::ALL.len()];
        fleet.revive();
        let what = fault::befall(&mut fleet, fault, seed >> 33);
        let (at, took) = ((begun - first).as_secs_f64(), begun.elapsed().as_secs_f64());
        let text = what.as_deref().unwrap_or("could not be");
        println!("{:>5} {at:>6.1} {took:>9.1}  {name}: {text}", number + 1);
        what.iter().for_each(|_| befallen.count(name));
        thread::sleep(Duration::from_millis(500 + (seed >> 40) % 2500));
    }
    fleet.revive();
    fault::add_partitions(&mut fleet);
    befallen.count("partitions added");
    fleet.wait_for_generator(Duration::from_secs(600));
    befallen.print();
    let (sent, foreign) = (cluster.sent(), fleet.foreign);
    assert_eq!(sent.sent + sent.dead_lettered, events, "{sent:?}");
    let (enriched, detected) =
        cluster.wait_until_done(sent.sent + foreign, Duration::from_secs(900), &fleet.services());
    println!("{sent:?}, {foreign} messages of others\n{enriched:?}\n{detected:?}");
    assert_eq!(enriched.records, sent.sent + foreign);
    assert!(enriched.balances() && detected.balances(), "{enriched:?} {detected:?}");
    let letters = sent.dead_lettered + enriched.dead_lettered + detected.dead_lettered;
    assert_eq!(results::letters(&cluster).len() as u64, letters);
    let scores = results::scores(&cluster);
    assert_eq!(scores.len() as u64, detected.out);
    let quiet = fs::read_to_string(cluster.path("stream.yaml")).unwrap();
    let quiet = quiet.replace(&format!(", speed: {speed}"), "");
    fs::write(cluster.path("stream.yaml"), &quiet).unwrap();
    results::assert_same(&scores, &results::scores_in_one_process(&cluster));
    let refused = fleet.refused(crate::fleet::DETECTOR);
    assert!(refused.contains("`particles.enriched` has 9 partitions, and should have 8"), "{refused}");
    assert!(refused.contains("give the stream another `metadata.name`"), "{refused}");
    println!("{} services ended by themselves and were started again", fleet.restarted);
    fleet.services().into_iter().for_each(crate::cluster::Service::stop);
    // That keys share something is seen in the scores.
    fs::write(cluster.path("stream.yaml"), quiet.replace("    share_every: 500", "")).unwrap();
    cluster.beamline(&["--quiet", "replay", "stream.yaml", "--out", "alone"]);
    assert_ne!(scores, results::scores_in(&cluster, &["--results", "alone"]));
}
