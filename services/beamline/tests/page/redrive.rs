//! Dead letters are repaired through the page: checked first, kept durably, put back once, and marked.

use std::{io::Write, path::Path, process::Stdio};

use serde_json::{Value, json};

use crate::run::{Run, beamline};

const STREAM: &str = "/streams/readings";

fn definition(folder: &Path) -> std::path::PathBuf {
    let schema = json!({ "type": "record", "name": "Reading", "fields": [
        { "name": "id", "type": "string" }, { "name": "key", "type": "string" },
        { "name": "at", "type": { "type": "long", "logicalType": "timestamp-micros" } },
        { "name": "value", "type": "double" } ] });
    std::fs::write(folder.join("reading.avsc"), schema.to_string()).unwrap();
    let text = "apiVersion: beamline.dev/v1\nkind: Stream\nmetadata: { name: readings }\nspec:\n  schema: reading.avsc\n  \
        id: id\n  key: key\n  time: at\n  partitions: 2\n  quality:\n    - { name: positive, check: \"value > 0\" }\n";
    let path = folder.join("stream.yaml");
    std::fs::write(&path, text).unwrap();
    path
}

fn event(id: &str, value: f64) -> Value {
    json!({ "id": id, "key": "k", "at": 1_735_689_600_000_000_i64, "value": value })
}

fn values(results: &Path) -> String {
    let sql = "SELECT id, value FROM processed_data ORDER BY id";
    let output = beamline().args(["query", "--format", "csv", sql, "--results"]).arg(results).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_was_repaired_is_put_back_once_at_the_next_start_and_marked() {
    let folder = tempfile::tempdir().unwrap();
    let (stream, results) = (definition(folder.path()), folder.path().join("results"));
    let args = ["--stdin", "jsonl", "--commit-interval", "200ms", "--page-redrive"];
    let mut run = Run::start_with(&stream, &results, &args, Stdio::piped());
    let mut stdin = run.child.stdin.take().unwrap();
    let lines: Vec<Value> = vec![event("a", 1.0), event("b", -1.0), event("c", -2.0), event("d", 4.0)];
    lines.iter().for_each(|line| writeln!(stdin, "{line}").unwrap());
    let letters = run.wait(&format!("{STREAM}/dead-letters"), |page| page["letters"].as_array().unwrap().len() == 2);
    let position = |index: usize| letters["letters"][index]["position"].clone();
    // The newest first: c, then b.
    let (c, b) = (position(0), position(1));
    let redrive = |body: Value| run.post(&format!("{STREAM}/dead-letters/redrive"), &body);
    let refused = [
        json!([{ "position": b, "event": event("b", -1.0) }]),
        json!([{ "position": b, "event": { "id": "b" } }]),
        json!([{ "position": "999", "event": event("x", 1.0) }]),
        json!([{ "position": "a", "event": event("x", 1.0) }]),
        json!([{ "position": b, "event": event("a", 1.0) }]),
        json!([{ "position": b, "event": event("b", 1.0) }, { "position": b, "event": event("b", 1.0) }]),
    ];
    for events in refused {
        let (status, outcome) = redrive(json!({ "dry_run": false, "events": events }));
        assert_eq!((status.as_u16(), outcome["applied"].as_bool()), (200, Some(false)), "{events}: {outcome}");
        assert_eq!(outcome["rejected"].as_array().unwrap().len(), 1, "{events}: {outcome}");
    }
    let good = json!([{ "position": b, "event": event("b", 2.0) }, { "position": c, "event": event("c", 3.0) }]);
    let (_, dry) = redrive(json!({ "events": good }));
    assert_eq!(
        (dry["accepted"].as_u64(), dry["applied"].as_bool()),
        (Some(2), Some(false)),
        "a dry run is the default"
    );
    // The counts are those of the last look at the run, a second ago at most.
    run.wait(&format!("{STREAM}/dead-letters"), |page| page["open"] == 2);
    let (_, done) = redrive(json!({ "dry_run": false, "events": good, "author": "Ada" }));
    assert_eq!((done["accepted"].as_u64(), done["applied"].as_bool()), (Some(2), Some(true)), "{done}");
    let (_, again) = redrive(json!({ "dry_run": false, "events": good }));
    assert_eq!(again["rejected"].as_array().unwrap().len(), 2, "{again}");
    let marked = run.wait(&format!("{STREAM}/dead-letters"), |page| page["open"] == 0);
    assert_eq!(marked["letters"][0]["redriven"]["outcome"], "waits for the next start");
    assert_eq!(marked["letters"][0]["redriven"]["author"], "Ada");
    run.child.kill().unwrap();
    run.child.wait().unwrap();
    drop(run);
    let expected = "id,value\na,1.0\nb,2.0\nc,3.0\nd,4.0";
    for _ in 0..2 {
        let mut run = Run::start_with(&stream, &results, &args, Stdio::piped());
        let _stdin = run.child.stdin.take();
        run.wait(&format!("{STREAM}/overview"), |overview| overview["ledger"]["records"] == 6);
        let marked = run.get(&format!("{STREAM}/dead-letters?state=redriven"));
        assert_eq!(marked["letters"][1]["redriven"]["outcome"], "put back");
        assert_eq!(run.get(&format!("{STREAM}/dead-letters?state=open"))["letters"], json!([]));
        drop(run);
        assert_eq!(values(&results).trim_end(), expected);
    }
}

#[test]
fn on_loopback_it_is_off_unless_the_run_was_started_so() {
    let folder = tempfile::tempdir().unwrap();
    let stream = definition(folder.path());
    let mut run = Run::start_with(&stream, &folder.path().join("results"), &["--stdin", "jsonl"], Stdio::piped());
    let _stdin = run.child.stdin.take();
    let body = json!({ "events": [{ "position": "0", "event": {} }] });
    let (status, problem) = run.post(&format!("{STREAM}/dead-letters/redrive"), &body);
    assert_eq!((status.as_u16(), problem["code"].as_str()), (403, Some("redrive-off")));
}
