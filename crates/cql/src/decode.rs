//! Pages of a CQL answer as rows.

use std::{io::Cursor, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal256Builder, Float32Builder,
        Float64Builder, Int32Builder, Int64Array, Int64Builder, RecordBatch, RecordBatchOptions, StringArray,
        StringBuilder, Time64NanosecondBuilder,
    },
    compute::cast,
    datatypes::{DECIMAL256_MAX_PRECISION, DataType, Field, Schema, SchemaRef, TimeUnit},
    json::ReaderBuilder,
};
use scylla::{deserialize::row::ColumnIterator, response::query_result::QueryRowsResult};

use crate::{
    CqlError,
    cells::{DATE_ZERO, NESTED, from_varint},
    kind::Kind,
};

/// Rows of a page, with the columns of `schema` in the order of the page's.
pub(crate) fn rows(page: &QueryRowsResult, schema: &SchemaRef) -> Result<RecordBatch, CqlError> {
    let count = page.rows_num();
    let mut columns: Vec<Builder> =
        schema.fields().iter().map(|field| Builder::new(field)).collect::<Result<_, CqlError>>()?;
    let failed = |error: &dyn ToString| CqlError::value("*", error.to_string());
    for row in page.rows::<ColumnIterator<'_, '_>>().map_err(|error| failed(&error))? {
        let mut cells = row.map_err(|error| failed(&error))?;
        for (column, field) in columns.iter_mut().zip(schema.fields()) {
            let cell = cells.next().ok_or_else(|| CqlError::value(field.name(), "it is missing"))?;
            let cell = cell.map_err(|error| CqlError::value(field.name(), error))?;
            column.append(cell.slice.map(|slice| slice.as_slice()), field)?;
        }
    }
    let arrays = columns.into_iter().zip(schema.fields()).map(|(column, field)| column.finish(field));
    let options = RecordBatchOptions::new().with_row_count(Some(count));
    RecordBatch::try_new_with_options(schema.clone(), arrays.collect::<Result<_, _>>()?, &options)
        .map_err(|error| failed(&error))
}

/// Collects the values of a column.
enum Builder {
    Boolean(BooleanBuilder),
    Int(Int32Builder),
    BigInt(Int64Builder),
    Float(Float32Builder),
    Double(Float64Builder),
    Text(StringBuilder),
    Json(StringBuilder),
    Blob(BinaryBuilder),
    Timestamp(Int64Builder),
    Date(Date32Builder),
    Time(Time64NanosecondBuilder),
    Decimal(Decimal256Builder, i8),
}

impl Builder {
    fn new(field: &Field) -> Result<Self, CqlError> {
        let kind = Kind::of(field.data_type());
        let kind = kind.ok_or_else(|| CqlError::value(field.name(), format!("CQL has no {}", field.data_type())))?;
        Ok(match kind {
            Kind::Boolean => Self::Boolean(BooleanBuilder::new()),
            Kind::Int => Self::Int(Int32Builder::new()),
            Kind::BigInt => Self::BigInt(Int64Builder::new()),
            Kind::Float => Self::Float(Float32Builder::new()),
            Kind::Double => Self::Double(Float64Builder::new()),
            Kind::Text => Self::Text(StringBuilder::new()),
            Kind::Json => Self::Json(StringBuilder::new()),
            Kind::Blob => Self::Blob(BinaryBuilder::new()),
            Kind::Timestamp => Self::Timestamp(Int64Builder::new()),
            Kind::Date => Self::Date(Date32Builder::new()),
            Kind::Time => Self::Time(Time64NanosecondBuilder::new()),
            Kind::Decimal(scale) => {
                let data_type = DataType::Decimal256(DECIMAL256_MAX_PRECISION, scale);
                Self::Decimal(Decimal256Builder::new().with_data_type(data_type), scale)
            }
        })
    }

    fn append(&mut self, cell: Option<&[u8]>, field: &Field) -> Result<(), CqlError> {
        let wrong = || CqlError::value(field.name(), "its bytes are not a value of its type");
        fn number<const N: usize>(cell: Option<&[u8]>) -> Option<Option<[u8; N]>> {
            match cell {
                None => Some(None),
                Some(bytes) => bytes.try_into().ok().map(Some),
            }
        }
        match self {
            Self::Boolean(values) => {
                values.append_option(number::<1>(cell).ok_or_else(wrong)?.map(|[byte]| byte != 0));
            }
            Self::Int(values) => values.append_option(number(cell).ok_or_else(wrong)?.map(i32::from_be_bytes)),
            Self::BigInt(values) | Self::Timestamp(values) => {
                values.append_option(number(cell).ok_or_else(wrong)?.map(i64::from_be_bytes));
            }
            Self::Float(values) => values.append_option(number(cell).ok_or_else(wrong)?.map(f32::from_be_bytes)),
            Self::Double(values) => values.append_option(number(cell).ok_or_else(wrong)?.map(f64::from_be_bytes)),
            Self::Text(values) | Self::Json(values) => {
                values.append_option(cell.map(std::str::from_utf8).transpose().map_err(|_| wrong())?);
            }
            Self::Blob(values) => values.append_option(cell),
            Self::Date(values) => {
                let day = number(cell).ok_or_else(wrong)?.map(u32::from_be_bytes);
                values.append_option(day.map(|day| (i64::from(day) - DATE_ZERO) as i32));
            }
            Self::Time(values) => values.append_option(number(cell).ok_or_else(wrong)?.map(i64::from_be_bytes)),
            Self::Decimal(values, scale) => {
                let read = |bytes: &[u8]| {
                    let (found, unscaled) = bytes.split_first_chunk::<4>()?;
                    (i32::from_be_bytes(*found) == i32::from(*scale)).then(|| from_varint(unscaled))?
                };
                values.append_option(cell.map(|bytes| read(bytes).ok_or_else(wrong)).transpose()?);
            }
        }
        Ok(())
    }

    fn finish(self, field: &Field) -> Result<ArrayRef, CqlError> {
        let values: ArrayRef = match self {
            Self::Boolean(mut values) => Arc::new(values.finish()),
            Self::Int(mut values) => Arc::new(values.finish()),
            Self::BigInt(mut values) => Arc::new(values.finish()),
            Self::Float(mut values) => Arc::new(values.finish()),
            Self::Double(mut values) => Arc::new(values.finish()),
            Self::Text(mut values) => Arc::new(values.finish()),
            Self::Json(mut values) => return json(&values.finish(), field),
            Self::Blob(mut values) => Arc::new(values.finish()),
            Self::Timestamp(mut values) => millis(values.finish()),
            Self::Date(mut values) => Arc::new(values.finish()),
            Self::Time(mut values) => Arc::new(values.finish()),
            Self::Decimal(mut values, _) => Arc::new(values.finish()),
        };
        cast(&values, field.data_type()).map_err(|error| CqlError::value(field.name(), error))
    }
}

fn millis(values: Int64Array) -> ArrayRef {
    let utc = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    // An i64 is a timestamp as it is.
    cast(&values, &utc).unwrap_or_else(|_| Arc::new(values))
}

/// Nested values out of their JSON objects.
fn json(values: &StringArray, field: &Field) -> Result<ArrayRef, CqlError> {
    let failed = |error: arrow::error::ArrowError| CqlError::value(field.name(), error);
    let schema = Arc::new(Schema::new(vec![Field::new(NESTED, field.data_type().clone(), true)]));
    let mut lines = String::new();
    for value in values {
        lines.push_str(value.unwrap_or("{\"v\":null}"));
        lines.push('\n');
    }
    let mut reader =
        ReaderBuilder::new(schema).with_batch_size(values.len().max(1)).build(Cursor::new(lines)).map_err(failed)?;
    match reader.next() {
        Some(rows) => Ok(rows.map_err(failed)?.column(0).clone()),
        None => Ok(arrow::array::new_empty_array(field.data_type())),
    }
}
