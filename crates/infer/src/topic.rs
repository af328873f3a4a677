//! A topic that another program writes, and what a message has besides its value.

use stream::MessageFormat;

/// A topic that another program writes.
#[derive(Debug, Clone)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// How its messages are written.
    pub format: MessageFormat,
    /// How the definition names the Avro schema of the messages, relative to the definition, and the schema itself.
    pub schema: Option<(String, String)>,
    /// Whether every message of the sample has a key that is text.
    pub has_keys: bool,
}

/// SQL for what identifies a message.
pub(crate) const ID: &str = "concat($topic, '-', CAST($partition AS VARCHAR), '-', CAST($offset AS VARCHAR))";
/// SQL for the time that a message's producer or broker gave it.
pub(crate) const TIME: &str = "$timestamp";

impl Topic {
    /// SQL for what messages belong to, and what it is.
    pub(crate) fn key(&self) -> (&'static str, &'static str) {
        match self.has_keys {
            true => ("$key", "the message's key"),
            false => ("$topic", "no column says what messages belong together, and they have no keys: the topic"),
        }
    }
}
