//! The README's commands that need Kafka, a registry or a store, one after the other as somebody types them.

use std::{fs, time::Duration};

use servers::{Apicurio, Cassandra, Kafka, KafkaOptions, Program, free_port};

use super::{SERVICES, all_commands, assert_ours, assert_quiet, is_alone, prepare, shell};

/// Where the README has its broker.
const BROKER: &str = "127.0.0.1:9092";
/// What the README says in words only, or has a test of its own.
const ELSEWHERE: [&str; 4] = ["HOST", "sample.csv", "--cql", "--lake"];

#[test]
fn commands_of_the_readme_that_need_servers_work_and_no_library_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    // The definition that somebody has changed, so that nothing comes out otherwise: `verify` fails where rows differ.
    let definition = fs::read_to_string(folder.path().join("streams/particle-events.yaml")).unwrap();
    fs::write(folder.path().join("changed.yaml"), definition.replace("../", "") + "# changed\n").unwrap();
    let (broker, registry) = (Kafka::start(KafkaOptions::default()).unwrap(), Apicurio::start().unwrap());
    let broker = broker.bootstrap();
    let environment = format!("export BEAMLINE_KAFKA_BOOTSTRAP={broker} BEAMLINE_REGISTRY_URL={};", registry.url());

    let mut services = Vec::new();
    let mut ran = Vec::new();
    for command in all_commands().into_iter().filter(|command| !is_alone(command)) {
        if ELSEWHERE.iter().any(|part| command.contains(part)) {
            continue;
        }
        ran.push(command.clone());
        if SERVICES.iter().any(|service| command.starts_with(service)) {
            let address = format!("127.0.0.1:{}", free_port());
            let told = command.split(" --listen ").next().unwrap();
            let line = format!("cd '{}'; {environment} exec {told} --listen {address}", folder.path().display());
            let service = Program::start("/bin/sh", &["-c", &in_path(&line)], &[]).unwrap();
            service.wait_for_http(&format!("http://{address}/readyz"), Duration::from_secs(60)).unwrap();
            services.push((command, service));
            continue;
        }
        // It would go on until somebody stops it.
        let ends = if command.contains("topics tail") { " --for 5s" } else { "" };
        if command.contains("run streams/") {
            // Its steps would be members of the same groups as the services.
            services.drain(..).for_each(|(command, service)| stop(&command, &service));
        }
        let output = shell(folder.path(), &format!("{environment} {}{ends}", command.replace(BROKER, &broker)));
        assert!(output.status.success(), "{command}: {output:?}");
        assert_quiet(&command, &output);
    }
    assert!(ran.len() >= 11, "{ran:?}");
    let guess = format!("{environment} beamline init --kafka {broker} --topic particle-events");
    let output = shell(folder.path(), &guess);
    assert!(output.status.success(), "{output:?}");
    assert_quiet(&guess, &output);
}

#[test]
fn a_question_to_a_cql_store_is_answered_without_a_line_of_the_driver() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let cassandra = Cassandra::start().unwrap();
    let store = cassandra.contact_point();
    for command in [
        format!("beamline store apply streams/particle-events.yaml --cql {store} --replication 1"),
        format!("beamline check-config streams/particle-events.yaml --connect --cql {store}"),
        format!("beamline query --cql {store} \"SELECT * FROM anomalies WHERE timestamp > '2025-01-01' LIMIT 5\""),
    ] {
        let output = shell(folder.path(), &command);
        assert!(output.status.success(), "{command}: {output:?}");
        assert_quiet(&command, &output);
    }
}

/// A line of a shell that finds our programs.
fn in_path(line: &str) -> String {
    let programs = super::programs();
    format!("PATH={}:/usr/bin:/bin; {line}", programs.display())
}

fn stop(command: &str, service: &Program) {
    service.signal("TERM").unwrap();
    let status = service.wait(Duration::from_secs(60));
    assert!(status.is_some_and(|status| status.success()), "{command}: {status:?}\n{}", service.log());
    assert_ours(command, &service.log());
}
