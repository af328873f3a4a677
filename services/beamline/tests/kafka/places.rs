//! Groups whose offsets are gone: each step goes on where its outputs say, with nothing lost, nothing twice, and no command.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use broker::{Admin, Reports};
use kafka::Step;
use rdkafka::{
    admin::{AdminClient, AdminOptions},
    types::RDKafkaErrorCode,
};

use crate::{
    cluster::{Cluster, Service},
    input,
    raw::{self, Event},
    results, windows,
};

const EVENTS: u64 = 60_000;
/// Time-outs of workers: so long after a kill its group still has a member.
const WORKER: [&str; 4] = ["--session-timeout", "6s", "--transaction-timeout", "4s"];

/// Deletes a group with all of its offsets, as Kafka does a week after its last commit.
pub(crate) fn forget(cluster: &Cluster, group: &str, topic: &str) {
    let admin: AdminClient<Reports> = cluster.connection().client(Reports::default(), |_| ()).unwrap();
    let begun = Instant::now();
    loop {
        let deleted = futures::executor::block_on(admin.delete_groups(&[group], &AdminOptions::new())).unwrap();
        match &deleted[0] {
            // The answer to an earlier try may have been lost.
            Ok(_) | Err((_, RDKafkaErrorCode::GroupIdNotFound)) => break,
            // A member that was killed is a member until its session ends.
            Err((_, error)) => assert!(begun.elapsed() < Duration::from_secs(30), "{error}"),
        }
        thread::sleep(Duration::from_millis(200));
    }
    let left = cluster.offsets().committed(group, topic, &[0, 1, 2, 3, 4, 5, 6, 7]).unwrap();
    assert!(left.is_empty(), "{left:?}");
}

pub(crate) fn kafka_topics() -> stream::Topics {
    stream::Topics::of("particles")
}

fn wait_for(cluster: &Cluster, step: Step, records: u64, generator: Option<&Service>) {
    let begun = Instant::now();
    while cluster.ledger(step).records < records {
        let log = || generator.map_or_else(String::new, |service| service.program.log());
        assert!(begun.elapsed() < Duration::from_secs(90), "{step:?}: {:?}\n{}", cluster.ledger(step), log());
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn groups_that_are_forgotten_in_mid_stream_lose_nothing_and_repeat_nothing() {
    let cluster = Cluster::start();
    input::write(&cluster.path("input.jsonl"), EVENTS);
    let definition = fs::read_to_string(cluster.path("stream.yaml")).unwrap();
    let definition = format!("{definition}{}", windows::AGGREGATES);
    // 60 s of events in 30 s.
    fs::write(cluster.path("stream.yaml"), definition.replace("[input.jsonl] }", "[input.jsonl], speed: 2 }")).unwrap();
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    let steps = [
        ("enricher", vec![Step::Enrich]),
        ("anomaly-detector", vec![Step::Detect]),
        ("aggregator", vec![Step::Aggregate, Step::Merge]),
    ];
    let mut services: Vec<Service> = steps.iter().map(|(name, _)| cluster.service(name, "before", &WORKER)).collect();
    let generator = cluster.service("generator", "before", &["--once"]);
    wait_for(&cluster, Step::Enrich, EVENTS / 20, Some(&generator));
    generator.program.signal("KILL").unwrap();
    let sent = cluster.sent().sent;
    assert!(sent < EVENTS / 10 * 9, "the generator is killed in the middle, and not after {sent} of {EVENTS} events");
    forget(&cluster, &kafka::Generator::group("particles"), &kafka_topics().raw);
    let generator = cluster.service("generator", "after", &["--once"]);
    for (index, (name, steps)) in steps.iter().enumerate() {
        wait_for(&cluster, steps[0], EVENTS / 10 * (index as u64 + 1), Some(&generator));
        // One is told to end, the others are killed in the middle of a transaction.
        match index {
            0 => services[index].stop(),
            _ => services[index].program.signal("KILL").unwrap(),
        }
        steps.iter().for_each(|step| forget(&cluster, &step.group("particles"), step.input(&kafka_topics())));
        services[index] = cluster.service(name, "after", &WORKER);
    }
    let ended = generator.program.wait(Duration::from_secs(120));
    assert!(ended.is_some_and(|status| status.success()), "{}", generator.program.log());
    let running: Vec<&Service> = services.iter().collect();
    let sent = cluster.sent().sent;
    let (enriched, detected) = cluster.wait_until_done(sent, Duration::from_secs(120), &running);
    // The account goes on where it was, too.
    assert!(enriched.records == sent && enriched.balances(), "{enriched:?}");
    assert!(detected.records == enriched.out && detected.balances(), "{enriched:?} {detected:?}");
    let stream = service::load_stream(&cluster.path("stream.yaml")).unwrap();
    windows::wait_for_aggregates(&cluster, &stream, detected.out, &services[2..]);
    for service in &services {
        let log = service.program.log();
        assert!(log.contains("its outputs say where to go on"), "{log}");
    }
    let log = generator.program.log();
    assert!(log.contains("the place kept in particles.detector-state says where to go on"), "{log}");

    fs::write(cluster.path("stream.yaml"), definition).unwrap();
    results::assert_same(&results::scores(&cluster), &results::scores_in_one_process(&cluster));
    let wanted = windows::windows(&stream, &windows::asked(&cluster, "SELECT * FROM aggregates"));
    let found = windows::on_kafka(&cluster, &stream);
    assert!(found.len() > wanted.len() / 2, "{} results of {}", found.len(), wanted.len());
    for (key, row) in &found {
        assert_eq!(Some(row), wanted.get(key), "{key}");
    }
    let said = cluster.beamline(&["topics", "ledger", "stream.yaml"]);
    assert!(said.contains("the ledger balances"), "{said}");
    services.iter().for_each(Service::stop);
}

/// Events without a generator, so that nothing but the step keeps a place; each partition has two keys.
pub(crate) fn send_events(cluster: &Cluster, numbers: impl Iterator<Item = usize>) {
    let schema = raw::schema(cluster);
    let event = |number: usize| {
        let energy = 1.0 + (number * 37 % 101) as f64 / 10.0;
        let event = Event::new(format!("event-{number}"), energy, format!("D{}", number % 16));
        ((number % 8) as u32, "D", event.framed(schema))
    };
    raw::send(cluster, "particles", numbers.map(event));
}

#[test]
fn a_kill_within_the_first_transaction_starts_by_itself() {
    let cluster = Cluster::start();
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    let never = [&WORKER[..], &["--commit-interval", "1h", "--commit-records", "1000000000"]].concat();
    let first = cluster.service("enricher", "e", &never);
    first.wait_until_ready();
    send_events(&cluster, 0..2000);
    let begun = Instant::now();
    // Something must have been written, though not committed.
    while cluster.offsets().range("particles.enriched", 3).unwrap().1 == 0 {
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", first.program.log());
        thread::sleep(Duration::from_millis(50));
    }
    first.program.signal("KILL").unwrap();
    let services = [cluster.service("enricher", "e", &WORKER), cluster.service("anomaly-detector", "d", &WORKER)];
    cluster.wait_until_done(2000, Duration::from_secs(90), &[&services[0], &services[1]]);
    assert_eq!(results::scores(&cluster).len(), 2000);
    services.iter().for_each(Service::stop);
}

#[test]
fn outputs_without_a_place_are_not_written_twice_until_somebody_chooses() {
    let cluster = Cluster::start();
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    send_events(&cluster, 0..800);
    // What an earlier program left: its schemas, and outputs that say nothing of where it was.
    cluster.beamline(&["schemas", "register", "stream.yaml"]);
    raw::send(&cluster, "particles.enriched", (0..8).map(|partition| (partition, "D", b"earlier".to_vec())));
    let enricher = cluster.service("enricher", "e", &WORKER);
    let begun = Instant::now();
    let reason = loop {
        let (status, text) = enricher.readiness();
        if status == 503 && text.contains("beamline topics place") {
            break text;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{text}\n{}", enricher.program.log());
        thread::sleep(Duration::from_millis(100));
    };
    assert!(reason.contains("--step enricher") && reason.contains("`particles.enriched` holds"), "{reason}");
    assert_eq!(cluster.ledger(Step::Enrich).records, 0);

    let place = ["topics", "place", "stream.yaml", "--step", "enricher"];
    let said = cluster.beamline(&place);
    // By their times the outputs came of all events.
    assert!(said.contains("latest: partition 3 goes on at offset 100: repeats nothing, loses nothing"), "{said}");
    assert!(
        said.contains("earliest: partition 3 goes on at offset 0: repeats up to 100 records, loses nothing"),
        "{said}"
    );
    assert_eq!(cluster.ledger(Step::Enrich).records, 0, "nothing is changed by looking");
    let said = cluster.beamline(&[&place[..], &["--at", "earliest"]].concat());
    assert!(said.contains("placed"), "{said}");
    let begun = Instant::now();
    while cluster.ledger(Step::Enrich).records < 800 || enricher.readiness().0 != 200 {
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}\n{}", enricher.readiness(), enricher.program.log());
        thread::sleep(Duration::from_millis(100));
    }
    enricher.stop();
}

#[test]
fn a_topic_that_is_made_again_begins_with_a_state_of_its_own() {
    let cluster = Cluster::start();
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    send_events(&cluster, 0..4000);
    let start = || [cluster.service("enricher", "e", &WORKER), cluster.service("anomaly-detector", "d", &WORKER)];
    let services = start();
    cluster.wait_until_done(4000, Duration::from_secs(60), &[&services[0], &services[1]]);
    services.iter().for_each(Service::stop);
    let first = results::scores(&cluster);

    // All but the state: whoever takes it up would score the same events otherwise.
    let admin = Admin::connect(&cluster.connection()).unwrap();
    let names = ["particles", "particles.enriched", "particles.scored"];
    admin.delete(&names).unwrap();
    let begun = Instant::now();
    while !admin.topics(&names).unwrap().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(30), "the topics stay");
        thread::sleep(Duration::from_millis(100));
    }
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    // One key of each partition first, so that the other's earlier state would be found at the next start.
    send_events(&cluster, (0..4000).filter(|number| number % 16 < 8));
    let services = start();
    cluster.wait_until_done(2000, Duration::from_secs(60), &[&services[0], &services[1]]);
    services.iter().for_each(Service::stop);
    let services = start();
    send_events(&cluster, (0..4000).filter(|number| number % 16 >= 8));
    cluster.wait_until_done(4000, Duration::from_secs(60), &[&services[0], &services[1]]);
    results::assert_same(&results::scores(&cluster), &first);
    services.iter().for_each(Service::stop);
}
