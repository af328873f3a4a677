//! Extra CSV files for a spreadsheet: the events that a selection picks.

use arrow::array::RecordBatch;

use crate::{FileEntry, Results, StoreError, Table, durable::sync_folder, results::STAGING, writer::Part};

/// Writes the rows that a selection picks to `reports/<name>_<partition>-<first position>.csv`, staged until it is
/// published like a table's files.
pub struct SelectionWriter {
    results: Results,
    entry: FileEntry,
    part: Option<Part>,
}

impl SelectionWriter {
    /// A writer for the selection `name`. No file is made before a row comes.
    ///
    /// # Errors
    /// None today.
    pub fn new(results: &Results, name: &str, partition: u32, first_position: u64) -> Result<Self, StoreError> {
        let name = format!("{name}_{partition:05}-{first_position:012}.csv");
        let entry = FileEntry {
            table: Table::Reports,
            staged: format!("{STAGING}/{}.{name}", Table::Reports),
            path: format!("{}/{name}", Table::Reports),
            rows: 0,
            bytes: 0,
            partition,
            first_position,
            last_position: first_position,
            time_min: None,
            time_max: None,
            written: None,
        };
        Ok(Self { results: results.clone(), entry, part: None })
    }

    /// Adds rows, all of them: the caller has picked them.
    ///
    /// # Errors
    /// `DiskFull` or `File` where they cannot be written.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<(), StoreError> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let part = match &mut self.part {
            Some(part) => part,
            empty => empty.insert(Part::report(&self.results, self.entry.clone(), rows.schema_ref())?),
        };
        part.write(rows, None)
    }

    /// Closes the file and makes it durable; none where no row came.
    ///
    /// # Errors
    /// `DiskFull` or `File` where that fails.
    pub fn finish(self) -> Result<Vec<FileEntry>, StoreError> {
        let Some(part) = self.part else { return Ok(Vec::new()) };
        let entry = part.finish()?;
        sync_folder(&self.results.root().join(STAGING))?;
        Ok(vec![entry])
    }
}
