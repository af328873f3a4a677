//! The live stream: it begins with the present, goes on behind a break, and ends with the run.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use crate::run::{Events, Run, definition};

/// The anomalies of a batch, and the cursor behind it.
fn batch(events: &mut Events) -> (Vec<Value>, String) {
    let batch = events.until("tick");
    let cursor = batch.last().unwrap().id.clone().unwrap();
    let anomalies = batch.iter().filter(|event| event.name == "anomalies");
    (anomalies.flat_map(|event| event.data["anomalies"].as_array().unwrap().clone()).collect(), cursor)
}

#[test]
fn who_breaks_off_and_comes_back_sees_each_anomaly_once() {
    let folder = tempfile::tempdir().unwrap();
    let stream = definition(folder.path(), "200");
    let run = Run::start(&stream, &folder.path().join("results"), &[]);
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut cursor = String::new();
    // Broken off after one batch each time, with a pause that lets versions pass.
    for round in 0..12 {
        let query = format!("stream=particle-events&views=anomalies,overview&cursor={cursor}");
        let mut events = Events::open(&run, &query);
        let hello = events.next().unwrap();
        assert_eq!((hello.name.as_str(), hello.data["resumed"].as_bool()), ("hello", Some(round > 0)));
        let (anomalies, next) = batch(&mut events);
        for anomaly in anomalies {
            *seen.entry(anomaly["id"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        cursor = next;
        drop(events);
        std::thread::sleep(Duration::from_millis(70 * round));
    }
    // Everything up to the last cursor was seen: what a fresh connection is sent as a whole has no more before it.
    let mut events = Events::open(&run, &format!("stream=particle-events&views=anomalies&cursor={cursor}"));
    for _ in 0..4 {
        for anomaly in batch(&mut events).0 {
            *seen.entry(anomaly["id"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    let mut whole = Events::open(&run, "stream=particle-events&views=anomalies");
    let (all, _) = batch(&mut whole);
    let newest: Vec<&str> = all.iter().map(|anomaly| anomaly["id"].as_str().unwrap()).collect();
    assert!(seen.len() > 20, "{} anomalies were seen", seen.len());
    let twice: Vec<_> = seen.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "seen twice: {twice:?}");
    // The newest may have come after the last batch; all before the newest that was seen must have been seen.
    let known = newest.iter().rposition(|id| seen.contains_key(*id)).unwrap();
    let lost: Vec<_> = newest[..=known].iter().filter(|id| !seen.contains_key(**id)).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
}

#[test]
fn a_cursor_of_another_process_begins_with_the_present() {
    let folder = tempfile::tempdir().unwrap();
    let stream = definition(folder.path(), "200");
    let run = Run::start(&stream, &folder.path().join("results"), &[]);
    let mut events = Events::open(&run, "stream=particle-events&views=overview&cursor=abc.3");
    let hello = events.next().unwrap();
    assert_eq!(hello.data["resumed"], false);
    let refused = run.client.get(run.api("/live?stream=particle-events&cursor=a.b.c")).send().unwrap();
    assert_eq!(refused.status(), 400);
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
}

#[test]
fn the_stream_says_goodbye_and_does_not_hold_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let stream = definition(folder.path(), "200");
    let mut run = Run::start(&stream, &folder.path().join("results"), &[]);
    let mut events = Events::open(&run, "stream=particle-events");
    events.until("tick");
    let reader = std::thread::spawn(move || {
        let mut names = Vec::new();
        while let Some(event) = events.next() {
            names.push((event.name.clone(), event.data["state"].as_str().map(str::to_owned)));
        }
        names
    });
    let took = run.interrupt();
    let names = reader.join().unwrap();
    assert_eq!(names.last().map(|(name, _)| name.as_str()), Some("bye"), "{names:?}");
    let state = names.iter().rev().find_map(|(_, state)| state.clone());
    assert_eq!(state.as_deref(), Some("stopped"), "the last thing that is shown is how it ended");
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn counts_are_exact_and_the_ledger_balances() {
    let folder = tempfile::tempdir().unwrap();
    let stream = definition(folder.path(), "500");
    let run = Run::start(&stream, &folder.path().join("results"), &[]);
    let overview = run.wait("/streams/particle-events/overview", |overview| {
        overview["ledger"]["records"].as_u64() > Some(1000) && overview["drawn"]["share"].as_f64() > Some(0.9)
    });
    assert_eq!(overview["ledger"]["balances"], true);
    assert_eq!(overview["ledger"]["balance"], 0);
    assert_eq!(overview["state"], "running");
    let drawn = &overview["drawn"];
    assert_eq!(drawn["dropped"], 0, "a slow stream is drawn whole: {drawn}");
    let of = |field: &str| drawn[field].as_u64().unwrap();
    assert!(of("drawn") <= of("offered"), "{drawn}");
    let again = run.client.get(run.api("/session")).send().unwrap();
    let session: Value = again.json().unwrap();
    assert_eq!((session["role"].as_str(), session["may"]["redrive"].as_bool()), (Some("operator"), Some(false)));
}
