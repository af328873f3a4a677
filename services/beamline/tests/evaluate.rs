//! `beamline evaluate` on events whose figures can be worked out by hand.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};

const STREAM: &str = r#"
apiVersion: beamline.dev/v1
kind: Stream
metadata: { name: labelled }
spec:
  schema: labelled.avsc
  id: id
  key: sensor
  time: at
  detect:
    features: [value]
    rules: [{ name: high, when: "value > 100" }]
    false_alarm_rate: 1e-3
"#;

const SCHEMA: &str = r#"{ "type": "record", "name": "Labelled", "fields": [
    { "name": "id", "type": "string" }, { "name": "sensor", "type": "string" }, { "name": "at", "type": "string" },
    { "name": "value", "type": "double" }, { "name": "kind", "type": "string" } ] }"#;

/// 2,000 values of a sensor, a second each: from 0 to 9.7 in a fixed disorder, every 100th one 50 and labelled `spike`, the
/// last five 200 and labelled `level`.
fn labelled(folder: &Path) {
    fs::write(folder.join("labelled.yaml"), STREAM).unwrap();
    fs::write(folder.join("labelled.avsc"), SCHEMA).unwrap();
    let mut text = "id,sensor,at,value,kind\n".to_owned();
    for row in 0..2000u32 {
        let (value, kind) = match row {
            1995.. => (200.0, "level"),
            row if row % 100 == 99 => (50.0, "spike"),
            row => (f64::from(row * 7919 % 98) / 10.0, "none"),
        };
        let (hour, minute, second) = (row / 3600, row / 60 % 60, row % 60);
        text.push_str(&format!("r{row},s,2025-01-01T{hour:02}:{minute:02}:{second:02}Z,{value},{kind}\n"));
    }
    fs::write(folder.join("labelled.csv"), text).unwrap();
}

fn evaluate(folder: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_beamline"));
    command.current_dir(folder).args(["evaluate", "labelled.yaml", "labelled.csv"]).args(more).output().unwrap()
}

fn figures(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn figures_by_layer_and_kind_are_those_of_the_labels() {
    let folder = tempfile::tempdir().unwrap();
    labelled(folder.path());
    let report =
        figures(&evaluate(folder.path(), &["--label", "kind", "--kind", "kind", "--format", "json", "--svg", "r.svg"]));
    assert_eq!(
        (&report["events"], &report["anomalies"], &report["asked_false_alarm_rate"]),
        (&json!(2000), &json!(24), &json!(0.001))
    );
    let names: Vec<&Value> = report["judges"].as_array().unwrap().iter().map(|judge| &judge["name"]).collect();
    assert_eq!(names, ["all", "ewma", "mahalanobis", "chains", "high"]);
    // The rule finds the five values of 200 of 24 anomalies, and nothing else.
    let rule = &report["judges"][4];
    assert_eq!((&rule["precision"], &rule["auc"]), (&json!(1.0), &Value::Null));
    assert!((rule["recall"].as_f64().unwrap() - 5.0 / 24.0).abs() < 1e-12, "{rule}");
    let simple: Vec<(&Value, bool)> = report["simple"]
        .as_array()
        .unwrap()
        .iter()
        .map(|judge| (&judge["name"], judge["auc"].as_f64().unwrap() > 0.95))
        .collect();
    assert_eq!(
        simple,
        [(&json!("z of all before"), true), (&json!("z of the last 100"), true), (&json!("step"), false)],
        "a simple detector finds them too, and nothing is said of texts"
    );
    assert_eq!(report["kinds"][0]["name"], "spike");
    assert_eq!((&report["kinds"][0]["events"], &report["kinds"][1]["events"]), (&json!(19), &json!(5)));
    let level = &report["kinds"][1]["delays"];
    assert_eq!((&level["runs"], &level["found"], &level["events"]), (&json!(1), &json!(1), &json!(0.0)));
    assert!(fs::read_to_string(folder.path().join("r.svg")).unwrap().starts_with("<svg "));
}

#[test]
fn windows_of_a_series_give_the_benchmarks_score() {
    let folder = tempfile::tempdir().unwrap();
    labelled(folder.path());
    let windows = r#"{ "any/s.csv": [["2025-01-01 00:33:15.000000", "2025-01-01 00:33:19.000000"]], "other.csv": [] }"#;
    fs::write(folder.path().join("windows.json"), windows).unwrap();
    let report = figures(&evaluate(folder.path(), &["--windows", "windows.json", "--format", "json"]));
    assert_eq!(report["anomalies"], 5);
    // The five values of 200 score above all others: their window is found at once, and nothing else alarms.
    let scores: Vec<f64> =
        report["nab"].as_array().unwrap().iter().map(|score| score["score"].as_f64().unwrap()).collect();
    assert!(scores.len() == 3 && scores.iter().all(|score| (score - 100.0).abs() < 1e-9), "{scores:?}");
    let simple = report["simple_nab"].as_array().unwrap();
    assert_eq!((simple.len(), simple[0][1].as_array().unwrap().len()), (3, 3), "of each of them by the same rules");
}

#[test]
fn what_cannot_be_measured_is_said() {
    let folder = tempfile::tempdir().unwrap();
    labelled(folder.path());
    let failed = evaluate(folder.path(), &["--label", "knd"]);
    assert_eq!(failed.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&failed.stderr).contains("the stream has no column `knd`"));
    let failed = evaluate(folder.path(), &[]);
    assert!(
        String::from_utf8_lossy(&failed.stderr)
            .contains("say which events are anomalies: --label COLUMN or --windows FILE")
    );
}
