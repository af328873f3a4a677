//! From the columns of a message's value, and the message itself, to the stream's columns.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray,
        TimestampMillisecondArray,
    },
    compute,
    datatypes::{Schema, SchemaRef},
};
use stream::{MessagePart, Messages};

use super::message::Message;
use crate::{
    SourceError,
    files::fit::{self, Bad},
    json_rows::Decoded,
};

/// Makes the stream's columns.
pub(super) struct Events {
    plan: Messages,
    /// The columns of a value, then the parts of a message: what derived columns see.
    seen: SchemaRef,
    schema: SchemaRef,
}

impl Events {
    pub(super) fn new(plan: Messages, schema: SchemaRef) -> Self {
        let parts = plan.parts.iter().map(|part| Arc::new(part.field()));
        let seen = Arc::new(Schema::new(plan.read.fields().iter().cloned().chain(parts).collect::<Vec<_>>()));
        Self { plan, seen, schema }
    }

    /// The rows of the stream's schema, and which message each is. Messages that are none are added to `rejected`.
    pub(super) fn make<M: Message>(
        &self,
        decoded: Decoded,
        messages: &[M],
        rejected: &mut Vec<(u64, String)>,
    ) -> Result<(RecordBatch, Vec<u64>), SourceError> {
        let Decoded { rows, indexes, .. } = decoded;
        if self.plan.derived.is_empty() {
            let columns = rows.columns().to_vec();
            return Ok((self.batch(columns, indexes.len())?, indexes));
        }
        let (seen, indexes) = self.with_parts(rows, indexes, messages, rejected)?;
        let mut bad = Bad::new();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        for field in self.schema.fields() {
            let derived = self.plan.derived.iter().find(|(name, _)| name == field.name());
            columns.push(match derived {
                None => seen[field.name().as_str()].clone(),
                Some((name, expression)) => {
                    let refused = |error| SourceError::input(format!("derive: column `{name}`: {error}"));
                    let evaluated = expression.evaluate(&seen).map_err(refused)?;
                    for (row, reason) in evaluated.failed {
                        bad.entry(row).or_insert_with(|| format!("derived column `{name}`: {reason}"));
                    }
                    fit::fit_column(&evaluated.values, field, &mut bad)?
                }
            });
        }
        let (rows, good) = fit::keep_good(&self.schema, columns, seen.num_rows(), &bad)?;
        rejected.extend(bad.into_iter().map(|(row, reason)| (indexes[row], reason)));
        Ok((rows, good.iter().map(|row| indexes[*row as usize]).collect()))
    }

    fn batch(&self, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch, SourceError> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }

    /// The rows with what derived columns see of their messages. A message whose key or header should be text and is not
    /// is rejected.
    fn with_parts<M: Message>(
        &self,
        rows: RecordBatch,
        indexes: Vec<u64>,
        messages: &[M],
        rejected: &mut Vec<(u64, String)>,
    ) -> Result<(RecordBatch, Vec<u64>), SourceError> {
        let texts: Vec<&MessagePart> =
            self.plan.parts.iter().filter(|part| matches!(part, MessagePart::Key | MessagePart::Header(_))).collect();
        let not_text = |index: &u64| {
            let wrong = texts.iter().find(|part| text(part, &messages[*index as usize]).is_err())?;
            Some((*index, format!("`{}` is not text in UTF-8", wrong.field().name())))
        };
        let wrong: Vec<Option<(u64, String)>> = indexes.iter().map(not_text).collect();
        let good: BooleanArray = wrong.iter().map(|wrong| Some(wrong.is_none())).collect();
        let (rows, indexes) = match wrong.iter().all(Option::is_none) {
            true => (rows, indexes),
            false => {
                let kept = indexes.iter().zip(&wrong).filter(|(_, wrong)| wrong.is_none()).map(|(index, _)| *index);
                (compute::filter_record_batch(&rows, &good)?, kept.collect())
            }
        };
        rejected.extend(wrong.into_iter().flatten());
        let of = || indexes.iter().map(|index| &messages[*index as usize]);
        let mut columns = rows.columns().to_vec();
        for part in &self.plan.parts {
            columns.push(match part {
                MessagePart::Key | MessagePart::Header(_) => {
                    Arc::new(of().map(|message| text(part, message).unwrap_or_default()).collect::<StringArray>())
                }
                MessagePart::Timestamp => {
                    let times: TimestampMillisecondArray = of().map(Message::timestamp).collect();
                    Arc::new(times.with_timezone("UTC"))
                }
                MessagePart::Topic => Arc::new(StringArray::from_iter_values(of().map(Message::topic))),
                MessagePart::Partition => {
                    Arc::new(Int32Array::from_iter_values(of().map(|message| message.partition() as i32)))
                }
                MessagePart::Offset => {
                    Arc::new(Int64Array::from_iter_values(of().map(|message| message.offset() as i64)))
                }
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(indexes.len()));
        Ok((RecordBatch::try_new_with_options(self.seen.clone(), columns, &options)?, indexes))
    }
}

/// A key or header as text, where there is one.
fn text<'m, M: Message>(part: &MessagePart, message: &'m M) -> Result<Option<&'m str>, std::str::Utf8Error> {
    let bytes = match part {
        MessagePart::Header(name) => message.header(name),
        _ => message.key(),
    };
    bytes.map(std::str::from_utf8).transpose()
}
