//! Messages to batches.

use arrow::array::RecordBatch;

use crate::{CodecError, ValueSchema};

/// What a decoder accepts.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes a message; a longer one is rejected.
    pub message_bytes_max: usize,
    /// Rows a batch.
    pub batch_rows_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { message_bytes_max: 1 << 20, batch_rows_max: 65_536 }
    }
}

/// Decodes framed messages into batches of one reader's schema.
#[derive(Debug)]
pub struct Decoder {
    reader: ValueSchema,
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
    /// A decoder to this schema.
    pub fn new(reader: ValueSchema, limits: Limits) -> Result<Self, CodecError> {
        let _ = limits;
        Ok(Self { reader })
    }

    /// Makes a writer's schema known. An error means that its messages can never be read with the reader's schema.
    pub fn add_writer(&mut self, id: u32, avro: &str) -> Result<(), CodecError> {
        let _ = (id, avro);
        Ok(())
    }

    /// Decodes messages, each with its five header bytes.
    pub fn decode(&mut self, messages: &[&[u8]]) -> Result<Decoded, CodecError> {
        let _ = messages;
        Ok(Decoded { rows: RecordBatch::new_empty(self.reader.arrow().clone()), messages: vec![], rejected: vec![], unknown: vec![] })
    }
}
