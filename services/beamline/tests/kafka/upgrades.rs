//! A definition that changes under load: what has been learned and counted is gone on from where the change does not touch it.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use kafka::Step;

use crate::{
    cluster::{Cluster, Service},
    input, results, windows,
};

const EVENTS: u64 = 100_000;

#[test]
fn a_column_more_under_load_changes_no_score_and_no_window() {
    let cluster = Cluster::start();
    input::write(&cluster.path("input.jsonl"), EVENTS);
    let definition = format!("{}{}", fs::read_to_string(cluster.path("stream.yaml")).unwrap(), windows::AGGREGATES)
        // 100 s of events in 20 s.
        .replace("paths: [input.jsonl]", "paths: [input.jsonl], speed: 5");
    fs::write(cluster.path("stream.yaml"), &definition).unwrap();
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    let services = |version: &str| -> Vec<Service> {
        let start = |name| cluster.service(name, &format!("{name}-{version}"), &[]);
        ["enricher", "anomaly-detector", "aggregator"].into_iter().map(start).collect()
    };
    let before = services("before");
    before.iter().for_each(Service::wait_until_ready);
    let generator = cluster.service("generator", "g", &["--once"]);
    let begun = Instant::now();
    while cluster.ledger(Step::Aggregate).records < EVENTS / 5 {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing comes through");
        thread::sleep(Duration::from_millis(100));
    }
    let early = cluster.ledger(Step::Aggregate);

    let more = "    columns:\n      p_total: \"sqrt(momentum_x * momentum_x + momentum_y * momentum_y)\"\n";
    fs::write(cluster.path("stream.yaml"), definition.replace("    columns:\n", more)).unwrap();
    cluster.beamline(&["schemas", "register", "stream.yaml"]);
    // One service after the other: for a while the old and the new work side by side.
    let after = services("after");
    for service in &before {
        thread::sleep(Duration::from_millis(500));
        service.stop();
    }
    let ended = generator.program.wait(Duration::from_secs(120));
    assert!(ended.is_some_and(|status| status.success()), "{}", generator.program.log());
    let limit = Duration::from_secs(180);
    let (_, detected) = cluster.wait_until_done(cluster.sent().sent, limit, &[&after[0], &after[1]]);
    assert!(early.records < detected.out / 2, "{early:?} before the change, {detected:?} in all");
    let stream = service::load_stream(&cluster.path("stream.yaml")).unwrap();
    windows::wait_for_aggregates(&cluster, &stream, detected.out, &after[2..]);

    results::assert_same(&results::scores(&cluster), &results::scores_in_one_process(&cluster));
    let wanted = windows::windows(&stream, &windows::asked(&cluster, "SELECT * FROM aggregates"));
    let found = windows::on_kafka(&cluster, &stream);
    assert!(found.len() > wanted.len() / 2, "{} results of {}", found.len(), wanted.len());
    for (key, row) in &found {
        assert_eq!(Some(row), wanted.get(key), "{key}");
    }
    after.iter().for_each(Service::stop);
}
