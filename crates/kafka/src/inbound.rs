//! Messages to rows: decoding, with writers' schemas from the registry as they are first seen.

use std::collections::HashMap;

use arrow::array::RecordBatch;
use codec::{CodecError, Decoder, Limits, ValueSchema};
use registry::{Registry, RegistryError};

use crate::KafkaError;

/// Decodes the values of a topic.
pub(crate) struct Inbound {
    decoder: Decoder,
    registry: Registry,
    /// Ids whose messages can never be read, with the reason.
    refused: HashMap<u32, String>,
}

/// What came of some messages: each is a row or was rejected.
pub(crate) struct Decoded {
    /// The good ones, in order.
    pub rows: RecordBatch,
    /// For each row the index of its message.
    pub messages: Vec<usize>,
    /// The bad ones: which, and why; in order.
    pub rejected: Vec<(usize, String)>,
}

impl Inbound {
    pub(crate) fn new(schema: ValueSchema, registry: Registry) -> Result<Self, KafkaError> {
        Ok(Self { decoder: Decoder::new(schema, Limits::default())?, registry, refused: HashMap::new() })
    }

    /// Decodes messages. A writer's schema that is not known yet is fetched, however long the registry takes within
    /// its limit, and no message is lost meanwhile.
    ///
    /// # Errors
    /// Where the registry cannot be asked, so that nothing is known about some messages.
    pub(crate) fn decode(&mut self, messages: &[&[u8]]) -> Result<Decoded, KafkaError> {
        let decoded = loop {
            let decoded = self.decoder.decode(messages)?;
            let mut learned = false;
            for (_, id) in &decoded.unknown {
                if !self.refused.contains_key(id) {
                    learned |= self.learn(*id)?;
                }
            }
            if !learned {
                break decoded;
            }
        };
        let rejected = decoded.rejected.into_iter().map(|rejected| (rejected.message, rejected.reason));
        let unknown = decoded.unknown.into_iter().map(|(message, id)| {
            let reason = self.refused.get(&id).cloned();
            (message, reason.unwrap_or_else(|| format!("the registry does not know schema id {id}")))
        });
        let mut rejected: Vec<(usize, String)> = rejected.chain(unknown).collect();
        rejected.sort_by_key(|(message, _)| *message);
        Ok(Decoded { rows: decoded.rows, messages: decoded.messages, rejected })
    }

    /// Makes a writer's schema known; false where its messages cannot be read.
    fn learn(&mut self, id: u32) -> Result<bool, KafkaError> {
        let schema = match self.registry.schema(id) {
            Ok(schema) => schema,
            // Not kept: it may be registered yet.
            Err(RegistryError::UnknownId { .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        match self.decoder.add_writer(id, &schema) {
            Ok(()) => Ok(true),
            Err(error @ (CodecError::Resolution { .. } | CodecError::Schema { .. })) => {
                tracing::warn!(id, %error, "messages of this schema cannot be read");
                self.refused.insert(id, error.to_string());
                Ok(true)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// The schema id that a message claims to have.
pub(crate) fn schema_id(message: &[u8]) -> Option<u32> {
    match message.split_first_chunk::<5>() {
        Some(([0, id @ ..], _)) => Some(u32::from_be_bytes(*id)),
        _ => None,
    }
}
