//! Columns of rows as values on the wire, straight out of the arrays.

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal256Array, Float32Array, Float64Array,
        Int32Array, Int64Array, RecordBatch, StringArray, Time64NanosecondArray,
    },
    compute::{CastOptions, cast_with_options},
    datatypes::{
        DataType, Date32Type, Decimal256Type, Field, Float32Type, Float64Type, Int32Type, Int64Type, Schema,
        Time64NanosecondType, TimeUnit, i256,
    },
    json::writer::{LineDelimited, WriterBuilder},
};
use scylla::serialize::writers::{CellOverflowError, CellWriter};

use crate::{CqlError, kind::Kind};

/// The name under which a nested value stands in its JSON object.
pub(crate) const NESTED: &str = "v";
/// Day 0 of a CQL date is this many days before 1970.
pub(crate) const DATE_ZERO: i64 = 1 << 31;

/// A column ready to be written.
#[derive(Debug)]
pub(crate) enum Cells {
    Boolean(BooleanArray),
    Int(Int32Array),
    BigInt(Int64Array),
    Float(Float32Array),
    Double(Float64Array),
    Text(StringArray),
    Blob(BinaryArray),
    Date(Date32Array),
    Time(Time64NanosecondArray),
    Decimal(Decimal256Array, i8),
}

impl Cells {
    /// The values of a column.
    ///
    /// # Errors
    /// `Value` where one cannot be held as the column's CQL type.
    pub(crate) fn of(field: &Field, values: &ArrayRef) -> Result<Self, CqlError> {
        let failed = |message: String| CqlError::value(field.name(), message);
        let kind =
            Kind::of(field.data_type()).ok_or_else(|| failed(format!("CQL has no type for {}", field.data_type())))?;
        if kind == Kind::Json {
            return Ok(Self::Text(json(field, values)?));
        }
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        let cast = |values: &ArrayRef, data_type: &DataType| {
            cast_with_options(values, data_type, &strict).map_err(|error| failed(error.to_string()))
        };
        let values = match (kind, values.data_type()) {
            (Kind::Timestamp, DataType::Timestamp(TimeUnit::Second, zone)) => {
                cast(&cast(values, &DataType::Timestamp(TimeUnit::Millisecond, zone.clone()))?, &DataType::Int64)?
            }
            _ => cast(values, &kind.canonical())?,
        };
        Ok(match kind {
            Kind::Boolean => Self::Boolean(values.as_boolean().clone()),
            Kind::Int => Self::Int(values.as_primitive::<Int32Type>().clone()),
            Kind::BigInt | Kind::Timestamp => Self::BigInt(values.as_primitive::<Int64Type>().clone()),
            Kind::Float => Self::Float(values.as_primitive::<Float32Type>().clone()),
            Kind::Double => Self::Double(values.as_primitive::<Float64Type>().clone()),
            Kind::Text | Kind::Json => Self::Text(values.as_string::<i32>().clone()),
            Kind::Blob => Self::Blob(values.as_binary::<i32>().clone()),
            Kind::Date => Self::Date(values.as_primitive::<Date32Type>().clone()),
            Kind::Time => Self::Time(values.as_primitive::<Time64NanosecondType>().clone()),
            Kind::Decimal(scale) => Self::Decimal(values.as_primitive::<Decimal256Type>().clone(), scale),
        })
    }

    pub(crate) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Boolean(values) => values.is_null(row),
            Self::Int(values) => values.is_null(row),
            Self::BigInt(values) => values.is_null(row),
            Self::Float(values) => values.is_null(row),
            Self::Double(values) => values.is_null(row),
            Self::Text(values) => values.is_null(row),
            Self::Blob(values) => values.is_null(row),
            Self::Date(values) => values.is_null(row),
            Self::Time(values) => values.is_null(row),
            Self::Decimal(values, _) => values.is_null(row),
        }
    }

    /// Writes the value of a row that is not null.
    pub(crate) fn write(&self, row: usize, cell: CellWriter<'_>) -> Result<(), CellOverflowError> {
        match self {
            Self::Boolean(values) => cell.set_value(&[u8::from(values.value(row))]),
            Self::Int(values) => cell.set_value(&values.value(row).to_be_bytes()),
            Self::BigInt(values) => cell.set_value(&values.value(row).to_be_bytes()),
            Self::Float(values) => cell.set_value(&values.value(row).to_be_bytes()),
            Self::Double(values) => cell.set_value(&values.value(row).to_be_bytes()),
            Self::Text(values) => cell.set_value(values.value(row).as_bytes()),
            Self::Blob(values) => cell.set_value(values.value(row)),
            Self::Date(values) => {
                // Every day of an i32 has its place in the unsigned 32 bits of a CQL date.
                let day = (i64::from(values.value(row)) + DATE_ZERO) as u32;
                cell.set_value(&day.to_be_bytes())
            }
            Self::Time(values) => cell.set_value(&values.value(row).to_be_bytes()),
            Self::Decimal(values, scale) => {
                let mut bytes = i32::from(*scale).to_be_bytes().to_vec();
                bytes.extend_from_slice(varint(&values.value(row).to_be_bytes()));
                cell.set_value(&bytes)
            }
        }?;
        Ok(())
    }
}

/// The shortest two's complement of the same number.
fn varint(bytes: &[u8; 32]) -> &[u8] {
    let sign = if bytes[0] & 0x80 == 0 { 0 } else { 0xff };
    let spare = bytes.windows(2).take_while(|pair| pair[0] == sign && (pair[1] ^ sign) & 0x80 == 0).count();
    &bytes[spare..]
}

/// A number of at most 32 bytes in two's complement.
pub(crate) fn from_varint(bytes: &[u8]) -> Option<i256> {
    let first = *bytes.first()?;
    let mut whole = [if first & 0x80 == 0 { 0 } else { 0xff }; 32];
    let begin = 32_usize.checked_sub(bytes.len())?;
    whole[begin..].copy_from_slice(bytes);
    Some(i256::from_be_bytes(whole))
}

/// Nested values as JSON objects, a text each.
fn json(field: &Field, values: &ArrayRef) -> Result<StringArray, CqlError> {
    let failed = |error: arrow::error::ArrowError| CqlError::value(field.name(), error);
    let schema = Schema::new(vec![Field::new(NESTED, field.data_type().clone(), true)]);
    let rows = RecordBatch::try_new(schema.into(), vec![values.clone()]).map_err(failed)?;
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(Vec::new());
    writer.write(&rows).map_err(failed)?;
    writer.finish().map_err(failed)?;
    let text = writer.into_inner();
    let text = std::str::from_utf8(&text).map_err(|error| CqlError::value(field.name(), error))?;
    let lines = text.lines().enumerate();
    Ok(lines.map(|(row, line)| values.is_valid(row).then_some(line)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_short_as_they_can_be_and_come_back() {
        let cases: [(i128, &[u8]); 7] = [
            (0, &[0]),
            (127, &[0x7f]),
            (128, &[0, 0x80]),
            (-1, &[0xff]),
            (-128, &[0x80]),
            (-129, &[0xff, 0x7f]),
            (256, &[1, 0]),
        ];
        for (number, expected) in cases {
            let bytes = i256::from_i128(number).to_be_bytes();
            assert_eq!(varint(&bytes), expected, "{number}");
            assert_eq!(from_varint(expected), Some(i256::from_i128(number)), "{number}");
        }
        assert_eq!(varint(&i256::MIN.to_be_bytes()).len(), 32);
        assert_eq!(from_varint(&[]), None);
        assert_eq!(from_varint(&[0; 33]), None);
    }
}
