//! The stream definition as it stands in YAML: one Kubernetes-shaped document that says what a stream is.
//!
//! These types are the only place where the format is written down. The reader, the JSON Schema for editors and
//! the list of fields behind "did you mean" all follow from them.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Duration;

/// A stream of events: what it looks like, where it comes from, and what happens to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
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
    /// Lower-case letters, digits and hyphens. Topics, tables and Kubernetes objects are named after it.
    #[schemars(regex(pattern = r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$"))]
    pub name: String,
    /// Free labels, carried along to Kubernetes objects.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// The stream itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The Avro schema of the raw events, a path relative to this file.
    pub schema: String,
    /// The column that identifies an event: primary key and duplicate check.
    pub id: String,
    /// The column that partitions the stream; detectors keep their state by its value.
    pub key: String,
    /// The column with the event's time: a timestamp, or text in ISO 8601 (without a zone it is UTC).
    pub time: String,
    /// How many partitions the topics have, and how many pieces of work can go on side by side.
    #[serde(default = "default_partitions")]
    #[schemars(range(min = 1, max = 1024))]
    pub partitions: u32,
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
    /// Where results go.
    #[serde(default)]
    pub store: Store,
}

fn default_partitions() -> u32 {
    8
}

/// Where events come from. Exactly one of these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Events made up from a seed, the same ones every time.
    Synthetic(Synthetic),
    /// Events read from files, once each.
    Files(Files),
    /// Events posted to `POST /v1/events`.
    Http(Http),
    /// Events on standard input.
    Stdin(Stdin),
}

/// Events made up from a seed, the same ones every time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Synthetic {
    /// What the events are like. The schema must have the profile's columns.
    pub profile: Profile,
    /// Events a second; 0 is as fast as possible.
    #[serde(default = "default_rate")]
    #[schemars(range(min = 0))]
    pub rate: f64,
    /// The share of events that are made anomalous, and labelled so in `is_anomaly`.
    #[serde(default = "default_anomalies")]
    #[schemars(range(min = 0, max = 1))]
    pub anomalies: f64,
    /// The seed: the same seed gives the same events.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// How many different keys (detectors, sensors, hosts, symbols, users) there are.
    #[serde(default = "default_keys")]
    #[schemars(range(min = 1, max = 10_000_000))]
    pub keys: u32,
    /// Stop after so many events; without it the stream has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<u64>,
    /// Event time of the first event (ISO 8601); without it, the moment of the first start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Lower and upper bound of a numeric column in the `uniform` profile.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, [f64; 2]>,
}

fn default_rate() -> f64 {
    1000.0
}

fn default_anomalies() -> f64 {
    0.01
}

fn default_seed() -> u64 {
    42
}

fn default_keys() -> u32 {
    16
}

/// What synthetic events are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Particle events, every field uniform within its bounds.
    Uniform,
    /// Particle events from resonances that decay to pairs, on the mass shell, with a detector's resolution.
    Physical,
    /// Temperature, humidity, pressure and battery of sensors.
    Sensors,
    /// Requests as a web server logs them.
    Logs,
    /// Trades of a few symbols.
    Prices,
    /// Clicks in a shop.
    Clicks,
}

/// Events read from files, once each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// Paths relative to this file, or patterns such as `data/*.csv.gz`; read in this order, a pattern's sorted.
    pub paths: Vec<String>,
    /// The format; without it the file's name tells (`.csv`, `.jsonl`, `.parquet`, `.avro`, each also `.gz`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<FileFormat>,
    /// Columns of the schema that the files lack, as SQL over those they have, and `_row` (the row's number from 0
    /// over all files) and `_file` (the file's name without its endings).
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub derive: IndexMap<String, String>,
    /// Play back by event time, this many times faster than it happened; without it, as fast as possible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<f64>,
}

/// The format of an input file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// Apache Parquet.
    Parquet,
    /// An Avro object container file.
    Avro,
}

/// Events posted to `POST /v1/events`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// The address to listen on.
    #[serde(default = "default_listen")]
    pub listen: String,
    /// The largest request body in bytes; a larger one is answered with 413.
    #[serde(default = "default_body_bytes_max")]
    pub body_bytes_max: u64,
    /// How many accepted events may wait to be processed; beyond it requests are answered with 429.
    #[serde(default = "default_backlog_max")]
    pub backlog_max: u64,
}

fn default_listen() -> String {
    "127.0.0.1:8080".into()
}

fn default_body_bytes_max() -> u64 {
    8 << 20
}

fn default_backlog_max() -> u64 {
    1_000_000
}

/// Events on standard input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stdin {
    /// The format: `csv` with a header line, or `jsonl`.
    #[serde(default = "default_stdin_format")]
    pub format: FileFormat,
}

fn default_stdin_format() -> FileFormat {
    FileFormat::Jsonl
}

/// A rule that every raw row must pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QualityRule {
    /// The rule's name, which the dead letter carries.
    pub name: String,
    /// SQL that is true for a good row. Null counts as false.
    pub check: String,
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
    pub columns: IndexMap<String, String>,
    /// SQL that is true for an event worth keeping. What it drops is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
}

/// Columns looked up in a reference table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// A CSV or Parquet file, relative to this file.
    pub table: String,
    /// The column that both sides have; `stream_column: table_column` where the names differ.
    pub on: LookupOn,
    /// The table's columns to add; null where the table has no such row.
    pub columns: Vec<String>,
}

/// Which column of the stream meets which of the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum LookupOn {
    /// The same name on both sides.
    Same(String),
    /// The stream's column: the table's column. One pair.
    Renamed(BTreeMap<String, String>),
}

/// How anomalies are found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Detect {
    /// What the learned layers look at: numeric SQL over the enriched columns. Not finite counts as missing.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub features: Vec<String>,
    /// Conditions that are anomalies whatever was learned.
    #[serde(default)]
    pub rules: Vec<DetectRule>,
    /// The learned layers. Each is on with good defaults; `false` turns one off.
    #[serde(default)]
    pub layers: Layers,
    /// The share of ordinary events that each layer may call anomalous.
    #[serde(default = "default_false_alarm_rate")]
    #[schemars(range(min = 1e-7, max = 0.1))]
    pub false_alarm_rate: f64,
    /// How many events of a key are learned from before its learned layers may alarm.
    #[serde(default = "default_warm_up")]
    #[schemars(range(min = 16, max = 1_000_000))]
    pub warm_up: u32,
}

fn default_false_alarm_rate() -> f64 {
    1e-3
}

fn default_warm_up() -> u32 {
    256
}

/// A condition that is an anomaly whatever was learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DetectRule {
    /// The rule's name, which the event's reasons carry.
    pub name: String,
    /// SQL over the enriched columns that is true for an anomaly.
    pub when: String,
}

/// The learned layers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Layers {
    /// Largest |z| of any feature against exponentially weighted mean and variance.
    pub ewma: Layer<EwmaLayer>,
    /// Mahalanobis distance from the exponentially weighted mean, which sees broken correlations.
    pub mahalanobis: Layer<MahalanobisLayer>,
    /// Half-space chains over two windows, which see density and bursts.
    pub chains: Layer<ChainsLayer>,
}

/// A layer that is on with its defaults, on with these settings, or off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Layer<T> {
    /// `true`: on with its defaults; `false`: off.
    Switch(bool),
    /// On with these settings.
    Settings(T),
}

impl<T> Default for Layer<T> {
    fn default() -> Self {
        Layer::Switch(true)
    }
}

impl<T: Clone + Default> Layer<T> {
    /// The settings in force, or `None` where the layer is off.
    pub fn settings(&self) -> Option<T> {
        match self {
            Layer::Switch(true) => Some(T::default()),
            Layer::Switch(false) => None,
            Layer::Settings(settings) => Some(settings.clone()),
        }
    }
}

/// Settings of the EWMA layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EwmaLayer {
    /// The weight of a new event.
    #[schemars(range(min = 1e-6, max = 0.5))]
    pub alpha: f64,
}

impl Default for EwmaLayer {
    fn default() -> Self {
        Self { alpha: 1e-3 }
    }
}

/// Settings of the Mahalanobis layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MahalanobisLayer {
    /// The weight of a new event.
    #[schemars(range(min = 1e-6, max = 0.5))]
    pub alpha: f64,
}

impl Default for MahalanobisLayer {
    fn default() -> Self {
        Self { alpha: 1e-3 }
    }
}

/// Settings of the half-space chains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ChainsLayer {
    /// How many chains.
    #[schemars(range(min = 1, max = 64))]
    pub chains: u32,
    /// Splits a chain.
    #[schemars(range(min = 1, max = 16))]
    pub depth: u32,
    /// Counters a split.
    #[schemars(range(min = 16, max = 4096))]
    pub width: u32,
    /// Events a window; longer than the longest burst expected.
    #[schemars(range(min = 64, max = 1_000_000))]
    pub window: u32,
}

impl Default for ChainsLayer {
    fn default() -> Self {
        Self { chains: 4, depth: 6, width: 64, window: 2048 }
    }
}

/// Where results go.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// Result files.
    pub files: FileStore,
}

/// Result files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FileStore {
    /// The format of the result tables.
    pub format: ResultFormat,
    /// Folders by event time.
    pub partition_by: PartitionBy,
    /// Extra CSV files for a spreadsheet: `high_energy_events: "energy_gev > 500"` writes
    /// `high_energy_events_*.csv` with the scored events for which the SQL is true.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub selections: IndexMap<String, String>,
    /// Write `statistics_*.json` this often (and once at the end).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statistics: Option<Duration>,
    /// Write `all_events_final.csv` when the run ends.
    pub final_csv: bool,
}

impl Default for FileStore {
    fn default() -> Self {
        Self {
            format: ResultFormat::Parquet,
            partition_by: PartitionBy::None,
            selections: IndexMap::default(),
            statistics: None,
            final_csv: false,
        }
    }
}

/// The format of the result tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResultFormat {
    /// Apache Parquet, compressed with zstd.
    Parquet,
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON object a line.
    Json,
}

/// Folders by event time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartitionBy {
    /// One folder a table.
    None,
    /// A folder a day, `date=2025-01-31`.
    Day,
    /// A folder an hour, `hour=2025-01-31T13`.
    Hour,
}
