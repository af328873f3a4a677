//! What the dashboard says of a stream's services is what a run in one process says of the same events.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value, json};
use servers::{Cassandra, Program};

use crate::{
    access,
    cluster::Cluster,
    input,
    page::{PATIENCE, Page},
    written,
};

const JAEGER: &str = "https://lab.org/jaeger";

/// One cluster for all of it: what comes later changes what is there.
#[test]
fn a_page_on_kafka_is_the_page_of_one_process_and_keeps_what_is_written_on_it() {
    let cluster = Cluster::with_the_stream();
    {
        let (on_kafka, alone) = (cluster.dashboard(&["--page-jaeger", JAEGER]), cluster.one_process());
        let (_, streams) = on_kafka.ask(Method::GET, "/streams", None, None).unwrap();
        assert_eq!(streams["streams"][0]["jaeger"], JAEGER);
        the_same_overview(&on_kafka, &alone);
        the_same_anomalies(&on_kafka, &alone);
        the_same_dead_letters(&on_kafka, &alone);
        the_same_rows(&on_kafka, &alone, &ROWS);
        the_same_rows(&on_kafka, &alone, &[RATES]);
        what_was_before_the_page(&on_kafka);
        let (_writer, of_a_lake) = of_a_lake(&cluster);
        the_same_anomalies(&of_a_lake, &alone);
        the_same_dead_letters(&of_a_lake, &alone);
        the_same_rows(&of_a_lake, &alone, &ROWS);
        let windows = "/aggregates?name=rates";
        assert_eq!(of_a_lake.get(windows)["rows"], on_kafka.get(windows)["rows"]);
        assert!(!of_a_lake.get(windows)["rows"].as_array().unwrap().is_empty());
        let cassandra = Cassandra::start().unwrap();
        let (_cql_writer, of_cql) = of_cql(&cluster, &cassandra);
        the_same_anomalies(&of_cql, &alone);
        the_same_dead_letters(&of_cql, &alone);
        the_same_rows(&of_cql, &alone, &ROWS_OF_CQL);
        assert_eq!(of_cql.get(windows)["rows"], on_kafka.get(windows)["rows"]);
    }
    access::of_two_roles(&cluster);
    written::notes_survive(&cluster);
    written::repaired_events_come_through(&cluster);
}

/// Both, once everything is counted.
fn the_same_overview(on_kafka: &Page, alone: &Page) {
    let is_whole = |overview: &Value| {
        let layers = overview["alarms"]["layers"].as_array().unwrap();
        let rules = overview["dead_letters"]["rules"].as_array().unwrap();
        overview["ledger"]["records"] == input::RECORDS
            && overview["ledger"]["between"] == 0
            && layers.iter().any(|layer| layer["name"] == "high_energy" && layer["alarms"] == input::INJECTED)
            && rules.iter().map(|rule| rule["count"].as_u64().unwrap()).sum::<u64>() == input::BAD
    };
    let (found, wanted) = (on_kafka.wait("/overview", is_whole), alone.wait("/overview", is_whole));
    for part in ["dead_letters", "alarms"] {
        let without_time = |overview: &Value| {
            let mut part = overview[part].clone();
            part.as_object_mut().unwrap().remove("last_hour");
            part
        };
        assert_eq!(without_time(&found), without_time(&wanted), "{part}");
    }
    for count in ["records", "out", "filtered", "dead_lettered", "late", "unscored", "balance", "balances"] {
        assert_eq!(
            found["ledger"][count], wanted["ledger"][count],
            "{count} of {} and {}",
            found["ledger"], wanted["ledger"]
        );
    }
    assert_eq!(found["ledger"]["balance"], 0);
    let flows = |page: &Page| {
        let graph = page.get("/graph");
        let edge = |edge: &Value| (format!("{} to {}", edge["from"], edge["to"]), edge["total"].clone());
        graph["edges"].as_array().unwrap().iter().map(edge).collect::<BTreeMap<String, Value>>()
    };
    assert_eq!(flows(on_kafka), flows(alone));
}

fn the_same_anomalies(on_kafka: &Page, alone: &Page) {
    // Both have seen them at a moment of their own.
    let all = |page: &Page| {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let found = page.get(&format!("/anomalies?limit=7&cursor={cursor}"));
            all.extend(found["anomalies"].as_array().unwrap().clone());
            match found["next"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => return all,
            }
        }
    };
    let (found, wanted) = (all(on_kafka), all(alone));
    assert_eq!(found, wanted);
    let injected: Vec<&Value> =
        found.iter().filter(|anomaly| anomaly["reasons"].as_array().unwrap().contains(&json!("high_energy"))).collect();
    assert_eq!(injected.len() as u64, input::INJECTED);
    let id = injected[0]["id"].as_str().unwrap();
    let (found, wanted) = (on_kafka.get(&format!("/anomalies/{id}")), alone.get(&format!("/anomalies/{id}")));
    for part in ["anomaly", "event", "layers", "history", "also", "trace"] {
        assert_eq!(found[part], wanted[part], "{part}");
    }
    assert_eq!(found["trace"].as_str().map(str::len), Some(32), "{found}");
    assert!(!found["history"]["rows"].as_array().unwrap().is_empty(), "{found}");
}

fn the_same_dead_letters(on_kafka: &Page, alone: &Page) {
    let letters = |page: &Page| {
        let (mut all, mut cursor) = (BTreeMap::new(), String::new());
        loop {
            let found = page.get(&format!("/dead-letters?limit=5&cursor={cursor}"));
            for letter in found["letters"].as_array().unwrap() {
                let position = letter["position"].as_str().unwrap();
                let one = page.get(&format!("/dead-letters/{position}"));
                assert_eq!(one["letter"], *letter);
                let known = [&letter["kind"], &letter["rule"], &one["text"]].map(ToString::to_string);
                *all.entry(known).or_insert(0) += 1;
            }
            match found["next"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => return (all, found["counts"].clone()),
            }
        }
    };
    let ((found, counts), (wanted, wanted_counts)) = (letters(on_kafka), letters(alone));
    assert_eq!((found.values().sum::<u64>(), counts), (input::BAD, wanted_counts));
    assert_eq!(found, wanted);
}

/// A dashboard whose history is what a writer has stored as Parquet, once all of it is there; and the writer.
fn of_a_lake(cluster: &Cluster) -> (Program, Page) {
    let lake = cluster.folder.path().join("lake").display().to_string();
    let writer = cluster.service("writer", &["--backend", "parquet", "--lake", &lake, "--batch-interval", "500ms"]);
    let page = cluster.dashboard(&["--history", "lake", "--lake", &lake]);
    wait_until_stored(&page);
    (writer, page)
}

/// The same of a CQL store.
fn of_cql(cluster: &Cluster, cassandra: &Cassandra) -> (Program, Page) {
    let node = cassandra.contact_point();
    cluster.beamline(&["store", "apply", "stream.yaml", "--cql", &node, "--replication", "1"]);
    let writer = cluster.service("writer", &["--backend", "cql", "--cql", &node, "--batch-interval", "500ms"]);
    let page = cluster.dashboard(&["--history", "cql", "--cql", &node]);
    wait_until_stored(&page);
    (writer, page)
}

fn wait_until_stored(page: &Page) {
    let counted = |table: &str| {
        let sql = json!({ "sql": format!("SELECT count(*) FROM {table}") });
        page.post("/query", &sql).1["rows"][0][0].as_u64().unwrap_or_default()
    };
    let overview = page.wait("/overview", |overview| overview["ledger"]["records"] == input::RECORDS);
    let (events, letters) = (overview["ledger"]["out"].as_u64().unwrap(), input::BAD);
    let begun = Instant::now();
    while (counted("processed_data"), counted("dead_letters")) != (events, letters) {
        assert!(begun.elapsed() < PATIENCE, "{} of {events}", counted("processed_data"));
        thread::sleep(Duration::from_millis(500));
    }
}

const ROWS: [&str; 3] = [
    "SELECT * FROM processed_data ORDER BY event_id",
    "SELECT detector_id, count(*) AS n, max(energy_gev) FROM processed_data GROUP BY 1 ORDER BY 1",
    "SELECT count(*) FROM notes",
];
const RATES: &str = "SELECT * FROM rates WHERE final ORDER BY window_start, detector_id";
/// CQL has its columns in another order, and lists as text.
const ROWS_OF_CQL: [&str; 3] = [
    "SELECT event_id, timestamp, energy_gev, pt, anomalous, anomaly_score, anomaly_reasons, anomaly_words, trace_id \
     FROM processed_data ORDER BY event_id",
    ROWS[1],
    ROWS[2],
];

fn the_same_rows(on_kafka: &Page, alone: &Page, queries: &[&str]) {
    for sql in queries {
        let rows = |page: &Page| {
            let (status, found) = page.post("/query", &json!({ "sql": sql }));
            assert!(status.is_success(), "{sql}: {found}");
            found["rows"].clone()
        };
        let (found, wanted) = (rows(on_kafka), rows(alone));
        assert_eq!(found, wanted, "{sql}");
        assert!(!found.as_array().unwrap().is_empty(), "{sql}");
    }
}

/// The events came before anybody looked.
fn what_was_before_the_page(on_kafka: &Page) {
    let drawn = on_kafka.get("/overview")["drawn"].clone();
    assert_eq!((&drawn["drawn"], &drawn["share"]), (&drawn["offered"], &json!(1.0)));
    let series = on_kafka.get("/series?column=energy_gev&step=1");
    let counts: u64 = series["count"].as_array().unwrap().iter().filter_map(Value::as_u64).sum();
    assert_eq!(counts, drawn["drawn"].as_u64().unwrap());
    assert!(counts > input::RECORDS / 2, "{counts}");
}
