//! A folder with a stream, its inputs and its results, and the program run in it.

use std::{fmt::Write, ops::Deref, path::Path};

use serde_json::Value;

pub(crate) const DEFINITION: &str = r#"
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
    - { name: warm, check: "value > -100 OR isnan(value)" }
  enrich:
    columns: { doubled: "value * 2" }
  detect:
    features: [value]
    false_alarm_rate: 1e-2
"#;

const SCHEMA: &str = r#"{
  "type": "record", "name": "Reading",
  "fields": [
    { "name": "id", "type": "string" },
    { "name": "sensor", "type": "string" },
    { "name": "time", "type": { "type": "long", "logicalType": "timestamp-micros" } },
    { "name": "value", "type": "double" },
    { "name": "hits", "type": ["null", "long"], "default": null }
  ]
}"#;

pub(crate) const HEADER: &str = "id,sensor,time,value,hits";

/// A good row.
pub(crate) fn row(id: &str) -> String {
    format!("{id},s1,2025-01-01T00:00:00Z,20.5,1")
}

/// So many good rows as CSV.
pub(crate) fn csv(rows: usize) -> String {
    let mut text = format!("{HEADER}\n");
    for n in 0..rows {
        let (hour, minute, second) = (n / 3600 % 24, n / 60 % 60, n % 60);
        let value = 20 + n * 37 % 101;
        writeln!(text, "r{n},s{},2025-01-01T{hour:02}:{minute:02}:{second:02}Z,{value}.5,{n}", n % 7).unwrap();
    }
    text
}

/// The same rows as JSON lines.
pub(crate) fn jsonl(rows: usize) -> String {
    let object = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let [id, sensor, time, value, hits] = cells[..] else { panic!("{line}") };
        format!(r#"{{"id":"{id}","sensor":"{sensor}","time":"{time}","value":{value},"hits":{hits}}}"#) + "\n"
    };
    csv(rows).lines().skip(1).map(object).collect()
}

/// Bytes that are neither text nor a known format.
pub(crate) fn garbage(bytes: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(byte).take(bytes).collect()
}

/// The stream and its program.
pub(crate) struct Place(fixtures::Place);

impl Deref for Place {
    type Target = fixtures::Place;

    fn deref(&self) -> &fixtures::Place {
        &self.0
    }
}

impl Place {
    pub(crate) fn new() -> Self {
        let files = [("readings.yaml", DEFINITION), ("reading.avsc", SCHEMA)];
        Self(fixtures::Place::new(env!("CARGO_BIN_EXE_beamline"), &files))
    }

    /// The stream with something in its definition replaced, in a file called `name`.
    pub(crate) fn define(&self, name: &str, from: &str, to: &str) {
        assert!(DEFINITION.contains(from), "{from}");
        self.write(name, DEFINITION.replace(from, to));
    }

    /// Runs a file through the stream, and gives what is in the results.
    pub(crate) fn replay(&self, file: &str, results: &str) -> Vec<Value> {
        self.ok(&["replay", "readings.yaml", file, "--out", results]);
        self.verify(results);
        self.letters(results)
    }

    /// The ledger balances, the files are as it says, and no id stands twice.
    pub(crate) fn verify(&self, results: &str) {
        self.ok(&["verify", results]);
    }

    pub(crate) fn query(&self, results: &str, sql: &str) -> Vec<Value> {
        let text = self.ok(&["query", "--format", "json", "--limit", "0", "--results", results, sql]);
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// A number that a query gives.
    pub(crate) fn number(&self, results: &str, what: &str) -> u64 {
        self.query(results, &format!("SELECT CAST({what} AS BIGINT) AS n FROM processed_data"))[0]["n"]
            .as_u64()
            .unwrap()
    }

    /// All dead letters by position.
    pub(crate) fn letters(&self, results: &str) -> Vec<Value> {
        self.query(results, "SELECT position, kind, rule, reason FROM dead_letters ORDER BY position")
    }

    /// The ids of the rows that got through, sorted.
    pub(crate) fn ids(&self, results: &str) -> Vec<String> {
        let rows = self.query(results, "SELECT id FROM processed_data ORDER BY id");
        rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    }
}

/// What is committed in a folder of results.
pub(crate) fn position(results: &Path) -> u64 {
    store::Results::new(results).manifest().unwrap().map_or(0, |manifest| manifest.position)
}

/// Every one of these stands in a message.
pub(crate) fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} in: {message}");
    }
}
