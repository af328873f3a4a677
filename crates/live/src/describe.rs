//! What a stream's columns and detectors are, for a page that draws them.

use arrow::datatypes::{DataType, Field};
use serde::Serialize;
use serde_json::Value;
use stream::{PageAxis, PageMap, Stream};
use utoipa::ToSchema;

use crate::of_detector;

/// The metadata of a column that has its Avro field, as JSON.
const AVRO_FIELD: &str = "avro.field";
/// How many numeric columns have series and histograms.
pub(crate) const NUMBERS_MAX: usize = 32;

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, as SQL calls it.
    #[serde(rename = "type")]
    pub data_type: String,
    /// What kind of value it has.
    pub kind: Kind,
    /// The unit that its numbers are in, where the definition or the schema says it.
    pub unit: Option<String>,
    /// What the schema says of it.
    pub doc: Option<String>,
}

/// What kind of value a column has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Floating point or decimal.
    Number,
    /// A whole number.
    Integer,
    /// Text.
    Text,
    /// True or false.
    Boolean,
    /// A date or a time.
    Time,
    /// Bytes.
    Bytes,
    /// A list, a struct or a map.
    Nested,
}

/// One way in which an event can be an anomaly.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LayerInfo {
    /// Its name, as the reasons have it.
    pub name: String,
    /// Whether it learns.
    pub kind: LayerKind,
    /// The share of ordinary events that it may call anomalous; of a rule nothing is asked.
    pub asked: Option<f64>,
    /// What it looks at: a sentence, or the rule's SQL.
    pub what: String,
}

/// Whether a layer learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LayerKind {
    /// It learns what is ordinary.
    Learned,
    /// It is a condition of the definition.
    Rule,
}

/// An aggregate of the definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AggregateInfo {
    /// Its name, which is also that of its table.
    pub name: String,
    /// Its columns: groups, then values.
    pub columns: Vec<String>,
}

/// The two columns of the map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MapColumns {
    /// To the right.
    pub x: String,
    /// Upwards.
    pub y: String,
}

/// A column of a stream as a page shows it.
pub fn column_of(stream: &Stream, field: &Field) -> Column {
    let column = column(field);
    Column { unit: stream.units.get(field.name()).cloned().or(column.unit), ..column }
}

/// A column as a page shows it.
pub fn column(field: &Field) -> Column {
    let avro: Option<Value> = field.metadata().get(AVRO_FIELD).and_then(|text| serde_json::from_str(text).ok());
    let doc = avro.and_then(|avro| avro["doc"].as_str().map(str::to_owned));
    let unit = doc.as_deref().and_then(unit).map(str::to_owned);
    Column {
        name: field.name().clone(),
        data_type: type_name(field.data_type()),
        kind: kind(field.data_type()),
        unit,
        doc,
    }
}

/// The numeric columns that have series, the stream's id, key and time left out.
pub fn numbers(stream: &Stream) -> Vec<String> {
    let spec = &stream.definition.spec;
    let fields = stream.scored.fields().iter();
    let wanted = fields.filter(|field| {
        let number = matches!(kind(field.data_type()), Kind::Number | Kind::Integer);
        number && !of_detector(field.name()) && ![&spec.id, &spec.key, &spec.time].contains(&field.name())
    });
    wanted.take(NUMBERS_MAX).map(|field| field.name().clone()).collect()
}

/// The map that the definition asks for, or that of pseudorapidity and azimuth where the stream has them.
pub(crate) fn map(stream: &Stream) -> Option<PageMap> {
    if let Some(map) = stream.definition.spec.page.as_ref().and_then(|page| page.map.as_ref()) {
        return Some(map.clone());
    }
    let numbers = numbers(stream);
    let has = |name: &str| numbers.iter().any(|column| column == name);
    let axis = |column: &str, end: f64| PageAxis { column: column.to_owned(), min: -end, max: end };
    // Pseudorapidity beyond 5 is in the beam pipe; azimuth is an angle.
    (has("eta") && has("phi")).then(|| PageMap { x: axis("eta", 5.0), y: axis("phi", std::f64::consts::PI) })
}

/// The columns of the map, where the stream has one.
pub fn map_columns(stream: &Stream) -> Option<MapColumns> {
    map(stream).map(|map| MapColumns { x: map.x.column, y: map.y.column })
}

/// The rules and learned layers of a stream, rules first, as the reasons name them.
pub fn layers(stream: &Stream) -> Vec<LayerInfo> {
    let Some(detect) = &stream.definition.spec.detect else { return Vec::new() };
    let rule = |rule: &stream::DetectRule| LayerInfo {
        name: rule.name.clone(),
        kind: LayerKind::Rule,
        asked: None,
        what: rule.when.clone(),
    };
    let mut layers: Vec<LayerInfo> = detect.rules.iter().map(rule).collect();
    let what = [
        "largest |z| of a feature against its weighted mean and spread",
        "distance of all features from their weighted mean",
        "how rare the neighbourhood of the features is",
        "how much faster than usual the key's events come",
        "how rare it is that a value stays the same",
        "how rare it is that a value is missing",
        "distance of a value from what is usual at the time of day",
        "how much faster than usual the events of the partition come",
        "how rare a text is for its key",
    ];
    for ((name, on), what) in each(detect.layers_by_name(), what) {
        if on {
            let asked = Some(detect.false_alarm_rate);
            layers.push(LayerInfo { name: name.to_owned(), kind: LayerKind::Learned, asked, what: what.to_owned() });
        }
    }
    layers.extend(stream.silence().map(|_| LayerInfo {
        name: stream::columns::SILENCE.to_owned(),
        kind: LayerKind::Learned,
        asked: Some(detect.false_alarm_rate),
        what: "for how long a key has had no event while others had some".to_owned(),
    }));
    layers
}

/// Every layer with its text: as many of one as of the other, which the compiler checks.
fn each<const N: usize>(
    layers: [(&'static str, bool); N],
    what: [&'static str; N],
) -> impl Iterator<Item = ((&'static str, bool), &'static str)> {
    layers.into_iter().zip(what)
}

/// The unit that a column's description ends with, in square brackets: `Transverse momentum [GeV]`.
fn unit(doc: &str) -> Option<&str> {
    let (_, unit) = doc.trim_end_matches('.').strip_suffix(']')?.rsplit_once('[')?;
    (!unit.is_empty()).then_some(unit)
}

fn kind(data_type: &DataType) -> Kind {
    match data_type {
        DataType::Boolean => Kind::Boolean,
        other if other.is_integer() => Kind::Integer,
        other if other.is_floating() => Kind::Number,
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            Kind::Number
        }
        other if other.is_temporal() => Kind::Time,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => Kind::Bytes,
        other if other.is_nested() => Kind::Nested,
        _ => Kind::Text,
    }
}

fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Float64 => "double".to_owned(),
        DataType::Float32 => "float".to_owned(),
        DataType::Int32 => "int".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::FixedSizeBinary(_) => "bytes".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn the_unit_is_what_the_description_ends_with_in_brackets() {
        let of = |doc: &str| {
            let avro = serde_json::json!({ "name": "pt", "type": "double", "doc": doc }).to_string();
            let field = Field::new("pt", DataType::Float64, true);
            column(&field.with_metadata(HashMap::from([(AVRO_FIELD.to_owned(), avro)])))
        };
        assert_eq!(of("Transverse momentum [GeV].").unit.as_deref(), Some("GeV"));
        assert_eq!(of("Transverse momentum [GeV]").doc.as_deref(), Some("Transverse momentum [GeV]"));
        assert_eq!(of("A list [1, 2] of things").unit, None);
        assert_eq!(column(&Field::new("pt", DataType::Float64, true)).unit, None);
    }
}
