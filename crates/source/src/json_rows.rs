//! JSON objects to rows of a schema, bad ones isolated.
//!
//! Decoded by arrow-json in whole batches. Where a batch fails it is halved until the objects at fault stand alone, so
//! that a few bad ones cost little. Numbers in a time column are in the column's unit. A missing field is null.
//!
//! arrow-json reads 1.7 into a whole-number column as 1. So whole numbers are read as decimals with a fraction first
//! (`whole.rs`), and a row with a fraction that is not zero is rejected. It also takes a time that is too large for the
//! latest one there is, and a number beyond the range of a double for infinity; such rows are rejected as well.
//!
//! It knows fewer forms of times than the other sources, and no `NaN`. Where a batch fails, or may have such literals,
//! its objects are rewritten first: times as numbers in the column's unit, literals as text, which it reads.

mod whole;

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions},
    compute,
    datatypes::{DataType, FieldRef, Float32Type, Float64Type, Schema, SchemaRef, TimeUnit},
    error::ArrowError,
    json::{ReaderBuilder, reader::Decoder},
};
use serde_json::Value;
use stream::JsonOptions;
use text::{beyond_double, rewritten};

use crate::{
    SourceError,
    cells::type_name,
    columns::{own_name, with_own_name},
};

/// Decodes JSON objects.
pub(crate) struct JsonRows {
    schema: SchemaRef,
    /// The schema with decimals for whole numbers, and the names that the objects have.
    decoded: SchemaRef,
    options: JsonOptions,
    /// Columns of times: their names, and how many units a second has.
    times: Vec<(String, i64)>,
    has_floats: bool,
}

/// What came of some records.
pub(crate) struct Decoded {
    /// The good rows, in order.
    pub rows: RecordBatch,
    /// Which record each row is.
    pub indexes: Vec<u64>,
    /// Which records are not rows, and why.
    pub rejected: Vec<(u64, String)>,
}

impl JsonRows {
    /// Rows of `schema`, of JSON that is written as `options` say; fields that the schema lacks are ignored.
    ///
    /// # Errors
    /// Where the schema has a type that JSON cannot hold.
    pub(crate) fn new(schema: SchemaRef, options: JsonOptions) -> Result<Self, SourceError> {
        let wide =
            |field: &FieldRef| Arc::new(with_own_name(field).with_data_type(whole::with_decimals(field.data_type())));
        let decoded = Arc::new(Schema::new(schema.fields().iter().map(wide).collect::<Vec<_>>()));
        let times = schema.fields().iter().filter_map(|field| {
            let DataType::Timestamp(unit, _) = field.data_type() else { return None };
            Some((own_name(field).to_owned(), units_a_second(*unit)))
        });
        let (times, has_floats) =
            (times.collect(), schema.fields().iter().any(|field| may_be_infinite(field.data_type())));
        let rows = Self { schema, decoded, options, times, has_floats };
        rows.decoder(1).map_err(|error| SourceError::input(format!("the schema cannot be read from JSON: {error}")))?;
        Ok(rows)
    }

    fn decoder(&self, batch: usize) -> Result<Decoder, ArrowError> {
        let builder = ReaderBuilder::new(self.decoded.clone()).with_coerce_primitive(self.options.as_written);
        builder.with_batch_size(batch).build_decoder()
    }

    /// An object with the texts of its times as numbers and literals as text; `None` where there was nothing to change.
    fn rewritten(&self, object: &[u8]) -> Option<Vec<u8>> {
        rewritten(object, self.options.nan, |key, text| {
            let (_, per_second) = self.times.iter().find(|(name, _)| name.as_bytes() == key)?;
            Some(times::parse(text.trim_ascii())?.in_units(*per_second)?.to_string())
        })
    }

    /// One row of each object that is one.
    pub(crate) fn decode(&self, objects: &[&[u8]]) -> Result<Decoded, SourceError> {
        let mut batches = Vec::new();
        let (mut indexes, mut rejected) = (Vec::with_capacity(objects.len()), Vec::new());
        let mut pieces = vec![(0, objects.len())];
        while let Some((start, end)) = pieces.pop() {
            if start == end {
                continue;
            }
            match self.decode_in_any_form(&objects[start..end]) {
                Ok(rows) => {
                    indexes.extend(start as u64..end as u64);
                    batches.push(rows);
                }
                Err(error) if end - start == 1 => {
                    rejected.push((start as u64, self.reason(objects[start], &error)));
                }
                Err(_) => {
                    let middle = start + (end - start) / 2;
                    pieces.push((middle, end));
                    pieces.push((start, middle));
                }
            }
        }
        let rows = match batches.len() {
            1 => batches.swap_remove(0),
            _ => compute::concat_batches(&self.decoded, &batches)?,
        };
        let mut bad = BTreeMap::new();
        if self.has_floats && rows.columns().iter().any(has_infinity) {
            for (row, index) in indexes.iter().enumerate() {
                if let Some(number) = beyond_double(objects[*index as usize]) {
                    bad.insert(row, format!("{} is beyond the range of a double", shorter(number)));
                }
            }
        }
        self.with_whole_numbers(rows, indexes, rejected, bad)
    }

    /// The rows of objects, rewritten where that helps.
    fn decode_in_any_form(&self, objects: &[&[u8]]) -> Result<RecordBatch, ArrowError> {
        if !self.options.nan {
            match self.decode_all(objects) {
                Err(_) if !self.times.is_empty() => {}
                decoded => return decoded,
            }
        }
        let changed: Vec<Option<Vec<u8>>> = objects.iter().map(|object| self.rewritten(object)).collect();
        let objects: Vec<&[u8]> =
            objects.iter().zip(&changed).map(|(object, changed)| changed.as_deref().unwrap_or(object)).collect();
        self.decode_all(&objects)
    }

    /// Turns decimals into the whole numbers that the schema has, and rejects rows where they are none, or a time is
    /// beyond the calendar.
    fn with_whole_numbers(
        &self,
        rows: RecordBatch,
        mut indexes: Vec<u64>,
        mut rejected: Vec<(u64, String)>,
        mut bad: BTreeMap<usize, String>,
    ) -> Result<Decoded, SourceError> {
        for (column, field) in rows.columns().iter().zip(self.schema.fields()) {
            for row in times::beyond_calendar(column) {
                bad.entry(row).or_insert_with(|| times::beyond_calendar_reason(field.name()));
            }
            for (row, value) in whole::not_whole(column, field.data_type()) {
                let name = type_name(&DataType::Int64);
                bad.entry(row).or_insert_with(|| format!("column `{}`: {value} is not {name}", field.name()));
            }
        }
        let mut columns = rows.columns().to_vec();
        if !bad.is_empty() {
            let good: BooleanArray = (0..rows.num_rows()).map(|row| Some(!bad.contains_key(&row))).collect();
            columns = columns.iter().map(|column| compute::filter(column, &good)).collect::<Result<_, _>>()?;
            rejected.extend(bad.into_iter().map(|(row, reason)| (indexes[row], reason)));
            rejected.sort_by_key(|(index, _)| *index);
            let mut row = 0;
            indexes.retain(|_| {
                row += 1;
                good.value(row - 1)
            });
        }
        let columns = columns.iter().zip(self.schema.fields());
        let columns =
            columns.map(|(column, field)| compute::cast(column, field.data_type())).collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(indexes.len()));
        let rows = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
        Ok(Decoded { rows, indexes, rejected })
    }

    /// Why one object is not a row: the first column that cannot be read by itself, or what the decoder says.
    fn reason(&self, object: &[u8], error: &ArrowError) -> String {
        if let Ok(Value::Object(values)) = serde_json::from_slice(object) {
            for (field, known) in self.decoded.fields().iter().zip(self.schema.fields()) {
                let alone = Self {
                    schema: self.schema.clone(),
                    decoded: Arc::new(Schema::new(vec![field.clone()])),
                    times: self.times.clone(),
                    ..*self
                };
                if alone.decode_in_any_form(&[object]).is_ok() {
                    continue;
                }
                return match values.get(field.name()) {
                    None | Some(Value::Null) => format!("column `{}` is missing", field.name()),
                    Some(value) => {
                        format!("column `{}`: {} is not {}", field.name(), shown(value), type_name(known.data_type()))
                    }
                };
            }
        }
        match error {
            ArrowError::JsonError(message) => message.clone(),
            error => error.to_string(),
        }
    }

    fn decode_all(&self, objects: &[&[u8]]) -> Result<RecordBatch, ArrowError> {
        let mut decoder = self.decoder(objects.len())?;
        for (index, object) in objects.iter().enumerate() {
            let object = object.trim_ascii();
            if object.first() != Some(&b'{') {
                return Err(ArrowError::JsonError("not an object".into()));
            }
            // The decoder takes one value after the other and knows no lines: exactly one must end here.
            let taken = decoder.decode(object)?;
            if decoder.has_partial_record() {
                return Err(ArrowError::JsonError("the object is not complete".into()));
            }
            if taken < object.len() || decoder.len() != index + 1 {
                return Err(ArrowError::JsonError("something follows the object".into()));
            }
        }
        let rows = decoder.flush()?;
        rows.ok_or_else(|| ArrowError::JsonError("not an object".into()))
    }
}

/// Characters of a value that a reason shows at most.
const SHOWN_CHARS_MAX: usize = 80;

fn shown(value: &Value) -> String {
    shorter(&value.to_string())
}

fn shorter(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

fn units_a_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

/// Whether values of a type, or values within them, are floats.
fn may_be_infinite(data_type: &DataType) -> bool {
    match data_type {
        DataType::Struct(fields) => fields.iter().any(|field| may_be_infinite(field.data_type())),
        DataType::List(items) | DataType::Map(items, _) => may_be_infinite(items.data_type()),
        other => other.is_floating(),
    }
}

/// Whether a column, or what is within it, has an infinite value.
fn has_infinity(column: &ArrayRef) -> bool {
    match column.data_type() {
        DataType::Float32 => column.as_primitive::<Float32Type>().values().iter().any(|value| value.is_infinite()),
        DataType::Float64 => column.as_primitive::<Float64Type>().values().iter().any(|value| value.is_infinite()),
        DataType::Struct(_) => column.as_struct().columns().iter().any(has_infinity),
        DataType::List(_) => has_infinity(column.as_list::<i32>().values()),
        DataType::Map(..) => has_infinity(column.as_map().values()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Field, Int32Type, Int64Type};

    use super::*;

    #[test]
    fn bad_objects_are_isolated() {
        let nested = DataType::Struct(vec![Field::new("z", DataType::Float64, true)].into());
        let schema = Schema::new(vec![
            Field::new("id", DataType::Int64, false),
            Field::new("name", DataType::Utf8, true),
            Field::new("at", nested, true),
            Field::new("hits", DataType::new_list(DataType::Int64, true), true),
            Field::new("of", DataType::Struct(vec![Field::new("n", DataType::Int32, true)].into()), true),
        ]);
        let rows = JsonRows::new(Arc::new(schema), JsonOptions::default()).unwrap();
        let mut objects: Vec<&[u8]> =
            vec![br#"{"id": 1, "name": "a", "extra": [1, {}], "at": {"z": 2.5}, "hits": [1, 2]}"#; 100];
        let bad: [&[u8]; 14] = [
            br#"{"id": "x"}"#,
            br#"{"name": "a"}"#,
            br#"{"id": 1"#,
            br#"{"id": 1}{"id": 2}"#,
            b"[1]",
            b"1",
            b"nonsense",
            b"{\"id\": 1, \"name\": \"\xff\"}",
            b"{\"id\": 1}\0",
            b"{\"id\": NaN}",
            br#"{"id": 1, "at": 3}"#,
            br#"{"id": 1.7}"#,
            br#"{"id": 9223372036854775808}"#,
            br#"{"id": 1, "hits": [1, 2.5]}"#,
        ];
        for (index, bad) in bad.iter().enumerate() {
            objects[index * 7 + 3] = bad;
        }
        objects[99] = b" {\"id\": 2, \"hits\": [3.0, null, 4e1], \"of\": {\"n\": -5}}  ";
        let decoded = rows.decode(&objects).unwrap();
        let found: Vec<u64> = decoded.rejected.iter().map(|(index, _)| *index).collect();
        assert_eq!(found, (0..14).map(|index| index * 7 + 3).collect::<Vec<_>>(), "{:?}", decoded.rejected);
        assert_eq!(decoded.rows.num_rows(), 86);
        assert_eq!(decoded.indexes.len(), 86);
        let ids = decoded.rows["id"].as_primitive::<Int64Type>();
        assert_eq!((ids.value(0), ids.value(85)), (1, 2));
        let hits = decoded.rows["hits"].as_list::<i32>().value(85);
        assert_eq!(hits.as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [Some(3), None, Some(40)]);
        assert_eq!(decoded.rows["of"].as_struct()["n"].as_primitive::<Int32Type>().value(85), -5);
        assert_eq!(decoded.rejected[11].1, "column `id`: 1.7 is not a whole number in range");
        assert_eq!(decoded.rejected[13].1, "column `hits`: 2.5 is not a whole number in range");
        let reasons: Vec<&str> = decoded.rejected.iter().map(|(_, reason)| reason.as_str()).collect();
        assert_eq!(reasons[0], "column `id`: \"x\" is not a whole number in range");
        assert_eq!(reasons[1], "column `id` is missing");
        assert_eq!(reasons[2], "the object is not complete");
        assert_eq!(reasons[4], "not an object");
        assert_eq!(reasons[10], "column `at`: 3 is not a value of the column's type");
    }

    #[test]
    fn times_literals_and_numbers_out_of_range() {
        let schema = Schema::new(vec![
            Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
            Field::new("x", DataType::Float64, true),
            Field::new("text", DataType::Utf8, true),
        ]);
        let options = JsonOptions { nan: true, as_written: true };
        let rows = JsonRows::new(Arc::new(schema.clone()), options).unwrap();
        let objects: [&[u8]; 6] = [
            br#"{"at": "1735689600", "x": NaN, "text": 1.10}"#,
            br#"{"at": "2025-01-01 00:00:00,5", "x": -Infinity, "text": true}"#,
            br#"{"at": "Wed, 01 Jan 2025 00:00:00 GMT", "x": "Infinity", "text": 12345678901234567890}"#,
            br#"{"at": null, "x": 1e400}"#,
            br#"{"at": "no time"}"#,
            br#"{"x": 1e-400}"#,
        ];
        let decoded = rows.decode(&objects).unwrap();
        assert_eq!(decoded.indexes, [0, 1, 2, 5]);
        let micros = decoded.rows["at"].as_primitive::<arrow::datatypes::TimestampMicrosecondType>();
        let begin = 1_735_689_600_000_000;
        assert_eq!(micros.iter().collect::<Vec<_>>(), [Some(begin), Some(begin + 500_000), Some(begin), None]);
        let x = decoded.rows["x"].as_primitive::<Float64Type>();
        assert!(x.value(0).is_nan() && x.value(1) == f64::NEG_INFINITY && x.value(2) == f64::INFINITY);
        assert_eq!(x.value(3), 0.0);
        let texts: Vec<_> = decoded.rows["text"].as_string::<i32>().iter().collect();
        assert_eq!(texts, [Some("1.10"), Some("true"), Some("12345678901234567890"), None]);
        let reasons: Vec<_> = decoded.rejected.iter().map(|(index, reason)| (*index, reason.as_str())).collect();
        let expected = [(3, "1e400 is beyond the range of a double"), (4, "column `at`: \"no time\" is not a time")];
        assert_eq!(reasons, expected);
        let strict = JsonRows::new(Arc::new(schema), JsonOptions::default()).unwrap();
        let decoded = strict.decode(&objects).unwrap();
        assert_eq!(decoded.rejected.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    }
}
