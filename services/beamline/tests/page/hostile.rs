//! Data that want to be more than data: in ids, keys and payloads, through every route.

use std::{
    fs,
    io::Write,
    process::{ChildStdin, Stdio},
};

use serde_json::{Value, json};

use crate::run::{Events, Run, project};

const HOSTILE: [&str; 12] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'; DROP TABLE anomalies; --",
    "' OR '1'='1",
    "=HYPERLINK(\"http://evil.example\")",
    "line\nbreak\r\n\r\ndata: {}\n\nevent: bye",
    "\u{2028}\u{202e}\u{0}\u{7f}",
    "${7*7}{{7*7}}`id`$(id)",
    "../../../../etc/passwd",
    "javascript:alert(1)//%0a%0d",
    "a\\\"b\\u003cscript",
    "Ünïcode 🎛 \u{fffd}",
];

/// A run that is fed events with hostile keys and ids, some of them anomalies and some of them broken.
fn fed(folder: &std::path::Path) -> (Run, ChildStdin) {
    let schema = json!({ "type": "record", "name": "Reading", "fields": [
        { "name": "id", "type": "string" }, { "name": "key", "type": "string" },
        { "name": "at", "type": { "type": "long", "logicalType": "timestamp-micros" } },
        { "name": "value", "type": "double" }, { "name": "remark", "type": ["null", "string"] } ] });
    fs::write(folder.join("reading.avsc"), schema.to_string()).unwrap();
    let definition = "apiVersion: beamline.dev/v1\nkind: Stream\nmetadata: { name: hostile }\nspec:\n  schema: reading.avsc\n  \
        id: id\n  key: key\n  time: at\n  partitions: 2\n  quality:\n    - { name: positive, check: \"value > 0\" }\n  detect:\n    \
        features: [value]\n    rules:\n      - { name: high, when: \"value > 900\" }\n  aggregate:\n    \
        - { name: totals, window: 1m, group_by: [key], select: { events: \"count(*)\" } }\n";
    fs::write(folder.join("stream.yaml"), definition).unwrap();
    let mut run = Run::start_with(
        &folder.join("stream.yaml"),
        &folder.join("results"),
        &["--stdin", "jsonl", "--commit-interval", "200ms"],
        Stdio::piped(),
    );
    let mut stdin = run.child.stdin.take().unwrap();
    let mut lines = String::new();
    for (number, text) in HOSTILE.iter().enumerate() {
        for (copy, value) in [(0, 950.0), (1, 1.0), (2, -1.0)] {
            let at = 1_735_689_600_000_000_i64 + (number * 10 + copy) as i64;
            let id = if copy == 0 { (*text).to_owned() } else { format!("{copy}{text}") };
            let event = json!({ "id": id, "key": text, "at": at, "value": value, "remark": text });
            lines.push_str(&format!("{event}\n"));
        }
        lines.push_str(&format!("{}\n", json!({ "broken": text })));
    }
    stdin.write_all(lines.as_bytes()).unwrap();
    stdin.flush().unwrap();
    (run, stdin)
}

#[test]
fn text_comes_back_as_it_was_and_only_as_text() {
    let folder = tempfile::tempdir().unwrap();
    let (run, _stdin) = fed(folder.path());
    let all = run.wait("/streams/hostile/anomalies?limit=500", |page| {
        page["anomalies"].as_array().unwrap().len() == HOSTILE.len()
    });
    let ids: Vec<&str> = all["anomalies"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    HOSTILE.iter().for_each(|text| assert!(ids.contains(text), "{text:?} is not among {ids:?}"));
    for text in HOSTILE {
        let one = encoded(text);
        let story = run.get(&format!("/streams/hostile/anomalies/{one}"));
        assert_eq!(story["anomaly"]["id"], text);
        assert_eq!(story["anomaly"]["values"]["remark"], text);
        for path in [format!("anomalies?key={one}"), format!("anomalies?text={one}")] {
            let page = run.get(&format!("/streams/hostile/{path}"));
            let found = page["anomalies"].as_array().unwrap();
            assert!(found.iter().any(|one| one["id"] == text), "{path}: {found:?}");
            assert!(!path.starts_with("anomalies?key") || found.len() == 1, "{path} finds what it names");
        }
        let none = run.get(&format!("/streams/hostile/anomalies?reason={one}"));
        assert_eq!(none["anomalies"], json!([]), "a text is not SQL: {text:?}");
        let series = run.get(&format!("/streams/hostile/series?column=value&key={one}"));
        assert_eq!(series["count"].as_array().unwrap().iter().filter_map(Value::as_u64).sum::<u64>(), 2);
        let note = json!({ "kind": "acknowledgement", "text": text, "anomalies": [text] });
        let (status, note) = run.post("/streams/hostile/notes", &note);
        assert_eq!((status.as_u16(), note["text"].as_str()), (201, Some(text)));
    }
    let letters = run.get("/streams/hostile/dead-letters?limit=500");
    assert_eq!(letters["total"], 2 * HOSTILE.len());
    for letter in letters["letters"].as_array().unwrap() {
        let one = run.get(&format!("/streams/hostile/dead-letters/{}", letter["position"].as_str().unwrap()));
        assert!(one["decoded"].is_object(), "{one}");
    }
    is_no_markup(&run);
}

/// Whatever is asked, the answer is JSON, an event stream, or a file to keep.
fn is_no_markup(run: &Run) {
    let stream = "/streams/hostile";
    for path in ["", "/overview", "/keys", "/histograms", "/aggregates?name=totals", "/graph", "/handover", "/notes"] {
        let path = if path.is_empty() { "/streams".to_owned() } else { format!("{stream}{path}") };
        let answer = run.client.get(run.api(&path)).send().unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (200, &"application/json".parse().unwrap()),
            "{path}"
        );
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    }
    for text in HOSTILE {
        let answer = run.client.get(run.api(&format!("/streams/{}/overview", encoded(text)))).send().unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (404, &"application/problem+json".parse().unwrap())
        );
    }
    let handover = run
        .client
        .get(run.api(&format!("{stream}/handover?from=2025-01-01T00:00:00Z")))
        .header("accept", "text/markdown");
    let text = handover.send().unwrap().text().unwrap();
    assert!(text.contains("&lt;script&gt;alert") && !text.contains("<script") && !text.contains("<img"), "{text}");
    let csv = run.client.post(run.api(&format!("{stream}/query"))).header("accept", "text/csv");
    let csv = csv.json(&json!({ "sql": "SELECT remark FROM anomalies" })).send().unwrap().text().unwrap();
    assert!(csv.contains("'=HYPERLINK"), "{csv}");
    let mut events = Events::open(run, "stream=hostile&views=anomalies,keys,series");
    let batch = events.until("tick");
    assert!(batch.iter().all(|event| event.name != "bye"), "data cannot make events: {batch:?}");
    let anomalies = batch.iter().find(|event| event.name == "anomalies").unwrap();
    assert_eq!(anomalies.data["anomalies"].as_array().unwrap().len(), HOSTILE.len());
}

/// Every byte that is not a letter or a digit in its encoded form.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte.is_ascii_alphanumeric() {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}
