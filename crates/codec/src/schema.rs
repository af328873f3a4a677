//! The schema of a topic's values, as Avro and as Arrow.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};

use crate::{CodecError, avro::Record, derive, emit, parse, types};

/// The schema of a topic's values: a record, as Avro and as Arrow. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ValueSchema {
    avro: Arc<str>,
    record: Arc<Record>,
    arrow: SchemaRef,
}

impl ValueSchema {
    /// Parses an Avro schema, which must be a record at the top. Each column of the Arrow schema keeps its Avro field
    /// (enum symbols, logical types, docs, aliases, default) in its metadata, for [`ValueSchema::derive`].
    ///
    /// Strings become Utf8, enums Dictionary(Int32, Utf8), instants Timestamp(unit, "UTC"), a union with null a
    /// nullable column. A uuid on a string stays text.
    ///
    /// # Errors
    /// [`CodecError::Schema`], with the field's path, where the text is not JSON or no schema, where a union is
    /// anything but null and one type, where a type contains itself, or where a limit is exceeded.
    pub fn parse(avro: &str) -> Result<Self, CodecError> {
        let record = parse::parse(avro)?;
        Ok(Self { avro: avro.into(), arrow: Arc::new(types::schema(&record)), record: Arc::new(record) })
    }

    /// The Avro schema for rows of an Arrow schema, under this record name and namespace. Columns that come from
    /// [`ValueSchema::parse`] and have kept their type come back as they were; others are mapped by type, and a
    /// nullable one is a union of null and the type with the default null. The same columns give the same text.
    ///
    /// The Arrow schema of the result is the one that decoding gives, so Int16 comes back as Int32 and LargeUtf8 as
    /// Utf8; [`crate::Encoder`] takes rows of either.
    ///
    /// # Errors
    /// [`CodecError::Schema`] where a column's name is not an Avro name or its type has no Avro counterpart.
    pub fn derive(arrow: &Schema, name: &str, namespace: &str) -> Result<Self, CodecError> {
        let record = derive::derive(arrow, name, namespace)?;
        let avro = emit::record(&record).map_err(|message| CodecError::Schema { message })?;
        Ok(Self { avro: format!("{avro:#}").into(), arrow: Arc::new(types::schema(&record)), record: Arc::new(record) })
    }

    /// The Avro schema as JSON.
    pub fn avro(&self) -> &str {
        &self.avro
    }

    /// The Arrow schema of its batches.
    pub fn arrow(&self) -> &SchemaRef {
        &self.arrow
    }

    pub(crate) fn record(&self) -> &Record {
        &self.record
    }
}
