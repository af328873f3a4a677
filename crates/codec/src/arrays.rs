//! Grown columns as Arrow arrays, without copying.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, DictionaryArray, FixedSizeBinaryArray, ListArray,
        MapArray, NullArray, NullBufferBuilder, PrimitiveArray, StringArray, StructArray,
    },
    buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer},
    datatypes::{
        DataType, Date32Type, Decimal128Type, Decimal256Type, Field, Float32Type, Float64Type, Int32Type, Int64Type,
        Time32MillisecondType, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
        TimestampNanosecondType,
    },
    error::ArrowError,
};

use crate::columns::{Column, Values};

impl Column {
    /// The columns of a record's rows, which leaves none here.
    pub(crate) fn take_children(&mut self) -> Result<Vec<ArrayRef>, ArrowError> {
        match &mut self.values {
            Values::Record { len, children } => {
                *len = 0;
                children.iter_mut().map(Self::take).collect()
            }
            _ => Err(ArrowError::SchemaError("only a record has columns".into())),
        }
    }

    /// The values as an array, which leaves none here.
    fn take(&mut self) -> Result<ArrayRef, ArrowError> {
        let nulls = self.nulls.as_mut().and_then(NullBufferBuilder::finish);
        let data_type = &self.data_type;
        Ok(match &mut self.values {
            Values::Null(len) => Arc::new(NullArray::new(std::mem::take(len))),
            Values::Boolean(bits) => Arc::new(BooleanArray::new(bits.finish(), nulls)),
            Values::Int(values) => ints(std::mem::take(values), nulls, data_type)?,
            Values::Long(values) => longs(std::mem::take(values), nulls, data_type)?,
            Values::Float(values) => primitive::<Float32Type>(std::mem::take(values), nulls, data_type)?,
            Values::Double(values) => primitive::<Float64Type>(std::mem::take(values), nulls, data_type)?,
            Values::Bytes { offsets, data } => {
                let (offsets, data) = (take_offsets(offsets), Buffer::from(std::mem::take(data)));
                match data_type {
                    DataType::Utf8 => Arc::new(StringArray::try_new(offsets, data, nulls)?),
                    _ => Arc::new(BinaryArray::try_new(offsets, data, nulls)?),
                }
            }
            Values::Fixed { size, data } => {
                let data = Buffer::from(std::mem::take(data));
                Arc::new(FixedSizeBinaryArray::try_new(*size as i32, data, nulls)?)
            }
            Values::Decimal128(values) => primitive::<Decimal128Type>(std::mem::take(values), nulls, data_type)?,
            Values::Decimal256(values) => primitive::<Decimal256Type>(std::mem::take(values), nulls, data_type)?,
            Values::Enum { keys, symbols } => {
                let keys = PrimitiveArray::<Int32Type>::try_new(std::mem::take(keys).into(), nulls)?;
                Arc::new(DictionaryArray::try_new(keys, symbols.clone())?)
            }
            Values::List { offsets, items } => match data_type {
                DataType::List(field) => {
                    Arc::new(ListArray::try_new(field.clone(), take_offsets(offsets), items.take()?, nulls)?)
                }
                other => return Err(mismatch(other)),
            },
            Values::Map { offsets, keys, values } => match data_type {
                DataType::Map(field, sorted) => {
                    let entries = StructArray::try_new(children_of(field)?, vec![keys.take()?, values.take()?], None)?;
                    Arc::new(MapArray::try_new(field.clone(), take_offsets(offsets), entries, nulls, *sorted)?)
                }
                other => return Err(mismatch(other)),
            },
            Values::Record { len, children } => match data_type {
                DataType::Struct(fields) => {
                    *len = 0;
                    let children = children.iter_mut().map(Self::take).collect::<Result<_, _>>()?;
                    Arc::new(StructArray::try_new(fields.clone(), children, nulls)?)
                }
                other => return Err(mismatch(other)),
            },
        })
    }
}

fn take_offsets(offsets: &mut Vec<i32>) -> OffsetBuffer<i32> {
    OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(offsets, vec![0])))
}

fn primitive<T: ArrowPrimitiveType>(
    values: Vec<T::Native>,
    nulls: Option<NullBuffer>,
    data_type: &DataType,
) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(PrimitiveArray::<T>::try_new(values.into(), nulls)?.with_data_type(data_type.clone())))
}

fn ints(values: Vec<i32>, nulls: Option<NullBuffer>, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    match data_type {
        DataType::Int32 => primitive::<Int32Type>(values, nulls, data_type),
        DataType::Date32 => primitive::<Date32Type>(values, nulls, data_type),
        DataType::Time32(TimeUnit::Millisecond) => primitive::<Time32MillisecondType>(values, nulls, data_type),
        other => Err(mismatch(other)),
    }
}

fn longs(values: Vec<i64>, nulls: Option<NullBuffer>, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    match data_type {
        DataType::Int64 => primitive::<Int64Type>(values, nulls, data_type),
        DataType::Time64(TimeUnit::Microsecond) => primitive::<Time64MicrosecondType>(values, nulls, data_type),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            primitive::<TimestampMillisecondType>(values, nulls, data_type)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            primitive::<TimestampMicrosecondType>(values, nulls, data_type)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => primitive::<TimestampNanosecondType>(values, nulls, data_type),
        other => Err(mismatch(other)),
    }
}

fn children_of(field: &Field) -> Result<arrow::datatypes::Fields, ArrowError> {
    match field.data_type() {
        DataType::Struct(fields) => Ok(fields.clone()),
        other => Err(mismatch(other)),
    }
}

fn mismatch(data_type: &DataType) -> ArrowError {
    ArrowError::SchemaError(format!("a column's values do not go with its type {data_type}"))
}
