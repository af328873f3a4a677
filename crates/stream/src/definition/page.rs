//! What the live page is told about a stream.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the live page is told about the stream. It changes no result.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PageView {
    /// What is known of columns, by name.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(example = BTreeMap::from([("pt", BTreeMap::from([("unit", "GeV")]))]))]
    pub columns: IndexMap<String, PageColumn>,
    /// The map of events in two columns. Without it a stream that has columns `eta` and `phi` has a map of those.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map: Option<PageMap>,
}

/// What is known of a column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PageColumn {
    /// What its numbers are in. Without it the property `unit` of the schema's field counts, or what stands in square
    /// brackets at the end of the field's `doc`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"GeV", length(min = 1, max = 32))]
    pub unit: Option<String>,
}

/// The two columns of a map, which has 64 x 64 squares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageMap {
    /// To the right.
    pub x: PageAxis,
    /// Upwards.
    pub y: PageAxis,
}

/// A column of the map, and which of its values have a place there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageAxis {
    /// The column: a raw, looked-up or computed one, or one of the detector's.
    #[schemars(example = &"pt")]
    pub column: String,
    /// Where the axis begins. Events below it are counted as outside.
    #[schemars(example = 0.0)]
    pub min: f64,
    /// Where it ends.
    #[schemars(example = 100.0)]
    pub max: f64,
}
