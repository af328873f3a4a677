//! What is aggregated over event time.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Duration;

/// An aggregate over event time: its windows, its groups, and what is computed of each.
///
/// With neither `window` nor `session` there is one window over the whole stream, which never closes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Aggregate {
    /// Lower-case letters, digits and `_`, a letter first. It is the value of the column `aggregate` and the name of the report.
    #[schemars(example = &"by_minute", regex(pattern = r"^[a-z][a-z0-9_]{0,62}$"))]
    pub name: String,
    /// Windows of this length, one after the other from 1970 on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "1m")]
    pub window: Option<Duration>,
    /// A window begins this often, so that windows overlap. Without it each begins where the last one ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "10s")]
    pub slide: Option<Duration>,
    /// Windows that end where a group has no event for this long. The groups must contain the stream's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "30m")]
    pub session: Option<Duration>,
    /// How far behind the latest event of its partition an event may be and still count. Results are there before a
    /// window closes, so that a long lateness only delays what is `final`.
    #[serde(default = "default_lateness")]
    #[schemars(example = "10s")]
    pub lateness: Duration,
    /// Columns whose values make the groups. Without any, all events of a window are one group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[schemars(example = ["detector_id"])]
    pub group_by: Vec<String>,
    /// What is computed of each group: a name, and SQL with aggregates.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 64, "propertyNames" = {
        "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "description": "Letters, digits and `_`, no digit first."
    }))]
    #[schemars(example = BTreeMap::from([("events", "count(*)"), ("mean_energy", "avg(energy_gev)")]))]
    pub select: IndexMap<String, String>,
}

fn default_lateness() -> Duration {
    Duration(std::time::Duration::from_secs(60))
}
