//! Avro object container files.

use std::{
    io::{BufReader, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use arrow_avro::reader::{Reader, ReaderBuilder};

use super::{Chunk, FileReader, InputFile, damaged, fit, input, plan::Plan};
use crate::{SourceError, csv_rows::missing_column};

/// Rows decoded at a time.
const BATCH_ROWS: usize = 4_096;

type AvroReader = Reader<BufReader<Box<dyn Read + Send>>>;

/// Reads an Avro file; its offsets are rows, and what stands before is decoded and dropped.
pub(crate) struct AvroFile {
    file: InputFile,
    schema: SchemaRef,
    reader: AvroReader,
    /// What is decoded and not yet given.
    held: Option<RecordBatch>,
    offset: u64,
    read: Arc<AtomicU64>,
}

/// The columns that the file itself names.
pub(crate) fn schema(file: &InputFile) -> Result<SchemaRef, SourceError> {
    Ok(open_reader(file)?.0.schema())
}

fn open_reader(file: &InputFile) -> Result<(AvroReader, Arc<AtomicU64>), SourceError> {
    let input = input::open(file, 0)?;
    let reader = ReaderBuilder::new().with_batch_size(BATCH_ROWS).build(BufReader::new(input.bytes));
    let reader = reader.map_err(|error| {
        SourceError::input(format!("{} cannot be read as Avro: {error}; replace it with a whole file", file.name()))
    })?;
    Ok((reader, input.read))
}

impl AvroFile {
    pub(crate) fn open(file: &InputFile, plan: &Plan, offset: u64) -> Result<Self, SourceError> {
        let (reader, read) = open_reader(file)?;
        let names: Vec<String> = reader.schema().fields().iter().map(|field| field.name().clone()).collect();
        for (field, required) in plan.file_schema().fields().iter().zip(plan.required()) {
            if *required && !names.contains(field.name()) {
                return Err(missing_column(&file.name(), field.name(), &names));
            }
        }
        let schema = plan.file_schema().clone();
        let mut opened = Self { file: file.clone(), schema, reader, held: None, offset: 0, read };
        while opened.offset < offset {
            let left = (offset - opened.offset).min(BATCH_ROWS as u64) as usize;
            if opened.take(left)?.is_none() {
                return Err(SourceError::input(format!("{} has fewer rows than when the run began", file.name())));
            }
        }
        Ok(opened)
    }

    fn take(&mut self, rows_max: usize) -> Result<Option<RecordBatch>, SourceError> {
        let held = match self.held.take() {
            Some(held) => held,
            None => match self.reader.next() {
                Some(rows) => {
                    rows.map_err(|error| damaged(&self.file.path, &format!("near row {}", self.offset), &error))?
                }
                None => return Ok(None),
            },
        };
        let given = held.num_rows().min(rows_max);
        if given < held.num_rows() {
            self.held = Some(held.slice(given, held.num_rows() - given));
        }
        self.offset += given as u64;
        Ok(Some(held.slice(0, given)))
    }
}

impl FileReader for AvroFile {
    fn read(&mut self, rows_max: usize) -> Result<Option<Chunk>, SourceError> {
        self.take(rows_max)?.map(|rows| fit::fit_batch(&rows, &self.schema)).transpose()
    }

    fn offset(&self) -> u64 {
        self.offset
    }

    fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}
