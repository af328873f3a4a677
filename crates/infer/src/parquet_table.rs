//! Rows of a format that knows its types.

use arrow::{
    array::{Array, RecordBatch, StringArray},
    compute,
    datatypes::DataType,
};

use crate::{
    InferError, ROWS_MAX,
    table::{Cell, Column, Table, is_number},
};

pub(crate) fn read(rows: &RecordBatch) -> Result<Table, InferError> {
    let rows = rows.slice(0, rows.num_rows().min(ROWS_MAX));
    let mut columns = Vec::with_capacity(rows.num_columns());
    for (field, values) in rows.schema_ref().fields().iter().zip(rows.columns()) {
        let text = match compute::can_cast_types(values.data_type(), &DataType::Utf8) && !values.data_type().is_nested()
        {
            true => compute::cast(values, &DataType::Utf8).ok(),
            false => None,
        };
        let text = text.as_ref().and_then(|text| text.as_any().downcast_ref::<StringArray>());
        let cell = |row: usize| match text {
            _ if values.is_null(row) => Cell::Missing,
            Some(text) if text.is_null(row) => Cell::Missing,
            Some(text) if is_number(values.data_type()) => Cell::Number(text.value(row).to_owned()),
            Some(text) => Cell::Text(text.value(row).to_owned()),
            None => Cell::Nested(serde_json::Value::Null),
        };
        let cells = (0..rows.num_rows()).map(cell).collect();
        columns.push(Column { name: field.name().clone(), cells, field: Some(field.clone()) });
    }
    let count = rows.num_rows();
    Ok(Table { columns, rows: count, typed: Some(rows), ..Table::default() })
}
