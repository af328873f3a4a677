//! The stream's columns as they are planned, and what a column of a type holds.

use arrow::datatypes::{DataType, FieldRef, Schema};
use codec::ValueSchema;
use serde_json::{Value as Json, json};

use crate::{
    guess::Kind,
    names::{self, TIMES, has_word},
    table::{Column, Table},
    times, typed_table,
};

/// Digits of a decimal type that is read as a double where its values allow it.
const DECIMAL_DIGITS_MAX: u8 = 18;

/// Digits that a double holds, whatever they are.
const DOUBLE_DIGITS: usize = 15;

/// The stream's columns and what they are for.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub columns: Vec<Planned>,
    /// Values within objects, which may have a role but are not columns.
    pub inner: Vec<Planned>,
    pub id: String,
    pub id_reason: String,
    pub key: String,
    pub key_reason: String,
    pub time: String,
    pub time_reason: String,
    pub partitions: u32,
    pub features: Vec<(String, String)>,
    pub quality: Vec<(String, String)>,
    pub notes: Vec<String>,
}

impl Plan {
    /// The roles and features, a line each.
    pub(crate) fn guesses(&self) -> Vec<String> {
        let features: Vec<&str> = self.features.iter().map(|(sql, _)| sql.as_str()).collect();
        let features = if features.is_empty() { "none".to_owned() } else { features.join(", ") };
        vec![
            format!("id: {} ({})", self.id, self.id_reason),
            format!("key: {} ({})", self.key, self.key_reason),
            format!("time: {} ({})", self.time, self.time_reason),
            format!("features: {features}"),
        ]
    }
}

/// A column of the stream.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub name: String,
    /// Which column of the table; `None` where it is made of the row's place alone.
    pub origin: Option<usize>,
    pub kind: Kind,
    pub avro: Json,
    pub required: bool,
    /// SQL over the file's columns, and why.
    pub derive: Option<(String, String)>,
    /// How SQL over the file calls the value.
    pub sql: String,
    /// The cells of a value within an object.
    pub cells: Option<Column>,
    /// What the file calls it, where that is not its name.
    pub doc: Option<String>,
}

impl Planned {
    /// The sample's cells, where it has any.
    pub(crate) fn column<'a>(&'a self, table: &'a Table) -> Option<&'a Column> {
        self.cells.as_ref().or_else(|| self.origin.and_then(|origin| table.columns.get(origin)))
    }
}

/// What a column of a type holds.
pub(crate) fn typed(column: &Column, field: &FieldRef) -> Kind {
    match field.data_type() {
        DataType::Boolean => Kind::Boolean,
        DataType::Null => Kind::Mixed("it is always null".to_owned()),
        DataType::UInt64 if column.texts().any(|text| text.parse::<i64>().is_err()) => Kind::Text,
        number if number.is_numeric() && !is_exact(column, number) => {
            if let Some(days) = times::from_reference(field) {
                return Kind::Days(days);
            }
            let numbers = column.numbers();
            let digits = if has_word(&column.name, &TIMES) { times::epoch_digits(column.texts()) } else { None };
            match (times::days_of(&column.name, &numbers), digits) {
                (Some(days), _) => Kind::Days(days),
                (_, Some(digits)) => Kind::Epoch(digits),
                _ if number.is_integer() => Kind::Long,
                _ => Kind::Double,
            }
        }
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => Kind::Time,
        DataType::FixedSizeBinary(16) if typed_table::is_uuid(field) => Kind::Text,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let reads = |text: &str| times::is_time(text) || has_word(&column.name, &TIMES) && times::is_epoch(text);
            let is_time = column.texts().next().is_some() && column.texts().all(reads);
            if is_time { Kind::Time } else { Kind::Text }
        }
        DataType::Dictionary(_, values) if values.is_string() => Kind::Text,
        _ => {
            let name = names::legal(field.name(), &[]);
            let alone = Schema::new(vec![field.as_ref().clone().with_name(name).with_nullable(false)]);
            let avro = ValueSchema::derive(&alone, "Rows", "").map_err(|error| error.to_string());
            let avro =
                avro.and_then(|schema| serde_json::from_str::<Json>(schema.avro()).map_err(|error| error.to_string()));
            match avro {
                Ok(avro) => Kind::Nested(avro["fields"][0]["type"].clone()),
                Err(why) => Kind::Mixed(why),
            }
        }
    }
}

/// Whether a decimal has more digits than a double holds: in the sample, or beyond the 18 that DuckDB's have by default.
fn is_exact(column: &Column, number: &DataType) -> bool {
    let (DataType::Decimal32(precision, _)
    | DataType::Decimal64(precision, _)
    | DataType::Decimal128(precision, _)
    | DataType::Decimal256(precision, _)) = number
    else {
        return false;
    };
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0').count();
    *precision > DECIMAL_DIGITS_MAX || column.texts().any(|text| digits(text) > DOUBLE_DIGITS)
}

/// How SQL over the file calls a column: one that has the name of a row's place begins with one more underscore.
pub(crate) fn sql_name(column: &Column) -> String {
    match column.name.as_str() {
        "_row" | "_file" => format!("_{}", column.name),
        name => name.to_owned(),
    }
}

/// A kind as Avro has it.
pub(crate) fn avro_type(kind: &Kind) -> Json {
    match kind {
        Kind::Boolean => json!("boolean"),
        Kind::Long => json!("long"),
        Kind::Double | Kind::Days(_) => json!("double"),
        Kind::Time | Kind::Epoch(_) => json!({ "type": "long", "logicalType": "timestamp-micros" }),
        Kind::Text | Kind::Mixed(_) => json!("string"),
        Kind::Nested(avro) => avro.clone(),
    }
}
