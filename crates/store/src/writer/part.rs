//! One result file from its first row to its place in the list of finished files.

use std::{
    error::Error,
    fs::{self, File},
    path::PathBuf,
};

use arrow::{
    array::{RecordBatch, TimestampMicrosecondArray},
    compute::{max, min},
    datatypes::{Schema, SchemaRef},
};
use stream::ResultFormat;

use super::{
    orc_file::OrcFile,
    parquet::ParquetFile,
    row_file::RowFile,
    text::{CsvFile, JsonFile},
};
use crate::{FileEntry, Results, StoreError, Table, WriterOptions, durable::sync_folder, results::STAGING};

/// Where the files of one writer go, and what they are called.
pub(crate) struct Place {
    root: PathBuf,
    table: Table,
    partition: u32,
    first_position: u64,
    pub(super) options: WriterOptions,
}

impl Place {
    pub(super) fn new(
        results: &Results,
        table: Table,
        partition: u32,
        first_position: u64,
        options: WriterOptions,
    ) -> Self {
        Self { root: results.root().to_owned(), table, partition, first_position, options }
    }

    /// An error of the rows or of writing them.
    pub(super) fn failed(&self, error: &(dyn Error + 'static)) -> StoreError {
        StoreError::writing(&self.root.join(self.table.name()), error)
    }

    pub(super) fn rejected(&self, message: String) -> StoreError {
        StoreError::Rows { path: self.root.join(self.table.name()), message }
    }

    /// Makes sure that rows have the columns that the file has.
    pub(super) fn check(&self, schema: &SchemaRef, batch: &RecordBatch) -> Result<(), StoreError> {
        let found = batch.schema_ref();
        let same = |a: &Schema, b: &Schema| {
            let fields = a.fields().iter().zip(b.fields());
            a.fields().len() == b.fields().len()
                && fields.into_iter().all(|(a, b)| a.name() == b.name() && a.data_type() == b.data_type())
        };
        match std::sync::Arc::ptr_eq(found, schema) || same(found, schema) {
            true => Ok(()),
            false => Err(self.rejected(format!("the columns are {found}, but the table has {schema}"))),
        }
    }

    /// Makes the names of the staged files durable.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        sync_folder(&self.root.join(STAGING))
    }
}

/// One file that is being written.
pub(crate) struct Part {
    file: Box<dyn RowFile>,
    staged: PathBuf,
    entry: FileEntry,
}

impl Part {
    /// The `number`th file of `folder`, staged.
    pub(super) fn open(place: &Place, folder: &str, number: u32, schema: &SchemaRef) -> Result<Self, StoreError> {
        let Place { root, table, partition, first_position, options } = place;
        let ending = match options.format {
            ResultFormat::Parquet => "parquet",
            ResultFormat::Csv => "csv",
            ResultFormat::Json => "json",
            ResultFormat::Orc => "orc",
        };
        let again = if number == 0 { String::new() } else { format!(".{number}") };
        let name = format!("part-{partition:05}-{first_position:012}{again}.{ending}");
        let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let path = format!("{table}/{folder}{name}");
        let staged = format!("{STAGING}/{}", path.replace('/', "."));
        let staged_path = root.join(&staged);
        let entry = FileEntry {
            table: *table,
            path,
            staged,
            rows: 0,
            bytes: 0,
            partition: *partition,
            first_position: *first_position,
            last_position: *first_position,
            time_min: None,
            time_max: None,
            written: None,
        };
        let failed = |error: Box<dyn Error>| StoreError::writing(&staged_path, error.as_ref());
        let file = File::create(&staged_path).map_err(|error| StoreError::file("create", &staged_path, error))?;
        let file: Box<dyn RowFile> = match options.format {
            ResultFormat::Parquet => Box::new(ParquetFile::new(file, schema.clone(), options).map_err(failed)?),
            ResultFormat::Csv => Box::new(CsvFile::new(file, schema)),
            ResultFormat::Json => Box::new(JsonFile::new(file)),
            ResultFormat::Orc => Box::new(OrcFile::new(file, schema).map_err(failed)?),
        };
        Ok(Self { file, staged: staged_path, entry })
    }

    /// A CSV file for a report.
    pub(crate) fn report(results: &Results, entry: FileEntry, schema: &Schema) -> Result<Self, StoreError> {
        let staged = results.root().join(&entry.staged);
        let file = File::create(&staged).map_err(|error| StoreError::file("create", &staged, error))?;
        Ok(Self { file: Box::new(CsvFile::new(file, schema)), staged, entry })
    }

    /// Adds rows with these times.
    pub(crate) fn write(
        &mut self,
        rows: &RecordBatch,
        times: Option<&TimestampMicrosecondArray>,
    ) -> Result<(), StoreError> {
        self.file.write(rows).map_err(|error| StoreError::writing(&self.staged, error.as_ref()))?;
        self.entry.rows += rows.num_rows() as u64;
        if let Some(times) = times {
            self.entry.time_min = [self.entry.time_min, min(times)].into_iter().flatten().min();
            self.entry.time_max = self.entry.time_max.max(max(times));
        }
        Ok(())
    }

    pub(super) fn buffered_bytes(&self) -> usize {
        self.file.buffered_bytes()
    }

    /// Ends the file and makes its bytes durable; its name is durable once the staging folder is synced.
    pub(crate) fn finish(mut self) -> Result<FileEntry, StoreError> {
        let file = self.file.finish().map_err(|error| StoreError::writing(&self.staged, error.as_ref()))?;
        file.sync_all().map_err(|error| StoreError::file("write", &self.staged, error))?;
        let size = fs::metadata(&self.staged).map_err(|error| StoreError::file("read", &self.staged, error))?;
        self.entry.bytes = size.len();
        Ok(self.entry)
    }
}
