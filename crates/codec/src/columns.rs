//! Columns that grow by a value at a time and can be cut back to where they were.
//!
//! Cutting back is what makes a bad message cheap: what it has appended before it turned out bad goes away, and the
//! rows before it stay.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, BooleanBufferBuilder, DictionaryArray,
        FixedSizeBinaryArray, ListArray, MapArray, NullArray, NullBufferBuilder, PrimitiveArray, StringArray,
        StructArray,
    },
    buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer},
    datatypes::{
        DataType, Date32Type, Decimal128Type, Decimal256Type, Field, Float32Type, Float64Type, Int32Type, Int64Type,
        Time32MillisecondType, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
        TimestampNanosecondType, i256,
    },
    error::ArrowError,
};

use crate::{
    avro::{Kind, Record, Site},
    types,
};

/// A column that grows.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) values: Values,
    /// `None` where the column cannot hold nulls.
    pub(crate) nulls: Option<NullBufferBuilder>,
    data_type: DataType,
}

/// A column's values, nulls among them as zeros or nothing.
#[derive(Debug)]
pub(crate) enum Values {
    Null(usize),
    Boolean(BooleanBufferBuilder),
    Int(Vec<i32>),
    Long(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    /// Binary and Utf8.
    Bytes {
        offsets: Vec<i32>,
        data: Vec<u8>,
    },
    Fixed {
        size: usize,
        data: Vec<u8>,
    },
    Decimal128(Vec<i128>),
    Decimal256(Vec<i256>),
    /// Indices of the symbols, which all batches share.
    Enum {
        keys: Vec<i32>,
        symbols: Arc<StringArray>,
    },
    List {
        offsets: Vec<i32>,
        items: Box<Column>,
    },
    Map {
        offsets: Vec<i32>,
        keys: Box<Column>,
        values: Box<Column>,
    },
    Record {
        len: usize,
        children: Vec<Column>,
    },
}

impl Column {
    /// An empty column of a record's rows.
    pub(crate) fn of_record(record: &Record) -> Self {
        let children = record.fields.iter().map(|field| Self::of_site(&field.site)).collect();
        let data_type = DataType::Struct(types::fields(record));
        Self { values: Values::Record { len: 0, children }, nulls: None, data_type }
    }

    fn of_site(site: &Site) -> Self {
        let nulls = site.null.is_some().then(|| NullBufferBuilder::new(0));
        Self { values: Values::of_kind(&site.kind), nulls, data_type: types::data_type(&site.kind) }
    }

    /// How many values it has.
    pub(crate) fn len(&self) -> usize {
        match &self.values {
            Values::Null(len) | Values::Record { len, .. } => *len,
            Values::Boolean(bits) => bits.len(),
            Values::Int(values) | Values::Enum { keys: values, .. } => values.len(),
            Values::Long(values) => values.len(),
            Values::Float(values) => values.len(),
            Values::Double(values) => values.len(),
            Values::Bytes { offsets, .. } | Values::List { offsets, .. } | Values::Map { offsets, .. } => {
                offsets.len() - 1
            }
            Values::Fixed { size, data } => data.len() / size,
            Values::Decimal128(values) => values.len(),
            Values::Decimal256(values) => values.len(),
        }
    }

    /// Room for so many more values.
    pub(crate) fn reserve(&mut self, rows: usize) {
        match &mut self.values {
            Values::Null(_) => {}
            Values::Boolean(bits) => bits.reserve(rows),
            Values::Int(values) | Values::Enum { keys: values, .. } => values.reserve(rows),
            Values::Long(values) => values.reserve(rows),
            Values::Float(values) => values.reserve(rows),
            Values::Double(values) => values.reserve(rows),
            Values::Bytes { offsets, .. } | Values::List { offsets, .. } | Values::Map { offsets, .. } => {
                offsets.reserve(rows)
            }
            Values::Fixed { size, data } => data.reserve(rows * *size),
            Values::Decimal128(values) => values.reserve(rows),
            Values::Decimal256(values) => values.reserve(rows),
            Values::Record { children, .. } => children.iter_mut().for_each(|child| child.reserve(rows)),
        }
    }

    /// Appends a null, or what stands for one beneath a null record.
    pub(crate) fn push_null(&mut self) {
        if let Some(nulls) = &mut self.nulls {
            nulls.append_null();
        }
        let again = |offsets: &mut Vec<i32>| offsets.push(offsets.last().copied().unwrap_or_default());
        match &mut self.values {
            Values::Null(len) => *len += 1,
            Values::Boolean(bits) => bits.append(false),
            Values::Int(values) | Values::Enum { keys: values, .. } => values.push(0),
            Values::Long(values) => values.push(0),
            Values::Float(values) => values.push(0.0),
            Values::Double(values) => values.push(0.0),
            Values::Bytes { offsets, .. } | Values::List { offsets, .. } | Values::Map { offsets, .. } => {
                again(offsets)
            }
            Values::Fixed { size, data } => data.resize(data.len() + *size, 0),
            Values::Decimal128(values) => values.push(0),
            Values::Decimal256(values) => values.push(i256::ZERO),
            Values::Record { len, children } => {
                *len += 1;
                children.iter_mut().for_each(Self::push_null);
            }
        }
    }

    /// Drops all values from `len` on; a column that has fewer stays as it is.
    pub(crate) fn truncate(&mut self, len: usize) {
        if let Some(nulls) = &mut self.nulls {
            nulls.truncate(len);
        }
        match &mut self.values {
            Values::Null(rows) => *rows = len.min(*rows),
            Values::Boolean(bits) => bits.truncate(len),
            Values::Int(values) | Values::Enum { keys: values, .. } => values.truncate(len),
            Values::Long(values) => values.truncate(len),
            Values::Float(values) => values.truncate(len),
            Values::Double(values) => values.truncate(len),
            Values::Bytes { offsets, data } => data.truncate(cut(offsets, len)),
            Values::Fixed { size, data } => data.truncate(len * *size),
            Values::Decimal128(values) => values.truncate(len),
            Values::Decimal256(values) => values.truncate(len),
            Values::List { offsets, items } => items.truncate(cut(offsets, len)),
            Values::Map { offsets, keys, values } => {
                let end = cut(offsets, len);
                keys.truncate(end);
                values.truncate(end);
            }
            Values::Record { len: rows, children } => {
                *rows = len.min(*rows);
                children.iter_mut().for_each(|child| child.truncate(len));
            }
        }
    }

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

impl Values {
    fn of_kind(kind: &Kind) -> Self {
        match kind {
            Kind::Null => Self::Null(0),
            Kind::Boolean => Self::Boolean(BooleanBufferBuilder::new(0)),
            Kind::Int(_) => Self::Int(Vec::new()),
            Kind::Long(_) => Self::Long(Vec::new()),
            Kind::Float => Self::Float(Vec::new()),
            Kind::Double => Self::Double(Vec::new()),
            Kind::Bytes | Kind::String { .. } => Self::Bytes { offsets: vec![0], data: Vec::new() },
            Kind::Decimal(_) | Kind::Fixed(_) => match (types::data_type(kind), kind) {
                (DataType::Decimal128(..), _) => Self::Decimal128(Vec::new()),
                (_, Kind::Fixed(fixed)) if !matches!(types::data_type(kind), DataType::Decimal256(..)) => {
                    Self::Fixed { size: fixed.size, data: Vec::new() }
                }
                _ => Self::Decimal256(Vec::new()),
            },
            Kind::Enum(symbols) => {
                Self::Enum { keys: Vec::new(), symbols: Arc::new(StringArray::from_iter_values(&symbols.symbols)) }
            }
            Kind::Record(record) => Self::Record {
                len: 0,
                children: record.fields.iter().map(|field| Column::of_site(&field.site)).collect(),
            },
            Kind::Array(items) => Self::List { offsets: vec![0], items: Box::new(Column::of_site(items)) },
            Kind::Map(values) => Self::Map {
                offsets: vec![0],
                keys: Box::new(Column::of_site(&Site::required(Kind::String { uuid: false }))),
                values: Box::new(Column::of_site(values)),
            },
        }
    }
}

/// Cuts offsets back to `len` values and says where the last one ends.
fn cut(offsets: &mut Vec<i32>, len: usize) -> usize {
    offsets.truncate(len + 1);
    offsets.last().copied().unwrap_or_default() as usize
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
