//! Which columns an ORC file can hold, and in which types it holds them.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, RecordBatch, StringBuilder},
    compute::{CastOptions, cast_with_options},
    datatypes::{DataType, Field, FieldRef, Schema, SchemaRef},
    error::ArrowError,
    json::writer::{EncoderOptions, make_encoder},
};

use crate::{OrcError, types::held};

/// How a table's columns stand in a file.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The types in the file.
    file: SchemaRef,
    /// The columns as whoever reads the table has them.
    table: SchemaRef,
    /// Columns that are written as JSON text.
    texts: Vec<bool>,
}

impl Layout {
    /// The layout of columns of which those called `texts` are written as JSON text, whatever their type.
    ///
    /// # Errors
    /// `Column` where another has a type that the writer lacks.
    pub fn new(schema: &Schema, texts: &[&str]) -> Result<Self, OrcError> {
        let texts: Vec<bool> = schema.fields().iter().map(|field| texts.contains(&field.name().as_str())).collect();
        let mut columns: Vec<FieldRef> = Vec::new();
        let mut table: Vec<FieldRef> = Vec::new();
        for (field, is_text) in schema.fields().iter().zip(&texts) {
            let name = field.name();
            let lacking = || OrcError::Column { column: name.clone(), data_type: field.data_type().clone() };
            let data_type = if *is_text { DataType::Utf8 } else { held(field.data_type()).ok_or_else(lacking)? };
            columns.push(Arc::new(Field::new(name, data_type, true)));
            table.push(match is_text {
                true => Arc::new(Field::new(name, DataType::Utf8, field.is_nullable())),
                false => field.clone(),
            });
        }
        Ok(Self { file: Arc::new(Schema::new(columns)), table: Arc::new(Schema::new(table)), texts })
    }

    /// The columns as whoever reads the table has them: as they were, but for those that are text.
    pub fn table(&self) -> &SchemaRef {
        &self.table
    }

    pub(crate) fn file(&self) -> &SchemaRef {
        &self.file
    }

    /// Rows as the table has them: what is written as text is text.
    ///
    /// # Errors
    /// Where the columns are others.
    pub fn texts(&self, rows: &RecordBatch) -> Result<RecordBatch, OrcError> {
        let columns = rows.columns().iter().zip(&self.texts).map(|(column, is_text)| match is_text {
            true if column.data_type().is_nested() => json_text(column),
            _ => Ok(column.clone()),
        });
        Ok(RecordBatch::try_new(self.table.clone(), columns.collect::<Result<_, ArrowError>>()?)?)
    }

    /// Rows in the types of the file.
    pub(crate) fn rows(&self, rows: &RecordBatch) -> Result<RecordBatch, OrcError> {
        fit(&self.texts(rows)?, &self.file).map_err(OrcError::from)
    }
}

/// The columns of `schema` by their names, in its types. A column that is not there is null.
pub(crate) fn fit(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let columns = schema.fields().iter().map(|field| match rows.column_by_name(field.name()) {
        Some(column) if column.data_type() == field.data_type() => Ok(column.clone()),
        Some(column) => cast_with_options(column, field.data_type(), &strict),
        None => Ok(arrow::array::new_null_array(field.data_type(), rows.num_rows())),
    });
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(schema.clone(), columns.collect::<Result<_, _>>()?, &options)
}

/// Nested values as JSON text.
///
/// # Errors
/// Where a value has no form in JSON.
pub fn json_text(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let field: FieldRef = Arc::new(Field::new("value", column.data_type().clone(), true));
    let options = EncoderOptions::default().with_explicit_nulls(true);
    let mut encoder = make_encoder(&field, column, &options)?;
    let mut texts = StringBuilder::new();
    let mut text = Vec::new();
    for row in 0..column.len() {
        if column.is_null(row) {
            texts.append_null();
            continue;
        }
        text.clear();
        encoder.encode(row, &mut text);
        texts.append_value(std::str::from_utf8(&text).map_err(|error| ArrowError::JsonError(error.to_string()))?);
    }
    Ok(Arc::new(texts.finish()))
}
