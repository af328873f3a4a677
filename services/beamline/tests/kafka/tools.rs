//! The command line on Kafka: a whole run in one process, questions, dead letters and the way back, and a replay.

use std::fs;

use serde_json::Value;

use crate::{cluster::Cluster, input, raw, results, windows};

const EVENTS: u64 = 20_000;

#[test]
fn one_process_runs_a_stream_on_kafka_and_the_command_line_works_on_it() {
    let cluster = Cluster::start();
    let bootstrap = cluster.kafka.bootstrap();
    let kafka = ["--kafka", bootstrap.as_str()];
    input::write(&cluster.path("input.jsonl"), EVENTS);
    let definition = fs::read_to_string(cluster.path("stream.yaml")).unwrap();
    fs::write(cluster.path("stream.yaml"), format!("{definition}{}", windows::AGGREGATES)).unwrap();
    let on = |arguments: &[&str]| cluster.beamline(&[arguments, &kafka].concat());

    let said = on(&["run", "stream.yaml"]);
    assert!(said.contains("the ledger balances"), "{said}");
    results::assert_same(&results::scores(&cluster), &results::scores_in_one_process(&cluster));

    let ask = |sql: &str| on(&["query", "--format", "csv", "--stream", "stream.yaml", sql]).trim().to_owned();
    let scored = results::scores(&cluster).len();
    assert_eq!(
        ask("SELECT count(*) AS n, count(DISTINCT event_id) AS m FROM processed_data"),
        format!("n,m\n{scored},{scored}")
    );
    assert_eq!(ask("SELECT count(*) AS n FROM dead_letters WHERE rule = 'positive_energy'"), "n\n20");

    // The last of several results of a window, as in one process; what is still open is there as well.
    let rates =
        "SELECT window_start, detector_id, events, highest FROM rates WHERE final ORDER BY window_start, detector_id";
    let in_one_process = cluster.beamline(&["query", "--format", "csv", "--results", "results", rates]);
    let found = ask(rates);
    let closed: Vec<&str> = found.lines().collect();
    assert!(closed.len() > 1 && closed.iter().all(|row| in_one_process.lines().any(|other| other == *row)), "{found}");
    let late = "(SELECT count(*) FROM late WHERE late_for = 'rates')";
    assert_eq!(ask(&format!("SELECT sum(events) + {late} AS n FROM rates")), format!("n\n{scored}"));

    redriven(&cluster, &kafka);
    // Whatever waits is taken through by the same command.
    on(&["run", "stream.yaml"]);
    assert_eq!(results::scores(&cluster).len(), scored + 20, "each repaired event once");

    replayed(&cluster, &kafka);
}

fn redriven(cluster: &Cluster, kafka: &[&str]) {
    let on = |arguments: &[&str]| cluster.beamline(&[arguments, kafka].concat());
    let listed = on(&["dlq", "list", "--stream", "stream.yaml"]);
    assert!(listed.contains("positive_energy") && listed.contains("130 dead letters"), "{listed}");
    let payloads = on(&["dlq", "show", "--stream", "stream.yaml", "--rule", "positive_energy", "--payload"]);
    fs::write(cluster.path("broken.jsonl"), &payloads).unwrap();
    let repaired: Vec<String> = payloads
        .lines()
        .map(|line| {
            let mut event: Value = serde_json::from_str(line).unwrap();
            event["energy_gev"] = Value::from(-event["energy_gev"].as_f64().unwrap());
            event.to_string()
        })
        .collect();
    assert_eq!(repaired.len(), 20);
    fs::write(cluster.path("repaired.jsonl"), repaired.join("\n") + "\n").unwrap();
    let redrive = |file: &str| cluster.beamline_ends(&[&["dlq", "redrive", "stream.yaml", file], kafka].concat());
    let (code, _, said) = redrive("broken.jsonl");
    assert!(code == Some(64) && said.contains("20 of 20 events would become dead letters again"), "{said}");
    let (code, printed, said) = redrive("repaired.jsonl");
    assert!(code == Some(0) && printed.contains("20 events were sent"), "{printed}{said}");
    let (code, _, said) = redrive("repaired.jsonl");
    assert!(code == Some(64) && said.contains("sent before"), "{said}");
}

fn replayed(cluster: &Cluster, kafka: &[&str]) {
    let on = |arguments: &[&str]| cluster.beamline(&[arguments, kafka].concat());
    let before = cluster.ledger(kafka::Step::Detect);
    let said = on(&["replay", "stream.yaml"]);
    assert!(said.contains("records of `particles` went into `particles-replay.*`"), "{said}");
    let said = on(&["verify", "stream.yaml", "stream.yaml"]);
    assert!(said.contains(" 0 rows differ"), "{said}");
    let (code, _, said) = cluster.beamline_ends(&[&["replay", "stream.yaml"], kafka].concat());
    assert!(code == Some(64) && said.contains("name another --into"), "{said}");

    let definition = fs::read_to_string(cluster.path("stream.yaml")).unwrap();
    fs::write(cluster.path("changed.yaml"), definition.replace("energy_gev > 900", "energy_gev > 300")).unwrap();
    on(&["replay", "changed.yaml", "--into", "changed"]);
    let verify = ["verify", "stream.yaml", "changed.yaml", "--into", "changed"];
    let (code, printed, _) = cluster.beamline_ends(&[&verify, kafka].concat());
    assert!(
        code == Some(1) && printed.contains(" anomalous anomaly_score anomaly_reasons anomaly_words anomaly_causes"),
        "{printed}"
    );

    let said = on(&["replay", "stream.yaml", "--into", "earlier", "--until", "2025-01-01"]);
    assert!(said.starts_with("0 records"), "{said}");
    assert_eq!(cluster.ledger(kafka::Step::Detect), before, "the stream's own groups have not moved");
}

/// As where another program writes the raw topic: the definition has no source.
#[test]
fn without_a_source_one_process_takes_through_what_others_write() {
    let cluster = Cluster::start();
    let bootstrap = cluster.kafka.bootstrap();
    let run = ["run", "stream.yaml", "--kafka", &bootstrap];
    let definition = fs::read_to_string(cluster.path("stream.yaml")).unwrap();
    let without = definition.replace("  source:\n    files: { paths: [input.jsonl] }\n", "");
    assert_ne!(without, definition);
    fs::write(cluster.path("stream.yaml"), without).unwrap();
    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    let schema = raw::schema(&cluster);
    let events = (0..500).map(|number| raw::Event::new(format!("e{number}"), 100.0, format!("d{}", number % 8)));
    let framed: Vec<Vec<u8>> = events.map(|event| event.framed(schema)).collect();
    raw::send(&cluster, "particles", framed.into_iter().enumerate().map(|(at, value)| (at as u32 % 8, "d", value)));

    let said = cluster.beamline(&[&run[..], &["--for", "3s"]].concat());
    assert!(said.contains("the ledger balances") && !said.contains("generator"), "{said}");
    let detected = said.lines().find(|line| line.starts_with("anomaly-detector")).unwrap();
    assert!(detected.contains(" 500 in = 500 out"), "{said}");
    // There is no source whose events could be counted.
    let (code, _, said) = cluster.beamline_ends(&[&run[..], &["--events", "5"]].concat());
    assert!(code == Some(64) && said.contains("the definition has none"), "{said}");
}
