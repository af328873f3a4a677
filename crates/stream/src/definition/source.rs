//! Where a stream's events come from.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kafka;

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
    /// Events that another program writes to topics of Kafka.
    Kafka(Box<Kafka>),
}

impl Source {
    /// Whether events come as they happen, rather than from files or as fast as they can be made.
    pub fn is_live(&self) -> bool {
        match self {
            Source::Synthetic(synthetic) => synthetic.rate > 0.0,
            Source::Files(_) => false,
            Source::Http(_) | Source::Stdin(_) | Source::Kafka(_) => true,
        }
    }

    /// What says which records come, and in which order: not how fast, how many, or where they are listened for.
    pub fn identity(&self) -> String {
        let mut source = self.clone();
        match &mut source {
            Source::Files(files) => files.speed = None,
            Source::Synthetic(synthetic) => synthetic.events = None,
            Source::Http(http) => *http = Http::default(),
            Source::Stdin(_) => {}
            Source::Kafka(kafka) => **kafka = kafka.identity(),
        }
        serde_json::to_string(&source).unwrap_or_default()
    }
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
    #[schemars(example = 500.0)]
    pub rate: f64,
    /// The share of events that are made anomalous, and labelled so in `is_anomaly`.
    #[serde(default = "default_anomalies")]
    #[schemars(range(min = 0, max = 1))]
    #[schemars(example = 0.005)]
    pub anomalies: f64,
    /// The seed: the same seed gives the same events.
    #[serde(default = "default_seed")]
    #[schemars(example = 7)]
    pub seed: u64,
    /// How many different keys (detectors, sensors, hosts, symbols, users) there are.
    #[serde(default = "default_keys")]
    #[schemars(range(min = 1, max = 10_000_000))]
    #[schemars(example = 64)]
    pub keys: u32,
    /// Stop after so many events; without it the stream has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 1_000_000)]
    pub events: Option<u64>,
    /// Event time of the first event (ISO 8601); without it, the moment of the first start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "2025-01-31T12:00:00Z")]
    pub start: Option<String>,
    /// Lower and upper bound of numeric columns in the `uniform` profile: `energy_gev: [0.1, 1000]`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(example = BTreeMap::from([("energy_gev", [0.1, 1000.0])]))]
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
    /// Logins of users: guessed passwords, stolen accounts, new countries.
    Logins,
    /// Payments by card: bursts of small ones, amounts unlike the card's.
    Payments,
}

/// Events read from files, once each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// Paths relative to this file, or patterns such as `data/*.csv.gz`; read in this order, a pattern's sorted.
    #[schemars(length(min = 1), inner(length(min = 1)))]
    #[schemars(example = ["data/*.csv.gz"])]
    pub paths: Vec<String>,
    /// The format; without it the file's content and name tell. Files may be compressed with gzip, zstd, bzip2 or xz.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<FileFormat>,
    /// How CSV is written.
    #[serde(default, skip_serializing_if = "CsvOptions::is_default")]
    pub csv: CsvOptions,
    /// How JSON is written.
    #[serde(default, skip_serializing_if = "JsonOptions::is_default")]
    pub json: JsonOptions,
    /// Columns of the schema that the files lack, as SQL over those they have, and `_row` (the row's number from 0
    /// over all files) and `_file` (the file's name without its endings). A file's own column of one of these two names is
    /// `__row` or `__file`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(example = BTreeMap::from([("event_id", "concat(_file, '-', CAST(_row AS VARCHAR))")]))]
    pub derive: IndexMap<String, String>,
    /// Play back by event time, this many times faster than it happened; without it, as fast as possible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    #[schemars(example = 60.0)]
    pub speed: Option<f64>,
}

impl Files {
    /// Files with nothing else said of them.
    pub fn of(paths: Vec<String>) -> Self {
        Self {
            paths,
            format: None,
            csv: CsvOptions::default(),
            json: JsonOptions::default(),
            derive: IndexMap::new(),
            speed: None,
        }
    }
}

/// The format of an input file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// JSON objects in an array, behind one another, or on several lines each.
    Json,
    /// Apache Parquet.
    Parquet,
    /// Apache ORC.
    Orc,
    /// An Avro object container file.
    Avro,
    /// An Arrow IPC file or stream, which pandas calls Feather.
    Arrow,
    /// The first binary table of a FITS file.
    Fits,
}

impl FileFormat {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Csv, Self::Jsonl, Self::Json, Self::Parquet, Self::Orc, Self::Avro, Self::Arrow, Self::Fits];

    /// The ending of such a file's name.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Json => "json",
            Self::Parquet => "parquet",
            Self::Orc => "orc",
            Self::Avro => "avro",
            Self::Arrow => "arrow",
            Self::Fits => "fits",
        }
    }
}

/// How CSV is written, where it is not with commas, decimal points and a header in its first line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CsvOptions {
    /// What stands between two fields: one character of ASCII; without it a comma.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1), example = ";")]
    pub separator: Option<String>,
    /// Numbers are written 1,5 and 1.234,5.
    #[serde(default)]
    pub decimal_comma: bool,
    /// Lines that stand before the header.
    #[serde(default)]
    #[schemars(example = 2)]
    pub skip_lines: u32,
    /// Lines that begin with this are passed over, wherever they stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), example = "#")]
    pub comment: Option<String>,
    /// Cells that say that a value is missing. A column of text keeps them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["NA", "-"])]
    pub missing: Vec<String>,
    /// Records have one field more than the header, which is empty and is dropped.
    #[serde(default)]
    pub trailing_separator: bool,
    /// How a line ends; without it with a line feed, before which a carriage return may stand.
    #[serde(default, skip_serializing_if = "LineEnd::is_default")]
    pub line_end: LineEnd,
}

impl CsvOptions {
    /// Whether nothing is set.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How a line ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineEnd {
    /// With a line feed, before which a carriage return may stand.
    #[default]
    Lf,
    /// With a carriage return alone.
    Cr,
}

impl LineEnd {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How JSON is written, where it is not as its specification has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonOptions {
    /// `NaN`, `Infinity` and `-Infinity` stand where a number may, as Python writes them.
    #[serde(default)]
    pub nan: bool,
    /// A column of text takes numbers and booleans as well, as they are written.
    #[serde(default)]
    pub as_written: bool,
}

impl JsonOptions {
    /// Whether nothing is set.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Events posted to `POST /v1/events`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// The address to listen on.
    #[serde(default = "default_listen")]
    #[schemars(example = "0.0.0.0:8080")]
    pub listen: String,
    /// The largest request body in bytes; a larger one is answered with 413.
    #[serde(default = "default_body_bytes_max")]
    #[schemars(range(min = 1))]
    #[schemars(example = 1_048_576)]
    pub body_bytes_max: u64,
    /// How many accepted events may wait to be processed; beyond it requests are answered with 429.
    #[serde(default = "default_backlog_max")]
    #[schemars(range(min = 1))]
    #[schemars(example = 100_000)]
    pub backlog_max: u64,
    /// How JSON is written.
    #[serde(default, skip_serializing_if = "JsonOptions::is_default")]
    pub json: JsonOptions,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: default_listen(),
            body_bytes_max: default_body_bytes_max(),
            backlog_max: default_backlog_max(),
            json: JsonOptions::default(),
        }
    }
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
    /// The format: `csv` with a header line, `jsonl` or `json`.
    #[serde(default = "default_stdin_format")]
    pub format: FileFormat,
    /// How CSV is written.
    #[serde(default, skip_serializing_if = "CsvOptions::is_default")]
    pub csv: CsvOptions,
    /// How JSON is written.
    #[serde(default, skip_serializing_if = "JsonOptions::is_default")]
    pub json: JsonOptions,
}

impl Stdin {
    /// Standard input in a format, written in the ordinary way.
    pub fn of(format: FileFormat) -> Self {
        Self { format, csv: CsvOptions::default(), json: JsonOptions::default() }
    }
}

fn default_stdin_format() -> FileFormat {
    FileFormat::Jsonl
}
