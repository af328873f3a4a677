//! The kinds of values that have an order: whole numbers (times are such), floating-point numbers, text.

use std::{cmp::Ordering, fmt::Debug, sync::Arc};

use arrow::{
    array::{ArrayRef, AsArray, Float64Array, Int64Array, StringArray},
    compute::cast,
    datatypes::{DataType, Float64Type, Int64Type, TimeUnit},
};

use crate::{
    WindowError,
    bytes::{Reader, put_bytes},
};

/// A kind of values that have an order.
pub(crate) trait Kind: Send + Sync + Debug {
    type Array;
    type Value: Send + Sync + Debug;

    fn array(values: &ArrayRef) -> Result<Self::Array, WindowError>;

    fn value(array: &Self::Array, row: usize) -> Self::Value;

    /// How a row's value compares with another.
    fn compare(array: &Self::Array, row: usize, other: &Self::Value) -> Ordering;

    fn compare_values(a: &Self::Value, b: &Self::Value) -> Ordering;

    fn encode(value: &Self::Value, out: &mut Vec<u8>);

    fn decode(reader: &mut Reader<'_>) -> Result<Self::Value, WindowError>;

    fn build(values: Vec<Option<&Self::Value>>, data_type: &DataType) -> Result<ArrayRef, WindowError>;
}

/// Whole numbers, true and false, dates, times.
#[derive(Debug)]
pub(crate) struct Int;

/// Floating-point numbers in IEEE's total order, as DataFusion has it: what is not a number comes last.
#[derive(Debug)]
pub(crate) struct Float;

/// Text by its bytes.
#[derive(Debug)]
pub(crate) struct Text;

/// Whole numbers of any type as 64 bits; one beyond is null.
pub(crate) fn whole(values: &ArrayRef) -> Result<Int64Array, WindowError> {
    let days = matches!(values.data_type(), DataType::Date32);
    let values = if days { cast(values, &DataType::Int32)? } else { values.clone() };
    Ok(cast(&values, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
}

impl Kind for Int {
    type Array = Int64Array;
    type Value = i64;

    fn array(values: &ArrayRef) -> Result<Int64Array, WindowError> {
        whole(values)
    }

    fn value(array: &Int64Array, row: usize) -> i64 {
        array.value(row)
    }

    fn compare(array: &Int64Array, row: usize, other: &i64) -> Ordering {
        array.value(row).cmp(other)
    }

    fn compare_values(a: &i64, b: &i64) -> Ordering {
        a.cmp(b)
    }

    fn encode(value: &i64, out: &mut Vec<u8>) {
        out.extend_from_slice(&value.to_le_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<i64, WindowError> {
        reader.i64()
    }

    fn build(values: Vec<Option<&i64>>, data_type: &DataType) -> Result<ArrayRef, WindowError> {
        let array: ArrayRef = Arc::new(values.into_iter().map(Option::<&i64>::copied).collect::<Int64Array>());
        Ok(match data_type {
            DataType::Int64 => array,
            DataType::Date32 => cast(&cast(&array, &DataType::Int32)?, data_type)?,
            // Without a zone first: a cast to one with a zone would take the numbers for local times.
            DataType::Timestamp(
                unit @ (TimeUnit::Microsecond | TimeUnit::Millisecond | TimeUnit::Nanosecond | TimeUnit::Second),
                zone,
            ) => {
                let plain = cast(&array, &DataType::Timestamp(*unit, None))?;
                with_zone(&plain, *unit, zone.clone())
            }
            other => cast(&array, other)?,
        })
    }
}

/// The same instants, said to be in a zone.
fn with_zone(times: &ArrayRef, unit: TimeUnit, zone: Option<Arc<str>>) -> ArrayRef {
    use arrow::datatypes::{
        TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    };
    match unit {
        TimeUnit::Second => Arc::new(times.as_primitive::<TimestampSecondType>().clone().with_timezone_opt(zone)),
        TimeUnit::Millisecond => {
            Arc::new(times.as_primitive::<TimestampMillisecondType>().clone().with_timezone_opt(zone))
        }
        TimeUnit::Microsecond => {
            Arc::new(times.as_primitive::<TimestampMicrosecondType>().clone().with_timezone_opt(zone))
        }
        TimeUnit::Nanosecond => {
            Arc::new(times.as_primitive::<TimestampNanosecondType>().clone().with_timezone_opt(zone))
        }
    }
}

impl Kind for Float {
    type Array = Float64Array;
    type Value = f64;

    fn array(values: &ArrayRef) -> Result<Float64Array, WindowError> {
        Ok(cast(values, &DataType::Float64)?.as_primitive::<Float64Type>().clone())
    }

    fn value(array: &Float64Array, row: usize) -> f64 {
        array.value(row)
    }

    fn compare(array: &Float64Array, row: usize, other: &f64) -> Ordering {
        array.value(row).total_cmp(other)
    }

    fn compare_values(a: &f64, b: &f64) -> Ordering {
        a.total_cmp(b)
    }

    fn encode(value: &f64, out: &mut Vec<u8>) {
        out.extend_from_slice(&value.to_le_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<f64, WindowError> {
        reader.f64()
    }

    fn build(values: Vec<Option<&f64>>, data_type: &DataType) -> Result<ArrayRef, WindowError> {
        let array: ArrayRef = Arc::new(values.into_iter().map(Option::<&f64>::copied).collect::<Float64Array>());
        Ok(cast(&array, data_type)?)
    }
}

impl Kind for Text {
    type Array = StringArray;
    type Value = Box<str>;

    fn array(values: &ArrayRef) -> Result<StringArray, WindowError> {
        Ok(cast(values, &DataType::Utf8)?.as_string::<i32>().clone())
    }

    fn value(array: &StringArray, row: usize) -> Box<str> {
        array.value(row).into()
    }

    fn compare(array: &StringArray, row: usize, other: &Box<str>) -> Ordering {
        array.value(row).cmp(other)
    }

    fn compare_values(a: &Box<str>, b: &Box<str>) -> Ordering {
        a.cmp(b)
    }

    fn encode(value: &Box<str>, out: &mut Vec<u8>) {
        put_bytes(out, value.as_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Box<str>, WindowError> {
        Ok(reader.text()?.into())
    }

    fn build(values: Vec<Option<&Box<str>>>, _data_type: &DataType) -> Result<ArrayRef, WindowError> {
        Ok(Arc::new(values.into_iter().map(|value| value.map(AsRef::<str>::as_ref)).collect::<StringArray>()))
    }
}
