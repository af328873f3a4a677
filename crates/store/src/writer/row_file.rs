//! What a result file of any format does.

use std::{error::Error, fs::File};

use arrow::array::RecordBatch;

/// A file that rows are written to.
pub(crate) trait RowFile: Send {
    /// Adds rows.
    fn write(&mut self, rows: &RecordBatch) -> Result<(), Box<dyn Error>>;

    /// Bytes it holds that the file does not have yet.
    fn buffered_bytes(&self) -> usize;

    /// Ends the file and gives it back, for its bytes to be made durable.
    fn finish(self: Box<Self>) -> Result<File, Box<dyn Error>>;
}
