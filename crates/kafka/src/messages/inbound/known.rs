//! Ids whose messages have said themselves what they mean.

use std::{collections::HashMap, sync::Arc};

use codec::{CodecError, Decoder, ValueSchema};
use registry::{Registry, RegistryError};

use crate::{
    KafkaError,
    messages::{digest::digest_of, meaning::Meanings},
};

/// Versions of the topic's own subject that are looked up at once, the latest first.
pub(super) const VERSIONS_MAX: usize = 8;
/// How many ids are remembered. A topic has one or two, unless somebody sends messages with ids that are made up.
const IDS_MAX: usize = 256;

/// What a decoder takes ids for by what messages have said.
pub(super) struct Known {
    /// The schema of the rows,
    avro: Arc<str>,
    /// and what tells it from others.
    digest: String,
    ids: HashMap<u32, Meaning>,
}

struct Meaning {
    digest: String,
    /// Why rows cannot be read from it.
    unreadable: Option<String>,
}

impl Known {
    /// Nothing yet, of rows of this schema.
    pub(super) fn new(schema: &ValueSchema) -> Self {
        Self { avro: schema.avro().into(), digest: digest_of(schema.avro()), ids: HashMap::new() }
    }

    /// Makes the decoder take ids for what messages say. The schema of the rows themselves is not asked for; another one is
    /// looked for in the registry: under the id, and then under the topic's subject, where it may have another id by now.
    pub(super) fn learn(
        &mut self,
        meanings: &Meanings,
        decoder: &mut Decoder,
        registry: (&Registry, Option<&str>),
    ) -> Result<(), KafkaError> {
        for (id, digest) in meanings.iter() {
            if self.ids.get(&id).is_some_and(|known| known.digest == digest) {
                continue;
            }
            let schema = self.schema(id, digest, registry)?;
            let unreadable = match decoder.add_writer(id, &schema) {
                Ok(()) => None,
                Err(error @ (CodecError::Resolution { .. } | CodecError::Schema { .. })) => {
                    tracing::warn!(id, %error, "messages of this schema cannot be read");
                    Some(error.to_string())
                }
                Err(error) => return Err(error.into()),
            };
            if self.ids.len() >= IDS_MAX {
                self.ids.clear();
            }
            self.ids.insert(id, Meaning { digest: digest.to_owned(), unreadable });
        }
        Ok(())
    }

    /// Makes the decoder take an id for the schema of the rows.
    pub(super) fn take_for_own(&self, id: u32, decoder: &mut Decoder) -> Result<(), CodecError> {
        decoder.add_writer(id, &self.avro)
    }

    /// Of some ids, those whose messages cannot be read, and why.
    pub(super) fn unreadable(&self, of: &Meanings) -> Vec<(u32, String)> {
        let reason = |id: u32| self.ids.get(&id)?.unreadable.clone();
        of.iter().filter_map(|(id, _)| Some((id, reason(id)?))).collect()
    }

    fn schema(
        &self,
        id: u32,
        digest: &str,
        (registry, subject): (&Registry, Option<&str>),
    ) -> Result<Arc<str>, KafkaError> {
        if digest == self.digest {
            return Ok(self.avro.clone());
        }
        match registry.schema(id) {
            Ok(schema) if digest_of(&schema) == digest => return Ok(schema),
            Ok(_) | Err(RegistryError::UnknownId { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let subject = subject.unwrap_or_default();
        for version in registry.versions(subject)?.into_iter().rev().take(VERSIONS_MAX) {
            if let Some(registered) = registry.version(subject, version)?
                && digest_of(&registered.schema) == digest
            {
                return Ok(registered.schema.into());
            }
        }
        Err(KafkaError::SchemaLost { subject: subject.to_owned(), id, digest: digest.to_owned() })
    }
}
