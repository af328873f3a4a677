//! Results as ORC files: pyarrow reads the values that it reads in Parquet, a run that is killed leaves the same rows, and the
//! files come back as input.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

use fixtures::Random;

fn beamline(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_beamline"));
    command
        .env_remove("BEAMLINE_OUT")
        .env_remove("BEAMLINE_RESULTS")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What it prints, where it succeeds.
fn printed(folder: &Path, arguments: &[&str]) -> String {
    let done = beamline(folder, arguments);
    assert!(done.status.success(), "{arguments:?}: {}{}", text(&done.stdout), text(&done.stderr));
    text(&done.stdout)
}

/// A stream with every type that ORC files have, nulls among them, in one format of results.
fn definition(format: &str, extra: &str) -> String {
    format!(
        "apiVersion: beamline.dev/v1
kind: Stream
metadata: {{ name: held }}
spec:
  schema: held.avsc
  id: id
  key: station
  time: at
  partitions: 3
  source: {{ files: {{ paths: [held.jsonl] }} }}
  enrich:
    columns:
      half: \"CAST(small AS FLOAT) / 2\"
      tiny: \"CAST(small % 100 AS TINYINT)\"
      long_ago: \"at - INTERVAL '90 years'\"
  detect:
    features: [value]
    rules: [{{ name: high, when: value > 90 }}]
  store: {{ files: {{ format: {format}{extra} }} }}
"
    )
}

const SCHEMA: &str = r#"{ "type": "record", "name": "Held", "fields": [
  { "name": "id", "type": "long" },
  { "name": "at", "type": { "type": "long", "logicalType": "timestamp-micros" } },
  { "name": "local", "type": ["null", { "type": "long", "logicalType": "local-timestamp-millis" }], "default": null },
  { "name": "day", "type": ["null", { "type": "int", "logicalType": "date" }], "default": null },
  { "name": "station", "type": "string" },
  { "name": "kind", "type": "string" },
  { "name": "small", "type": "int" },
  { "name": "value", "type": ["null", "double"], "default": null },
  { "name": "single", "type": "float" },
  { "name": "ok", "type": ["null", "boolean"], "default": null },
  { "name": "note", "type": ["null", "string"], "default": null }
] }"#;

/// Events, one a line.
fn events(folder: &Path, count: u64) {
    let mut random = Random::default();
    let mut lines = String::new();
    for id in 0..count {
        let mut optional = |text: String| if random.unit() < 0.25 { "null".to_owned() } else { text };
        let (local, day) = (
            optional(format!("\"2025-03-01T00:00:{:02}.{:03}\"", id % 60, id % 1000)),
            optional(format!("\"20{:02}-02-28\"", id % 90 + 10)),
        );
        let (value, ok, note) = (
            optional(format!("{}.5", id * 7_919 % 97)),
            optional((id % 2 == 0).to_string()),
            optional(format!("\"ü {}\"", id % 13)),
        );
        let at = 1_740_787_200_000_000 + id * 1_000_003;
        lines += &format!(
            "{{\"id\":{id},\"at\":{at},\"local\":{local},\"day\":{day},\"station\":\"s{}\",\"kind\":\"{}\",\"small\":{},\"value\":{value},\"single\":{}.25,\"ok\":{ok},\"note\":{note}}}\n",
            id % 5,
            ["UP", "DOWN", "STRANGE"][id as usize % 3],
            id as i64 * 31 - 5_000,
            id % 50,
        );
    }
    fs::write(folder.join("held.jsonl"), lines).unwrap();
    fs::write(folder.join("held.avsc"), SCHEMA).unwrap();
    for format in ["orc", "parquet"] {
        fs::write(folder.join(format!("{format}.yaml")), definition(format, "")).unwrap();
    }
}

const ALL: &str = "SELECT * FROM processed_data ORDER BY id";

/// All rows as CSV, in which the list of causes is the text that ORC files have.
fn rows(folder: &Path, results: &str) -> String {
    printed(folder, &["query", "--results", results, "--format", "csv", "--limit", "0", ALL])
}

#[test]
fn pyarrow_reads_in_orc_what_it_reads_in_parquet() {
    let Some(python) = servers::python().unwrap() else {
        println!("skipped: there is no Python with venv");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    events(folder, 20_000);
    for format in ["orc", "parquet"] {
        printed(folder, &["replay", &format!("{format}.yaml"), "--out", format]);
    }
    assert_eq!(rows(folder, "orc"), rows(folder, "parquet"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/orc_files/compare.py");
    let compared = Command::new(&python).arg(script).args(["orc", "parquet"]).current_dir(folder).output().unwrap();
    println!("{}", text(&compared.stdout));
    assert!(compared.status.success(), "{}", text(&compared.stderr));

    // A query's answer, read by pyarrow, and as input of another stream.
    let sql = "SELECT id, at, kind, value, note FROM processed_data ORDER BY id";
    let answer = beamline(folder, &["query", "--results", "orc", "--format", "orc", "--limit", "0", sql]);
    assert!(answer.status.success(), "{}", text(&answer.stderr));
    fs::write(folder.join("answer.orc"), answer.stdout).unwrap();
    let sum = "import pyarrow.orc as o; t = o.read_table('answer.orc'); print(t.num_rows, sum(t['id'].to_pylist()))";
    let read = Command::new(python).args(["-c", sum]).current_dir(folder).output().unwrap();
    assert_eq!(text(&read.stdout).trim(), format!("20000 {}", (0..20_000_u64).sum::<u64>()), "{}", text(&read.stderr));
    printed(folder, &["init", "answer.orc", "--name", "again"]);
    printed(folder, &["replay", "again.yaml", "--out", "again"]);
    let columns = "SELECT id, at, kind, value, note FROM processed_data ORDER BY id";
    let of =
        |results: &str| printed(folder, &["query", "--results", results, "--format", "csv", "--limit", "0", columns]);
    assert_eq!(of("again"), of("orc"));
}

#[test]
fn what_orc_lacks_is_refused_by_a_query_with_the_column() {
    let folder = tempfile::tempdir().unwrap();
    events(folder.path(), 100);
    printed(folder.path(), &["replay", "parquet.yaml", "--out", "out"]);
    let done = beamline(folder.path(), &["query", "--results", "out", "--format", "orc", ALL]);
    assert_eq!(done.status.code(), Some(64), "{}", text(&done.stderr));
    let said = text(&done.stderr);
    assert!(said.contains("`anomaly_causes`") && said.contains("not written to ORC files"), "{said}");
}

/// Files are merged and folders are by the hour; the run is killed at moments of its own and continued.
#[test]
fn a_run_that_is_killed_leaves_the_rows_of_a_quiet_one() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    events(folder, 120_000);
    fs::write(folder.join("orc.yaml"), definition("orc", ", partition_by: hour")).unwrap();
    let arguments = |out: &'static str| ["replay", "orc.yaml", "--out", out, "--commit-events", "400"];
    printed(folder, &arguments("quiet"));
    let mut random = Random::default();
    let mut kills = 0;
    for _ in 0..12 {
        let mut run = Command::new(env!("CARGO_BIN_EXE_beamline"))
            .args(arguments("killed"))
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(100) + Duration::from_millis(500).mul_f64(random.unit()));
        kills += u32::from(run.try_wait().unwrap().is_none());
        run.kill().unwrap();
        run.wait().unwrap();
    }
    printed(folder, &arguments("killed"));
    assert_eq!(rows(folder, "killed"), rows(folder, "quiet"));
    let files = files(&folder.join("killed/processed_data"));
    assert!(files.iter().all(|file| file.extension().is_some_and(|ending| ending == "orc")));
    // The name of a merged file has two positions.
    let is_merged = |file: &PathBuf| file.file_stem().unwrap().to_string_lossy().split('-').count() == 4;
    assert!(files.iter().any(is_merged), "nothing was merged: {} files", files.len());
    println!("120,000 events, killed {kills} times: the rows of a quiet run, in {} files", files.len());
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.path().is_dir() {
            true => found.extend(files(&entry.path())),
            false => found.push(entry.path()),
        }
    }
    found
}
