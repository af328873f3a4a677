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
