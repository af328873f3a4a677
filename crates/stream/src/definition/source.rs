//! Where a stream's events come from.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CsvOptions, FileFormat, Files, JsonOptions, Kafka};

/// Names of files or topics that the words name; of more they say how many.
const NAMES_SHOWN_MAX: usize = 8;

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

    /// Whether events come at a pace of their own, as they happen or played back, so that results are waited for.
    pub fn is_paced(&self) -> bool {
        match self {
            Source::Files(files) => files.speed.is_some(),
            Source::Synthetic(_) | Source::Http(_) | Source::Stdin(_) | Source::Kafka(_) => self.is_live(),
        }
    }

    /// Whether events are a record of some other time, which may be of any year: nothing but the events themselves then says
    /// which times are plausible, and they were taken in when the run began.
    pub fn is_recorded(&self) -> bool {
        match self {
            Source::Files(_) => true,
            Source::Synthetic(_) | Source::Http(_) | Source::Stdin(_) | Source::Kafka(_) => false,
        }
    }

    /// Whether a run that came to the source's end may find more behind it when it is started again.
    pub fn may_go_on(&self) -> bool {
        match self {
            Source::Stdin(_) => true,
            Source::Synthetic(_) | Source::Files(_) | Source::Http(_) | Source::Kafka(_) => false,
        }
    }

    /// Where events come from, in a few words.
    pub fn words(&self) -> String {
        match self {
            Source::Synthetic(Synthetic { profile, rate: 0.0, .. }) => {
                format!("synthetic: {}, as fast as possible", profile.name())
            }
            Source::Synthetic(Synthetic { profile, rate, .. }) => {
                format!("synthetic: {}, {rate} events/s", profile.name())
            }
            Source::Files(files) => format!("files: {}", some(&files.paths)),
            Source::Http(http) => format!("POST /v1/events on {}", http.listen),
            Source::Stdin(_) => "standard input".to_owned(),
            Source::Kafka(kafka) => match &kafka.pattern {
                Some(pattern) => format!("topics {pattern} of Kafka"),
                None => match kafka.named().as_slice() {
                    [topic] => format!("topic {topic} of Kafka"),
                    topics => format!("topics {} of Kafka", some(topics)),
                },
            },
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

/// The first few names, and how many more there are.
fn some(names: &[impl AsRef<str>]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMES_SHOWN_MAX).map(AsRef::as_ref).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
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

impl Profile {
    /// Its name in definitions.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Uniform => "uniform",
            Profile::Physical => "physical",
            Profile::Sensors => "sensors",
            Profile::Logs => "logs",
            Profile::Prices => "prices",
            Profile::Clicks => "clicks",
            Profile::Logins => "logins",
            Profile::Payments => "payments",
        }
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_source_has_its_answers() {
        // Whether it is live, paced, recorded, and may go on.
        for (source, words, answers) in [
            (
                json!({ "synthetic": { "profile": "logs" } }),
                "synthetic: logs, 1000 events/s",
                [true, true, false, false],
            ),
            (
                json!({ "synthetic": { "profile": "uniform", "rate": 0 } }),
                "synthetic: uniform, as fast as possible",
                [false, false, false, false],
            ),
            (json!({ "files": { "paths": ["a.csv", "b.csv"] } }), "files: a.csv, b.csv", [false, false, true, false]),
            (json!({ "files": { "paths": ["a.csv"], "speed": 60 } }), "files: a.csv", [false, true, true, false]),
            (json!({ "http": {} }), "POST /v1/events on 127.0.0.1:8080", [true, true, false, false]),
            (json!({ "stdin": {} }), "standard input", [true, true, false, true]),
            (
                json!({ "kafka": { "format": "json", "topics": ["a", "b"] } }),
                "topics a, b of Kafka",
                [true, true, false, false],
            ),
            (json!({ "kafka": { "format": "json", "topic": "a" } }), "topic a of Kafka", [true, true, false, false]),
            (
                json!({ "kafka": { "format": "json", "pattern": "a.*" } }),
                "topics a.* of Kafka",
                [true, true, false, false],
            ),
        ] {
            let read: Source =
                serde_json::from_value(source.clone()).unwrap_or_else(|error| panic!("{source}: {error}"));
            assert_eq!(read.words(), words);
            let found = [read.is_live(), read.is_paced(), read.is_recorded(), read.may_go_on()];
            assert_eq!(found, answers, "{source}");
        }
    }

    #[test]
    fn of_many_paths_a_few_are_named() {
        let paths: Vec<String> = (0..10).map(|number| format!("{number}.csv")).collect();
        let words = Source::Files(Files::of(paths)).words();
        assert_eq!(words, "files: 0.csv, 1.csv, 2.csv, 3.csv, 4.csv, 5.csv, 6.csv, 7.csv and 2 more");
    }
}
