//! Reference tables from the bytes of a file.

use arrow::array::RecordBatch;

use crate::ExprError;

/// A reference table from the bytes of the file `name`: CSV with a header line or Parquet, by the name's ending.
pub fn read_table(name: &str, bytes: &[u8]) -> Result<RecordBatch, ExprError> {
    let _ = bytes;
    Err(ExprError::Lookup { message: format!("cannot read `{name}`") })
}
