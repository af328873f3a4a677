//! Traces in a real Jaeger: from the generator's send to the row in the store.

use std::{
    collections::BTreeSet,
    fs, thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use servers::Jaeger;

use crate::{
    cluster::{Cluster, Service},
    input,
};

const EVENTS: u64 = 20_000;
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn a_trace_goes_through_four_services_and_every_anomaly_has_one() {
    let Some(jaeger) = Jaeger::start_if_go().unwrap() else { return };
    let cluster = Cluster::start();
    input::write(&cluster.path("input.jsonl"), EVENTS);
    // A few of so few events alarm.
    let definition = fs::read_to_string(cluster.path("stream.yaml")).unwrap();
    fs::write(cluster.path("stream.yaml"), definition.replace("energy_gev > 900", "energy_gev > 380")).unwrap();
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    let (endpoint, lake) = (jaeger.otlp_http(), cluster.path("lake").display().to_string());
    let service = |name: &str, more: &[&str]| {
        let traced = ["--otlp-endpoint", &endpoint, "--trace-ratio", "0.001"];
        cluster.service(name, name, &[&traced[..], more].concat())
    };
    let generator = service("generator", &["--once"]);
    let services = [
        service("enricher", &[]),
        service("anomaly-detector", &[]),
        service("writer", &["--backend", "parquet", "--lake", &lake, "--batch-interval", "500ms"]),
    ];
    let ended = generator.program.wait(LIMIT);
    assert!(ended.is_some_and(|status| status.success()), "{}", generator.program.log());
    let running: Vec<&Service> = services.iter().collect();
    let (_, detected) = cluster.wait_until_done(cluster.sent().sent, LIMIT, &running);
    assert!((10..400).contains(&detected.anomalies), "{detected:?}");

    let four = ["generator", "enricher", "anomaly-detector", "writer"].map(|name| format!("beamline-{name}"));
    let begun = Instant::now();
    loop {
        let traces = traces(&jaeger, &four[0], "");
        let whole = traces.iter().filter(|trace| four.iter().all(|service| services_of(trace).contains(service)));
        // One in a thousand of the events begins a trace; some are filtered on their way.
        if whole.count() >= 10 {
            break;
        }
        assert!(begun.elapsed() < LIMIT, "{} traces, none of four services: {:?}", traces.len(), traces.first());
        thread::sleep(Duration::from_millis(500));
    }
    // Events that were not sampled and are anomalous all the same: what came before the detector, it tells.
    loop {
        let traces = traces(&jaeger, &four[2], "&operation=anomaly%20in%20particles.enriched");
        let whole = traces.iter().filter(|trace| is_whole(trace, &four)).count() as u64;
        // An anomaly that is sampled as well has its trace already.
        if whole + 5 >= detected.anomalies {
            break;
        }
        let example = traces.iter().find(|trace| !is_whole(trace, &four));
        assert!(begun.elapsed() < LIMIT, "{whole} of {} anomalies have a trace: {example:?}", detected.anomalies);
        thread::sleep(Duration::from_millis(500));
    }
    services.iter().for_each(Service::stop);
}

fn traces(jaeger: &Jaeger, service: &str, more: &str) -> Vec<Value> {
    let url = format!("{}/api/traces?service={service}&limit=1000{more}", jaeger.query_url());
    let (_, body) = servers::http_get(&url).unwrap();
    let answer: Value = serde_json::from_str(&body).unwrap();
    answer["data"].as_array().cloned().unwrap_or_default()
}

fn services_of(trace: &Value) -> BTreeSet<String> {
    let processes = trace["processes"].as_object().unwrap();
    processes.values().map(|process| process["serviceName"].as_str().unwrap().to_owned()).collect()
}

/// Whether a trace is of these services, one after the other, and hangs together: it has one root, of the first.
fn is_whole(trace: &Value, services: &[String; 4]) -> bool {
    let spans = trace["spans"].as_array().unwrap();
    let service = |span: &Value| trace["processes"][span["processID"].as_str().unwrap()]["serviceName"].clone();
    let ids: BTreeSet<&str> = spans.iter().map(|span| span["spanID"].as_str().unwrap()).collect();
    let parent = |span: &Value| {
        let references = span["references"].as_array().unwrap();
        references.iter().find(|reference| reference["refType"] == "CHILD_OF").map(|parent| parent["spanID"].clone())
    };
    let roots: Vec<&Value> = spans.iter().filter(|span| parent(span).is_none()).collect();
    let begun = services.each_ref().map(|name| {
        let of = spans.iter().filter(|span| service(span) == name.as_str());
        of.map(|span| span["startTime"].as_u64().unwrap()).min()
    });
    begun.iter().all(Option::is_some)
        && begun.is_sorted()
        && matches!(roots[..], [root] if service(root) == services[0].as_str())
        && spans.iter().filter_map(parent).all(|parent| ids.contains(parent.as_str().unwrap()))
}
