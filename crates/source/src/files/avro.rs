//! Avro object container files.
//!
//! The container's blocks are cut out here and decoded by arrow-avro a group at a time, so that a place in the file is
//! found without decoding what stands before it, and damage costs no whole block before it.

use std::{
    io::{self, BufRead, BufReader, Cursor, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arrow::{array::RecordBatch, compute, datatypes::SchemaRef, error::ArrowError};
use arrow_avro::reader::{ReaderBuilder, read_header_info};

use super::{Chunk, FileReader, InputFile, damaged, fit, input, plan::Plan};
use crate::{RECORDS_MAX, SourceError, csv_rows::missing_column};

/// Bytes of blocks that are decoded at a time, unless one block is longer.
const GROUP_BYTES: usize = 1 << 20;

/// Bytes of a block at most.
const BLOCK_BYTES_MAX: u64 = 256 << 20;

/// Bytes of a file's header at most.
const HEADER_BYTES_MAX: u64 = 16 << 20;

const SYNC_BYTES: usize = 16;

/// Reads an Avro file; its places are the (unpacked) byte of a block and rows within the group that begins there.
pub(crate) struct AvroFile {
    file: InputFile,
    schema: SchemaRef,
    /// The container's header as it stands in the file.
    header: Vec<u8>,
    input: BufReader<Box<dyn Read + Send>>,
    /// Where the group that is held begins, how many of its rows were given, and where the next block begins.
    group: u64,
    given: u64,
    next: u64,
    /// Decoded and not yet given.
    held: RecordBatch,
    failure: Option<String>,
    read: Arc<AtomicU64>,
}

/// The columns that the file itself names.
pub(crate) fn schema(file: &InputFile) -> Result<SchemaRef, SourceError> {
    let (header, _) = open_header(file)?;
    let reader = ReaderBuilder::new().build(Cursor::new(header)).map_err(|error| unreadable(file, &error))?;
    Ok(reader.schema())
}

/// The bytes of the header, and the input behind it.
fn open_header(file: &InputFile) -> Result<(Vec<u8>, input::Input), SourceError> {
    let mut opened = input::open(file, 0)?;
    let mut taken = Vec::new();
    let mut tee =
        Tee { input: BufReader::with_capacity(4096, (&mut opened.bytes).take(HEADER_BYTES_MAX)), taken: &mut taken };
    let info = read_header_info(BufReader::with_capacity(1, &mut tee)).map_err(|error| unreadable(file, &error))?;
    taken.truncate(info.header_len() as usize);
    let opened = input::open(file, info.header_len())?;
    Ok((taken, opened))
}

fn unreadable(file: &InputFile, error: &dyn std::fmt::Display) -> SourceError {
    SourceError::input(format!("{} cannot be read as Avro: {error}; replace it with a whole file", file.name()))
}

/// Keeps what is read.
struct Tee<'a, R> {
    input: R,
    taken: &'a mut Vec<u8>,
}

impl<R: Read> Read for Tee<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.taken.extend_from_slice(&buffer[..count]);
        Ok(count)
    }
}

impl AvroFile {
    pub(crate) fn open(file: &InputFile, plan: &Plan, offset: u64) -> Result<Self, SourceError> {
        let (header, mut opened) = open_header(file)?;
        let found =
            ReaderBuilder::new().build(Cursor::new(&header)).map_err(|error| unreadable(file, &error))?.schema();
        let names: Vec<String> = found.fields().iter().map(|field| field.name().clone()).collect();
        for (field, required) in plan.file_schema().fields().iter().zip(plan.required()) {
            if *required && !names.contains(field.name()) {
                return Err(missing_column(&file.name(), field.name(), &names));
            }
        }
        let next = offset.max(header.len() as u64);
        if next > header.len() as u64 {
            opened = input::open(file, next)?;
        }
        Ok(Self {
            file: file.clone(),
            schema: plan.file_schema().clone(),
            header,
            input: BufReader::with_capacity(64 << 10, opened.bytes),
            group: next,
            given: 0,
            next,
            held: RecordBatch::new_empty(found),
            failure: None,
            read: opened.read,
        })
    }

    /// Decodes the next group; false at the end. Damage is kept back until what stands before it was given.
    fn read_group(&mut self) -> Result<bool, SourceError> {
        (self.group, self.given) = (self.next, 0);
        let mut blocks: Vec<Vec<u8>> = Vec::new();
        let mut bytes = 0;
        while bytes < GROUP_BYTES && self.failure.is_none() {
            match self.read_block() {
                Ok(Some(block)) => {
                    bytes += block.len();
                    blocks.push(block);
                }
                Ok(None) => break,
                Err(reason) => self.failure = Some(reason),
            }
        }
        let mut batches = Vec::new();
        if let Ok(rows) = self.decode(&blocks.concat()) {
            batches = rows;
        } else {
            for block in &blocks {
                match self.decode(block) {
                    Ok(rows) => batches.extend(rows),
                    Err(error) => {
                        self.failure = Some(error.to_string());
                        break;
                    }
                }
            }
        }
        self.held = compute::concat_batches(&self.held.schema(), &batches)?;
        if self.held.num_rows() > 0 {
            return Ok(true);
        }
        match &self.failure {
            Some(reason) => Err(damaged(&self.file.path, &format!("after {} unpacked bytes", self.group), reason)),
            None => Ok(!blocks.is_empty()),
        }
    }

    /// The bytes of the next block, `None` at the end of the file.
    fn read_block(&mut self) -> Result<Option<Vec<u8>>, String> {
        let mut block = Vec::new();
        let begun = self.read_long(&mut block)?;
        if begun.is_none() {
            return Ok(None);
        }
        let size = self.read_long(&mut block)?.ok_or("the file is truncated")?;
        let size = u64::try_from(size).ok().filter(|size| *size <= BLOCK_BYTES_MAX);
        let size = size.ok_or("a block has an impossible size")? + SYNC_BYTES as u64;
        let read = (&mut self.input).take(size).read_to_end(&mut block).map_err(|error| error.to_string())?;
        if (read as u64) < size {
            return Err("the file is truncated".into());
        }
        if block[block.len() - SYNC_BYTES..] != self.header[self.header.len() - SYNC_BYTES..] {
            return Err("a block does not end with the file's marker".into());
        }
        self.next += block.len() as u64;
        Ok(Some(block))
    }

    /// A zigzag-encoded number, whose bytes go to `block` as well; `None` where the file ends before it.
    fn read_long(&mut self, block: &mut Vec<u8>) -> Result<Option<i64>, String> {
        let mut value = 0u64;
        for index in 0..10 {
            let mut byte = [0];
            let ended = self.input.fill_buf().map_err(|error| error.to_string())?.is_empty();
            if ended {
                return if block.is_empty() { Ok(None) } else { Err("the file is truncated".into()) };
            }
            self.input.read_exact(&mut byte).map_err(|error| error.to_string())?;
            block.push(byte[0]);
            value |= u64::from(byte[0] & 0x7f) << (7 * index);
            if byte[0] & 0x80 == 0 {
                return Ok(Some((value >> 1) as i64 ^ -((value & 1) as i64)));
            }
        }
        Err("a block has an impossible size".into())
    }

    fn decode(&self, blocks: &[u8]) -> Result<Vec<RecordBatch>, ArrowError> {
        let container = Cursor::new(&self.header).chain(Cursor::new(blocks));
        ReaderBuilder::new().with_batch_size(RECORDS_MAX).build(BufReader::new(container))?.collect()
    }
}

impl FileReader for AvroFile {
    fn read(&mut self, rows_max: usize) -> Result<Option<Chunk>, SourceError> {
        while self.held.num_rows() == 0 {
            if let Some(reason) = &self.failure {
                let place = format!("after {} unpacked bytes", self.next);
                return Err(damaged(&self.file.path, &place, reason));
            }
            if !self.read_group()? {
                return Ok(None);
            }
        }
        let given = self.held.num_rows().min(rows_max);
        let rows = self.held.slice(0, given);
        self.held = self.held.slice(given, self.held.num_rows() - given);
        self.given += given as u64;
        fit::fit_batch(&rows, &self.schema).map(Some)
    }

    fn place(&self) -> (u64, u64) {
        if self.held.num_rows() == 0 { (self.next, 0) } else { (self.group, self.given) }
    }

    fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}
