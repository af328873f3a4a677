//! How a value names its schema: by an id of the registry, under the subject of its topic.

use std::sync::OnceLock;

use codec::ValueSchema;

use crate::KafkaError;

/// One of our own schemas, which is parsed once: it is asked for with every commit.
pub(crate) fn parsed(avro: &str, once: &OnceLock<ValueSchema>) -> Result<ValueSchema, KafkaError> {
    if let Some(schema) = once.get() {
        return Ok(schema.clone());
    }
    let schema = ValueSchema::parse(avro)?;
    Ok(once.get_or_init(|| schema).clone())
}

/// The subject that the schemas of a topic's values are registered under.
pub(crate) fn subject_of(topic: &str) -> String {
    registry::values_of(topic)
}

/// The schema id that a message claims to have.
pub(crate) fn schema_id(message: &[u8]) -> Option<u32> {
    match message.split_first_chunk::<5>() {
        Some(([0, id @ ..], _)) => Some(u32::from_be_bytes(*id)),
        _ => None,
    }
}
