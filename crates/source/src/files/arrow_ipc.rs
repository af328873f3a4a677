//! Arrow IPC: files, which pandas and Polars call Feather, and streams.

use std::{
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
};

use arrow::{
    array::RecordBatch,
    datatypes::{Schema, SchemaRef},
    error::ArrowError,
    ipc::reader::{FileReader as IpcFile, StreamReader},
};

use super::{
    Chunk, FileReader, InputFile, damaged, fit,
    guarded::{Guarded, no_panic},
    held::Held,
    plan::Plan,
};
use crate::{SourceError, columns::own_name, csv_rows::missing_column};

/// What a file begins with; a stream does not.
const MAGIC: &[u8; 6] = b"ARROW1";

pub(crate) type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

/// Reads an Arrow file; its places are a batch and rows within it.
pub(crate) struct ArrowFile {
    file: InputFile,
    schema: SchemaRef,
    batches: Batches,
    /// What is read and not yet given, and which batch that is.
    held: Held,
    batch: u64,
    given: u64,
    /// How many batches a file has.
    total: Option<u64>,
}

/// The columns that the file itself names.
pub(crate) fn schema(file: &InputFile) -> Result<SchemaRef, SourceError> {
    let (schema, _, _) = open(file, None, 0)?;
    Ok(schema)
}

/// The columns, the batches from one on, and how many there are in all where that is known.
pub(crate) fn open(file: &InputFile, projection: Option<Vec<usize>>, first: u64) -> Result<Opened, SourceError> {
    let fail = |error| SourceError::io("read", &file.path, error);
    let unreadable = |error: ArrowError| {
        let name = file.name();
        SourceError::input(format!("{name} cannot be read as Arrow: {error}; replace it with a whole file"))
    };
    let mut on_disk = File::open(&file.path).map_err(fail)?;
    let mut magic = [0; MAGIC.len()];
    let is_file = on_disk.read_exact(&mut magic).is_ok() && &magic == MAGIC;
    on_disk.seek(SeekFrom::Start(0)).map_err(fail)?;
    if is_file {
        return no_panic(|| open_file(on_disk, projection, first)).and_then(|opened| opened).map_err(unreadable);
    }
    let reader = no_panic(|| StreamReader::try_new(BufReader::new(on_disk), projection));
    let reader = reader.and_then(|reader| reader).map_err(unreadable)?;
    Ok((reader.schema(), Box::new(Guarded(reader.skip(first as usize))), None))
}

type Opened = (SchemaRef, Batches, Option<u64>);

fn open_file(on_disk: File, projection: Option<Vec<usize>>, first: u64) -> Result<Opened, ArrowError> {
    let mut reader = IpcFile::try_new(BufReader::new(on_disk), projection)?;
    let total = reader.num_batches() as u64;
    let schema = reader.schema();
    if first >= total {
        return Ok((schema, Box::new(std::iter::empty()), Some(total)));
    }
    reader.set_index(first as usize)?;
    Ok((schema, Box::new(Guarded(reader)), Some(total)))
}

impl ArrowFile {
    pub(crate) fn open(file: &InputFile, plan: &Plan, offset: u64) -> Result<Self, SourceError> {
        let names = names(schema(file)?.as_ref());
        for (field, required) in plan.file_schema().fields().iter().zip(plan.required()) {
            if *required && !names.iter().any(|name| name == own_name(field)) {
                return Err(missing_column(&file.name(), own_name(field), &names));
            }
        }
        let is_wanted = |name: &String| plan.file_schema().fields().iter().any(|field| own_name(field) == name);
        let wanted = names.iter().enumerate().filter(|(_, name)| is_wanted(name)).map(|(index, _)| index).collect();
        let (_, batches, total) = open(file, Some(wanted), offset)?;
        let schema = plan.file_schema().clone();
        Ok(Self { file: file.clone(), schema, batches, held: Held::default(), batch: offset, given: 0, total })
    }
}

fn names(schema: &Schema) -> Vec<String> {
    schema.fields().iter().map(|field| field.name().clone()).collect()
}

impl FileReader for ArrowFile {
    fn read(&mut self, rows_max: usize) -> Result<Option<Chunk>, SourceError> {
        let next = || loop {
            match self.batches.next() {
                Some(Ok(batch)) if batch.num_rows() == 0 => self.batch += 1,
                Some(Ok(batch)) => return Ok(Some(batch)),
                Some(Err(error)) => {
                    return Err(damaged(&self.file.path, &format!("in batch {}", self.batch), &error));
                }
                None => return Ok(None),
            }
        };
        let Some(rows) = self.held.rows(rows_max, next)? else { return Ok(None) };
        if self.held.is_empty() {
            (self.batch, self.given) = (self.batch + 1, 0);
        } else {
            self.given += rows.num_rows() as u64;
        }
        fit::fit_batch(&rows, &self.schema).map(Some)
    }

    fn place(&self) -> (u64, u64) {
        (self.batch, self.given)
    }

    fn bytes_read(&self) -> u64 {
        let share = self.total.map_or(0.0, |total| self.batch as f64 / total.max(1) as f64);
        (self.file.bytes as f64 * share) as u64
    }
}
