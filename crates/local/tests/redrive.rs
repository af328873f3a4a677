//! Repaired events go back into a run once, and the results are those of a source that had them at the same positions.
#![allow(clippy::unwrap_used)]

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use fixtures::{Memory, READING};
use local::{LocalError, Meter, Options, Repaired, Summary};
use store::{OutputFormat, QueryOptions, Results, TableLimits, query as sql};
use stream::{FileFormat, Stream};

const DEFINITION: &str = r#"
apiVersion: beamline.dev/v1
kind: Stream
metadata: { name: readings }
spec:
  schema: reading.avsc
  id: id
  key: sensor
  time: time
  partitions: 3
  quality:
    - { name: warm, check: "value > 0" }
  enrich:
    columns: { logarithm: "ln(value)" }
  detect:
    features: [logarithm]
    false_alarm_rate: 1e-2
"#;

const FILES: Memory<'_> = Memory(&[("reading.avsc", READING)]);

fn stream() -> Arc<Stream> {
    Arc::new(Stream::load("readings.yaml", DEFINITION, &FILES).unwrap())
}

/// Good readings as JSON Lines, their values drifting over seven sensors.
fn readings(name: &str, count: usize) -> Vec<String> {
    let line = |number: usize| {
        let value = 20.0 + (number * 37 % 101) as f64 / 10.0 + if number % 97 == 96 { 300.0 } else { 0.0 };
        format!(
            r#"{{"id": "{name}-{number}", "sensor": "s{}", "time": {}, "value": {value}}}"#,
            number % 7,
            1_700_000_000_000_000_u64 + number as u64 * 1_000_000
        )
    };
    (0..count).map(line).collect()
}

/// The same with one in forty no reading, and one in fifty breaking the rule.
fn with_bad_ones(name: &str, count: usize) -> Vec<String> {
    let mut lines = readings(name, count);
    for (number, line) in lines.iter_mut().enumerate() {
        if number % 40 == 13 {
            *line = line.replace("\"value\": ", "\"value\": \"n/a\", \"was\": ");
        } else if number % 50 == 21 {
            *line = line.replace("\"value\": ", "\"value\": -");
        }
    }
    lines
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new(lines: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("readings.jsonl"), lines.join("\n")).unwrap();
        Self { folder }
    }

    fn results(&self) -> PathBuf {
        self.folder.path().join("results")
    }

    fn run(&self, end_position: Option<u64>, stopped: bool) -> Summary {
        let files = stream::Files::of(vec!["readings.jsonl".into()]);
        let options = Options {
            stream: stream(),
            source: stream::Source::Files(files),
            base: self.folder.path().to_owned(),
            results: self.results(),
            threads: 2,
            commit_records: 100,
            commit_interval: Duration::from_secs(10),
            // So little that a restart has to read again.
            snapshot_bytes: 2_000,
            state_bytes: 1 << 20,
            end_position,
            end_after: None,
        };
        local::run(&options, &Meter::default(), &AtomicBool::new(stopped)).unwrap()
    }

    fn redrive(&self, text: &str, again: bool) -> Result<u64, LocalError> {
        let repaired = Repaired {
            name: "repaired.jsonl".into(),
            format: FileFormat::Jsonl,
            gzip: false,
            bytes: &mut text.as_bytes(),
        };
        local::redrive(&stream(), &self.results(), repaired, again).map(|redriven| redriven.events)
    }

    /// The rows of a table as CSV.
    fn table(&self, query: &str) -> String {
        let mut text = Vec::new();
        sql::block_on(async {
            let session = sql::open(&[self.results()], &QueryOptions::default()).await.unwrap();
            let answer = session.sql(query).await.unwrap();
            store::print(answer, OutputFormat::Csv, TableLimits::FILE, &mut text).await.unwrap();
        })
        .unwrap();
        String::from_utf8(text).unwrap()
    }

    fn everything(&self) -> String {
        let mut text = self.table("SELECT * FROM processed_data ORDER BY id");
        text.push_str(&self.table("SELECT * FROM dead_letters ORDER BY position"));
        let manifest = Results::new(self.results()).manifest().unwrap().unwrap();
        write!(text, "{} {} {}", manifest.position, manifest.finished, manifest.ledger).unwrap();
        text
    }
}

/// The results of a source that has these records.
fn undisturbed(lines: &[String]) -> String {
    let place = Place::new(lines);
    assert!(place.run(None, false).finished);
    place.everything()
}

#[test]
fn redriven_events_count_as_records_at_their_place() {
    let lines = with_bad_ones("a", 3_000);
    let (first, second, third) = (readings("b", 250), readings("c", 30), readings("d", 10));
    let place = Place::new(&lines);
    assert_eq!(place.run(Some(1_000), false).position, 1_000);

    assert_eq!(place.redrive(&first.join("\n"), false).unwrap(), 250);
    assert_eq!(place.run(Some(1_000), true).position, 1_000, "the place is fixed, and nothing is read yet");
    assert_eq!(place.redrive(&second.join("\n"), false).unwrap(), 30);
    let summary = place.run(Some(1_000), false);
    assert_eq!((summary.position, summary.finished), (1_280, false), "a limit speaks of the source's own records");
    assert_eq!(place.run(Some(1_070), false).position, 1_350);
    let summary = place.run(None, false);
    assert_eq!((summary.position, summary.finished), (3_280, true));
    assert_eq!(place.run(None, false).position, 3_280);
    let mut all = [&lines[..1_000], &first, &second, &lines[1_000..]].concat();
    assert!(place.everything() == undisturbed(&all), "results differ");

    assert_eq!(place.redrive(&third.join("\n"), false).unwrap(), 10, "a finished run begins again");
    let summary = place.run(None, false);
    assert_eq!((summary.resumed_from, summary.position, summary.finished), (3_280, 3_290, true));
    assert_eq!(summary.ledger.records, 3_290);
    assert!(summary.ledger.balances());
    all.extend(third);
    assert!(place.everything() == undisturbed(&all), "results differ");
}

#[test]
fn what_the_stream_cannot_take_is_refused_as_a_whole() {
    let place = Place::new(&with_bad_ones("a", 50));
    assert!(matches!(place.redrive("{}", false), Err(LocalError::NoRun { .. })));
    assert!(!place.results().exists(), "nothing is made where there is no run");
    place.run(None, false);

    let mut lines = readings("b", 6);
    lines[1] = lines[1].replace("\"value\": ", "\"value\": -");
    lines[3] = "nonsense".into();
    lines[4] = String::new();
    lines[5] = lines[5].replace("\"id\"", "\"no\"");
    let refused = place.redrive(&lines.join("\n"), false).unwrap_err().to_string();
    assert!(refused.starts_with("3 of the 5 events of repaired.jsonl cannot be put back yet"), "{refused}");
    for found in ["\n  line 2: warm: not true", "\n  line 4: ", "\n  line 6: "] {
        assert!(refused.contains(found), "{found:?} in {refused}");
    }
    assert!(matches!(place.redrive("\n", false), Err(LocalError::NothingToRedrive { .. })));
    let folder = place.results().join("_beamline/redrive");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0, "nothing of it is kept");
    assert_eq!(place.run(None, false).position, 50);

    let many = vec!["{}"; 1_000].join("\n");
    let refused = place.redrive(&many, false).unwrap_err().to_string();
    assert!(refused.ends_with("\n  and 900 more"), "{refused}");
}

#[test]
fn the_same_events_again_are_refused_unless_asked_for() {
    let place = Place::new(&readings("a", 50));
    place.run(None, false);
    let repaired = readings("b", 2).join("\n");
    assert_eq!(place.redrive(&repaired, false).unwrap(), 2);
    assert!(matches!(place.redrive(&repaired, false), Err(LocalError::Repeated { events: 2, .. })), "while it waits");
    assert_eq!(place.run(None, false).position, 52);
    assert!(matches!(place.redrive(&repaired, false), Err(LocalError::Repeated { .. })), "and when it is taken in");
    assert_eq!(place.redrive(&repaired, true).unwrap(), 2);
    assert_eq!(place.run(None, false).position, 54);
}

#[test]
fn an_id_that_came_through_before_is_refused() {
    let place = Place::new(&readings("a", 50));
    place.run(None, false);
    let (old, waiting, new) = (readings("a", 8), readings("b", 2), readings("c", 2));
    assert_eq!(place.redrive(&waiting.join("\n"), false).unwrap(), 2);
    let mixed = [&new[..1], &old[7..], &waiting[..1], &new[..]].concat().join("\n");
    let refused = place.redrive(&mixed, false).unwrap_err().to_string();
    assert!(refused.starts_with("3 of the 5 events"), "{refused}");
    for found in [
        "line 2: the id \"a-7\" is among the results already",
        "line 3: the id \"b-0\" was put back already",
        "line 4: the id \"c-0\" comes twice",
    ] {
        assert!(refused.contains(found), "{found:?} in {refused}");
    }
    assert_eq!(place.redrive(&mixed, true).unwrap(), 5, "unless it is asked for");
    assert_eq!(place.run(None, false).position, 57);
}

#[test]
fn a_csv_file_needs_the_schemas_columns_and_other_definitions_are_refused() {
    let place = Place::new(&readings("a", 50));
    place.run(None, false);
    let redrive = |stream: &Arc<Stream>, text: &str| {
        let repaired =
            Repaired { name: "fixed.csv".into(), format: FileFormat::Csv, gzip: false, bytes: &mut text.as_bytes() };
        local::redrive(stream, Path::new(&place.results()), repaired, false)
    };
    let error = redrive(&stream(), "id,sensor,time\na,b,2025-01-01\n").unwrap_err().to_string();
    assert!(error.starts_with("fixed.csv has no column `value`"), "{error}");
    let bad = "id,sensor,time,value\nx,s1,2025-01-01T00:00:00Z,3\ny,s1,2025-01-01T00:00:00Z,x\n";
    let error = redrive(&stream(), bad).unwrap_err().to_string();
    assert!(error.contains("\n  event 2: column `value`"), "{error}");
    let other = Arc::new(Stream::load("readings.yaml", &DEFINITION.replace("value > 0", "value > 1"), &FILES).unwrap());
    let good = "id,sensor,time,value\nx,s1,2025-01-01T00:00:00Z,3\n";
    assert!(matches!(redrive(&other, good), Err(LocalError::OtherStream { .. })));
    assert_eq!(redrive(&stream(), good).unwrap().waiting, 1);
    place.run(None, false);
    assert!(place.table("SELECT id, value FROM processed_data WHERE id = 'x'").contains("x,3"));
}
