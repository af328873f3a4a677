//! Rows of a format that knows its types.

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch, StringArray},
    compute,
    datatypes::{DataType, Field},
};

use crate::{
    InferError, ROWS_MAX,
    table::{Cell, Column, Table, is_number},
};

pub(crate) fn read(rows: &RecordBatch) -> Result<Table, InferError> {
    let rows = rows.slice(0, rows.num_rows().min(ROWS_MAX));
    let fields = rows.schema_ref().fields().iter().zip(rows.columns());
    let columns = fields.map(|(field, values)| column(field, values)).collect();
    let count = rows.num_rows();
    Ok(Table { columns, rows: count, typed: Some(rows), ..Table::default() })
}

/// A column, or one within a record.
pub(crate) fn column(field: &Field, values: &ArrayRef) -> Column {
    let as_text = match values.data_type() {
        nested if nested.is_nested() => None,
        DataType::FixedSizeBinary(16) if is_uuid(field) => Some(uuids(values)),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => None,
        plain if compute::can_cast_types(plain, &DataType::Utf8) => compute::cast(values, &DataType::Utf8).ok(),
        _ => None,
    };
    let as_text = as_text.as_ref().and_then(|text| text.as_any().downcast_ref::<StringArray>());
    let cell = |row: usize| match as_text {
        _ if values.is_null(row) => Cell::Missing,
        Some(text) if text.is_null(row) => Cell::Missing,
        Some(text) if is_number(values.data_type()) => Cell::Number(text.value(row).to_owned()),
        Some(text) => Cell::Text(text.value(row).to_owned()),
        None => Cell::Nested(serde_json::Value::Null),
    };
    let cells = (0..values.len()).map(cell).collect();
    let bytes = bytes_in(values) / values.len().max(1);
    Column { name: field.name().clone(), cells, field: Some(field.clone().into()), bytes }
}

/// Whether a column is a uuid in sixteen bytes, as its Avro field or Arrow's extension type says.
pub(crate) fn is_uuid(field: &Field) -> bool {
    field.metadata().values().any(|value| value.contains("\"logicalType\":\"uuid\"") || value == "arrow.uuid")
}

fn uuids(values: &ArrayRef) -> ArrayRef {
    let text = values.as_fixed_size_binary().iter().map(|value| {
        let hex: String = value?.iter().map(|byte| format!("{byte:02x}")).collect();
        Some([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
    });
    std::sync::Arc::new(text.collect::<StringArray>())
}

/// Bytes of images and the like in a column and in what is within it.
fn bytes_in(values: &ArrayRef) -> usize {
    match values.data_type() {
        DataType::Binary => values.as_binary::<i32>().value_data().len(),
        DataType::LargeBinary => values.as_binary::<i64>().value_data().len(),
        DataType::BinaryView => values.as_binary_view().iter().flatten().map(<[u8]>::len).sum(),
        DataType::FixedSizeBinary(size) => values.len() * usize::try_from(*size).unwrap_or_default(),
        DataType::Struct(_) => values.as_struct().columns().iter().map(bytes_in).sum(),
        DataType::List(_) => bytes_in(values.as_list::<i32>().values()),
        DataType::LargeList(_) => bytes_in(values.as_list::<i64>().values()),
        DataType::Map(..) => values.as_map().entries().columns().iter().map(bytes_in).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::{
            BinaryArray, BinaryViewArray, BooleanArray, FixedSizeBinaryArray, Int64Array, LargeBinaryArray,
            LargeListArray, ListArray, StructArray,
        },
        buffer::OffsetBuffer,
    };

    use super::*;

    fn of(values: ArrayRef) -> Column {
        column(&Field::new("a", values.data_type().clone(), true), &values)
    }

    #[test]
    fn cells_are_texts_and_numbers_as_their_types_are() {
        let numbers = of(Arc::new(Int64Array::from(vec![Some(-7), None])));
        assert_eq!(numbers.cells, [Cell::Number("-7".to_owned()), Cell::Missing]);
        let flags = of(Arc::new(BooleanArray::from(vec![true])));
        assert_eq!(flags.cells, [Cell::Text("true".to_owned())]);
        let texts = of(Arc::new(StringArray::from(vec![Some("a"), None])));
        assert_eq!(texts.cells, [Cell::Text("a".to_owned()), Cell::Missing]);
        let bytes = of(Arc::new(BinaryArray::from_vec(vec![b"ab"])));
        assert_eq!(bytes.cells, [Cell::Nested(serde_json::Value::Null)]);
        let sixteen: ArrayRef = Arc::new(FixedSizeBinaryArray::try_from_iter([[1u8; 16]].into_iter()).unwrap());
        assert_eq!(of(sixteen.clone()).cells, [Cell::Nested(serde_json::Value::Null)]);
        let field = Field::new("a", sixteen.data_type().clone(), true);
        let avro = [("avro.field".to_owned(), "{\"logicalType\":\"uuid\"}".to_owned())].into();
        let uuid = column(&field.with_metadata(avro), &sixteen);
        assert_eq!(uuid.cells, [Cell::Text("01010101-0101-0101-0101-010101010101".to_owned())]);
    }

    #[test]
    fn bytes_are_counted_a_row_wherever_they_are() {
        let binary = || -> ArrayRef { Arc::new(BinaryArray::from_vec(vec![&[0; 10], &[0; 20]])) };
        let field = |values: &ArrayRef| Arc::new(Field::new("item", values.data_type().clone(), true));
        let list = |values: ArrayRef| -> ArrayRef {
            Arc::new(ListArray::new(field(&values), OffsetBuffer::from_lengths([2]), values, None))
        };
        let large_list = |values: ArrayRef| -> ArrayRef {
            Arc::new(LargeListArray::new(field(&values), OffsetBuffer::from_lengths([2]), values, None))
        };
        let record = |values: ArrayRef| -> ArrayRef { Arc::new(StructArray::from(vec![(field(&values), values)])) };
        for (values, bytes) in [
            (binary(), 15),
            (Arc::new(LargeBinaryArray::from_vec(vec![&[0; 10], &[0; 20]])) as ArrayRef, 15),
            (Arc::new(BinaryViewArray::from_iter_values([[0u8; 20], [0; 20]])), 20),
            (Arc::new(FixedSizeBinaryArray::try_from_iter([[1u8; 7], [2; 7]].into_iter()).unwrap()), 7),
            (record(binary()), 15),
            (list(binary()), 30),
            (large_list(binary()), 30),
            (Arc::new(Int64Array::from(vec![1, 2])), 0),
            (binary().slice(0, 0), 30),
        ] {
            let name = values.data_type().to_string();
            assert_eq!(of(values).bytes, bytes, "{name}");
        }
    }

    #[test]
    fn the_first_rows_are_looked_at() {
        let rows = |count: i64| {
            let values: ArrayRef = Arc::new(Int64Array::from_iter_values(0..count));
            read(&RecordBatch::try_from_iter([("a", values)]).unwrap()).unwrap()
        };
        assert_eq!((rows(3).rows, rows(10_001).rows, rows(10_001).columns[0].cells.len()), (3, 10_000, 10_000));
    }
}
