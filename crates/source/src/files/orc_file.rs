//! ORC files.

use std::fs::File;

use arrow::{
    array::RecordBatch,
    datatypes::{Schema, SchemaRef},
    error::ArrowError,
};

use super::{Chunk, FileReader, InputFile, damaged, fit, held::Held, plan::Plan};
use crate::{SourceError, columns::own_name, csv_rows::missing_column};

/// Reads an ORC file; its offsets are rows.
pub(crate) struct OrcFile {
    file: InputFile,
    /// The columns that are read.
    schema: SchemaRef,
    rows: OrcRows,
    /// What is decoded and not yet given.
    held: Held,
    offset: u64,
    total: u64,
}

/// Rows of a file. Its times have nanoseconds and any year; Arrow has either those or these. So they are read in microseconds
/// while that loses nothing, or in nanoseconds, and from the first row on that has something else, in the other.
pub(crate) struct OrcRows {
    file: InputFile,
    columns: Vec<String>,
    rows: orc::Rows<File>,
    nanoseconds: bool,
    /// The row that the next one is.
    next: u64,
}

/// The columns that the file itself names, its times in the unit that its first rows have, and how many rows it has.
pub(crate) fn contents(file: &InputFile) -> Result<(SchemaRef, u64), SourceError> {
    let opened = open(file, has_nanoseconds(file)?)?;
    Ok((opened.schema(), opened.rows()))
}

fn has_nanoseconds(file: &InputFile) -> Result<bool, SourceError> {
    let fails = |nanoseconds| {
        let first = open(file, nanoseconds)?.read(|_| true, 0).next();
        Ok::<_, SourceError>(first.is_some_and(|rows| rows.is_err()))
    };
    Ok(fails(false)? && !fails(true)?)
}

fn open(file: &InputFile, nanoseconds: bool) -> Result<orc::File<File>, SourceError> {
    let on_disk = File::open(&file.path).map_err(|error| SourceError::io("read", &file.path, error))?;
    orc::File::open(on_disk, nanoseconds).map_err(|error| {
        SourceError::input(format!("{} cannot be read as ORC: {error}; replace it with a whole file", file.name()))
    })
}

impl OrcRows {
    /// The rows from `first` on.
    pub(crate) fn open(file: &InputFile, columns: Vec<String>, first: u64) -> Result<Self, SourceError> {
        let nanoseconds = has_nanoseconds(file)?;
        let rows = open(file, nanoseconds)?.read(|name| columns.iter().any(|column| column == name), first);
        Ok(Self { file: file.clone(), columns, rows, nanoseconds, next: first })
    }

    /// The next rows; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<RecordBatch>, SourceError> {
        let found = self.rows.next().transpose().or_else(|error| self.in_other_unit(error));
        let rows = found.map_err(|error| damaged(&self.file.path, &format!("near row {}", self.next), &error))?;
        self.next += rows.as_ref().map_or(0, |rows| rows.num_rows() as u64);
        Ok(rows)
    }

    /// The same rows, their times in the other unit; the error of the first attempt where that fails too.
    fn in_other_unit(&mut self, error: ArrowError) -> Result<Option<RecordBatch>, ArrowError> {
        let Ok(file) = open(&self.file, !self.nanoseconds) else { return Err(error) };
        let mut rows = file.read(|name| self.columns.iter().any(|column| column == name), self.next);
        let found = rows.next().transpose().map_err(|_| error)?;
        (self.rows, self.nanoseconds) = (rows, !self.nanoseconds);
        Ok(found)
    }
}

impl OrcFile {
    pub(crate) fn open(file: &InputFile, plan: &Plan, offset: u64) -> Result<Self, SourceError> {
        let (found, total) = contents(file)?;
        let names = names(&found);
        for (field, required) in plan.file_schema().fields().iter().zip(plan.required()) {
            if *required && !names.iter().any(|name| name == own_name(field)) {
                return Err(missing_column(&file.name(), own_name(field), &names));
            }
        }
        let is_wanted = |name: &String| plan.file_schema().fields().iter().any(|field| own_name(field) == name);
        let rows = OrcRows::open(file, names.into_iter().filter(is_wanted).collect(), offset)?;
        Ok(Self { file: file.clone(), schema: plan.file_schema().clone(), rows, held: Held::default(), offset, total })
    }
}

fn names(schema: &Schema) -> Vec<String> {
    schema.fields().iter().map(|field| field.name().clone()).collect()
}

impl FileReader for OrcFile {
    fn read(&mut self, rows_max: usize) -> Result<Option<Chunk>, SourceError> {
        let Some(rows) = self.held.rows(rows_max, || self.rows.next())? else { return Ok(None) };
        self.offset += rows.num_rows() as u64;
        fit::fit_batch(&rows, &self.schema).map(Some)
    }

    fn place(&self) -> (u64, u64) {
        (self.offset, 0)
    }

    fn bytes_read(&self) -> u64 {
        (self.file.bytes as f64 * self.offset as f64 / self.total.max(1) as f64) as u64
    }
}
