//! What a source needs to know of a message.

/// A message of a topic.
pub trait Message {
    /// The topic that it is in.
    fn topic(&self) -> &str;
    /// The partition.
    fn partition(&self) -> u32;
    /// The offset.
    fn offset(&self) -> u64;
    /// The time that its producer or broker gave it, in milliseconds since 1970.
    fn timestamp(&self) -> Option<i64>;
    /// The key.
    fn key(&self) -> Option<&[u8]>;
    /// The last header of a name.
    fn header(&self, name: &str) -> Option<&[u8]>;
    /// The value; none of a tombstone.
    fn value(&self) -> Option<&[u8]>;
}
