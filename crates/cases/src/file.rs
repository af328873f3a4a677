//! The file of cases as it stands in YAML. Its JSON Schema follows from these types.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use stream::{Diagnostics, read_document};

/// Some columns of a row, by name.
pub type Row = Map<String, Json>;

/// Cases of a stream: events, and what is expected to become of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Beamline cases")]
pub struct CaseFile {
    /// By how much two floating-point numbers may differ and still agree, as a share of the larger one (of 1 where both
    /// are smaller).
    #[serde(default = "default_tolerance")]
    #[schemars(range(min = 1e-15, max = 1.0))]
    pub tolerance: f64,
    /// The cases. Each begins with empty state.
    #[schemars(length(min = 1))]
    pub cases: Vec<Case>,
}

fn default_tolerance() -> f64 {
    1e-9
}

/// Events, and what is expected to become of them. What is not named is not compared.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What the case shows, in a few words.
    #[schemars(length(min = 1))]
    pub name: String,
    /// The events, in the order in which they come: a mapping of columns each, or JSON as text.
    #[schemars(length(min = 1))]
    pub events: Vec<Event>,
    /// The rows that come out, anomalous or not. Of each only the columns that are named are compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<Vec<Row>>,
    /// How many events the filter drops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filtered: Option<u64>,
    /// The dead letters, with `event` (the number of the event from 1), `kind`, `rule` and `reason`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letters: Option<Vec<Row>>,
    /// The rows that are anomalies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anomalies: Option<Vec<Row>>,
    /// The rows that an aggregate left out, with `late_for`, `late_by_seconds` and `late_reason`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<Vec<Row>>,
    /// The results of aggregates when the stream is over, by the aggregate's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub windows: BTreeMap<String, Vec<Row>>,
}

/// An event as it comes in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Event {
    /// Its columns.
    Row(Row),
    /// JSON as text, which may be broken.
    Json(String),
}

impl Event {
    /// The event as the JSON text that a source would read.
    pub fn json(&self) -> String {
        match self {
            Self::Row(row) => Json::Object(row.clone()).to_string(),
            Self::Json(text) => text.clone(),
        }
    }
}

impl CaseFile {
    /// Reads a file of cases. `name` is how errors call it.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the file.
    pub fn read(name: &str, text: &str) -> Result<Self, Diagnostics> {
        read_document(name, text, "the file of cases")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_in_the_repository_is_that_of_the_code() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/cases.schema.json");
        let generated = stream::document_schema::<CaseFile>() + "\n";
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(path, &generated).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == generated, "schemas/cases.schema.json is out of date: run `make schema`");
    }

    #[test]
    fn everything_wrong_with_a_file_is_said_with_its_place() {
        let text = "tolerence: 0.1\ncases:\n  - name: one\n    events: [7]\n    filtered: -1\n";
        let errors = CaseFile::read("a.test.yaml", text).unwrap_err().to_string();
        let lines: Vec<&str> = errors.lines().collect();
        assert_eq!(lines.len(), 3, "{errors}");
        assert!(
            lines[0].starts_with("a.test.yaml:1:1: unknown field `tolerence`; did you mean `tolerance`?"),
            "{errors}"
        );
        assert!(lines[1].starts_with("a.test.yaml:4:14: an entry of `events`: expected"), "{errors}");
        assert!(lines[2].starts_with("a.test.yaml:5:15: `filtered` must be at least 0"), "{errors}");
    }

    #[test]
    fn an_event_is_a_row_or_text() {
        let text =
            "cases:\n  - name: one\n    events:\n      - { id: a, value: 1.5 }\n      - '{\"id\": '\n    rows: []\n";
        let file = CaseFile::read("a.test.yaml", text).unwrap();
        let events: Vec<String> = file.cases[0].events.iter().map(Event::json).collect();
        assert_eq!(events, [r#"{"id":"a","value":1.5}"#, r#"{"id": "#]);
        assert_eq!((file.tolerance, file.cases[0].rows.as_deref()), (1e-9, Some(&[][..])));
    }
}
