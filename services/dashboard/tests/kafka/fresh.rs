//! How soon a page shows an anomaly that has been committed to Kafka. `make bench-page` prints it: not a test, for figures
//! depend on the machine.

use std::{
    io::{BufRead, BufReader},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Message,
    consumer::{BaseConsumer, Consumer},
};
use serde_json::Value;

use crate::{cluster::Cluster, input};

const SOURCE: &str = "files: { paths: [input.jsonl] }";
/// 1,000 events a second, 10 of them anomalies.
const LIVE: &str = "synthetic: { profile: uniform, rate: 1000, anomalies: 0.01, seed: 42 }";
const WATCHED: Duration = Duration::from_secs(60);

#[test]
#[ignore = "a measurement: make bench-page"]
fn how_soon_a_page_shows_what_is_committed() {
    assert!(input::DEFINITION.contains(SOURCE));
    let mut cluster = Cluster::over(&input::DEFINITION.replace(SOURCE, LIVE), 0);
    let page = cluster.dashboard(&[]);
    page.wait("/overview", |overview| overview["drawn"]["offered"] == 0);
    cluster.run_the_stream();
    page.wait("/overview", |overview| overview["alarms"]["total"].as_u64() > Some(0));

    let end = Arc::new(AtomicBool::new(false));
    let committed = {
        let (bootstrap, end) = (cluster.kafka.bootstrap(), end.clone());
        thread::spawn(move || committed(&bootstrap, &end))
    };
    let (begun, mut shown) = (Instant::now(), Vec::new());
    let mut lines = BufReader::new(page.live("stream=particles&views=anomalies")).lines();
    while begun.elapsed() < WATCHED {
        let line = lines.next().unwrap().unwrap();
        let at = Instant::now();
        let Some(data) = line.strip_prefix("data:") else { continue };
        let data: Value = serde_json::from_str(data).unwrap();
        let ids = data["anomalies"].as_array().into_iter().flatten().map(|one| one["id"].as_str().unwrap().to_owned());
        shown.extend(ids.map(|id| (id, at)));
    }
    end.store(true, Ordering::Relaxed);
    let committed = committed.join().unwrap();
    let mut ages: Vec<f64> = shown
        .iter()
        .filter_map(|(id, at)| {
            let holds = |payload: &Vec<u8>| payload.windows(id.len()).any(|bytes| bytes == id.as_bytes());
            let (_, seen) = committed.iter().find(|(payload, _)| holds(payload))?;
            // A consumer may be handed a record later than the page was.
            Some(at.saturating_duration_since(*seen).as_secs_f64())
        })
        .collect();
    ages.sort_by(f64::total_cmp);
    assert!(ages.len() > 100, "{} of {} anomalies were found in the topic", ages.len(), shown.len());
    let of = |share: usize| ages[ages.len() * share / 100];
    println!(
        "age of {} anomalies on Kafka when they come, behind their commit: p50 {:.3} s, p99 {:.3} s",
        ages.len(),
        of(50),
        of(99)
    );
}

/// The anomalies of the topic, each with the time at which a reader of committed records is handed it.
fn committed(bootstrap: &str, end: &AtomicBool) -> Vec<(Vec<u8>, Instant)> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "how-fresh")
        .set("isolation.level", "read_committed")
        .set("auto.offset.reset", "earliest")
        .set("fetch.wait.max.ms", "5")
        .create()
        .unwrap();
    consumer.subscribe(&["particles.anomalies"]).unwrap();
    let mut seen = Vec::new();
    while !end.load(Ordering::Relaxed) {
        if let Some(message) = consumer.poll(Duration::from_millis(50)) {
            let message = message.unwrap();
            seen.push((message.payload().unwrap_or_default().to_vec(), Instant::now()));
        }
    }
    seen
}
