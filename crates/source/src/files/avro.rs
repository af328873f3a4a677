//! Avro object container files.
//!
//! The container's blocks are cut out and unpacked here, and the codec decodes their rows, so that a place in the file is
//! found without decoding what stands before it, and a bad row costs nothing but itself. A block whose rows
//! cannot be read to its end gives no row at all, because the last ones before the damage may be wrong without looking so;
//! the blocks before it are given. Bytes that are left over behind the last row of a block become a dead letter of their
//! own: the rows are read and may be wrong, and the next block is found behind its marker.

use std::{collections::VecDeque, sync::atomic::Ordering};

use arrow::{
    array::RecordBatch,
    datatypes::{Schema, SchemaRef},
};
use codec::{DecodedRows, RowDecoder, Rows};

use super::{
    Chunk, FileReader, InputFile,
    avro_container::{Block, Container},
    damaged, fit,
    plan::Plan,
};
use crate::{
    Rejected, SourceError,
    columns::{own_name, with_own_name},
    csv_rows::missing_column,
};

/// Unpacked bytes of blocks that are decoded at a time, unless one block is longer.
const GROUP_BYTES: usize = 1 << 20;

/// Reads an Avro file; its places are the (unpacked) byte of a block and rows within it.
pub(crate) struct AvroFile {
    file: InputFile,
    schema: SchemaRef,
    decoder: RowDecoder,
    container: Container,
    blocks: VecDeque<Block>,
    failure: Option<String>,
    /// Whether a row cannot be read, behind which nothing can be found.
    is_broken: bool,
}

/// The columns that the file itself names.
pub(crate) fn schema(file: &InputFile) -> Result<SchemaRef, SourceError> {
    Ok(Container::open(file, 0)?.schema().arrow().clone())
}

impl AvroFile {
    pub(crate) fn open(file: &InputFile, plan: &Plan, offset: u64) -> Result<Self, SourceError> {
        let container = Container::open(file, offset)?;
        let wanted =
            Schema::new(plan.file_schema().fields().iter().map(|field| with_own_name(field)).collect::<Vec<_>>());
        let decoder = RowDecoder::new(container.schema(), &wanted)
            .map_err(|error| SourceError::input(format!("{}: {error}", file.name())))?;
        for (field, required) in plan.file_schema().fields().iter().zip(plan.required()) {
            if *required && decoder.arrow().index_of(own_name(field)).is_err() {
                let names: Vec<String> =
                    container.schema().arrow().fields().iter().map(|own| own.name().clone()).collect();
                return Err(missing_column(&file.name(), own_name(field), &names));
            }
        }
        let schema = plan.file_schema().clone();
        Ok(Self {
            file: file.clone(),
            schema,
            decoder,
            container,
            blocks: VecDeque::new(),
            failure: None,
            is_broken: false,
        })
    }

    /// Reads blocks until there are enough rows or bytes, or no more. Damage is kept until what stands before it is given.
    fn read_blocks(&mut self, rows_max: usize) {
        let left = |blocks: &VecDeque<Block>| -> (u64, usize) {
            let rows = blocks.iter().map(|block| block.rows - block.given).sum();
            (rows, blocks.iter().map(|block| block.bytes.len() - block.taken).sum())
        };
        while self.failure.is_none() {
            let (rows, bytes) = left(&self.blocks);
            if rows >= rows_max as u64 || rows > 0 && bytes >= GROUP_BYTES {
                return;
            }
            match self.container.next(&self.decoder) {
                Ok(Some(block)) if block.rows == 0 => {}
                Ok(Some(block)) => self.blocks.push_back(block),
                Ok(None) => return,
                Err(reason) => self.failure = Some(reason),
            }
        }
    }

    /// Looks through a first block that will not be given at once: it must not turn out to be damaged later.
    fn check_cut_block(&mut self, rows_max: usize) {
        let Some(block) = self.blocks.front_mut() else { return };
        if block.whole || self.is_broken || block.rows - block.given <= rows_max as u64 {
            return;
        }
        let count = usize::try_from(block.rows).unwrap_or(usize::MAX);
        let decoded = self.decoder.decode(&[Rows { bytes: &block.bytes, count }]);
        match decoded.map(|decoded| decoded.failure) {
            Ok(None) => block.whole = true,
            Ok(Some(reason)) => (self.failure, self.is_broken) = (Some(reason), true),
            Err(error) => (self.failure, self.is_broken) = (Some(error.to_string()), true),
        }
    }

    /// Takes what was decoded off the blocks. One that has bytes left over stays.
    fn advance(&mut self, counts: &[usize], decoded: &DecodedRows) {
        let mut rows = decoded.rows.num_rows() + decoded.rejected.len();
        for (count, taken) in counts.iter().zip(&decoded.taken) {
            let Some(block) = self.blocks.front_mut().filter(|_| rows > 0) else { return };
            let count = rows.min(*count);
            rows -= count;
            (block.given, block.taken) = (block.given + count as u64, block.taken + taken);
            if block.given == block.rows && block.taken == block.bytes.len() {
                self.blocks.pop_front();
            }
        }
    }

    /// How many rows stand before the first bytes that are left over behind a block's rows.
    fn rows_before_left_over(&self, counts: &[usize], decoded: &DecodedRows) -> Option<usize> {
        let read = decoded.rows.num_rows() + decoded.rejected.len();
        let mut rows = 0;
        for ((block, count), taken) in self.blocks.iter().zip(counts).zip(&decoded.taken) {
            rows += count;
            let is_read = rows <= read && block.given + *count as u64 == block.rows;
            if is_read && block.taken + taken < block.bytes.len() {
                return Some(rows);
            }
        }
        None
    }

    /// What is left over of the first block when all of its rows are given: a record that is not a row.
    fn left_over(&mut self) -> Option<Chunk> {
        let block = self.blocks.pop_front_if(|block| block.given == block.rows)?;
        let bytes = &block.bytes[block.taken..];
        let (count, rows) = (bytes.len(), block.rows);
        let reason = format!("{count} bytes are left over behind the {rows} rows of their block, which may be wrong");
        let (payload, reason) = Rejected::kept(bytes, reason);
        let nothing = RecordBatch::new_empty(self.schema.clone());
        Some(Chunk { rows: nothing, indexes: Vec::new(), rejected: vec![(0, payload, reason)], records: 1 })
    }

    fn chunk(&self, decoded: DecodedRows) -> Result<Chunk, SourceError> {
        let records = decoded.rows.num_rows() as u64 + decoded.rejected.len() as u64;
        let fitted = fit::fit_batch(&decoded.rows, &self.schema)?;
        let at = |row: u64| decoded.indexes[row as usize];
        let indexes = fitted.indexes.iter().map(|row| at(*row)).collect();
        let mut rejected: Vec<_> =
            fitted.rejected.into_iter().map(|(row, payload, reason)| (at(row), payload, reason)).collect();
        for (index, bytes, reason) in decoded.rejected {
            let (payload, reason) = Rejected::kept(&bytes, reason);
            rejected.push((index, payload, reason));
        }
        rejected.sort_by_key(|(index, ..)| *index);
        Ok(Chunk { rows: fitted.rows, indexes, rejected, records })
    }
}

/// Leaves out the rows of the block that could not be read to its end, and of those behind it.
fn keep_whole_blocks(decoded: &mut DecodedRows, counts: &[usize]) {
    let read = decoded.rows.num_rows() + decoded.rejected.len();
    let mut kept = 0;
    for count in counts {
        if kept + count > read {
            break;
        }
        kept += count;
    }
    keep_first(decoded, kept);
}

/// Leaves out all but the first rows.
fn keep_first(decoded: &mut DecodedRows, kept: usize) {
    let good = decoded.indexes.partition_point(|index| *index < kept as u64);
    decoded.rows = decoded.rows.slice(0, good);
    decoded.indexes.truncate(good);
    decoded.rejected.retain(|(index, ..)| *index < kept as u64);
}

impl FileReader for AvroFile {
    fn read(&mut self, rows_max: usize) -> Result<Option<Chunk>, SourceError> {
        if let Some(left_over) = self.left_over() {
            return Ok(Some(left_over));
        }
        self.read_blocks(rows_max);
        self.check_cut_block(rows_max);
        let (mut pieces, mut counts, mut left) = (Vec::new(), Vec::new(), rows_max);
        for block in &self.blocks {
            let rows = usize::try_from(block.rows - block.given).unwrap_or(usize::MAX);
            let count = rows.min(left);
            // Only the first block is given in pieces.
            if count == 0 || count < rows && !pieces.is_empty() {
                break;
            }
            pieces.push(Rows { bytes: &block.bytes[block.taken..], count });
            counts.push(count);
            left -= count;
        }
        let damaged_here = |file: &Self, reason: &str| {
            damaged(&file.file.path, &format!("after {} unpacked bytes", file.container.next), &reason)
        };
        if pieces.is_empty() || self.is_broken {
            return match &self.failure {
                Some(reason) => Err(damaged_here(self, reason)),
                None => Ok(None),
            };
        }
        let mut decoded = self.decoder.decode(&pieces).map_err(|error| damaged_here(self, &error.to_string()))?;
        if let Some(rows) = self.rows_before_left_over(&counts, &decoded) {
            // What comes behind is decoded again, after the record that is left over.
            keep_first(&mut decoded, rows);
        } else if let Some(reason) = &decoded.failure {
            (self.failure, self.is_broken) = (Some(reason.clone()), true);
            keep_whole_blocks(&mut decoded, &counts);
        }
        self.advance(&counts, &decoded);
        if decoded.rows.num_rows() == 0 && decoded.rejected.is_empty() {
            return self.read(rows_max);
        }
        self.chunk(decoded).map(Some)
    }

    fn place(&self) -> (u64, u64) {
        self.blocks.front().map_or((self.container.next, 0), |block| (block.place, block.given))
    }

    fn bytes_read(&self) -> u64 {
        self.container.read.load(Ordering::Relaxed)
    }
}
