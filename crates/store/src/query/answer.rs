//! An answer, batch by batch.

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;

use super::{QueryOptions, tables::Files};
use crate::StoreError;

/// An answer, batch by batch as it is found. Dropping it ends the query.
pub struct Answer {
    rows: SendableRecordBatchStream,
    files: Files,
    options: QueryOptions,
    given: u64,
    truncated: bool,
}

impl Answer {
    pub(super) fn new(rows: SendableRecordBatchStream, files: Files, options: QueryOptions) -> Self {
        Self { rows, files, options, given: 0, truncated: false }
    }

    /// The columns.
    pub fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    /// Whether rows were left out because of the limit; known once the last batch is given.
    pub fn truncated(&self) -> bool {
        self.truncated
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    /// `Memory` where the query needs more than it may have; `Damaged` where a file cannot be read, with its name;
    /// `Query` where a value cannot be computed.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, StoreError> {
        loop {
            let Some(rows) = self.rows.next().await else { return Ok(None) };
            let rows = rows.map_err(|error| self.files.explain(&error, &self.options))?;
            let left = self.options.rows_max.map_or(u64::MAX, |max| max - self.given);
            let rows = match u64::try_from(rows.num_rows()) {
                Ok(0) => continue,
                Ok(_) if left == 0 => {
                    self.truncated = true;
                    return Ok(None);
                }
                Ok(count) if count > left => {
                    self.truncated = true;
                    rows.slice(0, usize::try_from(left).unwrap_or(usize::MAX))
                }
                _ => rows,
            };
            self.given += rows.num_rows() as u64;
            return Ok(Some(rows));
        }
    }
}
