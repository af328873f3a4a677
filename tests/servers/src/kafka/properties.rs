//! The `server.properties` of a node.

use std::{fmt::Write, path::Path};

use super::{KafkaOptions, Ports};

/// The properties of the node at `index`, as the text of a file. Of a property that occurs twice the last one counts.
pub(super) fn node(options: &KafkaOptions, index: usize, ports: &[Ports], data: &Path) -> String {
    let own = &ports[index];
    let voters: Vec<String> = ports
        .iter()
        .enumerate()
        .map(|(index, ports)| format!("{}@127.0.0.1:{}", index + 1, ports.controller))
        .collect();
    let listeners = format!("PLAINTEXT://127.0.0.1:{}", own.plain);
    let replicas = ports.len();
    let in_sync = if replicas == 1 { 1 } else { 2 };
    let mut text = format!(
        "process.roles=broker,controller
node.id={id}
controller.quorum.voters={voters}
listeners={listeners},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={listeners}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor={replicas}
min.insync.replicas={in_sync}
offsets.topic.num.partitions=8
offsets.topic.replication.factor={replicas}
transaction.state.log.num.partitions=8
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={in_sync}
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr={in_sync}
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
",
        id = index + 1,
        voters = voters.join(","),
        controller = own.controller,
        data = data.display(),
    );
    if replicas > 1 {
        // Tests kill nodes: let the cluster notice sooner than the usual 9 s.
        text.push_str("broker.session.timeout.ms=6000\n");
    }
    for (name, value) in &options.properties {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name}={value}");
    }
    text
}
