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

/// Three, with everything on each: a single one that is killed can leave transactions open forever
/// (`docs/runbooks/transaction-hangs.md`).
const BROKERS: usize = 3;

/// How long a registry is away: as long in a run of its own, shorter among the other tests.
const REGISTRY_AWAY: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(30));
/// How long a broker cannot be reached: longer than a session.
const CUT: Duration = Duration::from_secs(8);
/// Detectors at first and at most.
const DETECTORS: (usize, usize) = (3, 5);

/// What befalls a stream, in turn; whom, and when, is random.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Kill,
    Pause,
    Scale,
    Broker,
    Stop,
    Network,
    KillTwo,
    Registry,
}

const FAULTS: [Fault; 8] = [
    Fault::Kill,
    Fault::Pause,
    Fault::Scale,
    Fault::Stop,
    Fault::Broker,
    Fault::KillTwo,
    Fault::Network,
    Fault::Registry,
];

/// What keys share, in blocks that are many in a partition: (as it stands in the definition, as it is here).
const SHARED: (&str, &str) = (
    "\"ln(energy_gev)\"]",
    "\"ln(energy_gev)\", \"frequency(CAST(energy_gev / 50 AS BIGINT))\"]\n    share_every: 500",
);

/// The services that faults befall.
struct Fleet<'a> {
    cluster: &'a Cluster,
    services: Vec<(&'static str, Service)>,
    started: usize,
    registry_away: Duration,
}

impl Fleet<'_> {
    fn start(&mut self, name: &'static str) {
        self.started += 1;
        // So little memory that states go to files and come back.
        let memory = ["--state-mib", "1"].into_iter().filter(|_| name == "anomaly-detector");
        let args: Vec<&str> = WORKER.into_iter().chain(memory).collect();
        let service = self.cluster.service(name, &format!("{name}-{}", self.started), &args);
        self.services.push((name, service));
    }

    fn kill(&mut self, random: u64) -> &'static str {
        let (name, service) = self.services.remove(random as usize % self.services.len());
        service.program.signal("KILL").unwrap();
        self.start(name);
        name
    }

    /// One fault, and what undoes it; says what it was.
    fn befall(&mut self, fault: Fault, random: u64) -> String {
        let index = random as usize % self.services.len();
        let broker = (random >> 8) as usize % BROKERS;
        match fault {
            Fault::Kill => format!("kill -9 {}", self.kill(random)),
            Fault::KillTwo => format!("kill -9 {} and {}", self.kill(random), self.kill(random >> 8)),
            Fault::Pause => {
                // A zombie: its partitions have gone to others when it wakes up.
                let (name, service) = &self.services[index];
                service.program.signal("STOP").unwrap();
                thread::sleep(Duration::from_secs(9));
                service.program.signal("CONT").unwrap();
                format!("pause {name} for 9 s")
            }
            Fault::Stop => {
                let (name, service) = self.services.remove(index);
                service.stop();
                self.start(name);
                format!("stop and start {name}")
            }
            Fault::Scale => {
                let of = |(name, _): &(&str, Service)| *name == "anomaly-detector";
                let detectors = self.services.iter().filter(|service| of(service)).count();
                let add = detectors <= DETECTORS.0 || (detectors < DETECTORS.1 && random.is_multiple_of(2));
                if add {
                    self.start("anomaly-detector");
                } else if let Some(at) = self.services.iter().position(of) {
                    self.services.remove(at).1.stop();
                }
                format!("{detectors} detectors become {}", if add { detectors + 1 } else { detectors - 1 })
            }
            Fault::Broker => {
                self.cluster.kafka.node(broker).kill();
                thread::sleep(Duration::from_secs(1));
                self.cluster.kafka.node(broker).start().unwrap();
                format!("kill -9 and start broker {}", broker + 1)
            }
            Fault::Network => {
                self.cluster.kafka.proxy(broker).cut();
                thread::sleep(CUT);
                self.cluster.kafka.proxy(broker).heal().unwrap();
                format!("broker {} cannot be reached for {} s", broker + 1, CUT.as_secs())
            }
            Fault::Registry => {
                self.cluster.apicurio.kill();
                // Somebody who needs it in the meantime.
                let name = self.kill(random);
                thread::sleep(self.registry_away);
                self.cluster.apicurio.restart().unwrap();
                format!("registry away for {} s, kill -9 {name}", self.registry_away.as_secs())
            }
        }
    }
}

#[test]
fn faults_lose_nothing_and_change_no_score() {
    let (events, faults) = (number("BEAMLINE_FAULTS_EVENTS", 100_000), number("BEAMLINE_FAULTS", 6));
    let mut seed = number("BEAMLINE_FAULTS_SEED", 1);
    println!("{events} events, {faults} faults, seed {seed}");
    let cluster = Cluster::start_three();
    input::write(&cluster.path("input.jsonl"), events);
    // Paced, so that the stream lasts about as long as the faults do: the events are a millisecond apart.
    let speed = events as f64 / 1000.0 / (faults as f64 * 7.0);
    let paced = fs::read_to_string(cluster.path("stream.yaml")).unwrap();
    assert!(paced.contains(SHARED.0));
    let paced = paced.replace(SHARED.0, SHARED.1);
    let paced = paced.replace("[input.jsonl] }", &format!("[input.jsonl], speed: {speed} }}"));
    fs::write(cluster.path("stream.yaml"), paced).unwrap();
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    let registry_away = if faults > FAULTS.len() as u64 { REGISTRY_AWAY.1 } else { REGISTRY_AWAY.0 };
    let mut fleet = Fleet { cluster: &cluster, services: Vec::new(), started: 0, registry_away };
    for name in ["enricher", "enricher", "anomaly-detector", "anomaly-detector", "anomaly-detector"] {
        fleet.start(name);
    }
    let generator = cluster.service("generator", "g", &["--once"]);
    for (_, service) in &fleet.services {
        service.wait_until_ready();
    }
    let first = Instant::now();
    println!("fault   at s    took s  what");
    for fault in 0..faults {
        // A generator of Knuth's.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let begun = Instant::now();
        let what = fleet.befall(FAULTS[fault as usize % FAULTS.len()], seed >> 33);
        let (at, took) = ((begun - first).as_secs_f64(), begun.elapsed().as_secs_f64());
        println!("{:>5} {at:>6.1} {took:>9.1}  {what}", fault + 1);
        thread::sleep(Duration::from_millis(500 + (seed >> 40) % 2500));
    }
    let ended = generator.program.wait(Duration::from_secs(600));
    assert!(ended.is_some_and(|status| status.success()), "{}", generator.program.log());
    let sent = cluster.sent();
    assert_eq!(sent.sent + sent.dead_lettered, events, "{sent:?}");
    let services: Vec<&Service> = fleet.services.iter().map(|(_, service)| service).collect();
    let (enriched, detected) = cluster.wait_until_done(sent.sent, Duration::from_secs(900), &services);
    println!("{sent:?}\n{enriched:?}\n{detected:?}");
    assert_eq!(enriched.records, sent.sent);
    assert!(enriched.balances() && detected.balances(), "{enriched:?} {detected:?}");
    let scores = results::scores(&cluster);
    assert_eq!(scores.len() as u64, detected.out);
    let quiet = fs::read_to_string(cluster.path("stream.yaml")).unwrap();
    let quiet = quiet.replace(&format!(", speed: {speed}"), "");
    fs::write(cluster.path("stream.yaml"), &quiet).unwrap();
    results::assert_same(&scores, &results::scores_in_one_process(&cluster));
    // That keys share something is seen in the scores.
    fs::write(cluster.path("stream.yaml"), quiet.replace("    share_every: 500", "")).unwrap();
    cluster.beamline(&["--quiet", "replay", "stream.yaml", "--out", "alone"]);
    assert_ne!(scores, results::scores_in(&cluster, &["--results", "alone"]));
    for (_, service) in &fleet.services {
        service.stop();
    }
}
