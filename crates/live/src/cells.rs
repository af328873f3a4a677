//! Values of columns as JSON that a browser reads without loss: what a number cannot hold is text.

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{
        DataType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
        UInt16Type, UInt32Type, UInt64Type,
    },
    util::display::{ArrayFormatter, FormatOptions},
};
use serde_json::{Map, Number, Value};

/// The largest integer up to which a browser's numbers have all integers.
const EXACT_MAX: u64 = 1 << 53;
/// ISO 8601 in UTC with microseconds.
const TIMESTAMP: &str = "%Y-%m-%dT%H:%M:%S%.6fZ";

/// The cell of `row`: a number, text, a truth value or null; arrays and objects of cells for nested values.
///
/// Integers beyond 2^53, decimals, and numbers that are not finite are text, as are times (ISO 8601, UTC) and bytes
/// (lower-case hexadecimal digits).
pub fn cell(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
        DataType::Int8 => signed(array.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => signed(array.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => signed(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => signed(array.as_primitive::<Int64Type>().value(row)),
        DataType::UInt8 => unsigned(array.as_primitive::<UInt8Type>().value(row).into()),
        DataType::UInt16 => unsigned(array.as_primitive::<UInt16Type>().value(row).into()),
        DataType::UInt32 => unsigned(array.as_primitive::<UInt32Type>().value(row).into()),
        DataType::UInt64 => unsigned(array.as_primitive::<UInt64Type>().value(row)),
        DataType::Float16 => number(array.as_primitive::<Float16Type>().value(row).to_f64()),
        DataType::Float32 => single(array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => number(array.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => Value::String(array.as_string::<i32>().value(row).to_owned()),
        DataType::LargeUtf8 => Value::String(array.as_string::<i64>().value(row).to_owned()),
        DataType::Utf8View => Value::String(array.as_string_view().value(row).to_owned()),
        DataType::Binary => Value::String(hex(array.as_binary::<i32>().value(row))),
        DataType::LargeBinary => Value::String(hex(array.as_binary::<i64>().value(row))),
        DataType::FixedSizeBinary(_) => Value::String(hex(array.as_fixed_size_binary().value(row))),
        DataType::List(_) => list(&array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list(&array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => list(&array.as_fixed_size_list().value(row)),
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns().iter();
            Value::Object(
                fields.iter().zip(columns).map(|(field, column)| (field.name().clone(), cell(column, row))).collect(),
            )
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let entry = |index| (text(keys, index), cell(values, index));
            Value::Object((0..entries.len()).map(entry).collect::<Map<_, _>>())
        }
        _ => Value::String(text(array, row)),
    }
}

/// A number as JSON has it; text where JSON has none.
pub fn number(value: f64) -> Value {
    Number::from_f64(value).map_or_else(|| Value::String(unusual(value).to_owned()), Value::Number)
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Microseconds since 1970 as ISO 8601 in UTC.
pub fn iso(micros: i64) -> String {
    let array: ArrayRef =
        std::sync::Arc::new(arrow::array::TimestampMicrosecondArray::from(vec![micros]).with_timezone("UTC"));
    text(&array, 0)
}

/// The text of any value.
pub fn text(array: &ArrayRef, row: usize) -> String {
    let options = FormatOptions::new()
        .with_timestamp_format(Some(TIMESTAMP))
        .with_timestamp_tz_format(Some(TIMESTAMP))
        .with_null("");
    match ArrayFormatter::try_new(array.as_ref(), &options) {
        Ok(formatter) => formatter.value(row).try_to_string().unwrap_or_default(),
        Err(_) => String::new(),
    }
}

fn unusual(value: f64) -> &'static str {
    match (value.is_nan(), value > 0.0) {
        (true, _) => "NaN",
        (false, true) => "Infinity",
        (false, false) => "-Infinity",
    }
}

/// Written as a 32-bit number is: 0.1 and not 0.10000000149011612.
fn single(value: f32) -> Value {
    value.to_string().parse().map_or_else(|_| number(value.into()), number)
}

fn signed(value: i64) -> Value {
    if value.unsigned_abs() <= EXACT_MAX { value.into() } else { value.to_string().into() }
}

fn unsigned(value: u64) -> Value {
    if value <= EXACT_MAX { value.into() } else { value.to_string().into() }
}

fn list(values: &ArrayRef) -> Value {
    Value::Array((0..values.len()).map(|row| cell(values, row)).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        BinaryArray, Float32Array, Float64Array, Int64Array, StringArray, TimestampNanosecondArray, UInt64Array,
    };
    use serde_json::json;

    use super::*;

    fn all(array: ArrayRef) -> Vec<Value> {
        (0..array.len()).map(|row| cell(&array, row)).collect()
    }

    #[test]
    fn what_a_number_cannot_hold_is_text() {
        let longs = Int64Array::from(vec![Some(i64::MAX), Some(-(1 << 53)), None, Some(i64::MIN)]);
        assert_eq!(
            all(Arc::new(longs)),
            [json!("9223372036854775807"), json!(-9007199254740992i64), json!(null), json!("-9223372036854775808")]
        );
        assert_eq!(all(Arc::new(UInt64Array::from(vec![u64::MAX])))[0], json!("18446744073709551615"));
        let doubles = Float64Array::from(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.5]);
        assert_eq!(all(Arc::new(doubles)), [json!("NaN"), json!("Infinity"), json!("-Infinity"), json!(0.5)]);
        assert_eq!(all(Arc::new(Float32Array::from(vec![0.1])))[0].to_string(), "0.1");
    }

    #[test]
    fn times_are_utc_with_microseconds_and_bytes_are_digits() {
        let times = TimestampNanosecondArray::from(vec![1_735_689_600_123_456_789]).with_timezone("+02:00");
        assert_eq!(iso(1_735_689_600_123_456), "2025-01-01T00:00:00.123456Z");
        assert_eq!(all(Arc::new(BinaryArray::from(vec![&[0u8, 255][..]])))[0], json!("00ff"));
        assert_eq!(all(Arc::new(StringArray::from(vec!["<script>"])))[0], json!("<script>"));
        assert!(all(Arc::new(times))[0].as_str().unwrap().starts_with("2025-01-01T0"));
    }
}
