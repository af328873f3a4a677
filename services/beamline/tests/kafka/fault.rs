//! What befalls a stream on Kafka, and how it is undone.

mod generator;
mod servers;
mod topics;
mod workers;

use std::collections::BTreeMap;

use ::servers::KafkaOptions;

use crate::{cluster::Cluster, fleet::Fleet, sizes};

/// What befalls a stream; whom, and when, is random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    KillWorker,
    PauseWorker,
    ScaleDetectors,
    StopWorker,
    KillBroker,
    KillTwo,
    CutBroker,
    RegistryAway,
    HugeEvents,
    ForgetDetectors,
    EmptyRegistry,
    RevokeRight,
    Poison,
    KillGenerator,
    ForgetEnrichers,
    PauseBroker,
    FullDisk,
    ScaleEnrichers,
    ForgetGenerator,
    StopBroker,
    OpenTransaction,
    SecondGenerator,
    CutCluster,
    KillAll,
    PauseRegistry,
    PauseGenerator,
    BreakConnections,
    RollWorkers,
    Hiccup,
}

/// Each of them, in the order in which a run with few takes them.
pub(crate) const ALL: [(Fault, &str); 29] = [
    (Fault::KillWorker, "kill -9 of a worker"),
    (Fault::PauseWorker, "worker paused beyond its session"),
    (Fault::ScaleDetectors, "detectors scaled"),
    (Fault::StopWorker, "worker stopped and started"),
    (Fault::KillBroker, "kill -9 of a broker"),
    (Fault::KillTwo, "kill -9 of two workers"),
    (Fault::CutBroker, "broker out of reach"),
    (Fault::RegistryAway, "registry killed and away"),
    (Fault::HugeEvents, "huge events"),
    (Fault::ForgetDetectors, "detectors' group deleted"),
    (Fault::EmptyRegistry, "registry emptied"),
    (Fault::RevokeRight, "right to read revoked"),
    (Fault::Poison, "messages that cannot be read"),
    (Fault::KillGenerator, "kill -9 of the generator"),
    (Fault::ForgetEnrichers, "enrichers' group deleted"),
    (Fault::PauseBroker, "broker paused"),
    (Fault::FullDisk, "disk of states full"),
    (Fault::ScaleEnrichers, "enrichers scaled"),
    (Fault::ForgetGenerator, "generator's group deleted"),
    (Fault::StopBroker, "broker stopped and started"),
    (Fault::OpenTransaction, "transaction left open"),
    (Fault::SecondGenerator, "second generator"),
    (Fault::CutCluster, "cluster out of reach"),
    (Fault::KillAll, "kill -9 of all workers"),
    (Fault::PauseRegistry, "registry paused"),
    (Fault::PauseGenerator, "generator paused"),
    (Fault::BreakConnections, "all connections broken"),
    (Fault::RollWorkers, "all workers replaced in turn"),
    (Fault::Hiccup, "worker paused for a moment"),
];

/// What a cluster must have so that each of them can befall it.
pub(crate) fn options() -> KafkaOptions {
    // Three brokers, with everything on each: a single one that is killed can leave transactions open forever
    // (`docs/runbooks/transaction-hangs.md`).
    KafkaOptions { nodes: 3, proxied: true, secured: true, ..KafkaOptions::default() }
}

/// Makes the topics of the stream, and registers its schemas: workers that begin at the same time would register them in any order.
pub(crate) fn prepare(cluster: &Cluster) {
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    cluster.beamline(&["schemas", "register", "stream.yaml"]);
    // Other clients may send larger events than the stream takes.
    sizes::set(cluster, "particles", "max.message.bytes", "3000000");
}

/// More partitions than the definition has, which nobody can take back: the last of a stream's faults. What runs goes on, and what
/// is started says what is wrong and what can be done.
pub(crate) fn add_partitions(fleet: &mut Fleet<'_>) {
    topics::add_partitions(fleet);
}

/// One fault, and what undoes it; says what it was, or nothing where it could not be.
pub(crate) fn befall(fleet: &mut Fleet<'_>, fault: Fault, random: u64) -> Option<String> {
    match fault {
        Fault::KillWorker => Some(format!("kill -9 {}", fleet.kill(random))),
        Fault::KillTwo => Some(format!("kill -9 {} and {}", fleet.kill(random), fleet.kill(random >> 8))),
        Fault::PauseWorker => Some(workers::pause(fleet, random, workers::BEYOND_SESSION)),
        Fault::Hiccup => Some(workers::pause(fleet, random, workers::MOMENT)),
        Fault::StopWorker => Some(workers::stop(fleet, random)),
        Fault::ScaleDetectors => Some(workers::scale_detectors(fleet, random)),
        Fault::ScaleEnrichers => Some(workers::scale_enrichers(fleet)),
        Fault::KillAll => Some(workers::kill_all(fleet)),
        Fault::RollWorkers => Some(workers::roll(fleet)),
        Fault::FullDisk => workers::fill_disk(fleet),
        Fault::RevokeRight => workers::revoke_right(fleet),
        Fault::ForgetEnrichers => Some(workers::forget(fleet, crate::fleet::ENRICHER, kafka::Step::Enrich)),
        Fault::ForgetDetectors => Some(workers::forget(fleet, crate::fleet::DETECTOR, kafka::Step::Detect)),
        Fault::OpenTransaction => Some(workers::open_transaction(fleet, random)),
        Fault::KillGenerator => generator::kill(fleet),
        Fault::PauseGenerator => generator::pause(fleet),
        Fault::SecondGenerator => generator::second(fleet),
        Fault::ForgetGenerator => generator::forget(fleet),
        Fault::KillBroker => Some(servers::kill_broker(fleet, random)),
        Fault::StopBroker => Some(servers::stop_broker(fleet, random)),
        Fault::PauseBroker => Some(servers::pause_broker(fleet, random)),
        Fault::CutBroker => Some(servers::cut_broker(fleet, random)),
        Fault::CutCluster => Some(servers::cut_cluster(fleet)),
        Fault::BreakConnections => Some(servers::break_connections(fleet)),
        Fault::RegistryAway => Some(servers::registry_away(fleet, random)),
        Fault::PauseRegistry => Some(servers::pause_registry(fleet, random)),
        Fault::EmptyRegistry => Some(servers::empty_registry(fleet, random)),
        Fault::HugeEvents => Some(topics::huge_events(fleet, random)),
        Fault::Poison => Some(topics::poison(fleet, random)),
    }
}

/// How often each has befallen a stream.
#[derive(Debug, Default)]
pub(crate) struct Befallen(pub(crate) BTreeMap<&'static str, u32>);

impl Befallen {
    pub(crate) fn count(&mut self, name: &'static str) {
        *self.0.entry(name).or_default() += 1;
    }

    pub(crate) fn total(&self) -> u32 {
        self.0.values().sum()
    }

    pub(crate) fn print(&self) {
        println!("times  fault");
        self.0.iter().for_each(|(name, times)| println!("{times:>5}  {name}"));
        println!("{:>5}  of {} kinds", self.total(), self.0.len());
    }
}
