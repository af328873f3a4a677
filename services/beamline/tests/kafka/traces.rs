//! Traces in a real Jaeger: from the generator's send to the row in the store.

use std::{
    collections::BTreeSet,
    fs, thread,
    time::{Duration, Instant},
};

use broker::Reports;
use kafka::Step;
use rdkafka::{
    message::{Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer},
};
use serde_json::Value;
use servers::Jaeger;
use stage::TraceId;

use crate::{
    cluster::{Cluster, Service},
    input, results, theirs,
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
    // The traces that were stored are those that were sent, and the same as where none is sent.
    let sql = "SELECT DISTINCT trace_id FROM anomalies";
    let stored = cluster.beamline(&["query", "--format", "csv", "--limit", "0", "--lake", &lake, sql]);
    let stored: Vec<&str> = stored.lines().skip(1).collect();
    assert_eq!(stored.len() as u64, detected.anomalies);
    let begun = Instant::now();
    for trace in stored {
        let url = format!("{}/api/traces/{trace}", jaeger.query_url());
        while servers::http_get(&url).unwrap().0 != 200 {
            assert!(begun.elapsed() < LIMIT, "{trace} is not in Jaeger");
            thread::sleep(Duration::from_millis(500));
        }
    }
    results::assert_same(&results::scores(&cluster), &results::scores_in_one_process(&cluster));
}

/// A stream of messages that carry traces of their own.
const JOINED: &str = r#"
apiVersion: beamline.dev/v1
kind: Stream
metadata: { name: joined }
spec:
  schema: joined.avsc
  id: id
  key: key
  time: time
  partitions: 1
  source:
    kafka:
      topic: theirs
      format: json
      derive:
        id: "concat('e', CAST($offset AS VARCHAR))"
        key: "'k'"
        time: "$timestamp"
  detect:
    rules:
      - { name: large, when: "x > 10" }
"#;

const JOINED_SCHEMA: &str = r#"{ "type": "record", "name": "Joined", "fields": [
  { "name": "id", "type": "string" },
  { "name": "key", "type": "string" },
  { "name": "time", "type": { "type": "long", "logicalType": "timestamp-millis" } },
  { "name": "x", "type": "double" } ] }"#;

/// Values, with the `traceparent` that each comes with, and the trace that its anomaly is stored with.
const MESSAGES: [(u32, Option<&str>, Option<&str>); 4] = [
    (1, Some("00-0000000000000000000000000000000a-00f067aa0ba902b7-01"), None),
    (20, Some("00-0000000000000000000000000000000b-00f067aa0ba902b7-01"), Some("0000000000000000000000000000000b")),
    (30, None, None),
    (40, Some("00-0000000000000000000000000000000c-00f067aa0ba902b7-00"), None),
];

#[test]
fn a_sampled_trace_that_comes_with_a_message_is_stored_as_it_is_and_by_a_replay_too() {
    let cluster = Cluster::start();
    fs::write(cluster.path("joined.yaml"), JOINED).unwrap();
    fs::write(cluster.path("joined.avsc"), JOINED_SCHEMA).unwrap();
    theirs::create(&cluster.connection(), "theirs", 1, 1, &[]);
    cluster.beamline(&["topics", "apply", "joined.yaml"]);
    let producer: BaseProducer<Reports> = cluster.connection().client(Reports::default(), |_| {}).unwrap();
    for (x, traceparent, _) in MESSAGES {
        let value = format!("{{\"x\": {x}}}");
        let mut record: BaseRecord<'_, str, str> = BaseRecord::to("theirs").payload(&value);
        if let Some(traceparent) = traceparent {
            record =
                record.headers(OwnedHeaders::new().insert(Header { key: "traceparent", value: Some(traceparent) }));
        }
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(Duration::from_secs(10)).unwrap();
    // None of them sends traces: whose trace it is does not hang on that.
    let services = ["generator", "enricher", "anomaly-detector"];
    let services = services.map(|name| cluster.service_of("joined.yaml", name, name, &[]));
    let begun = Instant::now();
    while cluster.ledger_of("joined", 1, Step::Detect).records < MESSAGES.len() as u64 {
        assert!(begun.elapsed() < LIMIT, "{}", services.each_ref().map(|service| service.program.log()).join("\n"));
        thread::sleep(Duration::from_millis(200));
    }
    let bootstrap = cluster.kafka.bootstrap();
    let on = |arguments: &[&str]| cluster.beamline(&[arguments, &["--kafka", &bootstrap]].concat());
    let sql = "SELECT id, coalesce(trace_id, 'none') AS trace FROM processed_data ORDER BY id";
    let found = on(&["query", "--format", "csv", "--stream", "joined.yaml", sql]);
    let wanted = MESSAGES.iter().enumerate().map(|(offset, (x, _, came))| {
        let id = format!("e{offset}");
        let trace = match came {
            _ if *x <= 10 => "none".to_owned(),
            Some(came) => (*came).to_owned(),
            None => TraceId::of("joined", &id).to_string(),
        };
        format!("{id},{trace}")
    });
    assert_eq!(found.lines().skip(1).collect::<Vec<_>>(), wanted.collect::<Vec<_>>());
    on(&["replay", "joined.yaml"]);
    let said = on(&["verify", "joined.yaml", "joined.yaml"]);
    assert!(said.contains(" 0 rows differ"), "{said}");
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
