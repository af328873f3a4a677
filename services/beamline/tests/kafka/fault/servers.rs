//! Faults of brokers and of the registry. One broker at a time: of three copies two have to be in step.

use std::{
    thread,
    time::{Duration, Instant},
};

use broker::Reports;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::{cluster::Cluster, fleet::Fleet};

/// How long a broker cannot be reached, or is paused: longer than a session.
const CUT: Duration = Duration::from_secs(8);
/// How long nobody can be reached.
const CUT_ALL: Duration = Duration::from_secs(5);
/// How long a broker stays down.
const DOWN: Duration = Duration::from_secs(1);
/// How long a registry is empty, or does not answer.
const EMPTY: Duration = Duration::from_secs(3);
const HANGS: Duration = Duration::from_secs(5);
/// How long copies may take to catch up.
const IN_STEP_MAX: Duration = Duration::from_secs(120);

pub(super) fn kill_broker(fleet: &mut Fleet<'_>, random: u64) -> String {
    let (number, broker) = broker(fleet, random);
    broker.kill();
    thread::sleep(DOWN);
    broker.start().unwrap();
    wait_until_in_step(fleet.cluster);
    format!("kill -9 and start broker {number}")
}

pub(super) fn stop_broker(fleet: &mut Fleet<'_>, random: u64) -> String {
    let (number, broker) = broker(fleet, random);
    broker.stop().unwrap();
    broker.start().unwrap();
    wait_until_in_step(fleet.cluster);
    format!("stop and start broker {number}")
}

pub(super) fn pause_broker(fleet: &mut Fleet<'_>, random: u64) -> String {
    let (number, broker) = broker(fleet, random);
    broker.pause().unwrap();
    thread::sleep(CUT);
    broker.resume().unwrap();
    wait_until_in_step(fleet.cluster);
    format!("pause broker {number} for {} s", CUT.as_secs())
}

fn broker<'a>(fleet: &Fleet<'a>, random: u64) -> (usize, &'a servers::Node) {
    let nodes = fleet.cluster.kafka.nodes();
    let index = (random >> 8) as usize % nodes.len();
    (index + 1, &nodes[index])
}

pub(super) fn cut_broker(fleet: &mut Fleet<'_>, random: u64) -> String {
    let kafka = &fleet.cluster.kafka;
    let index = (random >> 8) as usize % kafka.nodes().len();
    kafka.proxy(index).cut();
    thread::sleep(CUT);
    kafka.proxy(index).heal().unwrap();
    format!("broker {} cannot be reached for {} s", index + 1, CUT.as_secs())
}

pub(super) fn cut_cluster(fleet: &mut Fleet<'_>) -> String {
    fleet.cluster.kafka.cut();
    thread::sleep(CUT_ALL);
    fleet.cluster.kafka.heal().unwrap();
    format!("no broker can be reached for {} s", CUT_ALL.as_secs())
}

pub(super) fn break_connections(fleet: &mut Fleet<'_>) -> String {
    let kafka = &fleet.cluster.kafka;
    (0..kafka.nodes().len()).for_each(|index| kafka.proxy(index).drop_connections());
    "all connections broken at once".to_owned()
}

pub(super) fn registry_away(fleet: &mut Fleet<'_>, random: u64) -> String {
    fleet.cluster.apicurio.kill();
    // Somebody who needs it in the meantime.
    let name = fleet.kill(random);
    thread::sleep(fleet.registry_away);
    fleet.cluster.apicurio.restart().unwrap();
    format!("registry away for {} s, kill -9 {name}", fleet.registry_away.as_secs())
}

pub(super) fn pause_registry(fleet: &mut Fleet<'_>, random: u64) -> String {
    fleet.cluster.apicurio.pause().unwrap();
    let name = fleet.kill(random);
    thread::sleep(HANGS);
    fleet.cluster.apicurio.resume().unwrap();
    format!("registry hangs for {} s, kill -9 {name}", HANGS.as_secs())
}

/// What runs goes on with the schemas that it knows. Before anybody is started they are registered again, now and then behind another
/// one, so that they have other ids than in the messages that are there.
pub(super) fn empty_registry(fleet: &mut Fleet<'_>, random: u64) -> String {
    let ids = || fleet.cluster.registry().latest("particles.scored-value").unwrap().map(|known| known.id);
    let before = ids();
    fleet.cluster.apicurio.empty().unwrap();
    assert_eq!(ids(), None, "the registry is empty");
    thread::sleep(EMPTY);
    let renumbers = (random >> 8).is_multiple_of(2);
    if renumbers {
        // Others than the last time.
        for number in 0..=random >> 9 & 3 {
            let schema = format!(r#"{{ "type": "record", "name": "Other{number}", "fields": [] }}"#);
            fleet.cluster.registry().register(&format!("other-{number}-value"), &schema).unwrap();
        }
    }
    fleet.cluster.beamline(&["schemas", "register", "stream.yaml"]);
    let name = fleet.kill(random);
    let (seconds, now) = (EMPTY.as_secs(), ids());
    format!(
        "registry emptied, schemas registered again after {seconds} s (`scored` {before:?}, now {now:?}), kill -9 {name}"
    )
}

/// Waits until every partition has all its copies again.
fn wait_until_in_step(cluster: &Cluster) {
    let client: BaseConsumer<Reports> = cluster.connection().client(Reports::default(), |_| ()).unwrap();
    let in_step = || {
        client.fetch_metadata(None, Duration::from_secs(10)).is_ok_and(|metadata| {
            let partitions = |topic: &rdkafka::metadata::MetadataTopic| {
                topic.partitions().iter().all(|partition| partition.isr().len() == partition.replicas().len())
            };
            metadata.topics().iter().all(partitions)
        })
    };
    let begun = Instant::now();
    while !in_step() {
        assert!(begun.elapsed() < IN_STEP_MAX, "copies do not catch up");
        thread::sleep(Duration::from_millis(200));
    }
}
