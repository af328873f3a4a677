//! Where there are three brokers, topics are kept three times, and two have to have a record before it counts.

use std::{
    env,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use broker::{Admin, Connection};
use servers::{KafkaOptions, Program};

use crate::cluster::{Cluster, write_definition};

const TOPICS: [&str; 5] =
    ["particles", "particles.enriched", "particles.scored", "particles.detector-state", "particles.notes"];

/// Every topic of the stream is kept three times, and two have to have a record. A broker may hear of it a moment later.
fn assert_three_copies(bootstrap: &str) {
    let admin = Admin::connect(&Connection::plaintext(bootstrap.to_owned())).unwrap();
    let begun = Instant::now();
    loop {
        let topics = admin.topics(&TOPICS).unwrap();
        let found: Vec<_> = topics
            .values()
            .map(|topic| (topic.replication, topic.settings.get("min.insync.replicas").map(String::as_str)))
            .collect();
        if found == [(3, Some("2")); TOPICS.len()] {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{topics:#?}");
        thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn topics_are_kept_three_times_where_there_are_three_brokers_whatever_their_default() {
    // As Apache Kafka comes.
    let properties = [("default.replication.factor", "1"), ("min.insync.replicas", "1")];
    let properties = properties.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let cluster = Cluster::start_with(KafkaOptions { nodes: 3, properties, ..KafkaOptions::default() });
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    assert_three_copies(&cluster.kafka.bootstrap());
}

#[test]
fn the_servers_for_local_work_can_be_three_brokers() {
    let _alone = Cluster::alone();
    let folder = tempfile::tempdir().unwrap();
    write_definition(folder.path());
    let data = folder.path().join("data");
    let beamline = Path::new(env!("CARGO_BIN_EXE_beamline"));
    let arguments = ["--brokers", "3", "--ports", "free", "--data", data.to_str().unwrap()];
    let dev = Program::start(beamline.with_file_name("dev"), &arguments, &[]).unwrap();
    dev.wait_for_line("Ctrl-C stops the servers", Duration::from_secs(120)).unwrap();
    let log = dev.log();
    let bootstrap = log.lines().find_map(|line| line.strip_prefix("export BEAMLINE_KAFKA_BOOTSTRAP=")).unwrap();
    assert_eq!(bootstrap.split(',').count(), 3, "{log}");
    let applied = Command::new(beamline)
        .args(["topics", "apply", "stream.yaml"])
        .env("BEAMLINE_KAFKA_BOOTSTRAP", bootstrap)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    assert_three_copies(bootstrap);
    dev.signal("TERM").unwrap();
    assert!(dev.wait(Duration::from_secs(60)).is_some_and(|status| status.success()), "{}", dev.log());
}
