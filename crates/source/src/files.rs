//! Events replayed from files: one after the other, each record once, positions counted over all of them.

pub(crate) mod arrow_ipc;
mod avro;
pub(crate) mod avro_codec;
pub(crate) mod avro_container;
mod csv;
mod derive;
mod detect;
pub(crate) mod fit;
pub(crate) mod fits_table;
pub(crate) mod guarded;
mod held;
pub(crate) mod input;
mod json;
mod nested;
pub(crate) mod orc_file;
pub(crate) mod parquet;
pub(crate) mod paths;
mod plan;
mod unread;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use ::arrow::{
    array::{RecordBatch, UInt64Array},
    datatypes::Fields,
};
use bytes::Bytes;
use stream::{FileFormat, Stream};

use self::{
    input::{Encoding, Packing},
    plan::Plan,
};
use crate::{Cursor, Next, Options, Progress, RECORDS_MAX, Records, Rejected, Source, SourceError, Unit};

/// Bytes of records that are read for one batch at most, but for the last of them: what may be large has few rows in a batch.
const BATCH_BYTES_MAX: usize = 8 << 20;

/// An input file and what is known of it.
#[derive(Debug, Clone)]
pub(crate) struct InputFile {
    /// Where it is.
    pub path: PathBuf,
    pub format: FileFormat,
    pub packing: Packing,
    pub encoding: Encoding,
    /// Bytes on disk.
    pub bytes: u64,
}

impl InputFile {
    /// How messages call it.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// Some records of one file.
pub(crate) struct Chunk {
    /// The good rows, in the plan's file columns.
    pub rows: RecordBatch,
    /// Which record of the chunk each row is.
    pub indexes: Vec<u64>,
    /// Records that are not rows: which, their bytes, and why.
    pub rejected: Vec<(u64, Bytes, String)>,
    /// How many records, good and bad.
    pub records: u64,
}

/// Reads the records of one file.
pub(crate) trait FileReader: Send {
    /// Up to `rows_max` records; `None` at the end.
    fn read(&mut self, rows_max: usize) -> Result<Option<Chunk>, SourceError>;
    /// Where the next record is: an offset that opening this format takes, and how many records behind that.
    fn place(&self) -> (u64, u64);
    /// How many bytes of the file have been read.
    fn bytes_read(&self) -> u64;
}

/// Opens a file at `offset`, which an earlier reader of it gave; 0 is its beginning.
pub(crate) fn open_file(file: &InputFile, plan: &Plan, offset: u64) -> Result<Box<dyn FileReader>, SourceError> {
    Ok(match file.format {
        FileFormat::Csv => Box::new(csv::CsvFile::open(file, plan, offset)?),
        FileFormat::Jsonl | FileFormat::Json => Box::new(json::JsonFile::open(file, plan, offset)?),
        FileFormat::Parquet => Box::new(parquet::ParquetFile::open(file, plan, offset)?),
        FileFormat::Orc => Box::new(orc_file::OrcFile::open(file, plan, offset)?),
        FileFormat::Avro => Box::new(avro::AvroFile::open(file, plan, offset)?),
        FileFormat::Arrow => Box::new(arrow_ipc::ArrowFile::open(file, plan, offset)?),
        FileFormat::Fits => Box::new(fits_table::FitsFile::open(file, plan, offset)?),
    })
}

/// Events replayed from files.
pub(crate) struct Files {
    files: Vec<InputFile>,
    plan: Plan,
    reader: Option<Box<dyn FileReader>>,
    /// Where the next record comes from, kept up to date from the reader.
    cursor: Cursor,
    bytes_total: u64,
}

impl Files {
    /// Finds the files and checks that the first one has the columns that are needed.
    pub(crate) fn open(
        definition: &stream::Files,
        stream: &Arc<Stream>,
        options: &Options,
    ) -> Result<Self, SourceError> {
        let files = paths::find(definition, &options.base)?;
        let found = match definition.derive.is_empty() {
            true => Fields::empty(),
            false => derive::columns(&files[0], definition)?,
        };
        let plan = Plan::new(definition, stream, &found)?;
        let bytes_total = files.iter().map(|file| file.bytes).sum();
        let reader = Some(open_file(&files[0], &plan, 0)?);
        Ok(Self { files, plan, reader, cursor: Cursor::default(), bytes_total })
    }

    /// The next records of the present file, opening it where needed; `None` where all files are at their end.
    fn read(&mut self, rows_max: usize) -> Result<Option<Chunk>, SourceError> {
        while let Some(file) = self.files.get(self.cursor.file) {
            if self.reader.is_none() {
                self.reader = Some(open_file(file, &self.plan, self.cursor.offset)?);
            }
            let Some(reader) = &mut self.reader else { continue };
            if let Some(chunk) = reader.read(rows_max)? {
                return Ok(Some(chunk));
            }
            self.reader = None;
            self.cursor = Cursor { position: self.cursor.position, file: self.cursor.file + 1, ..Cursor::default() };
        }
        Ok(None)
    }

    /// Moves the cursor past `count` records of the present file.
    fn advance(&mut self, count: u64) {
        self.cursor.position += count;
        (self.cursor.offset, self.cursor.skip) = self.reader.as_ref().map_or((0, 0), |reader| reader.place());
    }

    fn records(&self, chunk: Chunk) -> Result<Records, SourceError> {
        let first = self.cursor.position;
        let name = paths::bare_name(&self.files[self.cursor.file].path);
        let positions = UInt64Array::from_iter_values(chunk.indexes.iter().map(|index| first + index));
        let derived = self.plan.rows(chunk.rows, positions, &name)?;
        let mut rejected: Vec<Rejected> = (chunk.rejected.into_iter())
            .map(|(index, payload, reason)| Rejected { position: first + index, payload, reason })
            .collect();
        if !derived.rejected.is_empty() {
            rejected.extend(derived.rejected);
            rejected.sort_by_key(|rejected| rejected.position);
        }
        Ok(Records { rows: derived.rows, positions: derived.positions, rejected })
    }
}

impl Source for Files {
    fn next(&mut self, rows_max: usize) -> Result<Next, SourceError> {
        let Some(chunk) = self.read(rows_max.clamp(1, RECORDS_MAX))? else { return Ok(Next::End) };
        let count = chunk.records;
        let records = self.records(chunk)?;
        self.advance(count);
        Ok(Next::Records(records))
    }

    fn seek(&mut self, cursor: &Cursor) -> Result<(), SourceError> {
        if cursor.file > self.files.len() {
            let message = format!("the run was in file {}, and there are {} now", cursor.file + 1, self.files.len());
            return Err(SourceError::input(message));
        }
        self.reader = None;
        self.cursor =
            Cursor { position: cursor.position - cursor.skip.min(cursor.position), skip: 0, ..cursor.clone() };
        let mut left = cursor.skip;
        while left > 0 {
            let Some(chunk) = self.read(left.min(RECORDS_MAX as u64) as usize)? else {
                return Err(SourceError::input("the files have fewer records than when the run began"));
            };
            left -= chunk.records;
            self.advance(chunk.records);
        }
        Ok(())
    }

    fn cursor(&self) -> Cursor {
        self.cursor.clone()
    }

    fn progress(&self) -> Progress {
        let before: u64 = self.files.iter().take(self.cursor.file).map(|file| file.bytes).sum();
        let here = self.reader.as_ref().map_or(0, |reader| reader.bytes_read());
        Progress { done: before + here, total: Some(self.bytes_total), unit: Unit::Bytes }
    }
}

/// A file that ends or breaks in the middle.
pub(crate) fn damaged(path: &Path, place: &str, error: &dyn std::fmt::Display) -> SourceError {
    SourceError::input(format!(
        "{} is damaged {place}: {error}. what stands before it is kept; replace the file with a whole copy and start again",
        path.display()
    ))
}
