//! Messages to batches.

use arrow::{
    array::{RecordBatch, RecordBatchOptions},
    error::ArrowError,
};

use crate::{
    CodecError, ValueSchema,
    columns::Column,
    parse,
    plan::Plan,
    read, rules,
    wire::{Cursor, Problem, Read},
};

/// The magic byte and the schema id.
const HEADER_BYTES: usize = 5;
/// Writers' schemas a decoder knows.
const WRITERS_MAX: usize = 1024;
/// Bytes a call of [`Decoder::decode`], so that no column outgrows Arrow's 32-bit offsets.
const BATCH_BYTES_MAX: usize = 1 << 30;

/// What a decoder accepts.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes a message, header included; a longer one is rejected. Also bounds the memory that a message's arrays and
    /// maps may take: eight bytes a byte of this limit.
    pub message_bytes_max: usize,
    /// Messages a call of [`Decoder::decode`], and so rows a batch.
    pub batch_rows_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { message_bytes_max: 1 << 20, batch_rows_max: 65_536 }
    }
}

/// Decodes framed messages into batches of one reader's schema.
///
/// A message is checked while it is stored, in one pass: lengths and counts against the bytes that are left, booleans,
/// enum indices, union branches, digits of decimals, and that nothing is left over. One that fails is taken back out of
/// the columns, so that it costs the others nothing. UTF-8 is checked a column at a time; where that fails, the call
/// goes through its messages a second time to find the culprit.
#[derive(Debug)]
pub struct Decoder {
    reader: ValueSchema,
    limits: Limits,
    /// By schema id, ascending.
    writers: Vec<(u32, Plan)>,
    rows: Column,
}

/// What came of some messages: every message is in exactly one of the three.
#[derive(Debug)]
pub struct Decoded {
    /// The good rows, in the order of the messages.
    pub rows: RecordBatch,
    /// For each row the index of its message.
    pub messages: Vec<usize>,
    /// The bad messages, in order.
    pub rejected: Vec<Rejected>,
    /// Messages whose schema id is not known yet: (index, id). Register the writer's schema and decode them again.
    pub unknown: Vec<(usize, u32)>,
}

/// A bad message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Which message.
    pub message: usize,
    /// Why.
    pub reason: String,
}

impl Decoder {
    /// A decoder to this schema. It knows no writer yet, not even the reader itself.
    ///
    /// # Errors
    /// [`CodecError::Decode`] where a limit is zero.
    pub fn new(reader: ValueSchema, limits: Limits) -> Result<Self, CodecError> {
        if limits.message_bytes_max == 0 || limits.batch_rows_max == 0 {
            return Err(CodecError::Decode { message: "a limit of zero accepts nothing; raise it".into() });
        }
        let rows = Column::of_record(reader.record());
        Ok(Self { reader, limits, writers: Vec::new(), rows })
    }

    /// Makes a writer's schema known, in place of an earlier one of the same id.
    ///
    /// # Errors
    /// [`CodecError::Resolution`] where its messages can never be read with the reader's schema, or where there are
    /// 1024 writers already.
    pub fn add_writer(&mut self, id: u32, avro: &str) -> Result<(), CodecError> {
        let reader = self.reader.record();
        let fail = |message| CodecError::Resolution { id, reader: reader.named.name.full(), message };
        let writer = parse::parse_writer(avro).map_err(|error| fail(error.to_string()))?;
        let plan = rules::resolve(&writer, reader).map_err(fail)?;
        match self.writers.binary_search_by_key(&id, |(known, _)| *known) {
            Ok(index) => self.writers[index].1 = plan,
            Err(_) if self.writers.len() >= WRITERS_MAX => {
                return Err(fail(format!("more than {WRITERS_MAX} schemas in one stream")));
            }
            Err(index) => self.writers.insert(index, (id, plan)),
        }
        Ok(())
    }

    /// Decodes messages, each with its five header bytes. Different writers may be mixed.
    ///
    /// # Errors
    /// [`CodecError::Decode`] where there are more messages than `batch_rows_max`, or more than 1 GiB of them. A bad
    /// message is not an error.
    pub fn decode(&mut self, messages: &[&[u8]]) -> Result<Decoded, CodecError> {
        self.check(messages)?;
        // Text is checked a column at a time, which is quicker; only where that fails, a message at a time.
        match self.decode_with(messages, false) {
            Ok(decoded) => Ok(decoded),
            Err(_) => {
                self.decode_with(messages, true).map_err(|error| CodecError::Decode { message: error.to_string() })
            }
        }
    }

    fn decode_with(&mut self, messages: &[&[u8]], check_text: bool) -> Result<Decoded, ArrowError> {
        self.rows.truncate(0);
        self.rows.reserve(messages.len());
        let mut good = Vec::with_capacity(messages.len());
        let (mut rejected, mut unknown) = (Vec::new(), Vec::new());
        let mut writer = 0;
        for (index, message) in messages.iter().enumerate() {
            let body = match header(message, self.limits.message_bytes_max) {
                Ok((id, body)) if self.find(id, &mut writer) => body,
                Ok((id, _)) => {
                    unknown.push((index, id));
                    continue;
                }
                Err(reason) => {
                    rejected.push(Rejected { message: index, reason });
                    continue;
                }
            };
            let plan = &self.writers[writer].1;
            let cursor = Cursor::new(body, self.limits.message_bytes_max as u64);
            let first = if check_text { cursor.clone() } else { cursor.clone().with_text_unchecked() };
            match read_row(plan, &mut self.rows, first) {
                Ok(()) => good.push(index),
                Err(problem) => {
                    self.rows.truncate(good.len());
                    // With text checked too: the reason must not depend on which messages share the batch.
                    let problem = read_row(plan, &mut self.rows, cursor).err().unwrap_or(problem);
                    self.rows.truncate(good.len());
                    rejected.push(Rejected { message: index, reason: problem.to_string() });
                }
            }
        }
        let columns = self.rows.take_children()?;
        let options = RecordBatchOptions::new().with_row_count(Some(good.len()));
        let rows = RecordBatch::try_new_with_options(self.reader.arrow().clone(), columns, &options)?;
        Ok(Decoded { rows, messages: good, rejected, unknown })
    }

    fn check(&self, messages: &[&[u8]]) -> Result<(), CodecError> {
        let fail = |message| Err(CodecError::Decode { message });
        if messages.len() > self.limits.batch_rows_max {
            return fail(format!(
                "{} messages at once, but the limit is {}; cut them smaller",
                messages.len(),
                self.limits.batch_rows_max
            ));
        }
        let bytes: usize = messages.iter().map(|message| message.len().min(self.limits.message_bytes_max)).sum();
        if bytes > BATCH_BYTES_MAX {
            return fail(format!("{bytes} bytes at once, but the limit is {BATCH_BYTES_MAX}; cut them smaller"));
        }
        Ok(())
    }

    /// Finds a writer, which is mostly the one that the message before had.
    fn find(&self, id: u32, writer: &mut usize) -> bool {
        if self.writers.get(*writer).is_some_and(|(known, _)| *known == id) {
            return true;
        }
        match self.writers.binary_search_by_key(&id, |(known, _)| *known) {
            Ok(index) => {
                *writer = index;
                true
            }
            Err(_) => false,
        }
    }
}

/// The schema id and what comes after it.
fn header(message: &[u8], bytes_max: usize) -> Result<(u32, &[u8]), String> {
    if message.len() > bytes_max {
        return Err(format!("message of {} bytes, but the limit is {bytes_max}", message.len()));
    }
    match message.split_first_chunk::<HEADER_BYTES>() {
        Some(([0, id @ ..], body)) => Ok((u32::from_be_bytes(*id), body)),
        Some(([magic, ..], _)) => {
            Err(format!("no framed Avro: the message begins with byte 0x{magic:02x}, not with the magic byte 0"))
        }
        None if message.is_empty() => Err("empty message".into()),
        None => Err(format!("message of {} bytes, shorter than its header of {HEADER_BYTES} bytes", message.len())),
    }
}

fn read_row(plan: &Plan, rows: &mut Column, mut cursor: Cursor<'_>) -> Read<()> {
    read::read(plan, rows, &mut cursor)?;
    match cursor.len() {
        0 => Ok(()),
        left => Err(Problem::new(format!("{left} bytes are left over after the row"))),
    }
}
