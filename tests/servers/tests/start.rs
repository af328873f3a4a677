//! Every server starts, is hurt and recovers.

use servers::{Apicurio, Kafka, KafkaOptions, http_get, http_request};

#[test]
fn one_kafka_node_restarts() {
    let kafka = Kafka::start(KafkaOptions::default()).unwrap();
    assert_eq!(kafka.bootstrap().split(',').count(), 1);
    let pid = kafka.node(0).pid();
    kafka.node(0).kill();
    assert_eq!(kafka.node(0).pid(), None);
    kafka.node(0).start().unwrap();
    assert_ne!(kafka.node(0).pid(), pid);
    kafka.node(0).pause().unwrap();
    kafka.node(0).resume().unwrap();
    kafka.node(0).stop().unwrap();
}

#[test]
fn three_kafka_nodes_form_a_cluster() {
    let kafka = Kafka::start(KafkaOptions { nodes: 3, ..KafkaOptions::default() }).unwrap();
    assert_eq!(kafka.bootstrap().split(',').count(), 3);
    kafka.node(1).restart().unwrap();
}

#[test]
fn apicurio_keeps_its_schemas() {
    let registry = Apicurio::start().unwrap();
    let subjects = format!("{}/subjects", registry.url());
    let body = r#"{"schema":"\"string\""}"#;
    let (status, answer) = http_request("POST", &format!("{subjects}/a/versions"), Some(body)).unwrap();
    assert_eq!(status, 200, "{answer}");
    registry.restart().unwrap();
    assert_eq!(http_get(&subjects).unwrap(), (200, r#"["a"]"#.to_owned()));
}
