//! Writing ORC files, compressed with zstd.
//!
//! The library's writer cannot go from one thread to another, and a table's file does. So the library encodes a stripe at a
//! time, as a file of its own in memory; the stripes are put behind one another here, and what an ORC file ends with, which
//! says where they are, is written for all of them.

use std::io::Write;

use arrow::{array::RecordBatch, datatypes::SchemaRef, error::ArrowError};
use bytes::Bytes;
use orc_rust::{
    ArrowWriterBuilder,
    compression::CompressionType,
    proto::{CompressionKind, Footer, PostScript, StringPair, StripeInformation, r#type::Kind},
    reader::metadata::read_metadata,
};
use prost::Message;

use crate::{Layout, OrcError};

/// What a file begins with.
const MAGIC: &[u8] = b"ORC";
/// Rows of a stripe. A writer holds the rows of one stripe in memory.
const STRIPE_ROWS: usize = 131_072;
/// A stripe whose rows have more bytes in memory ends earlier.
const STRIPE_BYTES_MAX: usize = 64 << 20;
/// Bytes that are compressed at a time.
const BLOCK_BYTES: usize = 256 << 10;

/// Spark reads the name of a column's type, and does not know ORC's `timestamp with local time zone`; where a column has this
/// attribute, its type is that one. Every other reader passes over attributes. (A plain `timestamp` would be another moment
/// on a machine whose zone is not UTC.)
const INSTANT_IN_SPARK: (&str, &str) = ("spark.sql.catalyst.type", "timestamp");

/// A file that rows are written to. Its bytes depend on the rows and on the batches that they come in.
pub struct Writer<W: Write> {
    out: W,
    layout: Layout,
    /// Rows of the stripe that is not written yet.
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
    waiting_bytes: usize,
    stripes: Vec<StripeInformation>,
    /// Bytes that the file has.
    written: u64,
}

impl<W: Write> Writer<W> {
    /// A file with the columns of `layout`.
    ///
    /// # Errors
    /// Where its first bytes cannot be written.
    pub fn new(mut out: W, layout: Layout) -> Result<Self, OrcError> {
        out.write_all(MAGIC).map_err(ArrowError::from)?;
        let written = MAGIC.len() as u64;
        Ok(Self { out, layout, waiting: Vec::new(), waiting_rows: 0, waiting_bytes: 0, stripes: Vec::new(), written })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// Where they have other columns or cannot be written.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<(), OrcError> {
        let rows = self.layout.rows(rows)?;
        self.waiting_rows += rows.num_rows();
        self.waiting_bytes += rows.get_array_memory_size();
        self.waiting.push(rows);
        match self.waiting_rows >= STRIPE_ROWS || self.waiting_bytes >= STRIPE_BYTES_MAX {
            true => self.write_stripe(),
            false => Ok(()),
        }
    }

    /// Bytes of rows that the file does not have yet.
    pub fn buffered_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// Ends the file.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn finish(mut self) -> Result<(), OrcError> {
        self.write_stripe()?;
        let (mut footer, mut postscript) = end_of_empty(self.layout.file())?;
        footer.number_of_rows = Some(self.stripes.iter().filter_map(|stripe| stripe.number_of_rows).sum());
        footer.content_length = Some(self.written);
        footer.stripes = self.stripes;
        for column in footer.types.iter_mut().filter(|column| column.kind() == Kind::TimestampInstant) {
            let (key, value) = INSTANT_IN_SPARK;
            column.attributes.push(StringPair { key: Some(key.to_owned()), value: Some(value.to_owned()) });
        }
        let footer = uncompressed(&footer.encode_to_vec());
        postscript.footer_length = Some(footer.len() as u64);
        postscript.metadata_length = Some(0);
        postscript.compression = Some(CompressionKind::Zstd.into());
        postscript.compression_block_size = Some(BLOCK_BYTES as u64);
        let postscript = postscript.encode_to_vec();
        let length = u8::try_from(postscript.len()).map_err(|_| OrcError::NotOrc("its end is too long"))?;
        for bytes in [&footer[..], &postscript, &[length]] {
            self.out.write_all(bytes).map_err(ArrowError::from)?;
        }
        Ok(())
    }

    /// Writes the rows that wait as a stripe.
    fn write_stripe(&mut self) -> Result<(), OrcError> {
        if self.waiting_rows == 0 {
            return Ok(());
        }
        let mut encoded = Vec::new();
        let mut writer = ArrowWriterBuilder::new(&mut encoded, self.layout.file().clone())
            .with_compression(CompressionType::Zstd)
            .with_compression_block_size(BLOCK_BYTES)
            .with_stripe_byte_size(usize::MAX)
            .try_build()?;
        self.waiting.drain(..).try_for_each(|rows| writer.write(&rows))?;
        writer.close()?;
        (self.waiting_rows, self.waiting_bytes) = (0, 0);
        let mut encoded = Bytes::from(encoded);
        let metadata = read_metadata(&mut encoded)?;
        for stripe in metadata.stripe_metadatas() {
            let (start, length) =
                (stripe.offset(), stripe.index_length() + stripe.data_length() + stripe.footer_length());
            let bytes = &encoded[start as usize..(start + length) as usize];
            self.out.write_all(bytes).map_err(ArrowError::from)?;
            self.stripes.push(StripeInformation {
                offset: Some(self.written),
                index_length: Some(stripe.index_length()),
                data_length: Some(stripe.data_length()),
                footer_length: Some(stripe.footer_length()),
                number_of_rows: Some(stripe.number_of_rows()),
                ..StripeInformation::default()
            });
            self.written += length;
        }
        Ok(())
    }
}

/// What the library ends a file with that has these columns and no rows.
fn end_of_empty(schema: &SchemaRef) -> Result<(Footer, PostScript), OrcError> {
    let mut file = Vec::new();
    ArrowWriterBuilder::new(&mut file, schema.clone()).try_build()?.close()?;
    let unreadable = || OrcError::NotOrc("the library wrote no end");
    let (length, before) = file.split_last().ok_or_else(unreadable)?;
    let start = before.len().checked_sub(usize::from(*length)).ok_or_else(unreadable)?;
    let (before, postscript) = before.split_at(start);
    let postscript = PostScript::decode(postscript).map_err(|_| unreadable())?;
    let length = usize::try_from(postscript.footer_length()).map_err(|_| unreadable())?;
    let start = before.len().checked_sub(length).ok_or_else(unreadable)?;
    let footer = Footer::decode(&before[start..]).map_err(|_| unreadable())?;
    Ok((footer, postscript))
}

/// Bytes as blocks that say that they are not compressed: the length and a bit before each.
fn uncompressed(bytes: &[u8]) -> Vec<u8> {
    let mut blocks = Vec::new();
    for block in bytes.chunks(BLOCK_BYTES) {
        blocks.extend(&((block.len() as u32) << 1 | 1).to_le_bytes()[..3]);
        blocks.extend(block);
    }
    blocks
}
