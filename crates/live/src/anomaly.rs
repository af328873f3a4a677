//! One anomaly as a page shows it, read from a scored row, wherever the row comes from.

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    datatypes::Float64Type,
};
use serde::Serialize;
use serde_json::{Map, Value};
use stream::{Stream, columns};
use utoipa::ToSchema;

use crate::cells;

/// Columns of an event that an anomaly shows.
pub(crate) const VALUES_MAX: usize = 64;
/// Bytes of a text that are shown; what is beyond is left out, and an ellipsis says so.
pub(crate) const TEXT_BYTES_MAX: usize = 2048;

/// One anomaly.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Anomaly {
    /// The event's id.
    pub id: String,
    /// The event's key.
    pub key: String,
    /// The event's time, ISO 8601 in UTC.
    pub time: String,
    /// The rules and layers that fired.
    pub reasons: Vec<String>,
    /// In bits: minus log2 of the chance of an ordinary event at least as odd; null where the event was not scored and no
    /// rule fired.
    pub score: Value,
    /// The alarm in words, where the row has them.
    pub words: Option<String>,
    /// What each layer saw: layer, score, threshold, feature, value, expected_low, expected_high, deviation.
    pub causes: Value,
    /// The event's columns.
    pub values: Map<String, Value>,
    /// Where the event stands in its source, where that is known.
    pub position: Option<u64>,
    /// Whether the event's results are committed.
    pub committed: bool,
    /// When it was seen here, in milliseconds since 1970, where this process saw it.
    pub seen_ms: Option<i64>,
    /// Who acknowledged it, where somebody did.
    pub acknowledged: Option<Acknowledged>,
    /// The id of the event's trace, where the row has one.
    pub trace: Option<String>,
}

/// That somebody has seen an anomaly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Acknowledged {
    /// Who.
    pub author: String,
    /// When, ISO 8601 in UTC.
    pub at: String,
    /// What they wrote.
    pub text: String,
}

impl Anomaly {
    /// Of row `row` of a scored batch.
    pub fn of(stream: &Stream, batch: &RecordBatch, row: usize) -> Self {
        let spec = &stream.definition.spec;
        let text = |name: &str| batch.column_by_name(name).map(|column| plain(column, row)).unwrap_or_default();
        let optional = |name: &str| {
            let column = batch.column_by_name(name).filter(|column| column.is_valid(row))?;
            Some(shown(&cells::text(column, row)))
        };
        let value = |name: &str| batch.column_by_name(name).map(|column| cells::cell(column, row));
        let mut values = Map::new();
        for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            if values.len() < VALUES_MAX && !of_detector(field.name()) {
                values.insert(field.name().clone(), bounded(cells::cell(column, row)));
            }
        }
        Self {
            id: text(&spec.id),
            key: text(&spec.key),
            time: value(&spec.time).and_then(|time| time.as_str().map(shown)).unwrap_or_default(),
            reasons: optional(columns::ANOMALY_REASONS)
                .map(|reasons| reasons.split(',').map(str::to_owned).collect())
                .unwrap_or_default(),
            score: value(columns::ANOMALY_SCORE).unwrap_or_default(),
            words: optional(columns::ANOMALY_WORDS),
            causes: value(columns::ANOMALY_CAUSES).and_then(listed).unwrap_or_else(|| Value::Array(Vec::new())),
            values,
            position: None,
            committed: true,
            seen_ms: None,
            acknowledged: None,
            trace: optional(columns::TRACE_ID),
        }
    }

    /// About how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        let values: usize = self.values.iter().map(|(name, value)| name.len() + size(value) + 96).sum();
        let texts = self.id.len() + self.key.len() + self.words.as_ref().map_or(0, String::len);
        size_of::<Self>() + values + texts + size(&self.causes) + 32 * self.reasons.len()
    }
}

/// The rows of a scored batch that are anomalous, in their order.
pub fn anomalous_rows(batch: &RecordBatch) -> Vec<usize> {
    let column = batch.column_by_name(columns::ANOMALOUS).and_then(|column| column.as_boolean_opt());
    let Some(column) = column else { return Vec::new() };
    column.iter().enumerate().filter(|(_, anomalous)| *anomalous == Some(true)).map(|(row, _)| row).collect()
}

/// Whether the detector appended the column: what it says is shown apart from the event's own values.
pub fn of_detector(name: &str) -> bool {
    columns::RESERVED.contains(&name) || name == columns::EPISODE
}

/// Each layer's score of a row, by the layer's name; null while the key is warming up.
pub fn layer_scores(batch: &RecordBatch, row: usize) -> Vec<(&'static str, Option<f64>)> {
    let score = |name| {
        let column = batch.column_by_name(name)?.as_primitive_opt::<Float64Type>()?;
        Some(column.is_valid(row).then(|| column.value(row)))
    };
    columns::LAYERS
        .into_iter()
        .zip(columns::LAYER_SCORES)
        .filter_map(|(layer, name)| Some((layer, score(name)?)))
        .collect()
}

/// A list, which a store without lists of structs has as JSON.
fn listed(value: Value) -> Option<Value> {
    match value {
        Value::String(text) => serde_json::from_str(&text).ok().filter(Value::is_array),
        list => Some(list).filter(Value::is_array),
    }
}

fn plain(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) { String::new() } else { shown(&cells::text(column, row)) }
}

/// A text, not longer than is shown.
fn shown(text: &str) -> String {
    match text.len() > TEXT_BYTES_MAX {
        true => format!("{}…", &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]),
        false => text.to_owned(),
    }
}

/// A cell that is not larger than is shown.
fn bounded(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(shown(&text)),
        nested @ (Value::Array(_) | Value::Object(_)) if size(&nested) > TEXT_BYTES_MAX => {
            Value::String(shown(&nested.to_string()))
        }
        other => other,
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(|value| size(value) + 32).sum(),
        Value::Object(values) => values.iter().map(|(name, value)| name.len() + size(value) + 64).sum(),
        _ => 8,
    }
}
