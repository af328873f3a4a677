//! A registry and a cluster that belong to somebody else: away, or behind TLS and passwords.

use std::{fs, time::Duration};

use broker::Connection;
use rdkafka::producer::{BaseRecord, Producer};
use servers::{Apicurio, Kafka, KafkaOptions};

use super::{
    answers::{LIMIT, dead_letters, define, generator, send, wait_until_unready},
    create, events, producer, wait_for_messages,
};
use crate::cluster::Cluster;

/// Gives a schema to a registry.
fn register(registry: &Apicurio, schema: &str) -> u32 {
    let body = serde_json::json!({ "schema": schema }).to_string();
    let url = format!("{}/subjects/theirs-value/versions", registry.url());
    let (status, answer) = servers::http_request("POST", &url, Some(&body)).unwrap();
    assert_eq!(status, 200, "{answer}");
    serde_json::from_str::<serde_json::Value>(&answer).unwrap()["id"].as_u64().unwrap() as u32
}

/// A double behind the five bytes.
fn framed(schema: u32, x: f64) -> Vec<u8> {
    [&[0][..], &schema.to_be_bytes(), &x.to_le_bytes()].concat()
}

/// Messages whose schema is known go on; those whose schema has to be asked for wait, and none is lost.
#[test]
fn a_registry_that_is_away_is_waited_for() {
    let cluster = Cluster::start();
    let theirs = Apicurio::start().unwrap();
    create(&cluster.connection(), "measured", 1, 1, &[]);
    let schema = |name: &str| {
        format!(r#"{{ "type": "record", "name": "{name}", "fields": [ {{ "name": "x", "type": "double" }} ] }}"#)
    };
    let (first, second) = (register(&theirs, &schema("First")), register(&theirs, &schema("Second")));
    let plain = producer(&cluster.connection(), "none");
    let write = |schema, range: std::ops::Range<u32>| {
        range.for_each(|number| send(&plain, "measured", &framed(schema, f64::from(number))));
    };
    let source =
        format!("      topic: measured\n      format: confluent-avro\n      registry: {{ url: \"{}\" }}", theirs.url());
    let file = define(&cluster, "measured-events", &source);

    // Away from the beginning.
    theirs.kill();
    write(first, 0..10);
    let service = generator(&cluster, &file);
    wait_until_unready(&service, "registry");
    assert!(events(&cluster, &file).is_empty());
    theirs.node().start().unwrap();
    wait_for_messages(&cluster, &file, 10, LIMIT, &[&service]);
    service.wait_until_ready();

    // Away later: what is known is read on.
    theirs.kill();
    write(first, 10..20);
    wait_for_messages(&cluster, &file, 20, LIMIT, &[&service]);
    write(second, 20..25);
    write(first, 25..30);
    wait_until_unready(&service, "registry");
    assert_eq!(events(&cluster, &file).len(), 20);
    theirs.node().start().unwrap();
    wait_for_messages(&cluster, &file, 30, LIMIT, &[&service]);

    // A registry that is there and does not know a schema will not know it later either.
    write(4_711, 30..31);
    write(second, 31..32);
    wait_for_messages(&cluster, &file, 32, LIMIT, &[&service]);
    service.stop();
    let found = events(&cluster, &file);
    assert!(found.len() == 31 && found.values().all(|count| *count == 1), "{found:?}");
    let letters = dead_letters(&cluster, &file);
    assert!(
        letters.len() == 1 && letters[0].starts_with("measured,0,30,") && letters[0].contains("4711"),
        "{letters:?}"
    );
}

/// With TLS, an authority of its own, and a user who may read and not write: nothing is written there.
#[test]
fn another_cluster_is_read_with_tls_and_a_password() {
    let cluster = Cluster::start();
    let other = Kafka::start(KafkaOptions { secured: true, ..KafkaOptions::default() }).unwrap();
    let theirs = Connection::plaintext(other.bootstrap());
    create(&theirs, "far", 3, 1, &[]);
    let plain = producer(&theirs, "lz4");
    let write = |range: std::ops::Range<u32>| {
        for number in range {
            let (value, partition) = (format!("{{\"x\": {number}}}"), (number % 3) as i32);
            let record: BaseRecord<'_, str, str> = BaseRecord::to("far").partition(partition).payload(value.as_str());
            plain.send(record).map_err(|(error, _)| error).unwrap();
        }
        plain.flush(Duration::from_secs(10)).unwrap();
    };
    fs::copy(other.ca_file(), cluster.path("their-ca.pem")).unwrap();
    fs::write(cluster.path("their-password"), format!("{}\n", other.password())).unwrap();
    fs::write(cluster.path("wrong-password"), "not-it").unwrap();
    let source = |password: &str, security: &str, brokers: &str, mechanism: &str, ca: &str| {
        format!(
            "      topic: far\n      format: json\n      cluster: {{ brokers: \"{brokers}\", security: {security}, \
             mechanism: {mechanism}, username: reader, password_file: {password}{ca} }}"
        )
    };
    let (sasl, ca) = (other.bootstrap_sasl(), ", ca_file: their-ca.pem");
    let right = source("their-password", "sasl-tls", &sasl, "SCRAM-SHA-512", ca);
    let file = define(&cluster, "far-events", &right);
    write(0..300);
    let service = generator(&cluster, &file);
    wait_for_messages(&cluster, &file, 300, LIMIT, &[&service]);
    service.program.signal("KILL").unwrap();
    write(300..600);
    let again = cluster.service_of(&file, "generator", "again", &["--transaction-timeout", "4s"]);
    wait_for_messages(&cluster, &file, 600, LIMIT, &[&again]);
    again.stop();
    let found = events(&cluster, &file);
    assert!(found.len() == 600 && found.values().all(|count| *count == 1), "{} of 600", found.len());

    // The other ways to log in, each as a stream of its own; and those that are refused, each told why.
    for (name, security, brokers, mechanism, ca) in [
        ("far-scram", "sasl-tls", &sasl, "SCRAM-SHA-256", ca),
        ("far-plain", "sasl-plaintext", &other.bootstrap_sasl_plaintext(), "PLAIN", ""),
    ] {
        let file = define(&cluster, name, &source("their-password", security, brokers, mechanism, ca));
        let service = generator(&cluster, &file);
        wait_for_messages(&cluster, &file, 600, LIMIT, &[&service]);
        service.stop();
    }
    fs::copy(other.other_ca_file(), cluster.path("other-ca.pem")).unwrap();
    for (name, password, ca, words) in [
        ("far-wrong", "wrong-password", ca, "refuses the credentials"),
        ("far-unknown", "their-password", ", ca_file: other-ca.pem", "check the certificates"),
    ] {
        let file = define(&cluster, name, &source(password, "sasl-tls", &sasl, "SCRAM-SHA-512", ca));
        let service = generator(&cluster, &file);
        wait_until_unready(&service, words);
        let log = service.program.log();
        assert!(!log.contains("not-it") && !log.contains(other.password()), "a password in {log}");
    }
}
