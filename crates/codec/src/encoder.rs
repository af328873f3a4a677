//! Batches to messages.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{RecordBatch, RecordBatchOptions},
    datatypes::{Schema, SchemaRef},
};
use arrow_avro::{
    schema::{FingerprintStrategy, SCHEMA_METADATA_KEY},
    writer::{self, WriterBuilder, format::AvroSoeFormat},
};
use bytes::Bytes;

use crate::{CodecError, ValueSchema, emit, recode, types};

/// Encodes rows of one schema as framed messages.
pub struct Encoder {
    schema: ValueSchema,
    id: u32,
    /// The columns as arrow-avro takes them.
    columns: SchemaRef,
    writer: writer::Encoder,
}

/// Framed messages, one a row, in one buffer.
#[derive(Debug, Clone)]
pub struct Framed {
    /// All messages, one behind the other.
    pub bytes: Bytes,
    /// Where each begins, and where the last ends: one more than there are messages.
    pub offsets: Vec<usize>,
}

impl Framed {
    /// How many messages.
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The message of row `index`, which must be below [`Framed::len`].
    pub fn message(&self, index: usize) -> Bytes {
        self.bytes.slice(self.offsets[index]..self.offsets[index + 1])
    }
}

impl Encoder {
    /// An encoder of rows of `schema`, registered under `id`.
    ///
    /// # Errors
    /// [`CodecError::Encode`] where the schema cannot be written.
    pub fn new(schema: ValueSchema, id: u32) -> Result<Self, CodecError> {
        let fields = types::fields(schema.record());
        let bare = emit::bare(schema.record()).to_string();
        let metadata = HashMap::from([(SCHEMA_METADATA_KEY.to_owned(), bare)]);
        let writer = WriterBuilder::new(Schema::new_with_metadata(fields, metadata))
            .with_fingerprint_strategy(FingerprintStrategy::Id(id))
            .build_encoder::<AvroSoeFormat>()
            .map_err(|error| CodecError::Encode { message: error.to_string() })?;
        Ok(Self { schema, id, columns: writer.schema(), writer })
    }

    /// One framed message a row. Columns are found by name; others than the schema's are passed over. A column may be
    /// of any type that can be cast to the schema's without loss of a value.
    ///
    /// # Errors
    /// [`CodecError::Encode`] with the column and row, where a column is missing, of another type, null where the
    /// schema has no null, none of an enum's symbols, or out of its type's range. Then no row has been encoded.
    pub fn encode(&mut self, rows: &RecordBatch) -> Result<Framed, CodecError> {
        let batch = self.batch(rows).map_err(|message| CodecError::Encode { message })?;
        let encoded = self.writer.encode(&batch);
        let framed = self.writer.flush();
        encoded.map_err(|error| CodecError::Encode { message: error.to_string() })?;
        Ok(Framed { bytes: framed.bytes().clone(), offsets: framed.offsets().to_vec() })
    }

    fn batch(&self, rows: &RecordBatch) -> Result<RecordBatch, String> {
        let mut columns = Vec::with_capacity(self.columns.fields().len());
        for (field, target) in self.schema.record().fields.iter().zip(self.columns.fields()) {
            let name = target.name();
            let column = rows.column_by_name(name).ok_or_else(|| format!("column `{name}` is missing"))?;
            let column = recode::recode(column, &field.site, target);
            columns.push(column.map_err(|reason| format!("column `{name}`: {reason}"))?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.columns), columns, &options)
            .map_err(|error| error.to_string())
    }
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Encoder").field("schema", &self.schema).field("id", &self.id).finish_non_exhaustive()
    }
}
