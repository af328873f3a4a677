//! Columns that grow by a value at a time and can be cut back to where they were.
//!
//! Cutting back is what makes a bad message cheap: what it has appended before it turned out bad goes away, and the
//! rows before it stay.

use std::sync::Arc;

use arrow::{
    array::{BooleanBufferBuilder, NullBufferBuilder, StringArray},
    datatypes::{DataType, i256},
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
    pub(crate) data_type: DataType,
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

    /// An empty column of values of a type.
    pub(crate) fn of_site(site: &Site) -> Self {
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
}

impl Values {
    fn of_kind(kind: &Kind) -> Self {
        match kind {
            // Only writers have the latter two, and they become no columns.
            Kind::Null | Kind::Union(_) | Kind::Again(_) => Self::Null(0),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    fn record() -> Record {
        let schema = r#"{"type": "record", "name": "r", "fields": [
            {"name": "n", "type": "null"}, {"name": "l", "type": "long"}, {"name": "s", "type": ["null", "string"]},
            {"name": "f", "type": {"type": "fixed", "name": "f16", "size": 16}},
            {"name": "e", "type": {"type": "enum", "name": "e", "symbols": ["a"]}},
            {"name": "d", "type": {"type": "bytes", "logicalType": "decimal", "precision": 50}},
            {"name": "a", "type": {"type": "array", "items": "int"}}, {"name": "m", "type": {"type": "map", "values": "int"}},
            {"name": "r", "type": ["null", {"type": "record", "name": "inner", "fields": [{"name": "b", "type": "boolean"}]}]}]}"#;
        parse::parse(schema).unwrap()
    }

    fn children(column: &Column) -> &[Column] {
        match &column.values {
            Values::Record { children, .. } => children,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn columns_of_every_type_grow_and_are_cut_back_alike() {
        let mut rows = Column::of_record(&record());
        let lengths = |rows: &Column| {
            let mut lengths: Vec<usize> = children(rows).iter().map(Column::len).collect();
            lengths.push(rows.len());
            lengths.dedup();
            lengths
        };
        for len in 1..=3 {
            rows.push_null();
            assert_eq!(lengths(&rows), [len]);
        }
        rows.truncate(5);
        assert_eq!(lengths(&rows), [3]);
        rows.truncate(1);
        assert_eq!(lengths(&rows), [1]);
    }

    #[test]
    fn room_for_a_batch_is_made_at_once() {
        let mut rows = Column::of_record(&record());
        rows.reserve(1_000);
        for column in children(&rows) {
            let (capacity, wanted) = match &column.values {
                Values::Long(values) => (values.capacity(), 1_000),
                Values::Enum { keys, .. } => (keys.capacity(), 1_000),
                Values::Decimal256(values) => (values.capacity(), 1_000),
                Values::Fixed { data, .. } => (data.capacity(), 16_000),
                Values::Bytes { offsets, .. } | Values::List { offsets, .. } | Values::Map { offsets, .. } => {
                    (offsets.capacity(), 1_000)
                }
                _ => continue,
            };
            assert!(capacity >= wanted, "{capacity} for {:?}", column.data_type);
        }
    }
}
