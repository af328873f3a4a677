//! Grafana's dashboard and the alerts, asked of a real Prometheus that reads the metrics of running services.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use servers::Prometheus;

use crate::{
    cluster::{Cluster, Service},
    input, windows,
};

const EVENTS: u64 = 40_000;
/// How long a query may take to have an answer with data: clients look at their lag every five seconds.
const LIMIT: Duration = Duration::from_secs(90);

#[test]
fn a_real_prometheus_answers_every_query_of_the_dashboard_with_data() {
    let cluster = Cluster::start();
    input::write(&cluster.path("input.jsonl"), EVENTS);
    let definition = fs::read_to_string(cluster.path("stream.yaml")).unwrap();
    let definition = definition.replace("energy_gev > 900", "energy_gev > 380");
    fs::write(cluster.path("stream.yaml"), format!("{definition}{}", windows::AGGREGATES)).unwrap();
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    let lake = cluster.path("lake").display().to_string();
    let services: Vec<Service> = [
        ("generator", vec!["--rate", "2000", "--probes", "on"]),
        ("enricher", vec![]),
        ("anomaly-detector", vec![]),
        ("aggregator", vec![]),
        ("writer", vec!["--backend", "parquet", "--lake", &lake, "--batch-interval", "500ms"]),
    ]
    .iter()
    .map(|(name, more)| cluster.service(name, name, more))
    .collect();
    let addresses: Vec<&str> = services.iter().map(|service| service.address.as_str()).collect();
    let Some(prometheus) = Prometheus::start_if_there(&addresses).unwrap() else { return };

    let begun = Instant::now();
    let mut waiting = panel_queries();
    assert!(waiting.len() > 40, "{} queries", waiting.len());
    while !waiting.is_empty() {
        waiting.retain(|(panel, query)| {
            let answer = prometheus.query(query).unwrap_or_else(|error| panic!("{panel}: {error}"));
            answer.is_empty()
        });
        assert!(begun.elapsed() < LIMIT, "no data after {LIMIT:?}: {waiting:#?}");
        thread::sleep(Duration::from_secs(1));
    }
    // Whether they have anything to say depends on what happens; that Prometheus reads them does not.
    for (name, query) in annotations().into_iter().chain(alerts()) {
        prometheus.query(&query).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    services.iter().for_each(Service::stop);
}

/// A file of the chart.
fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/beamline/files").join(name);
    fs::read_to_string(path).unwrap()
}

/// A query with what Grafana and the chart put in.
fn put_in(query: &str) -> String {
    let rules = [("NAMESPACE", ""), ("LAG_SECONDS", "60"), ("LATENCY_SECONDS", "5")];
    let variables = [("$namespace", ".*"), ("$stream", ".*"), ("$__rate_interval", "30s")];
    rules.iter().chain(&variables).fold(query.to_owned(), |query, (name, value)| query.replace(name, value))
}

/// Each query of a panel, with the panel's title. There is no autoscaler outside Kubernetes, and so no data of one.
fn panel_queries() -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(&file("dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| {
        let targets = panel["targets"].as_array().into_iter().flatten();
        targets.map(|target| (panel["title"].as_str().unwrap(), target["expr"].as_str().unwrap()))
    });
    targets
        .filter(|(_, query)| !query.contains("beamline_autoscaler_"))
        .map(|(title, query)| (title.to_owned(), put_in(query)))
        .collect()
}

fn annotations() -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(&file("dashboard.json")).unwrap();
    let annotations = dashboard["annotations"]["list"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    annotations.iter().map(|one| (text(&one["name"]), put_in(&text(&one["expr"])))).collect()
}

/// Each alert's name and expression, which is a block of indented lines.
pub(crate) fn alerts() -> Vec<(String, String)> {
    let rules = file("rules.yaml");
    let rules: Vec<(String, String)> = rules
        .split("- alert: ")
        .skip(1)
        .map(|rule| {
            let (name, rest) = rule.split_once('\n').unwrap();
            let (_, expression) = rest.split_once("expr: |-\n").unwrap();
            let lines = expression.lines().take_while(|line| line.starts_with("    "));
            (name.to_owned(), put_in(&lines.map(str::trim).collect::<Vec<_>>().join(" ")))
        })
        .collect();
    assert!(rules.len() >= 7, "{rules:?}");
    rules
}
