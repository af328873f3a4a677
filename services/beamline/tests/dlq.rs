//! From dead letters back into the results: list, show, repair, put back, once, whatever ends the runs between.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::Write,
    ops::Deref,
    path::Path,
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use fixtures::{READING, definition};
use serde_json::Value;

const SPEC: &str = r#"
  source:
    files: { paths: [readings.csv] }
  quality:
    - { name: warm, check: "value > 0" }
  detect:
    features: [value]
    false_alarm_rate: 1e-2
"#;

const HEADER: &str = "id,sensor,time,value";

/// One row in fifty has text for a number, and one in fifty is below zero.
fn readings(count: usize) -> String {
    let mut text = format!("{HEADER}\n");
    for number in 0..count {
        let value = match number % 50 {
            13 => "broken".to_owned(),
            31 => format!("-{}", number + 1),
            _ => format!("{}.5", 20 + number * 37 % 101),
        };
        text.push_str(&format!(
            "r{number},s{},2025-01-01T{:02}:{:02}:00Z,{value}\n",
            number % 7,
            number / 60 % 24,
            number % 60
        ));
    }
    text
}

/// The stream, with so many readings, and its program.
struct Place(fixtures::Place);

impl Deref for Place {
    type Target = fixtures::Place;

    fn deref(&self) -> &fixtures::Place {
        &self.0
    }
}

impl Place {
    fn new(rows: usize) -> Self {
        let (definition, input) = (definition(SPEC), readings(rows));
        let files = [("readings.yaml", &*definition), ("reading.avsc", READING), ("readings.csv", &*input)];
        Self(fixtures::Place::new(env!("CARGO_BIN_EXE_beamline"), &files))
    }

    /// What a command that is refused says.
    fn refused(&self, arguments: &[&str]) -> String {
        self.0.fails(64, arguments)
    }

    fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// What is committed.
    fn position(&self, results: &str) -> u64 {
        store::Results::new(self.path(results)).manifest().unwrap().unwrap().position
    }

    fn count(&self, condition: &str) -> u64 {
        let query = format!("SELECT count(*) FROM processed_data WHERE {condition}");
        let text = self.ok(&["query", "--format", "csv", &query]);
        text.lines().nth(1).unwrap().parse().unwrap()
    }
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn dead_letters_are_shown_repaired_and_put_back_once() {
    let place = Place::new(1_000);
    place.ok(&["run", "readings.yaml"]);

    let groups = json_lines(&place.ok(&["dlq", "list", "--format", "json"]));
    let group = |group: &Value| {
        (
            group["kind"].as_str().unwrap().to_owned(),
            group["rule"].as_str().unwrap().to_owned(),
            group["letters"].as_u64(),
        )
    };
    let found: Vec<_> = groups.iter().map(group).collect();
    assert_eq!(found, [("decode".into(), String::new(), Some(20)), ("quality".into(), "warm".into(), Some(20))]);
    assert_eq!((&groups[0]["first_position"], &groups[0]["last_position"]), (&13.into(), &963.into()));
    assert_eq!(groups[0]["reason"], "column `value`: \"…\" is not a number");
    assert_eq!(groups[1]["reason"], "not true: value > 0");
    let table = place.ok(&["dlq", "list"]);
    assert!(table.starts_with("40 dead letters in ") && table.contains("warm"), "{table}");

    let shown = place.ok(&["dlq", "show", "--position", "63"]);
    for found in ["position 63", "kind decode", "\"broken\" is not a number", "r63,s0,2025-01-01T01:03:00Z,broken"] {
        assert!(shown.contains(found), "{found} in {shown}");
    }
    let letters = json_lines(&place.ok(&["dlq", "show", "--kind", "quality", "--format", "json", "--limit", "2"]));
    assert_eq!(letters.len(), 2);
    assert_eq!((&letters[1]["position"], &letters[1]["rule"]), (&81.into(), &"warm".into()));
    assert!(letters[1]["payload"].as_str().unwrap().contains("\"value\":-82"), "{}", letters[1]);

    // The repair: what was no number becomes 21, what was negative becomes positive.
    let broken = place.ok(&["dlq", "show", "--kind", "decode", "--payload"]);
    fs::write(place.path("repaired.csv"), format!("{HEADER}\n{}", broken.replace("broken", "21"))).unwrap();
    let negative = place.ok(&["dlq", "show", "--rule", "warm", "--payload"]);
    assert_eq!(negative.lines().count(), 20);
    let positive = negative.replace("\"value\":-", "\"value\":");
    let half_done = positive.replacen("\"value\":", "\"value\":-", 1);
    fs::write(place.path("half.jsonl"), half_done).unwrap();

    let refusal = place.refused(&["dlq", "redrive", "readings.yaml", "half.jsonl"]);
    assert!(
        refusal.contains("1 of the 20 events of half.jsonl") && refusal.contains("line 1: warm: not true"),
        "{refusal}"
    );
    let next = place.ok(&["dlq", "redrive", "readings.yaml", "repaired.csv"]);
    assert!(next.contains("20 events of repaired.csv") && next.ends_with("beamline run readings.yaml\n"), "{next}");
    let mut piped = place.command(&["dlq", "redrive", "readings.yaml", "-"]);
    let mut piped = piped.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    piped.stdin.take().unwrap().write_all(positive.as_bytes()).unwrap();
    let next = piped.wait_with_output().unwrap();
    assert!(next.status.success());
    assert!(String::from_utf8_lossy(&next.stdout).contains("40 events wait for it in all"));
    assert_eq!(place.count("true"), 960, "nothing happens before the next run");

    place.ok(&["run", "readings.yaml"]);
    place.ok(&["run", "readings.yaml"]);
    assert_eq!(place.count("true"), 1_000);
    assert_eq!(place.count("id = 'r13' AND value = 21"), 1);
    assert_eq!(place.count("id = 'r31' AND value = 32"), 1);
    place.ok(&["verify", "beamline-results/readings"]);
    let refusal = place.refused(&["dlq", "redrive", "readings.yaml", "repaired.csv"]);
    assert!(refusal.contains("was put back before"), "{refusal}");
}

#[test]
fn kills_between_change_nothing() {
    let place = Place::new(200_000);
    place.ok(&["run", "readings.yaml", "--out", "quiet", "--events", "150000"]);
    place.ok(&["run", "readings.yaml", "--out", "killed", "--events", "150000"]);
    let broken = place.ok(&["dlq", "show", "--results", "quiet", "--kind", "decode", "--payload"]);
    fs::write(place.path("repaired.csv"), format!("{HEADER}\n{}", broken.replace("broken", "21"))).unwrap();

    place.ok(&["dlq", "redrive", "readings.yaml", "repaired.csv", "--results", "quiet"]);
    place.ok(&["run", "readings.yaml", "--out", "quiet"]);

    place.ok(&["dlq", "redrive", "readings.yaml", "repaired.csv", "--results", "killed"]);
    let run = ["run", "readings.yaml", "--out", "killed", "--commit-events", "500"];
    // The 3,000 repaired events stand behind the 150,000 records that were committed before.
    let mut positions = Vec::new();
    for delay in (0..).map(|number| Duration::from_millis(20 + number * 60 % 400)).take(12) {
        let mut child = place.start(&run);
        thread::sleep(delay);
        if child.try_wait().unwrap().is_some() {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        positions.push(place.position("killed"));
    }
    let before_the_end = positions.iter().filter(|position| **position < 203_000).count();
    assert!(before_the_end > 0, "no kill came before the end: {positions:?}");
    place.ok(&run[..4]);
    place.ok(&["verify", "killed", "quiet"]);
}

#[test]
fn a_run_that_is_going_on_is_not_disturbed() {
    let place = Place::new(100);
    let address = ["run", "readings.yaml", "--listen", "127.0.0.1:0"];
    let mut child = place.start(&address);
    let manifest = place.path("beamline-results/readings/_beamline/manifest.json");
    for _ in 0..500 {
        if Path::new(&manifest).exists() {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    fs::write(place.path("repaired.csv"), format!("{HEADER}\nx,s1,2025-01-01T00:00:00Z,3\n")).unwrap();
    let refusal = place.refused(&["dlq", "redrive", "readings.yaml", "repaired.csv"]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(refusal.contains("a run is going on with these results"), "{refusal}");
    let next = place.ok(&["dlq", "redrive", "readings.yaml", "repaired.csv"]);
    assert!(next.contains("--listen"), "{next}");
}
