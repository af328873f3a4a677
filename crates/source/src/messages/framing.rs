//! The five bytes that Confluent's serializers write before a value: zero, and the id of its schema.

/// How many they are.
pub(super) const FRAME_BYTES: usize = 5;

/// JSON without the five bytes that Confluent's serializers write before it.
pub(super) fn unframed(value: &[u8]) -> &[u8] {
    match value {
        [0, ..] => value.get(FRAME_BYTES..).unwrap_or_default(),
        _ => value,
    }
}

/// The schema id and what comes after it.
pub(super) fn framed(value: &[u8]) -> Result<(u32, &[u8]), String> {
    match value.split_first_chunk::<FRAME_BYTES>() {
        Some(([0, id @ ..], body)) => Ok((u32::from_be_bytes(*id), body)),
        _ => {
            Err("the message does not begin with Confluent's five bytes; for plain Avro choose the format `avro`"
                .into())
        }
    }
}
