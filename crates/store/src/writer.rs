//! Writes one table of one partition for one commit.

mod blocks;
mod folders;
mod orc_file;
mod parquet;
mod part;
mod row_file;
mod text;

use std::collections::BTreeMap;

use arrow::{
    array::{RecordBatch, TimestampMicrosecondArray},
    compute::filter_record_batch,
    datatypes::SchemaRef,
};
use stream::{PartitionBy, ResultFormat};

use self::{blocks::Blocks, folders::Times, part::Place};
use crate::{FileEntry, Results, StoreError, Table, WriterOptions};

pub(crate) use self::{
    orc_file::{OrcFile, orc_layout},
    parquet::inherited_properties,
    part::Part,
    row_file::RowFile,
    text::{CsvFile, flat},
};

/// Files of one writer that are open at once, where there is a folder a day or an hour.
const OPEN_FILES_MAX: usize = 8;
/// Bytes of rows that wait for their folder's file.
const WAITING_BYTES_MAX: usize = 32 << 20;

/// Writes one table of one partition for one commit; what it writes stays staged until it is published.
///
/// The bytes of its files depend on the rows and not on how they are cut into batches. It holds a block of rows (up to 8 MiB and a row), the
/// encoded pages of one row group a file, and with folders by time up to 32 MiB of waiting rows and 8 open files.
pub struct TableWriter {
    place: Place,
    schema: SchemaRef,
    times: Times,
    blocks: Blocks,
    /// What goes to each folder; one entry, the empty name, where folders are not by time.
    folders: BTreeMap<String, Folder>,
    waiting_bytes: usize,
    /// Counts the moments files are written at, to know the one that has not been for longest.
    moment: u64,
    files: Vec<FileEntry>,
}

/// What became of the rows of a writer.
pub enum Finished {
    /// They are in files.
    Files(Vec<FileEntry>),
    /// They are so few that no file was made for them.
    Few(Vec<RecordBatch>),
}

/// What goes to one folder.
#[derive(Default)]
struct Folder {
    /// Rows that no file has yet.
    waiting: Vec<RecordBatch>,
    waiting_bytes: usize,
    part: Option<Part>,
    /// When the file was last written.
    moment: u64,
    /// How many files it has had.
    parts: u32,
}

impl TableWriter {
    /// A writer for rows of `schema` that begin at `first_position` of `partition`. No file is made before a row comes.
    ///
    /// # Errors
    /// `Rows` where the time column cannot be read as a time.
    pub fn new(
        results: &Results,
        table: Table,
        partition: u32,
        first_position: u64,
        schema: SchemaRef,
        options: &WriterOptions,
    ) -> Result<Self, StoreError> {
        let mut options = options.clone();
        if matches!(table, Table::DeadLetters | Table::Aggregates) {
            options.format = ResultFormat::Parquet;
            options.partition_by = PartitionBy::None;
        }
        let place = Place::new(results, table, partition, first_position, options);
        let times = Times::of(&schema, &place)?;
        Ok(Self {
            place,
            times,
            blocks: Blocks::new(schema.clone()),
            schema,
            folders: BTreeMap::new(),
            waiting_bytes: 0,
            moment: 0,
            files: Vec::new(),
        })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// `Rows` where the columns are others, `DiskFull` or `File` where they cannot be written.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), StoreError> {
        self.place.check(&self.schema, batch)?;
        self.blocks.push(batch).map_err(|error| self.place.failed(&error))?;
        self.write_blocks()
    }

    /// About how many bytes of rows it holds that no file has yet.
    pub fn buffered_bytes(&self) -> usize {
        let parts = self.folders.values().filter_map(|folder| folder.part.as_ref());
        self.blocks.buffered_bytes() + self.waiting_bytes + parts.map(Part::buffered_bytes).sum::<usize>()
    }

    /// As [`finish`](Self::finish), but gives the rows back where there are at most `few` of them and no file was begun.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub fn finish_unless_few(mut self, few: usize) -> Result<Finished, StoreError> {
        if !self.folders.is_empty() || self.blocks.rows() > few {
            return self.finish().map(Finished::Files);
        }
        self.blocks.end().map_err(|error| self.place.failed(&error))?;
        Ok(Finished::Few(std::iter::from_fn(|| self.blocks.next()).collect()))
    }

    /// Closes the files and makes them durable; none where no row came.
    ///
    /// # Errors
    /// `DiskFull` or `File` where that fails.
    pub fn finish(mut self) -> Result<Vec<FileEntry>, StoreError> {
        self.blocks.end().map_err(|error| self.place.failed(&error))?;
        self.write_blocks()?;
        let names: Vec<String> = self.folders.keys().cloned().collect();
        for name in names {
            self.write_waiting(&name)?;
            self.close(&name)?;
        }
        if !self.files.is_empty() {
            self.place.sync()?;
        }
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(self.files)
    }

    fn write_blocks(&mut self) -> Result<(), StoreError> {
        while let Some(block) = self.blocks.next() {
            self.write_block(block)?;
        }
        Ok(())
    }

    fn write_block(&mut self, block: RecordBatch) -> Result<(), StoreError> {
        let times = self.times.read(&block, &self.place)?;
        if self.place.options.partition_by == PartitionBy::None {
            return self.write_part("", &block, times.as_ref());
        }
        for (name, rows) in folders::split(times.as_ref(), block.num_rows(), self.place.options.partition_by) {
            let rows = match rows {
                Some(rows) => filter_record_batch(&block, &rows).map_err(|error| self.place.failed(&error))?,
                None => block.clone(),
            };
            let bytes = rows.get_array_memory_size();
            let folder = self.folders.entry(name).or_default();
            folder.waiting.push(rows);
            folder.waiting_bytes += bytes;
            self.waiting_bytes += bytes;
        }
        while self.waiting_bytes > WAITING_BYTES_MAX {
            let most = self.folders.iter().max_by_key(|(_, folder)| folder.waiting_bytes);
            let Some(name) = most.map(|(name, _)| name.clone()) else { break };
            self.write_waiting(&name)?;
        }
        Ok(())
    }

    /// Writes what waits for one folder.
    fn write_waiting(&mut self, name: &str) -> Result<(), StoreError> {
        let Some(folder) = self.folders.get_mut(name) else { return Ok(()) };
        let waiting = std::mem::take(&mut folder.waiting);
        self.waiting_bytes -= std::mem::take(&mut folder.waiting_bytes);
        for rows in waiting {
            let times = self.times.read(&rows, &self.place)?;
            self.write_part(name, &rows, times.as_ref())?;
        }
        Ok(())
    }

    fn write_part(
        &mut self,
        name: &str,
        rows: &RecordBatch,
        times: Option<&TimestampMicrosecondArray>,
    ) -> Result<(), StoreError> {
        if self.folders.get(name).is_none_or(|folder| folder.part.is_none()) {
            self.open(name)?;
        }
        self.moment += 1;
        let Some(folder) = self.folders.get_mut(name) else { return Ok(()) };
        folder.moment = self.moment;
        match &mut folder.part {
            Some(part) => part.write(rows, times),
            None => Ok(()),
        }
    }

    /// Opens a file for a folder, and closes the one that has not been written for longest where too many are open.
    fn open(&mut self, name: &str) -> Result<(), StoreError> {
        let open = self.folders.iter().filter(|(_, folder)| folder.part.is_some());
        if open.clone().count() >= OPEN_FILES_MAX {
            let oldest = open.min_by_key(|(_, folder)| folder.moment).map(|(name, _)| name.clone());
            if let Some(oldest) = oldest {
                self.close(&oldest)?;
            }
        }
        let folder = self.folders.entry(name.to_owned()).or_default();
        folder.part = Some(Part::open(&self.place, name, folder.parts, &self.schema)?);
        folder.parts += 1;
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), StoreError> {
        if let Some(part) = self.folders.get_mut(name).and_then(|folder| folder.part.take()) {
            self.files.push(part.finish()?);
        }
        Ok(())
    }
}
