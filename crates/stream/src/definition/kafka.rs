//! Events that another program writes to topics of Kafka.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{CsvOptions, JsonOptions};

/// Events that another program writes to topics of Kafka: each message becomes one event. Exactly one of `topic`,
/// `topics` and `pattern` says which topics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kafka {
    /// The topic. Letters, digits, `.`, `_` and `-`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"measurements", regex(pattern = r"^[A-Za-z0-9._-]{1,249}$"))]
    pub topic: Option<String>,
    /// Several topics, whose messages are all written in the same way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(regex(pattern = r"^[A-Za-z0-9._-]{1,249}$")))]
    #[schemars(example = ["measurements.north", "measurements.south"])]
    pub topics: Vec<String>,
    /// A regular expression that the whole name of a topic matches; topics that are created later are read as well, from
    /// their beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), example = r"measurements\..*")]
    pub pattern: Option<String>,
    /// How a message's value is written.
    pub format: MessageFormat,
    /// Where the first start begins in the partitions that there are: `earliest`, `latest`, or a time
    /// (2025-01-31T12:00:00Z), from which on messages are read. Partitions and topics that come later are read from their
    /// beginning.
    #[serde(default = "default_start")]
    #[schemars(example = &"latest")]
    pub start: String,
    /// The Avro schema of the messages, a path relative to this file. Format `avro` needs it; with `confluent-avro` and
    /// `avro-container`, whose messages name their own, it types the columns that `derive` reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), example = "measurements.avsc")]
    pub schema: Option<String>,
    /// Columns of the messages, by name, with their Avro type: for CSV all of them in their order, for JSON those that
    /// only `derive` reads.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("additionalProperties" = { "type": ["string", "object", "array"] }))]
    #[schemars(example = BTreeMap::from([("when", "string")]))]
    pub columns: IndexMap<String, Json>,
    /// How CSV is written.
    #[serde(default, skip_serializing_if = "CsvOptions::is_default")]
    pub csv: CsvOptions,
    /// How JSON is written.
    #[serde(default, skip_serializing_if = "JsonOptions::is_default")]
    pub json: JsonOptions,
    /// Columns of the schema that the messages lack, as SQL over those they have, and `$key` (as text), `$headers['name']`
    /// (as text), `$timestamp`, `$topic`, `$partition` and `$offset` of the message.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(example = BTreeMap::from([("event_id", "concat($topic, '-', $partition, '-', $offset)")]))]
    pub derive: IndexMap<String, String>,
    /// What becomes of a message without a value.
    #[serde(default)]
    pub tombstones: Tombstones,
    /// The cluster of the topics, where it is not the one of the stream's own topics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<SourceCluster>,
    /// The registry of the messages' schemas, where it is not the one of the stream's own schemas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<SourceRegistry>,
}

fn default_start() -> String {
    "earliest".into()
}

/// How a message's value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MessageFormat {
    /// One JSON object. Confluent's five bytes may stand before it.
    Json,
    /// One line of CSV without a header.
    Csv,
    /// Plain Avro of the schema that `schema` names, without a header.
    Avro,
    /// Avro behind Confluent's five bytes, whose schema the registry has.
    ConfluentAvro,
    /// An Avro object container with one record.
    AvroContainer,
}

impl MessageFormat {
    /// How the definition names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Avro => "avro",
            Self::ConfluentAvro => "confluent-avro",
            Self::AvroContainer => "avro-container",
        }
    }

    /// Whether it is Avro in any form.
    pub fn is_avro(self) -> bool {
        matches!(self, Self::Avro | Self::ConfluentAvro | Self::AvroContainer)
    }
}

/// What becomes of a message without a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tombstones {
    /// A dead letter.
    #[default]
    DeadLetter,
    /// Nothing: it is passed over, and counted.
    Skip,
}

/// How another cluster is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceCluster {
    /// Some of its brokers.
    #[schemars(length(min = 1), example = "kafka.example.org:9093")]
    pub brokers: String,
    /// How the connection is protected.
    #[serde(default)]
    pub security: SourceSecurity,
    /// The SASL mechanism; without it SCRAM-SHA-512.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mechanism: Option<SaslMechanism>,
    /// The user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), example = &"ann")]
    pub username: Option<String>,
    /// The file that holds the user's password, relative to this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), example = "/run/secrets/kafka-password")]
    pub password_file: Option<String>,
    /// Who signs the brokers' certificates, in PEM, relative to this file; without it the system's authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), example = "ca.pem")]
    pub ca_file: Option<String>,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SourceSecurity {
    /// Not at all.
    #[default]
    Plaintext,
    /// Encrypted.
    Tls,
    /// With a password.
    SaslPlaintext,
    /// Encrypted, with a password.
    SaslTls,
}

impl SourceSecurity {
    /// Whether it takes a password.
    pub fn is_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslTls)
    }
}

/// How a password is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SaslMechanism {
    /// As it is.
    #[serde(rename = "PLAIN")]
    Plain,
    /// By SCRAM with SHA-256.
    #[serde(rename = "SCRAM-SHA-256")]
    Scram256,
    /// By SCRAM with SHA-512.
    #[serde(rename = "SCRAM-SHA-512")]
    Scram512,
}

impl SaslMechanism {
    /// How the protocol calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Scram256 => "SCRAM-SHA-256",
            Self::Scram512 => "SCRAM-SHA-512",
        }
    }
}

/// How another registry is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceRegistry {
    /// Its address, base path included.
    #[schemars(length(min = 1), example = "https://registry.example.org")]
    pub url: String,
    /// The user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), example = &"ann")]
    pub username: Option<String>,
    /// The file that holds the user's password, relative to this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), example = "/run/secrets/registry-password")]
    pub password_file: Option<String>,
}

/// Where a first start begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the first message that there is.
    Earliest,
    /// Behind the last.
    Latest,
    /// At the first message that is not older, in milliseconds since 1970.
    Time(i64),
}

impl Start {
    /// What a definition says; `None` where it is none of the three.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "earliest" => Some(Self::Earliest),
            "latest" => Some(Self::Latest),
            time => {
                let nanos = arrow::compute::kernels::cast_utils::string_to_timestamp_nanos(time).ok()?;
                Some(Self::Time(nanos.div_euclid(1_000_000)))
            }
        }
    }
}

impl Kafka {
    /// One topic with nothing else said of it.
    pub fn of(topic: impl Into<String>, format: MessageFormat) -> Self {
        Self {
            topic: Some(topic.into()),
            topics: Vec::new(),
            pattern: None,
            format,
            start: default_start(),
            schema: None,
            columns: IndexMap::new(),
            csv: CsvOptions::default(),
            json: JsonOptions::default(),
            derive: IndexMap::new(),
            tombstones: Tombstones::default(),
            cluster: None,
            registry: None,
        }
    }

    /// The topics that are named, none where a pattern says which.
    pub fn named(&self) -> Vec<&str> {
        self.topic.iter().chain(&self.topics).map(String::as_str).collect()
    }

    /// Where the first start begins.
    pub fn first(&self) -> Start {
        Start::parse(&self.start).unwrap_or(Start::Earliest)
    }

    /// What of it says which messages come: not how they are read.
    pub(super) fn identity(&self) -> Self {
        let brokers = |cluster: &SourceCluster| SourceCluster {
            brokers: cluster.brokers.clone(),
            security: SourceSecurity::default(),
            mechanism: None,
            username: None,
            password_file: None,
            ca_file: None,
        };
        Self {
            topic: self.topic.clone(),
            topics: self.topics.clone(),
            pattern: self.pattern.clone(),
            cluster: self.cluster.as_ref().map(brokers),
            ..Self::of("", MessageFormat::Json)
        }
    }
}
