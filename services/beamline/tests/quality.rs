//! The clickstream's data-quality tests: a report on its results, which fails where the data is not as expected.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

fn beamline(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_beamline"));
    command.env_remove("BEAMLINE_OUT").env_remove("BEAMLINE_RESULTS").current_dir(folder).args(args);
    command.output().unwrap()
}

/// Clicks, of which one in `broken` has a type that there is none of.
fn clicks(broken: usize) -> String {
    let mut text = "event_id,event_time,user_id,event_type,product_id,session_id\n".to_owned();
    for number in 0..1000 {
        let kind = if number % broken == broken - 1 { "clikc" } else { ["view", "cart", "purchase"][number % 3] };
        let (minute, second) = (number / 60, number % 60);
        text.push_str(&format!(
            "e{number},2025-01-01T00:{minute:02}:{second:02}Z,u{},{kind},p{},s1\n",
            number % 7,
            number % 11
        ));
    }
    text
}

fn report(broken: usize) -> (Option<i32>, Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let stream = fs::read_to_string(project.join("streams/clickstream.yaml")).unwrap();
    fs::write(folder.path().join("s.yaml"), stream.replace("../", &format!("{}/", project.display()))).unwrap();
    fs::write(folder.path().join("clicks.csv"), clicks(broken)).unwrap();
    let run = beamline(folder.path(), &["replay", "s.yaml", "clicks.csv", "--out", "results"]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let minutes = fs::read_to_string(folder.path().join("results/reports/events_by_minute.csv")).unwrap();
    let found = beamline(folder.path(), &["quality", "s.yaml", "--results", "results", "--format", "json"]);
    let json = serde_json::from_slice(&found.stdout).unwrap();
    assert!(folder.path().join("results/reports/quality.json").exists());
    (found.status.code(), json, minutes)
}

fn finding<'a>(report: &'a Value, of: &str, measure: &str) -> &'a Value {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["of"] == of && finding["measure"] == measure).unwrap()
}

#[test]
fn good_clicks_pass() {
    let (code, report, minutes) = report(1000);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(report["good"], true);
    assert_eq!(finding(&report, "known_event_type", "failing")["value"], 0.001);
    assert_eq!(finding(&report, "user_id", "distinct")["value"], 7);
    assert_eq!(finding(&report, "product_id", "nulls")["value"], 0.0);
    assert_eq!(minutes.lines().count(), 1 + 17, "{minutes}");
    assert!(
        minutes.lines().nth(1).unwrap().starts_with("2025-01-01T00:00:00Z,2025-01-01T00:01:00Z,60,7,20,"),
        "{minutes}"
    );
}

#[test]
fn broken_clicks_fail() {
    let (code, report, _) = report(10);
    assert_eq!(code, Some(1));
    assert_eq!(report["good"], false);
    let failing = finding(&report, "known_event_type", "failing");
    assert_eq!((&failing["value"], &failing["good"]), (&Value::from(0.1), &Value::from(false)));
    assert_eq!(finding(&report, "stream", "dead letters")["good"], false);
}
