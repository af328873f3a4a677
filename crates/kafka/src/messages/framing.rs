//! How a value names its schema: by an id of the registry, under the subject of its topic.

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
