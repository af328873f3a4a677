//! The stream definition as it stands in YAML: one Kubernetes-shaped document that says what a stream is.
//!
//! These types are the only place where the format is written down. The reader, the JSON Schema for editors and
//! the list of fields behind "did you mean" all follow from them.

mod aggregate;
mod detect;
mod expect;
mod files;
mod kafka;
mod limits;
mod page;
mod source;
mod store;

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Duration;

pub use self::{aggregate::*, detect::*, expect::*, files::*, kafka::*, limits::*, page::*, source::*, store::*};

/// A stream of events: what it looks like, where it comes from, and what happens to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Beamline stream definition")]
pub struct StreamDefinition {
    /// The version of this format.
    pub api_version: ApiVersion,
    /// What kind of document this is.
    pub kind: Kind,
    /// The stream's name and labels.
    pub metadata: Metadata,
    /// The stream itself.
    pub spec: Spec,
}

/// The version of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ApiVersion {
    /// The first and current one.
    #[serde(rename = "beamline.dev/v1")]
    V1,
}

/// The kind of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Kind {
    /// A stream of events.
    Stream,
}

/// The stream's name and labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// Lower-case letters, digits and hyphens, a letter first. Topics, tables and Kubernetes objects are named after it.
    #[schemars(example = "particle-events", regex(pattern = r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$"))]
    pub name: String,
    /// Free labels, carried along to Kubernetes objects.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(example = BTreeMap::from([("team", "detector")]))]
    pub labels: BTreeMap<String, String>,
}

/// The stream itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The Avro schema of the raw events, a path relative to this file.
    #[schemars(example = "schemas/particle-event.avsc", length(min = 1))]
    pub schema: String,
    /// The column that identifies an event: primary key and duplicate check.
    #[schemars(example = &"event_id")]
    pub id: String,
    /// The column that partitions the stream; detectors keep their state by its value.
    #[schemars(example = &"detector_id")]
    pub key: String,
    /// The column with the event's time: a timestamp, or text in ISO 8601 (without a zone it is UTC).
    #[schemars(example = &"timestamp")]
    pub time: String,
    /// How far ahead of the clock that takes it in an event's time may be; one further ahead becomes a dead letter, since
    /// it would close windows, or make keys silent, before their time. One hour where there are aggregates or `silence` is looked for,
    /// else no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "5m")]
    pub max_ahead: Option<Duration>,
    /// How many partitions the topics have, and how many pieces of work can go on side by side.
    #[serde(default = "default_partitions")]
    #[schemars(range(min = 1, max = 1024))]
    #[schemars(example = 8)]
    pub partitions: u32,
    /// How large an event may be.
    #[serde(default, skip_serializing_if = "Limits::is_default")]
    pub limits: Limits,
    /// Where events come from when the command line names nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Rules that every raw row must pass; one that does not becomes a dead letter with the rule's name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quality: Vec<QualityRule>,
    /// What is added to each event, and which events are noise.
    #[serde(default)]
    pub enrich: Enrich,
    /// How anomalies are found. Without this section nothing is looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detect: Option<Detect>,
    /// What is computed of windows of event time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub aggregate: Vec<Aggregate>,
    /// What is expected of the data as a whole; `beamline quality` holds the results against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
    /// What the live page is told about the stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<PageView>,
    /// Where results go.
    #[serde(default)]
    pub store: Store,
}

fn default_partitions() -> u32 {
    8
}

/// A rule that every raw row must pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QualityRule {
    /// Letters, digits, `_`, `-` and `.`, a letter or `_` first. It is the name that the dead letter carries.
    #[schemars(example = &"positive_energy", regex(pattern = r"^[A-Za-z_][A-Za-z0-9_.-]{0,62}$"))]
    pub name: String,
    /// SQL that is true for a good row. Null counts as false.
    #[schemars(example = "energy_gev > 0", length(min = 1))]
    pub check: String,
    /// The share of records that may fail it before `beamline quality` does. Without it any may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    #[schemars(example = 0.01)]
    pub max_failing: Option<f64>,
}

/// What is added to each event, and which events are noise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Enrich {
    /// Columns looked up in reference tables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lookups: Vec<Lookup>,
    /// New columns as SQL, in order; a later one may use an earlier one.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("propertyNames" = {
        "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "description": "Letters, digits and `_`, no digit first."
    }))]
    #[schemars(example = BTreeMap::from([("pt", "transverse_momentum(momentum_x, momentum_y)")]))]
    pub columns: IndexMap<String, String>,
    /// SQL that is true for an event worth keeping. What it drops is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "energy_gev >= 0.5")]
    pub filter: Option<String>,
}

/// Columns looked up in a reference table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// A CSV or Parquet file, relative to this file.
    #[schemars(example = "reference/particles.csv", length(min = 1))]
    pub table: String,
    /// The column that both sides have; `stream_column: table_column` where the names differ.
    #[schemars(example = &"particle_type")]
    pub on: LookupOn,
    /// The table's columns to add; null where the table has no such row.
    #[schemars(length(min = 1))]
    #[schemars(example = ["mass_gev", "charge"])]
    pub columns: Vec<String>,
}

/// Which column of the stream meets which of the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum LookupOn {
    /// The same name on both sides.
    Same(String),
    /// The stream's column: the table's column. One pair.
    Renamed(#[schemars(extend("minProperties" = 1, "maxProperties" = 1))] BTreeMap<String, String>),
}
