//! Columns looked up in a reference table.

use arrow::{array::{ArrayRef, RecordBatch}, datatypes::FieldRef};

use crate::ExprError;

/// A reference table, indexed by one column.
#[derive(Debug)]
pub struct Lookup {
    fields: Vec<FieldRef>,
}

impl Lookup {
    /// Indexes `table` by `table_column` for rows whose `stream_column` (of any type that can be compared with it)
    /// holds the same value. `columns` are the table's columns to give. A value that stands twice in the table is an error.
    pub fn new(table: &RecordBatch, stream_column: &str, table_column: &str, columns: &[String]) -> Result<Self, ExprError> {
        let _ = (table, stream_column, table_column, columns);
        Ok(Self { fields: Vec::new() })
    }

    /// The columns it adds; all nullable.
    pub fn fields(&self) -> &[FieldRef] {
        &self.fields
    }

    /// One array for each of `fields`, a value a row of `batch`; null where the table has no such row.
    pub fn columns(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>, ExprError> {
        let _ = batch;
        Ok(Vec::new())
    }
}
