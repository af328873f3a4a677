//! Makes events of messages in any format.

use std::{collections::BTreeSet, sync::Arc};

use arrow::array::UInt64Array;
use stream::{JsonOptions, MessageFormat, Stream, Tombstones};

use super::{avro::AvroValues, events::Events, framing::unframed, lines::Lines, message::Message};
use crate::{Records, Rejected, SourceError, json_rows::JsonRows, records::too_long};

/// What came of some messages: each is in exactly one of the two.
#[derive(Debug)]
pub struct ReadMessages {
    /// Rows of the stream's input schema and rejected messages; positions are indexes into the messages.
    pub records: Records,
    /// Messages without a value that the definition passes over, ascending.
    pub skipped: Vec<u64>,
}

/// Makes events of messages, as a stream's definition says.
pub struct MessageReader {
    values: Values,
    events: Events,
    tombstones: Tombstones,
    value_bytes_max: usize,
}

enum Values {
    Json(JsonRows),
    Csv(Box<Lines>),
    Avro(Box<AvroValues>),
}

impl MessageReader {
    /// A reader for the source of this stream, which must be topics of another program.
    ///
    /// # Errors
    /// Where the schema has a type that the format cannot hold.
    pub fn new(definition: &stream::Kafka, stream: &Arc<Stream>) -> Result<Self, SourceError> {
        let plan = stream.messages.clone().ok_or_else(|| {
            SourceError::input("the stream's definition has no source in Kafka; add one, or choose another source")
        })?;
        let values = match definition.format {
            MessageFormat::Json => Values::Json(JsonRows::new(
                plan.read.clone(),
                JsonOptions { nan: definition.json.nan, as_written: definition.json.as_written },
            )?),
            MessageFormat::Csv => Values::Csv(Box::new(Lines::new(&plan, &definition.csv)?)),
            format => Values::Avro(Box::new(AvroValues::new(format, &plan)?)),
        };
        Ok(Self {
            values,
            events: Events::new(plan, stream.input.arrow().clone()),
            tombstones: definition.tombstones,
            value_bytes_max: stream.event_bytes_max(),
        })
    }

    /// The ids of schemas that these messages name and that are not known yet.
    pub fn unknown<M: Message>(&self, messages: &[M]) -> BTreeSet<u32> {
        let Values::Avro(avro) = &self.values else { return BTreeSet::new() };
        messages.iter().filter_map(Message::value).filter_map(|value| avro.unknown(value)).collect()
    }

    /// Takes in the schema with an id, or why there is none, which is then the reason of the messages that name it.
    pub fn learn(&mut self, id: u32, schema: Result<&str, String>) {
        if let Values::Avro(avro) = &mut self.values {
            avro.learn(id, schema);
        }
    }

    /// Reads messages.
    ///
    /// # Errors
    /// Where a batch cannot be put together. A bad message is among the rejected.
    pub fn read<M: Message>(&mut self, messages: &[M]) -> Result<ReadMessages, SourceError> {
        let (mut skipped, mut rejected) = (Vec::new(), Vec::new());
        let (mut values, mut indexes) = (Vec::with_capacity(messages.len()), Vec::with_capacity(messages.len()));
        for (index, message) in messages.iter().enumerate() {
            match message.value() {
                Some(value) if value.len() > self.value_bytes_max => {
                    rejected.push((index as u64, too_long(self.value_bytes_max)));
                }
                Some(value) => {
                    values.push(value);
                    indexes.push(index as u64);
                }
                None if self.tombstones == Tombstones::Skip => skipped.push(index as u64),
                None => rejected.push((index as u64, "the message has no value (a tombstone)".to_owned())),
            }
        }
        let mut decoded = match &mut self.values {
            Values::Json(rows) => rows.decode(&values.iter().map(|value| unframed(value)).collect::<Vec<_>>())?,
            Values::Csv(lines) => lines.decode(&values)?,
            Values::Avro(avro) => avro.decode(&values)?,
        };
        let message_of = |value: &u64| indexes[*value as usize];
        decoded.indexes = decoded.indexes.iter().map(message_of).collect();
        rejected.extend(decoded.rejected.drain(..).map(|(value, reason)| (message_of(&value), reason)));
        let (rows, positions) = self.events.make(decoded, messages, &mut rejected)?;
        rejected.sort_by_key(|(index, _)| *index);
        let reject = |(index, reason): (u64, String)| {
            let value = messages[index as usize].value().unwrap_or_default();
            let (payload, reason) = Rejected::kept(value, reason);
            Rejected { position: index, payload, reason }
        };
        let rejected = rejected.into_iter().map(reject).collect();
        Ok(ReadMessages { records: Records { rows, positions: UInt64Array::from(positions), rejected }, skipped })
    }
}
