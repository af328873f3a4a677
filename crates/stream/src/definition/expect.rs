//! What is expected of the data as a whole: thresholds that `beamline quality` holds results against.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Duration;

/// What is expected of the data as a whole. Nothing is dropped for it: `beamline quality` reports it, and fails.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// The share of records that may become dead letters, whatever for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    #[schemars(example = 0.01)]
    pub dead_letters: Option<f64>,
    /// The share of records that may be too late for a window.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    #[schemars(example = 0.01)]
    pub late: Option<f64>,
    /// How old the latest event may be when the report is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "1h")]
    pub freshness: Option<Duration>,
    /// What is expected of columns, by name.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub columns: IndexMap<String, ExpectColumn>,
}

/// What is expected of a column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectColumn {
    /// The share of values that may be null.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    #[schemars(example = 0.2)]
    pub nulls: Option<f64>,
    /// How many different values there are at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = 2)]
    pub distinct_min: Option<u64>,
    /// How many different values there are at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = 5)]
    pub distinct_max: Option<u64>,
    /// No number is smaller.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = -40.0)]
    pub min: Option<f64>,
    /// No number is larger.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = 60.0)]
    pub max: Option<f64>,
}
