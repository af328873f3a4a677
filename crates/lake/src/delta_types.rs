//! Arrow types as the types that Delta Lake has.
//!
//! Delta knows signed numbers, microseconds in UTC, text, bytes and decimals of 38 digits. What comes in as something
//! else is stored as the nearest of them that holds every value, and a query gives it back as it was, by the
//! descriptor of the lake.

use std::sync::Arc;

use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::LakeError;

/// The columns of a Delta table.
///
/// # Errors
/// Where Delta has nothing for a type.
pub(crate) fn schema(schema: &Schema) -> Result<SchemaRef, LakeError> {
    let fields = schema.fields().iter().map(|field| self::field(field));
    Ok(Arc::new(Schema::new(fields.collect::<Result<Vec<_>, LakeError>>()?)))
}

fn field(field: &Field) -> Result<Field, LakeError> {
    let data_type = data_type(field.data_type());
    let data_type = data_type.ok_or_else(|| {
        LakeError::rows(field.name(), format!("it is {}, which Delta Lake has no type for", field.data_type()))
    })?;
    Ok(Field::new(field.name(), data_type, field.is_nullable()))
}

fn data_type(data_type: &DataType) -> Option<DataType> {
    use DataType as T;
    let inner = |field: &Field| self::field(field).ok().map(Arc::new);
    Some(match data_type {
        T::Boolean | T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::Float32 | T::Float64 | T::Date32 => {
            data_type.clone()
        }
        T::Utf8 | T::LargeUtf8 | T::Utf8View => T::Utf8,
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => T::Binary,
        T::UInt8 => T::Int16,
        T::UInt16 => T::Int32,
        T::UInt32 => T::Int64,
        T::UInt64 => T::Decimal128(20, 0),
        T::Float16 => T::Float32,
        T::Timestamp(..) => T::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        T::Time32(_) | T::Time64(_) => T::Int64,
        T::Decimal128(..) => data_type.clone(),
        T::Decimal256(precision, scale) if *precision <= DECIMAL128_MAX_PRECISION => T::Decimal128(*precision, *scale),
        T::Dictionary(_, values) => self::data_type(values)?,
        T::List(item) | T::LargeList(item) => T::List(inner(item)?),
        T::Struct(fields) => T::Struct(fields.iter().map(|field| inner(field)).collect::<Option<Vec<_>>>()?.into()),
        T::Map(..) => data_type.clone(),
        _ => return None,
    })
}
