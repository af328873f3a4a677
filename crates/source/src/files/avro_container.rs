//! The header and the blocks of Avro object container files.

use std::{
    io::{BufRead, BufReader, Read},
    sync::{Arc, atomic::AtomicU64},
};

use codec::{FileSchema, RowDecoder};

use super::{InputFile, avro_codec::BlockCodec, input};
use crate::SourceError;

/// Bytes of a block at most, as it stands in the file.
pub(crate) const BLOCK_BYTES_MAX: u64 = 256 << 20;

/// Bytes of a file's header at most.
const HEADER_BYTES_MAX: u64 = 16 << 20;

/// Rows of a block that take no bytes at most.
const EMPTY_ROWS_MAX: u64 = 1 << 20;

const MAGIC: &[u8; 4] = b"Obj\x01";
pub(crate) const SYNC_BYTES: usize = 16;

/// What a container begins with.
struct Header {
    schema: FileSchema,
    codec: BlockCodec,
    sync: [u8; SYNC_BYTES],
    /// How many bytes it takes.
    length: u64,
}

/// A block that is read and not yet given.
pub(crate) struct Block {
    /// Where it begins in the file.
    pub place: u64,
    /// Unpacked.
    pub bytes: Vec<u8>,
    pub rows: u64,
    /// Bytes and rows that were given.
    pub taken: usize,
    pub given: u64,
    /// Whether all of its rows are known to be there.
    pub whole: bool,
}

/// The blocks of a container.
pub(crate) struct Container {
    header: Header,
    input: BufReader<Box<dyn Read + Send>>,
    /// Where the next block begins.
    pub next: u64,
    pub read: Arc<AtomicU64>,
}

fn unreadable(file: &InputFile, error: &dyn std::fmt::Display) -> SourceError {
    SourceError::input(format!("{} cannot be read as Avro: {error}; replace it with a whole file", file.name()))
}

/// A header as it stands there.
pub(crate) struct RawHeader {
    /// The schema's text.
    pub schema: String,
    /// What its blocks are compressed with.
    pub codec: Option<Vec<u8>>,
    pub sync: [u8; SYNC_BYTES],
    /// How many bytes it takes.
    pub length: u64,
}

/// Reads a header; an error says what is wrong with it.
pub(crate) fn raw_header(input: &mut impl BufRead) -> Result<RawHeader, String> {
    let mut input = Counted { input: input.take(HEADER_BYTES_MAX), count: 0 };
    if &input.array::<4>()? != MAGIC {
        return Err("it does not begin as a container does".into());
    }
    let (mut schema, mut codec) = (None, None);
    loop {
        let mut entries = input.long()?;
        if entries == 0 {
            break;
        }
        if entries < 0 {
            input.long()?;
            entries = entries.saturating_neg();
        }
        for _ in 0..entries {
            let (key, value) = (input.bytes()?, input.bytes()?);
            match key.as_slice() {
                b"avro.schema" => schema = Some(value),
                b"avro.codec" => codec = Some(value),
                _ => {}
            }
        }
    }
    let sync = input.array::<SYNC_BYTES>()?;
    let schema = schema.ok_or("its header has no schema")?;
    let schema = String::from_utf8(schema).map_err(|_| "its schema is not UTF-8 text")?;
    Ok(RawHeader { schema, codec, sync, length: input.count })
}

fn header(file: &InputFile, input: &mut impl BufRead) -> Result<Header, SourceError> {
    let RawHeader { schema, codec, sync, length } = raw_header(input).map_err(|error| unreadable(file, &error))?;
    let refused = |error: String| SourceError::input(format!("{} cannot be read as Avro: {error}", file.name()));
    Ok(Header {
        schema: FileSchema::parse(&schema).map_err(|error| refused(error.to_string()))?,
        codec: BlockCodec::named(codec.as_deref()).map_err(refused)?,
        sync,
        length,
    })
}

/// Reads a header, and how many bytes it took.
struct Counted<R> {
    input: R,
    count: u64,
}

impl<R: Read> Counted<R> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes).map_err(|_| "the header is truncated".to_owned())?;
        self.count += N as u64;
        Ok(bytes)
    }

    fn long(&mut self) -> Result<i64, String> {
        let mut value = 0;
        for index in 0..10 {
            let [byte] = self.array()?;
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                return Ok(zigzag(value));
            }
        }
        Err("the header has an impossible number".into())
    }

    fn bytes(&mut self) -> Result<Vec<u8>, String> {
        let length = self.long()?;
        let length = u64::try_from(length).map_err(|_| "the header has an impossible length".to_owned())?;
        let mut bytes = Vec::new();
        let read = (&mut self.input).take(length).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        self.count += length;
        if (read as u64) < length { Err("the header is truncated".into()) } else { Ok(bytes) }
    }
}

fn zigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

impl Container {
    /// Opens a container at a block, which an earlier reader of it gave; 0 is its first.
    pub(crate) fn open(file: &InputFile, place: u64) -> Result<Self, SourceError> {
        let header = header(file, &mut BufReader::new(input::open(file, 0)?.bytes))?;
        let next = place.max(header.length);
        let opened = input::open(file, next)?;
        Ok(Self { header, input: BufReader::with_capacity(64 << 10, opened.bytes), next, read: opened.read })
    }

    /// The schema in its header.
    pub(crate) fn schema(&self) -> &FileSchema {
        &self.header.schema
    }

    /// What ends every block.
    pub(crate) fn marker(&self) -> &[u8] {
        &self.header.sync
    }

    /// The next block, `None` at the end of the file.
    pub(crate) fn next(&mut self, decoder: &RowDecoder) -> Result<Option<Block>, String> {
        let place = self.next;
        let mut length = 0;
        let Some(rows) = self.read_long(&mut length)? else { return Ok(None) };
        let size = self.read_long(&mut length)?.ok_or("the file is truncated")?;
        let size = u64::try_from(size).ok().filter(|size| *size <= BLOCK_BYTES_MAX);
        let size = size.ok_or("a block has an impossible size")?;
        let mut bytes = Vec::new();
        let whole = size + SYNC_BYTES as u64;
        let read = (&mut self.input).take(whole).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        if (read as u64) < whole {
            return Err("the file is truncated".into());
        }
        if bytes.split_off(size as usize) != self.header.sync {
            return Err("a block does not end with the file's marker".into());
        }
        let bytes = self.header.codec.unpack(bytes)?;
        let rows_max = if decoder.takes_bytes() { bytes.len() as u64 } else { EMPTY_ROWS_MAX };
        let rows = u64::try_from(rows).ok().filter(|rows| *rows <= rows_max);
        let rows = rows.ok_or("a block has an impossible number of rows")?;
        if rows == 0 && !bytes.is_empty() {
            return Err("a block has bytes but no rows".into());
        }
        self.next += length + whole;
        Ok(Some(Block { place, bytes, rows, taken: 0, given: 0, whole: false }))
    }

    /// A zigzag-encoded number, whose bytes are added to `length`; `None` where the file ends before it.
    fn read_long(&mut self, length: &mut u64) -> Result<Option<i64>, String> {
        let mut value = 0;
        for index in 0..10 {
            let Some(byte) = self.input.fill_buf().map_err(|error| error.to_string())?.first().copied() else {
                return if *length == 0 { Ok(None) } else { Err("the file is truncated".into()) };
            };
            self.input.consume(1);
            *length += 1;
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                return Ok(Some(zigzag(value)));
            }
        }
        Err("a block has an impossible size".into())
    }
}
