//! Every server starts, is hurt and recovers.

use std::{
    net::TcpStream,
    path::PathBuf,
    process::{Command, Stdio},
};

use servers::{Apicurio, Cassandra, GoRegistry, Jaeger, Kafka, KafkaOptions, Registry, S3, http_get, http_request};

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
fn a_proxied_node_is_cut_off_and_comes_back() {
    let kafka = Kafka::start(KafkaOptions { proxied: true, ..KafkaOptions::default() }).unwrap();
    let address = kafka.bootstrap_proxied();
    assert_ne!(address, kafka.bootstrap());
    TcpStream::connect(&address).unwrap();
    kafka.proxy(0).cut();
    TcpStream::connect(&address).unwrap_err();
    kafka.proxy(0).heal().unwrap();
    TcpStream::connect(&address).unwrap();
}

/// Whether a TLS client trusts who answers at `address`, and what it says.
fn verify(address: &str, ca: PathBuf) -> (bool, String) {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-verify_return_error", "-connect", address, "-CAfile"]).arg(ca);
    let output = command.stdin(Stdio::null()).output().expect("openssl to run");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_secured_cluster_shows_its_certificates() {
    let kafka = Kafka::start(KafkaOptions { secured: true, ..KafkaOptions::default() }).unwrap();
    let (good, text) = verify(&kafka.bootstrap_tls(), kafka.ca_file());
    assert!(good, "{text}");
    assert!(verify(&kafka.bootstrap_sasl(), kafka.ca_file()).0);
    assert!(!verify(&kafka.bootstrap_tls(), kafka.other_ca_file()).0);
    let (good, text) = verify(&kafka.bootstrap_expired(), kafka.ca_file());
    assert!(!good && text.contains("certificate has expired"), "{text}");
}

#[test]
fn apicurio_keeps_its_schemas() {
    let registry = Apicurio::start().unwrap();
    let subjects = format!("{}/subjects", registry.url());
    let body = r#"{"schema":"\"string\""}"#;
    let (status, answer) = http_request("POST", &format!("{subjects}/a/versions"), Some(body)).unwrap();
    assert_eq!(status, 200, "{answer}");
    registry.set_level("FULL_TRANSITIVE").unwrap();
    let other = r#"{"schema":"\"int\""}"#;
    assert_eq!(http_request("POST", &format!("{subjects}/a/versions"), Some(other)).unwrap().0, 409);
    registry.restart().unwrap();
    assert_eq!(http_get(&subjects).unwrap(), (200, r#"["a"]"#.to_owned()));
}

#[test]
fn cassandra_restarts() {
    let cassandra = Cassandra::start().unwrap();
    TcpStream::connect(cassandra.contact_point()).unwrap();
    cassandra.node().restart().unwrap();
    TcpStream::connect(cassandra.contact_point()).unwrap();
}

#[test]
fn a_secured_cassandra_shows_its_certificate() {
    let cassandra = Cassandra::start_secured().unwrap();
    let (good, text) = verify(&cassandra.contact_point(), cassandra.ca_file());
    assert!(good, "{text}");
    assert!(!verify(&cassandra.contact_point(), cassandra.other_ca_file()).0);
}

#[test]
fn s3_has_buckets() {
    let s3 = S3::start().unwrap();
    s3.create_bucket("results").unwrap();
    let (status, answer) = http_get(&s3.url()).unwrap();
    assert!(status == 200 && answer.contains("<Name>results</Name>"), "{answer}");
}

#[test]
fn the_go_registry_starts_with_backward() {
    let Some(registry) = GoRegistry::start_if_go().unwrap() else { return };
    let (status, answer) = http_get(&format!("{}/config", registry.url())).unwrap();
    assert!(status == 200 && answer.contains("BACKWARD"), "{answer}");
}

#[test]
fn jaeger_keeps_what_it_is_sent() {
    let Some(jaeger) = Jaeger::start_if_go().unwrap() else { return };
    let span = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"probe"}}]},
        "scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"look",
        "kind":1,"startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000001000000000"}]}]}]}"#;
    let (status, answer) = http_request("POST", &format!("{}/v1/traces", jaeger.otlp_http()), Some(span)).unwrap();
    assert_eq!(status, 200, "{answer}");
    let url = format!("{}/api/traces/5b8efff798038103d269b633813fc60c", jaeger.query_url());
    let found = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        http_get(&url).is_ok_and(|(status, answer)| status == 200 && answer.contains("look"))
    });
    assert!(found);
}
