//! Partitions that have few rows at a commit share a file: a live stream would otherwise leave a file a second and partition,
//! and spend more on the files than on what is in them.

use arrow::array::RecordBatch;
use store::{FileEntry, Results, Table, TableWriter, WriterOptions};
use stream::Stream;

use crate::LocalError;

/// How many rows of a table go into a commit's shared file at most.
const SHARED_ROWS_MAX: usize = 65_536;

/// Rows of a partition that no file was made for.
pub(crate) struct Few {
    pub table: Table,
    pub partition: u32,
    pub batches: Vec<RecordBatch>,
}

/// Writes the files that partitions share.
pub(crate) struct SharedFiles {
    options: WriterOptions,
    /// In the place of a partition in their names: the number behind the last one.
    number: u32,
}

impl SharedFiles {
    pub(crate) fn new(stream: &Stream) -> Self {
        Self { options: WriterOptions::of(stream), number: stream.definition.spec.partitions }
    }

    /// Writes the rows of a commit that begins at `position`, partition by partition, whichever worker was first.
    pub(crate) fn write(
        &self,
        results: &Results,
        position: u64,
        mut few: Vec<Few>,
    ) -> Result<Vec<FileEntry>, LocalError> {
        few.sort_by_key(|few| (few.table, few.partition));
        let mut files = Vec::new();
        for few in few.chunk_by(|a, b| a.table == b.table) {
            let mut batches = few.iter().flat_map(|few| &few.batches).peekable();
            let Some(first) = batches.peek() else { continue };
            let (table, schema) = (few[0].table, first.schema());
            let mut writer = TableWriter::new(results, table, self.number, position, schema, &self.options)?;
            batches.try_for_each(|batch| writer.write(batch))?;
            files.extend(writer.finish()?);
        }
        Ok(files)
    }
}

/// How many rows of a table are few for one of so many partitions.
pub(crate) fn few_rows(partitions: u32) -> usize {
    SHARED_ROWS_MAX / partitions.max(1) as usize
}
