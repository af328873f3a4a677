//! From a profile's block to rows of the stream's schema.

use std::{fmt::Write, sync::Arc};

use arrow::{
    array::{
        ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, StringBuilder, TimestampMicrosecondArray,
        new_null_array,
    },
    compute::{self, CastOptions},
    datatypes::{Field, SchemaRef},
};
use stream::Stream;

use super::block::{Block, Profile};
use crate::SourceError;

/// Puts a block into the schema.
pub(crate) struct Filler {
    schema: SchemaRef,
    origins: Vec<Origin>,
    prefixes: [&'static str; 2],
}

/// Where a column comes from.
#[derive(Clone, Copy)]
enum Origin {
    Id,
    Key,
    Time,
    Label,
    Kind,
    Own(usize),
    Null,
}

impl Filler {
    /// Finds each of the schema's columns in the profile.
    ///
    /// # Errors
    /// Where the profile cannot fill one that may not be null.
    pub(crate) fn new(stream: &Arc<Stream>, profile: &dyn Profile) -> Result<Self, SourceError> {
        let (schema, spec) = (stream.input.arrow().clone(), &stream.definition.spec);
        let origin = |field: &Field| {
            let own = profile.columns().iter().position(|name| name == field.name());
            Some(match field.name().as_str() {
                "is_anomaly" => Origin::Label,
                "anomaly_kind" => Origin::Kind,
                name if name == spec.id && own.is_none() => Origin::Id,
                name if name == spec.time => Origin::Time,
                name if name == profile.key() => Origin::Key,
                "event_id" | "reading_id" | "request_id" | "trade_id" => Origin::Id,
                "timestamp" | "event_time" => Origin::Time,
                name => match own {
                    Some(index) => Origin::Own(index),
                    None if name == spec.key => Origin::Key,
                    None if field.is_nullable() => Origin::Null,
                    None => return None,
                },
            })
        };
        let mut origins = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            origins.push(origin(field).ok_or_else(|| {
                SourceError::input(format!(
                    "the synthetic profile cannot fill column `{}`; it has `event_id`, `timestamp`, `{}`, `{}`, \
                     `is_anomaly`, `anomaly_kind`. make the column nullable, or for the uniform profile give its \
                     bounds in `fields`",
                    field.name(),
                    profile.key(),
                    profile.columns().join("`, `"),
                ))
            })?);
        }
        Ok(Self { schema, origins, prefixes: profile.prefixes() })
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The rows of a block whose first event has position `first`.
    pub(crate) fn fill(&self, first: u64, block: Block) -> Result<RecordBatch, SourceError> {
        let events = block.keys.len();
        let mut columns = Vec::with_capacity(self.origins.len());
        for (origin, field) in self.origins.iter().zip(self.schema.fields()) {
            let text = !field.data_type().is_numeric();
            let values: ArrayRef = match origin {
                Origin::Id if text => numbered(self.prefixes[0], 12, first..first + events as u64),
                Origin::Id => Arc::new(Int64Array::from_iter_values(first as i64..first as i64 + events as i64)),
                Origin::Key if text => numbered(self.prefixes[1], 5, block.keys.iter().map(|key| u64::from(*key))),
                Origin::Key => Arc::new(Int64Array::from_iter_values(block.keys.iter().map(|key| i64::from(*key)))),
                Origin::Time => Arc::new(TimestampMicrosecondArray::from(block.times.clone()).with_timezone("UTC")),
                Origin::Label => {
                    Arc::new(BooleanArray::from_iter(block.anomalies.iter().map(|kind| Some(kind.is_some()))))
                }
                Origin::Kind if field.is_nullable() => Arc::new(StringArray::from_iter(block.anomalies.iter())),
                Origin::Kind => {
                    Arc::new(StringArray::from_iter_values(block.anomalies.iter().map(|kind| kind.unwrap_or("none"))))
                }
                Origin::Own(index) => block.columns[*index].clone(),
                Origin::Null => new_null_array(field.data_type(), events),
            };
            columns.push(cast(values, field)?);
        }
        Ok(RecordBatch::try_new(self.schema.clone(), columns)?)
    }
}

fn cast(values: ArrayRef, field: &Field) -> Result<ArrayRef, SourceError> {
    if values.data_type() == field.data_type() {
        return Ok(values);
    }
    let options = CastOptions { safe: false, ..Default::default() };
    compute::cast_with_options(&values, field.data_type(), &options).map_err(|error| {
        let name = field.name();
        SourceError::input(format!("the synthetic profile's `{name}` does not fit the schema's type: {error}"))
    })
}

/// `prefix-000…number`, each padded to `digits`.
pub(crate) fn numbered(prefix: &str, digits: usize, numbers: impl Iterator<Item = u64>) -> ArrayRef {
    let mut texts = StringBuilder::new();
    let mut reversed = [0; 20];
    for mut number in numbers {
        let mut length = 0;
        while number > 0 || length < digits {
            reversed[length] = b'0' + (number % 10) as u8;
            number /= 10;
            length += 1;
        }
        // Writing to a string builder cannot fail.
        let _ = texts.write_str(prefix);
        let _ = texts.write_char('-');
        for digit in reversed[..length].iter().rev() {
            let _ = texts.write_char(char::from(*digit));
        }
        texts.append_value("");
    }
    Arc::new(texts.finish())
}
