//! ORC files.

use std::{error::Error, fs::File};

use arrow::{array::RecordBatch, datatypes::Schema};
use orc::{Layout, OrcError, Writer};
use stream::columns::ANOMALY_CAUSES;

use super::row_file::RowFile;

/// How a table stands in ORC files: the detector's list of causes as JSON text, since they are written without lists.
pub(crate) fn orc_layout(schema: &Schema) -> Result<Layout, OrcError> {
    Layout::new(schema, &[ANOMALY_CAUSES])
}

/// An ORC file that rows are written to.
pub(crate) struct OrcFile {
    writer: Writer<File>,
    /// The same file: the writer does not give its own back.
    file: File,
}

impl OrcFile {
    pub(crate) fn new(file: File, schema: &Schema) -> Result<Self, Box<dyn Error>> {
        let same = file.try_clone()?;
        Ok(Self { writer: Writer::new(file, orc_layout(schema)?)?, file: same })
    }
}

impl RowFile for OrcFile {
    fn write(&mut self, rows: &RecordBatch) -> Result<(), Box<dyn Error>> {
        Ok(self.writer.write(rows)?)
    }

    fn buffered_bytes(&self) -> usize {
        self.writer.buffered_bytes()
    }

    fn finish(self: Box<Self>) -> Result<File, Box<dyn Error>> {
        self.writer.finish()?;
        Ok(self.file)
    }
}
