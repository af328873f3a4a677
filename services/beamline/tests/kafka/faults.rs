//! Faults while a stream runs, of a seed that repeats them; then every event is accounted for.

use std::{
    env, fs, thread,
    time::{Duration, Instant},
};

use crate::{
    cluster::{Cluster, Service},
    input, results,
};

/// Time-outs of workers: a fault must be longer than these to take partitions away.
const WORKER: [&str; 4] = ["--session-timeout", "6s", "--transaction-timeout", "4s"];

fn number(name: &str, default: u64) -> u64 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Three, with everything on each: a single one that is killed can leave transactions open for ever
/// (`docs/runbooks/transaction-hangs.md`).
const BROKERS: usize = 3;

/// The services that faults befall.
struct Fleet<'a> {
    cluster: &'a Cluster,
    services: Vec<(&'static str, Service)>,
    started: usize,
}

impl Fleet<'_> {
    fn start(&mut self, name: &'static str) {
        self.started += 1;
        let service = self.cluster.service(name, &format!("{name}-{}", self.started), &WORKER);
        self.services.push((name, service));
    }

    /// One fault, and what undoes it; says what it was.
    fn befall(&mut self, random: u64) -> String {
        let index = (random >> 8) as usize % self.services.len();
        let (name, service) = &self.services[index];
        let name = *name;
        match random % 5 {
            0 | 1 => {
                service.program.signal("KILL").unwrap();
                self.services.remove(index);
                self.start(name);
                format!("kill -9 {name}")
            }
            2 => {
                // A zombie: its partitions have gone to others when it wakes up.
                service.program.signal("STOP").unwrap();
                thread::sleep(Duration::from_secs(9));
                service.program.signal("CONT").unwrap();
                format!("pause {name} for 9 s")
            }
            3 => {
                service.stop();
                self.services.remove(index);
                self.start(name);
                format!("stop and start {name}")
            }
            _ => {
                let broker = (random >> 16) as usize % BROKERS;
                self.cluster.kafka.node(broker).kill();
                thread::sleep(Duration::from_secs(1));
                self.cluster.kafka.node(broker).start().unwrap();
                format!("kill -9 and start broker {}", broker + 1)
            }
        }
    }
}

#[test]
fn faults_lose_nothing_and_change_no_score() {
    let (events, faults) = (number("BEAMLINE_FAULTS_EVENTS", 100_000), number("BEAMLINE_FAULTS", 6));
    let mut seed = number("BEAMLINE_FAULTS_SEED", 1);
    println!("{events} events, {faults} faults, seed {seed}");
    let cluster = Cluster::start(BROKERS);
    input::write(&cluster.path("input.jsonl"), events);
    // Paced, so that the stream lasts about as long as the faults do: the events are a millisecond apart.
    let speed = events as f64 / 1000.0 / (faults as f64 * 5.0);
    let paced = fs::read_to_string(cluster.path("stream.yaml")).unwrap();
    let paced = paced.replace("[input.jsonl] }", &format!("[input.jsonl], speed: {speed} }}"));
    fs::write(cluster.path("stream.yaml"), paced).unwrap();
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    let mut fleet = Fleet { cluster: &cluster, services: Vec::new(), started: 0 };
    for name in ["enricher", "enricher", "anomaly-detector", "anomaly-detector", "anomaly-detector"] {
        fleet.start(name);
    }
    let generator = cluster.service("generator", "g", &["--once"]);
    for (_, service) in &fleet.services {
        service.wait_until_ready();
    }
    for fault in 0..faults {
        // A generator of Knuth's.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let begun = Instant::now();
        let what = fleet.befall(seed >> 33);
        println!("{fault:>3}  {what}  ({:.1} s)", begun.elapsed().as_secs_f64());
        thread::sleep(Duration::from_millis(500 + (seed >> 40) % 2500));
    }
    let ended = generator.program.wait(Duration::from_secs(300));
    assert!(ended.is_some_and(|status| status.success()), "{}", generator.program.log());
    let sent = cluster.sent();
    assert_eq!(sent.sent + sent.dead_lettered, events, "{sent:?}");
    let services: Vec<&Service> = fleet.services.iter().map(|(_, service)| service).collect();
    let (enriched, detected) = cluster.wait_until_done(sent.sent, Duration::from_secs(240), &services);
    println!("{sent:?}\n{enriched:?}\n{detected:?}");
    assert_eq!(enriched.records, sent.sent);
    assert!(enriched.balances() && detected.balances(), "{enriched:?} {detected:?}");
    let scores = results::scores(&cluster);
    assert_eq!(scores.len() as u64, detected.out);
    let quiet = fs::read_to_string(cluster.path("stream.yaml")).unwrap();
    fs::write(cluster.path("stream.yaml"), quiet.replace(&format!(", speed: {speed}"), "")).unwrap();
    results::assert_same(&scores, &results::scores_in_one_process(&cluster));
    for (_, service) in &fleet.services {
        service.stop();
    }
}
