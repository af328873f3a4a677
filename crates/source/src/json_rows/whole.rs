//! Whole numbers of JSON: read as decimals with a fraction, so that one that is not zero is noticed wherever it stands.

use std::{ops::RangeInclusive, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{DataType, Decimal128Type, FieldRef},
};

/// Digits behind the point; 19 fit before it, and so does every 64-bit number.
const FRACTION_DIGITS: i8 = 18;
const ONE: i128 = 10i128.pow(FRACTION_DIGITS as u32);

/// The type with decimals in place of whole numbers, also within records, arrays and maps.
pub(super) fn with_decimals(data_type: &DataType) -> DataType {
    let within = |field: &FieldRef| {
        let field = field.as_ref().clone();
        let inner = with_decimals(field.data_type());
        Arc::new(field.with_data_type(inner))
    };
    match data_type {
        integer if integer.is_integer() => DataType::Decimal128(38, FRACTION_DIGITS),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(within).collect()),
        DataType::List(items) => DataType::List(within(items)),
        DataType::Map(entries, sorted) => DataType::Map(within(entries), *sorted),
        other => other.clone(),
    }
}

/// Rows of a column that have a number which is not a whole one of the wanted type, and the first such number.
pub(super) fn not_whole(column: &ArrayRef, wanted: &DataType) -> Vec<(usize, String)> {
    match with_decimals(wanted) == *wanted {
        true => Vec::new(),
        false => (0..column.len()).filter_map(|row| Some((row, first(column, row, wanted)?))).collect(),
    }
}

fn first(values: &dyn Array, row: usize, wanted: &DataType) -> Option<String> {
    if values.is_null(row) {
        return None;
    }
    match wanted {
        DataType::Struct(fields) => {
            let mut columns = values.as_struct().columns().iter().zip(fields);
            columns.find_map(|(column, field)| first(column, row, field.data_type()))
        }
        DataType::List(items) => any(&values.as_list::<i32>().value(row), items.data_type()),
        DataType::Map(entries, _) => any(&values.as_map().value(row), entries.data_type()),
        integer if integer.is_integer() => {
            let decimals = values.as_primitive_opt::<Decimal128Type>()?;
            let value = decimals.value(row);
            let is_whole = value % ONE == 0 && range(integer).contains(&(value / ONE));
            let text = || decimals.value_as_string(row).trim_end_matches('0').trim_end_matches('.').to_owned();
            (!is_whole).then(text)
        }
        _ => None,
    }
}

fn any(values: &dyn Array, wanted: &DataType) -> Option<String> {
    (0..values.len()).find_map(|row| first(values, row, wanted))
}

/// The numbers of a type.
fn range(integer: &DataType) -> RangeInclusive<i128> {
    match integer {
        DataType::Int8 => i8::MIN.into()..=i8::MAX.into(),
        DataType::Int16 => i16::MIN.into()..=i16::MAX.into(),
        DataType::Int32 => i32::MIN.into()..=i32::MAX.into(),
        DataType::UInt8 => 0..=u8::MAX.into(),
        DataType::UInt16 => 0..=u16::MAX.into(),
        DataType::UInt32 => 0..=u32::MAX.into(),
        DataType::UInt64 => 0..=u64::MAX.into(),
        _ => i64::MIN.into()..=i64::MAX.into(),
    }
}
