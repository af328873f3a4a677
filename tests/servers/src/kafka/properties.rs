//! The `server.properties` of a node.

use std::{fmt::Write, path::Path};

use super::{KafkaOptions, PASSWORD, USERS, listeners::Listeners};
use crate::certificates::Certificates;

/// The properties of the node at `index`, as the text of a file. Of a property that occurs twice the last one counts.
pub(super) fn node(
    options: &KafkaOptions,
    index: usize,
    nodes: &[Listeners],
    data: &Path,
    certificates: Option<&Certificates>,
) -> String {
    let own = &nodes[index];
    let voters = join(nodes.iter().enumerate(), |(index, node)| format!("{}@127.0.0.1:{}", index + 1, node.controller));
    let listeners = join(&own.all, |listener| format!("{}://127.0.0.1:{}", listener.name, listener.port));
    let advertised = join(&own.all, |listener| format!("{}://127.0.0.1:{}", listener.name, listener.advertised));
    let protocols = join(&own.all, |listener| format!("{}:{}", listener.name, listener.protocol));
    let replicas = nodes.len();
    let in_sync = if replicas == 1 { 1 } else { 2 };
    let mut text = format!(
        "process.roles=broker,controller
node.id={id}
controller.quorum.voters={voters}
listeners={listeners},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={advertised}
listener.security.protocol.map={protocols},CONTROLLER:PLAINTEXT
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
        controller = own.controller,
        data = data.display(),
    );
    if replicas > 1 {
        // Tests kill nodes: let the cluster notice sooner than the usual 9 s.
        text.push_str("broker.session.timeout.ms=6000\n");
    }
    if let Some(certificates) = certificates {
        secure(&mut text, certificates);
    }
    for (name, value) in &options.properties {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name}={value}");
    }
    text
}

/// Certificates, users and rights. Who comes in plain text, as the nodes themselves do, may do everything.
fn secure(text: &mut String, certificates: &Certificates) {
    let users = USERS.map(|user| format!("user_{user}=\"{PASSWORD}\"")).join(" ");
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:admin
ssl.keystore.type=PEM
ssl.keystore.location={broker}
ssl.truststore.type=PEM
ssl.truststore.location={ca}
ssl.client.auth=requested
ssl.principal.mapping.rules=RULE:^CN=([^,]*).*$/$1/,DEFAULT
listener.name.expired.ssl.keystore.type=PEM
listener.name.expired.ssl.keystore.location={expired}
",
        broker = certificates.server().display(),
        ca = certificates.ca().display(),
        expired = certificates.expired().display(),
    );
    let modules = "org.apache.kafka.common.security";
    for listener in ["sasl", "saslplain"] {
        let prefix = format!("listener.name.{listener}");
        let _ = write!(
            text,
            "{prefix}.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
{prefix}.plain.sasl.jaas.config={modules}.plain.PlainLoginModule required {users};
{prefix}.scram-sha-256.sasl.jaas.config={modules}.scram.ScramLoginModule required;
{prefix}.scram-sha-512.sasl.jaas.config={modules}.scram.ScramLoginModule required;
"
        );
    }
}

fn join<T>(items: impl IntoIterator<Item = T>, text: impl Fn(T) -> String) -> String {
    items.into_iter().map(text).collect::<Vec<_>>().join(",")
}
