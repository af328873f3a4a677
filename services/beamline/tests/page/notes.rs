//! Acknowledgements are records: they survive `kill -9`, are a table, and cover what was there.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::run::{Events, Run, beamline, definition};

const STREAM: &str = "/streams/particle-events";

/// Some committed anomalies.
fn anomalies(run: &Run) -> Vec<String> {
    let page =
        run.wait(&format!("{STREAM}/anomalies?limit=5"), |page| page["anomalies"].as_array().unwrap().len() == 5);
    page["anomalies"].as_array().unwrap().iter().map(|found| found["id"].as_str().unwrap().to_owned()).collect()
}

fn query(results: &std::path::Path, sql: &str) -> String {
    let output = beamline().args(["query", "--format", "csv", sql, "--results"]).arg(results).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_acknowledgement_is_there_after_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let (stream, results) = (definition(folder.path(), "300"), folder.path().join("results"));
    let mut run = Run::start(&stream, &results, &[]);
    let ids = anomalies(&run);
    let mut events = Events::open(&run, "stream=particle-events&views=notes");
    events.until("tick");
    let body =
        json!({ "kind": "acknowledgement", "text": "known; \"it's\" <b>", "anomalies": ids[..2], "author": "Ada" });
    let (status, note) = run.post(&format!("{STREAM}/notes"), &body);
    assert_eq!(status, StatusCode::CREATED, "{note}");
    let shown = loop {
        let batch = events.until("tick");
        if let Some(event) = batch.into_iter().find(|event| event.name == "notes") {
            break event.data["notes"][0].clone();
        }
    };
    assert_eq!(shown, note);
    run.child.kill().unwrap();
    run.child.wait().unwrap();
    drop(run);
    assert_eq!(
        query(&results, "SELECT kind, author, role, text, array_length(anomalies) AS n FROM notes").lines().nth(1),
        Some("acknowledgement,Ada,operator,\"known; \"\"it's\"\" <b>\",2")
    );
    let run = Run::start(&stream, &results, &[]);
    let found = run.get(&format!("{STREAM}/notes"));
    assert_eq!(found["notes"], json!([note]));
    let story = run.get(&format!("{STREAM}/anomalies/{}", ids[0]));
    assert_eq!(story["anomaly"]["acknowledged"]["author"], "Ada");
    assert_eq!(story["notes"], json!([note]));
    let open = run.get(&format!("{STREAM}/anomalies?acknowledged=no&limit=500"));
    let has = |page: &Value, id: &str| page["anomalies"].as_array().unwrap().iter().any(|found| found["id"] == id);
    assert!(!has(&open, &ids[0]) && has(&open, &ids[2]));
    let acknowledged = run.get(&format!("{STREAM}/anomalies?acknowledged=yes"));
    assert_eq!(acknowledged["anomalies"].as_array().unwrap().len(), 2);
}

#[test]
fn only_what_is_there_is_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let stream = definition(folder.path(), "300");
    let run = Run::start(&stream, &folder.path().join("results"), &[]);
    let ids = anomalies(&run);
    let refused = [
        json!({ "kind": "acknowledgement", "anomalies": [ids[0], "no-such-event"] }),
        json!({ "kind": "acknowledgement", "anomalies": [] }),
        json!({ "kind": "note", "text": "  " }),
        json!({ "kind": "note", "text": "x".repeat(4097) }),
        json!({ "kind": "note", "text": "x", "author": "a\nb" }),
        json!({ "kind": "acknowledgement", "anomalies": vec!["x"; 501] }),
        json!({ "kind": "other", "text": "x" }),
        json!({ "kind": "note", "text": "x", "surprise": 1 }),
    ];
    for body in refused {
        let (status, problem) = run.post(&format!("{STREAM}/notes"), &body);
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {problem}");
        assert!(problem["code"].is_string(), "{problem}");
    }
    assert_eq!(run.get(&format!("{STREAM}/notes"))["notes"], json!([]));
}

#[test]
fn pages_of_anomalies_have_each_once_and_filters_hold() {
    let folder = tempfile::tempdir().unwrap();
    let (stream, results) = (definition(folder.path(), "2000"), folder.path().join("results"));
    let mut run = Run::start(&stream, &results, &["--events", "4000"]);
    let counted =
        || query(&results, "SELECT count(*) FROM anomalies").lines().nth(1).unwrap().parse::<usize>().unwrap();
    run.child.wait().unwrap();
    let (total, of_rule) =
        (counted(), query(&results, "SELECT count(*) FROM anomalies WHERE strpos(anomaly_reasons, 'high_energy') > 0"));
    // The same results, taken further, so that there is a page to ask.
    let run = Run::start(&stream, &results, &["--rate", "0.001"]);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = run.get(&format!("{STREAM}/anomalies?limit=37&cursor={cursor}"));
        let found = page["anomalies"].as_array().unwrap();
        seen.extend(
            found.iter().map(|one| (one["time"].as_str().unwrap().to_owned(), one["id"].as_str().unwrap().to_owned())),
        );
        match page["next"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen.len(), total);
    assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "the newest first, and none twice");
    let page = run.get(&format!("{STREAM}/anomalies?limit=500&reason=high_energy"));
    assert_eq!(page["anomalies"].as_array().unwrap().len().to_string(), of_rule.lines().nth(1).unwrap());
    let (time, _) = &seen[seen.len() / 2];
    let later = run.get(&format!("{STREAM}/anomalies?limit=500&from={time}"))["anomalies"].as_array().unwrap().len();
    let earlier = run.get(&format!("{STREAM}/anomalies?limit=500&to={time}"))["anomalies"].as_array().unwrap().len();
    assert_eq!(later + earlier, total);
    assert!(earlier > 0 && later > 0);
    for bad in ["cursor=zz", "from=yesterday", "limit=many", "acknowledged=perhaps"] {
        let refused = run.client.get(run.api(&format!("{STREAM}/anomalies?{bad}"))).send().unwrap();
        assert_eq!((refused.status().as_u16(), bad), (400, bad));
        assert_eq!(refused.headers()["content-type"], "application/problem+json");
    }
}

#[test]
fn a_shift_is_handed_over_with_its_episodes_and_notes() {
    let folder = tempfile::tempdir().unwrap();
    let stream = definition(folder.path(), "300");
    let run = Run::start(&stream, &folder.path().join("results"), &[]);
    let ids = anomalies(&run);
    let note = json!({ "kind": "acknowledgement", "text": "crane moved", "anomalies": ids[..1], "author": "Ada" });
    assert_eq!(run.post(&format!("{STREAM}/notes"), &note).0, StatusCode::CREATED);
    let handover = run.get(&format!("{STREAM}/handover"));
    let episodes = handover["episodes"].as_array().unwrap();
    let sum = |field: &str| episodes.iter().map(|episode| episode[field].as_u64().unwrap()).sum::<u64>();
    assert_eq!(sum("acknowledged"), 1);
    assert!(sum("count") >= 5, "{handover}");
    let noted = episodes.iter().find(|episode| episode["notes"][0]["text"] == "crane moved").unwrap();
    assert_eq!(noted["acknowledged"], 1);
    assert_eq!(handover["notes"][0]["author"], "Ada");
    let request = run.client.get(run.api(&format!("{STREAM}/handover"))).header("accept", "text/markdown");
    let answer = request.send().unwrap();
    assert!(answer.headers()["content-disposition"].to_str().unwrap().contains("handover-particle-events.md"));
    let text = answer.text().unwrap();
    assert!(text.contains("# Hand-over of particle-events") && text.contains("crane moved"), "{text}");
    let before = run.get(&format!("{STREAM}/handover?from=2001-01-01T00:00:00Z&to=2001-01-02T00:00:00Z"));
    assert_eq!((&before["episodes"], &before["notes"]), (&json!([]), &json!([])));
    let swapped =
        run.client.get(run.api(&format!("{STREAM}/handover?from=2002-01-01T00:00:00Z&to=2001-01-01T00:00:00Z")));
    assert_eq!(swapped.send().unwrap().status(), StatusCode::BAD_REQUEST);
}
