//! Text cells to typed Arrow columns.
//!
//! Numbers, booleans and times are read as the crates `text` and `times` have it. Any other type that has a text form
//! (decimals, times of day, dictionaries) is read as Arrow's cast reads it, one cell at a time.

use std::str;

use arrow::{
    array::{ArrayRef, BooleanBuilder, PrimitiveBuilder, StringArray, StringBuilder, new_empty_array, new_null_array},
    compute::{self, CastOptions},
    datatypes::{
        ArrowPrimitiveType, DataType, Date32Type, Field, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
        Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
        TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
    error::ArrowError,
};

use text::{boolean, float, float_with_comma, integer};

/// A column being built from cells.
pub(crate) trait Cells: Send {
    /// Takes a cell that is not empty; false where it is not a value of the type, and nothing was added then.
    fn push(&mut self, cell: &[u8]) -> bool;
    fn push_null(&mut self);
    /// The column so far; the next begins empty.
    fn finish(&mut self) -> Result<ArrayRef, ArrowError>;
}

/// Cells of `field`'s type, or `None` where text cannot hold it. `decimal` is the sign before a fraction.
pub(crate) fn cells(field: &Field, decimal: u8) -> Option<Box<dyn Cells>> {
    let data_type = field.data_type();
    Some(match data_type {
        DataType::Float32 if decimal == b',' => {
            primitive::<Float32Type>(data_type, |cell| float_with_comma(cell).map(|value| value as f32))
        }
        DataType::Float64 if decimal == b',' => primitive::<Float64Type>(data_type, float_with_comma),
        DataType::Boolean => Box::new(BooleanBuilder::new()),
        DataType::Utf8 => Box::new(StringBuilder::new()),
        DataType::Int8 => primitive::<Int8Type>(data_type, |cell| integer(cell)?.try_into().ok()),
        DataType::Int16 => primitive::<Int16Type>(data_type, |cell| integer(cell)?.try_into().ok()),
        DataType::Int32 => primitive::<Int32Type>(data_type, |cell| integer(cell)?.try_into().ok()),
        DataType::Int64 => primitive::<Int64Type>(data_type, integer),
        DataType::UInt8 => primitive::<UInt8Type>(data_type, |cell| integer(cell)?.try_into().ok()),
        DataType::UInt16 => primitive::<UInt16Type>(data_type, |cell| integer(cell)?.try_into().ok()),
        DataType::UInt32 => primitive::<UInt32Type>(data_type, |cell| integer(cell)?.try_into().ok()),
        DataType::UInt64 => {
            primitive::<UInt64Type>(data_type, |cell| str::from_utf8(cell.trim_ascii()).ok()?.parse().ok())
        }
        DataType::Float32 => primitive::<Float32Type>(data_type, single),
        DataType::Float64 => primitive::<Float64Type>(data_type, float),
        DataType::Date32 => primitive::<Date32Type>(data_type, |cell| times::parse_date(cell.trim_ascii())),
        DataType::Timestamp(unit, _) => match unit {
            TimeUnit::Second => primitive::<TimestampSecondType>(data_type, |cell| moment(cell, 1)),
            TimeUnit::Millisecond => primitive::<TimestampMillisecondType>(data_type, |cell| moment(cell, 1_000)),
            TimeUnit::Microsecond => primitive::<TimestampMicrosecondType>(data_type, |cell| moment(cell, 1_000_000)),
            TimeUnit::Nanosecond => primitive::<TimestampNanosecondType>(data_type, |cell| moment(cell, 1_000_000_000)),
        },
        nested if nested.is_nested() => return None,
        other if compute::can_cast_types(&DataType::Utf8, other) => {
            Box::new(CastCells { data_type: other.clone(), cells: Vec::new() })
        }
        _ => return None,
    })
}

/// A float of 32 bits, rounded once.
fn single(cell: &[u8]) -> Option<f32> {
    let cell = cell.trim_ascii();
    let value: f32 = fast_float2::parse(cell.strip_prefix(b"+").unwrap_or(cell)).ok()?;
    (value.is_finite() || !cell.iter().any(u8::is_ascii_digit)).then_some(value)
}

fn moment(cell: &[u8], per_second: i64) -> Option<i64> {
    times::parse(cell.trim_ascii())?.in_units(per_second)
}

struct PrimitiveCells<P: ArrowPrimitiveType, F> {
    builder: PrimitiveBuilder<P>,
    parse: F,
}

fn primitive<P: ArrowPrimitiveType>(
    data_type: &DataType,
    parse: impl Fn(&[u8]) -> Option<P::Native> + Send + 'static,
) -> Box<dyn Cells> {
    let builder = PrimitiveBuilder::<P>::new().with_data_type(data_type.clone());
    Box::new(PrimitiveCells { builder, parse })
}

impl<P: ArrowPrimitiveType, F: Fn(&[u8]) -> Option<P::Native> + Send> Cells for PrimitiveCells<P, F> {
    fn push(&mut self, cell: &[u8]) -> bool {
        let value = (self.parse)(cell);
        if let Some(value) = value {
            self.builder.append_value(value);
        }
        value.is_some()
    }

    fn push_null(&mut self) {
        self.builder.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(std::sync::Arc::new(self.builder.finish()))
    }
}

impl Cells for BooleanBuilder {
    fn push(&mut self, cell: &[u8]) -> bool {
        let value = boolean(cell);
        if let Some(value) = value {
            self.append_value(value);
        }
        value.is_some()
    }

    fn push_null(&mut self) {
        self.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(std::sync::Arc::new(BooleanBuilder::finish(self)))
    }
}

impl Cells for StringBuilder {
    fn push(&mut self, cell: &[u8]) -> bool {
        let text = str::from_utf8(cell);
        if let Ok(text) = text {
            self.append_value(text);
        }
        text.is_ok()
    }

    fn push_null(&mut self) {
        self.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(std::sync::Arc::new(StringBuilder::finish(self)))
    }
}

/// Cells of a type that is not worth a parser of its own.
struct CastCells {
    data_type: DataType,
    cells: Vec<ArrayRef>,
}

impl Cells for CastCells {
    fn push(&mut self, cell: &[u8]) -> bool {
        let Ok(text) = str::from_utf8(cell.trim_ascii()) else { return false };
        let text = StringArray::from(vec![text]);
        let value =
            compute::cast_with_options(&text, &self.data_type, &CastOptions { safe: false, ..Default::default() });
        let good = value.as_ref().is_ok_and(|value| value.null_count() == 0);
        self.cells.extend(value.ok().filter(|_| good));
        good
    }

    fn push_null(&mut self) {
        self.cells.push(new_null_array(&self.data_type, 1));
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let cells = std::mem::take(&mut self.cells);
        if cells.is_empty() {
            return Ok(new_empty_array(&self.data_type));
        }
        compute::concat(&cells.iter().map(AsRef::as_ref).collect::<Vec<_>>())
    }
}

/// How a type is called in a message.
pub(crate) fn type_name(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "a boolean",
        DataType::Utf8 => "UTF-8 text",
        DataType::Float32 | DataType::Float64 => "a number",
        DataType::Timestamp(..) => "a time",
        DataType::Date32 | DataType::Date64 => "a date",
        data_type if data_type.is_integer() => "a whole number in range",
        _ => "a value of the column's type",
    }
}
