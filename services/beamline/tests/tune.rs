//! `beamline tune` on a history without labels: what it proposes is a definition that runs, and says what it would have found.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

const STREAM: &str = r#"# Requests.
apiVersion: beamline.dev/v1
kind: Stream
metadata: { name: requests }
spec:
  schema: requests.avsc
  id: id
  key: host
  time: at
  detect:
    rules: [{ name: slow, when: "latency > 1e6" }]
  # where results go
  store: { files: { format: csv } }
"#;

const SCHEMA: &str = r#"{ "type": "record", "name": "Request", "fields": [
    { "name": "id", "type": "string" }, { "name": "host", "type": "string" }, { "name": "at", "type": "string" },
    { "name": "latency", "type": "double" }, { "name": "method", "type": "string" } ] }"#;

/// 8,000 requests of two hosts, a second each, with latencies of a long tail in a fixed disorder; the last one is a method that
/// was never seen.
fn history(folder: &Path) {
    fs::write(folder.join("requests.yaml"), STREAM).unwrap();
    fs::write(folder.join("requests.avsc"), SCHEMA).unwrap();
    let mut text = "id,host,at,latency,method\n".to_owned();
    for row in 0..8000u32 {
        let latency = (f64::from(row * 7919 % 1009) / 1009.0 * 6.0).exp();
        let method = if row == 7999 { "DELETE" } else { ["GET", "GET", "POST"][row as usize % 3] };
        let (hour, minute, second) = (row / 3600, row / 60 % 60, row % 60);
        let host = ["a", "b"][row as usize * 13 / 7 % 2];
        text.push_str(&format!("r{row},{host},2025-01-01T{hour:02}:{minute:02}:{second:02}Z,{latency:.3},{method}\n"));
    }
    fs::write(folder.join("requests.csv"), text).unwrap();
}

fn beamline(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_beamline")).current_dir(folder).args(args).output().unwrap()
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn what_is_proposed_is_a_definition_with_what_it_would_have_found() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path());
    let told = said(&beamline(folder.path(), &["tune", "requests.yaml", "requests.csv"]));
    assert!(told.starts_with("8000 events of 2 keys, of which half have "), "{told}");
    assert!(told.contains("\n  ln(latency)  (") && told.contains("\n  frequency(method)  ("), "{told}");
    assert!(told.contains("\nwould have alarmed: ") && told.contains(" episodes\n"), "{told}");
    assert!(told.contains("  r7999  ") && told.contains("method DELETE, never seen in "), "{told}");

    let tuned = fs::read_to_string(folder.path().join("requests.tuned.yaml")).unwrap();
    // Everything else is as it was, and so are the rules.
    assert!(
        tuned.starts_with("# Requests.\n")
            && tuned.ends_with("  # where results go\n  store: { files: { format: csv } }\n")
    );
    assert!(tuned.contains("    - { name: \"slow\", when: \"latency > 1e6\" }".trim_start()), "{tuned}");
    assert!(said(&beamline(folder.path(), &["check-config", "requests.tuned.yaml"])).contains("is good"));
    said(&beamline(folder.path(), &["replay", "requests.tuned.yaml", "requests.csv"]));
    let found = said(&beamline(
        folder.path(),
        &[
            "query",
            "--results",
            "beamline-results/requests",
            "--format",
            "csv",
            "SELECT count(DISTINCT episode) > 0 AS grouped, max(anomaly_words) FILTER (WHERE id = 'r7999') AS words FROM anomalies",
        ],
    ));
    assert!(found.contains("true,") && found.contains("method DELETE, never seen in "), "{found}");

    // A second time nothing is written over.
    let again = beamline(folder.path(), &["tune", "requests.yaml", "requests.csv"]);
    assert_eq!(again.status.code(), Some(64));
    said(&beamline(folder.path(), &["tune", "requests.yaml", "requests.csv", "--force", "--false-alarm-rate", "1e-4"]));
    let tuned = fs::read_to_string(folder.path().join("requests.tuned.yaml")).unwrap();
    assert!(tuned.contains("  false_alarm_rate: 1e-4\n"), "{tuned}");
}

#[test]
fn check_config_says_which_features_were_chosen() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path());
    let text = STREAM.replace("  detect:\n    rules: [{ name: slow, when: \"latency > 1e6\" }]\n", "  detect: {}\n");
    fs::write(folder.path().join("requests.yaml"), text).unwrap();
    let told = said(&beamline(folder.path(), &["check-config", "requests.yaml"]));
    assert!(told.contains("\n  features chosen: ln(latency), frequency(method)\n"), "{told}");
}
