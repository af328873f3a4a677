//! Messages to rows: decoding, with writers' schemas from the registry as they are first seen.

mod budget;
mod known;

use std::{
    cmp::Reverse,
    collections::HashMap,
    time::{Duration, Instant},
};

use arrow::array::RecordBatch;
use codec::{CodecError, Decoder, Limits, ValueSchema};
use registry::{Bounded, Registry, RegistryError};

use self::{
    budget::Budget,
    known::{Known, VERSIONS_MAX},
};
use crate::{
    KafkaError,
    messages::{
        framing::{schema_id, subject_of},
        meaning::Meanings,
        size::LARGEST,
    },
};

/// Ids whose messages cannot be read that are remembered.
const REFUSED_MAX: usize = 4096;
/// How long an id counts as unknown to the registry: it may be registered yet.
const UNKNOWN_FOR: Duration = Duration::from_secs(2);
/// How long a schema counts as one that cannot be read, which only another definition would change.
const UNREADABLE_FOR: Duration = Duration::from_secs(60);

/// Decodes the values of a topic.
///
/// What an id means is said by the messages themselves where Beamline wrote them ([`Meanings`]), whatever the registry says;
/// else by the registry.
pub(crate) struct Inbound {
    decoder: Decoder,
    registry: Registry,
    /// What the decoder takes ids for by what messages have said.
    known: Known,
    /// Whether all messages have the schema of the rows, whatever their ids.
    is_ours: bool,
    /// Ids whose messages cannot be read: why, and until when that counts.
    refused: Bounded<u32, (String, Instant)>,
    /// How often the registry may be asked.
    budget: Budget,
    /// The subject that writers of the topic usually register their schemas under, and its latest known version.
    subject: Option<(String, u32)>,
    /// A topic whose subject the registry had when this began: without it, it has lost its schemas.
    witness: Option<String>,
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
        Self::of_values(schema, registry, LARGEST)
    }

    /// The same for values of so many bytes at most, which also bounds the memory that one of them may take.
    pub(crate) fn of_values(schema: ValueSchema, registry: Registry, bytes_max: usize) -> Result<Self, KafkaError> {
        let limits = Limits { message_bytes_max: bytes_max, ..Limits::default() };
        Ok(Self {
            known: Known::new(&schema),
            decoder: Decoder::new(schema, limits)?,
            registry,
            is_ours: false,
            refused: Bounded::new(REFUSED_MAX),
            budget: Budget::new(),
            subject: None,
            witness: None,
        })
    }

    /// The same for a topic that nobody but us writes to, and whose schema has always been the same: its ids say nothing.
    pub(crate) fn of_ours(schema: ValueSchema, registry: Registry) -> Result<Self, KafkaError> {
        Ok(Self { is_ours: true, ..Self::new(schema, registry)? })
    }

    /// The same for the values of `topic`, whose writers usually register their schemas under its name.
    pub(crate) fn of_topic(self, topic: &str) -> Self {
        Self { subject: Some((subject_of(topic), 0)), ..self }
    }

    /// The same where the registry has the schema of the values of `topic`, and has lost its schemas if it has not: messages
    /// whose schema it does not know may be good ones then.
    pub(crate) fn with_witness(self, topic: &str) -> Self {
        Self { witness: Some(topic.to_owned()), ..self }
    }

    /// Decodes messages, whose ids mean what `meanings` says. Another writer's schema that is not known yet is fetched, however
    /// long the registry takes within its limit, and no message is lost meanwhile.
    ///
    /// The registry is asked for so many ids a second at most: those that most messages carry, and what the topic's own
    /// subject has. So a flood of made-up ids holds nobody up, and a schema that is really written with comes through.
    ///
    /// # Errors
    /// Where the registry cannot be asked or has lost its schemas, so that nothing is known about some messages.
    pub(crate) fn decode(&mut self, messages: &[&[u8]], meanings: &Meanings) -> Result<Decoded, KafkaError> {
        let subject = self.subject.as_ref().map(|(subject, _)| subject.as_str());
        self.known.learn(meanings, &mut self.decoder, (&self.registry, subject))?;
        let unreadable = self.known.unreadable(meanings);
        let is_hidden =
            |message: &[u8]| schema_id(message).is_some_and(|id| unreadable.iter().any(|(other, _)| *other == id));
        let readable: Vec<&[u8]>;
        let shown = match unreadable.is_empty() {
            true => messages,
            false => {
                readable = messages.iter().map(|message| if is_hidden(message) { &[] } else { *message }).collect();
                &readable
            }
        };
        let decoded = loop {
            let decoded = self.decoder.decode(shown)?;
            if !self.learn_all(&decoded.unknown)? {
                break decoded;
            }
        };
        let rejected = decoded.rejected.into_iter().map(|rejected| {
            let id = schema_id(messages[rejected.message]);
            let hidden = unreadable.iter().find(|(other, _)| Some(*other) == id);
            (rejected.message, hidden.map_or(rejected.reason, |(_, reason)| reason.clone()))
        });
        let unknown = decoded.unknown.into_iter().map(|(message, id)| {
            let reason = self.refused.get(&id).map(|(reason, _)| reason.clone());
            let flood =
                || format!("schema id {id} was not looked up among too many unknown ones; put the event back later");
            (message, reason.unwrap_or_else(flood))
        });
        let mut rejected: Vec<(usize, String)> = rejected.chain(unknown).collect();
        rejected.sort_by_key(|(message, _)| *message);
        Ok(Decoded { rows: decoded.rows, messages: decoded.messages, rejected })
    }

    /// Makes the schemas of unknown messages known, as many as the budget allows. Says whether any was.
    fn learn_all(&mut self, unknown: &[(usize, u32)]) -> Result<bool, KafkaError> {
        let now = Instant::now();
        let mut messages: HashMap<u32, usize> = HashMap::new();
        for (_, id) in unknown {
            if self.refused.get(id).is_none_or(|(_, until)| *until <= now) {
                *messages.entry(*id).or_default() += 1;
            }
        }
        let mut ids: Vec<(u32, usize)> = messages.into_iter().collect();
        ids.sort_unstable_by_key(|(id, messages)| (Reverse(*messages), *id));
        let mut learned = false;
        for (id, _) in ids {
            if !self.is_ours && !self.budget.ask() {
                self.look_for_witness()?;
                return Ok(self.learn_subject()? || learned);
            }
            learned |= self.learn(id)?;
        }
        Ok(learned)
    }

    /// Makes a writer's schema known; false where its messages cannot be read.
    fn learn(&mut self, id: u32) -> Result<bool, KafkaError> {
        if self.is_ours {
            return Ok(self.known.take_for_own(id, &mut self.decoder).is_ok());
        }
        let schema = match self.registry.schema(id) {
            Ok(schema) => schema,
            Err(error @ RegistryError::UnknownId { .. }) => {
                self.look_for_witness()?;
                self.refuse(id, error.to_string(), UNKNOWN_FOR);
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        };
        match self.decoder.add_writer(id, &schema) {
            Ok(()) => Ok(true),
            Err(error @ (CodecError::Resolution { .. } | CodecError::Schema { .. })) => {
                tracing::warn!(id, %error, "messages of this schema cannot be read");
                self.refuse(id, error.to_string(), UNREADABLE_FOR);
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Makes new versions of the topic's own subject known, where it was not looked for them just now.
    fn learn_subject(&mut self) -> Result<bool, KafkaError> {
        let Some((subject, latest)) = self.subject.clone().filter(|_| self.budget.list()) else { return Ok(false) };
        let versions = self.registry.versions(&subject)?;
        let mut learned = false;
        for version in versions.iter().rev().filter(|version| **version > latest).take(VERSIONS_MAX) {
            if let Some(registered) = self.registry.version(&subject, *version)? {
                learned |= self.learn(registered.id)?;
            }
        }
        self.subject = Some((subject, versions.last().copied().unwrap_or(latest).max(latest)));
        Ok(learned)
    }

    /// Makes sure that the registry has not lost its schemas, where that was not looked at just now.
    fn look_for_witness(&mut self) -> Result<(), KafkaError> {
        let Some(topic) = self.witness.clone().filter(|_| !self.budget.has_witness()) else { return Ok(()) };
        let subject = subject_of(&topic);
        if self.registry.versions(&subject)?.is_empty() {
            return Err(KafkaError::SchemasForgotten { subject, topic });
        }
        self.budget.saw_witness();
        Ok(())
    }

    fn refuse(&mut self, id: u32, reason: String, time: Duration) {
        self.refused.insert(id, (reason, Instant::now() + time));
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use codec::Encoder;
    use registry::Settings;

    use super::*;
    use crate::messages::{
        digest::digest_of,
        snapshots::{snapshot_rows, snapshots_schema},
    };

    #[test]
    fn what_says_that_it_has_the_schema_of_the_rows_needs_no_registry() {
        let nobody = Settings { retry_for: Duration::ZERO, ..Settings::new("http://127.0.0.1:1") };
        let (schema, registry) = (snapshots_schema().unwrap(), Registry::new(&nobody).unwrap());
        let rows = snapshot_rows("of", 7, &[("key".into(), Bytes::from_static(b"state"))]).unwrap();
        let framed = Encoder::new(schema.clone(), 40).unwrap().encode(&rows).unwrap();
        let decode = |meanings: &[(u32, String)]| {
            let mut inbound = Inbound::new(schema.clone(), registry.clone()).unwrap();
            inbound.decode(&[&framed.message(0)], &Meanings::noted(meanings.to_vec())).map(|decoded| decoded.messages)
        };
        let ours = digest_of(schema.avro());
        assert_eq!(decode(&[(40, ours.clone())]).unwrap(), [0]);
        assert!(decode(&[(41, ours.clone())]).is_err(), "of another id");
        assert!(decode(&[(40, "0123456789abcdef".into())]).is_err(), "of another schema");
        let mut of_ours = Inbound::of_ours(schema.clone(), registry.clone()).unwrap();
        assert_eq!(of_ours.decode(&[&framed.message(0)], &Meanings::default()).unwrap().rows.num_rows(), 1);
    }
}
