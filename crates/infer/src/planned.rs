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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray, new_null_array},
        compute,
        datatypes::{Field, Int8Type, Int32Type, TimeUnit},
    };

    use super::*;
    use crate::examples::plan_of;

    /// What a column of texts, brought to a type, holds.
    fn kind(name: &str, texts: &[&str], data_type: &DataType) -> Kind {
        let values = compute::cast(&StringArray::from(texts.to_vec()), data_type).unwrap();
        kind_of(name, values)
    }

    fn kind_of(name: &str, values: ArrayRef) -> Kind {
        let rows = RecordBatch::try_from_iter_with_nullable([(name, values, true)]).unwrap();
        let table = typed_table::read(&rows).unwrap();
        let column = &table.columns[0];
        typed(column, column.field.as_ref().unwrap())
    }

    #[test]
    fn a_column_holds_what_its_type_name_and_values_say() {
        let utc = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
        for (name, texts, data_type, wanted) in [
            ("x", vec!["true"], DataType::Boolean, Kind::Boolean),
            ("x", vec!["1"], DataType::Int16, Kind::Long),
            ("x", vec!["1.5"], DataType::Float32, Kind::Double),
            ("x", vec!["1", "9223372036854775807"], DataType::UInt64, Kind::Long),
            ("x", vec!["1", "9223372036854775808"], DataType::UInt64, Kind::Text),
            ("ts", vec!["1700000000123"], DataType::Int64, Kind::Epoch(13)),
            ("x", vec!["1700000000123"], DataType::Int64, Kind::Long),
            ("x", vec!["2025-01-01"], DataType::Date32, Kind::Time),
            ("x", vec!["2025-01-01"], DataType::Date64, Kind::Time),
            ("x", vec!["2025-01-01T00:00:00Z"], utc, Kind::Time),
            ("x", vec!["word"], DataType::LargeUtf8, Kind::Text),
            ("x", vec!["2025-01-01", "2025-01-02"], DataType::Utf8, Kind::Time),
            ("x", vec!["2025-01-01", "word"], DataType::Utf8View, Kind::Text),
            ("time", vec!["1700000000"], DataType::Utf8, Kind::Time),
            ("x", vec!["1700000000"], DataType::Utf8, Kind::Text),
            ("time", vec!["word"], DataType::Utf8, Kind::Text),
            ("x", vec![], DataType::Utf8, Kind::Text),
            // A decimal is a double where that holds its digits, leading zeros uncounted.
            ("x", vec!["1234567890.12345"], DataType::Decimal128(18, 5), Kind::Double),
            ("x", vec!["0.00001"], DataType::Decimal128(18, 17), Kind::Double),
        ] {
            assert_eq!(kind(name, &texts, &data_type), wanted, "{name} {texts:?} {data_type}");
        }
        let decimal = |text: &str, precision, scale| match kind("x", &[text], &DataType::Decimal128(precision, scale)) {
            Kind::Nested(avro) => avro["logicalType"] == "decimal",
            other => panic!("{other:?}"),
        };
        assert!(decimal("12345678901.12345", 18, 5) && decimal("1.5", 19, 5));
        assert!(matches!(kind("mjd", &["60000.5"], &DataType::Float64), Kind::Days(days) if days.named));
        assert!(matches!(kind("x", &["abc"], &DataType::Binary), Kind::Nested(avro) if avro == json!("bytes")));
    }

    #[test]
    fn nulls_dictionaries_and_uuids_have_kinds_of_their_own() {
        assert_eq!(kind_of("x", new_null_array(&DataType::Null, 2)), Kind::Mixed("it is always null".to_owned()));
        let texts: arrow::array::DictionaryArray<Int8Type> = ["a", "b"].into_iter().collect();
        assert_eq!(kind_of("x", Arc::new(texts)), Kind::Text);
        let numbers =
            arrow::array::DictionaryArray::<Int32Type>::new(vec![0, 0].into(), Arc::new(Int64Array::from(vec![7])));
        assert_eq!(kind_of("x", Arc::new(numbers)), Kind::Nested(json!("long")));
        let bytes: ArrayRef =
            Arc::new(arrow::array::FixedSizeBinaryArray::try_from_iter([[7u8; 16]].into_iter()).unwrap());
        let uuid = |value: &str| {
            let metadata = [("ARROW:extension:name".to_owned(), value.to_owned())].into();
            let field = Field::new("x", bytes.data_type().clone(), true).with_metadata(metadata);
            let column = typed_table::column(&field, &bytes);
            (typed(&column, &field.into()), column.texts().next().map(str::to_owned))
        };
        let text = "07070707-0707-0707-0707-070707070707".to_owned();
        assert_eq!(uuid("arrow.uuid"), (Kind::Text, Some(text)));
        assert!(matches!(uuid("other"), (Kind::Nested(_), None)));
    }

    #[test]
    fn the_guesses_are_a_line_a_role() {
        let plan = plan_of(
            "id,time,host,x\n1,2025-01-01T00:00:00Z,a,1.5\n2,2025-01-01T00:00:01Z,b,2.5\n3,2025-01-01T00:00:05Z,b,9\n",
        );
        let wanted = [
            "id: id (named like an identity, and different in every row of the sample)",
            "key: host (named like what events belong to; 2 different in the sample)",
            "time: time (a time that every row of the sample has)",
            "features: x",
        ];
        assert_eq!(plan.guesses(), wanted);
        let plan = Plan { features: vec![("a".into(), String::new()), ("b".into(), String::new())], ..Plan::default() };
        assert_eq!(plan.guesses()[3], "features: a, b");
        assert_eq!(Plan::default().guesses()[3], "features: none");
    }
}
