//! Where a stream's results go.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Duration;

/// Where results go.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// Result files.
    pub files: FileStore,
    /// Tables in a CQL store: ScyllaDB or Cassandra.
    pub cql: CqlStore,
}

/// Tables in a CQL store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CqlStore {
    /// The table of the events, and what the names of the other tables begin with; the stream's name by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"particle_events", regex(pattern = r"^[a-z][a-z0-9_]{0,33}$"))]
    pub table: Option<String>,
    /// How much event time one partition of the events holds. A partition holds the events of one key and one bucket,
    /// and should stay below 100,000 rows and 100 MB.
    #[schemars(example = "1h")]
    pub bucket: Duration,
    /// How much event time one partition of the anomalies holds.
    #[schemars(example = "1day")]
    pub anomalies_bucket: Duration,
    /// How long rows are kept after they are written; forever without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "30days")]
    pub ttl: Option<Duration>,
}

impl Default for CqlStore {
    fn default() -> Self {
        let hours = |hours: u64| Duration(std::time::Duration::from_secs(hours * 3600));
        Self { table: None, bucket: hours(1), anomalies_bucket: hours(24), ttl: None }
    }
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
    #[schemars(extend("propertyNames" = {
        "pattern": "^[A-Za-z_][A-Za-z0-9_.-]{0,62}$",
        "description": "Letters, digits, `_`, `-` and `.`, a letter or `_` first."
    }))]
    #[schemars(example = BTreeMap::from([("high_energy_events", "energy_gev > 500")]))]
    pub selections: IndexMap<String, String>,
    /// Write `statistics_*.json` this often (and once at the end).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "10s")]
    pub statistics: Option<Duration>,
    /// Write `all_events_final.csv` when the run ends.
    pub final_csv: bool,
    /// How long results are kept: files wholly older than this are dropped, and counted. The age of an event counts from the
    /// latest one; files without event time (dead letters, windows, selections) count from when they were written. For ever
    /// without it. For `beamline run`; not for the writer of a Delta table or Parquet files.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "30days")]
    pub keep: Option<Duration>,
}

impl Default for FileStore {
    fn default() -> Self {
        Self {
            format: ResultFormat::Parquet,
            partition_by: PartitionBy::None,
            selections: IndexMap::default(),
            statistics: None,
            final_csv: false,
            keep: None,
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
    /// Apache ORC, compressed with zstd. It has no lists, maps, records and decimals.
    Orc,
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
