//! The proposal put to the test: it loads. That its files can be read with it is for whoever has them to try.

use stream::{FileReader, Stream};

use crate::{InferError, topic::Topic};

/// The files that the definition names: its schema, and perhaps that of messages.
struct Proposed<'a> {
    avro: &'a str,
    messages: Option<&'a (String, String)>,
}

impl FileReader for Proposed<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let messages = self.messages.filter(|(own, _)| own == path).map(|(_, schema)| schema.as_str());
        Ok(messages.unwrap_or(self.avro).as_bytes().to_vec())
    }
}

pub(crate) fn check(avro: &str, definition: &str, topic: Option<&Topic>) -> Result<(), InferError> {
    let messages = topic.and_then(|topic| topic.schema.as_ref());
    Stream::load("the proposal", definition, &Proposed { avro, messages })
        .map(drop)
        .map_err(|errors| InferError::check(errors.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_of_messages_is_read_by_its_path_and_the_streams_by_any() {
        let messages = ("raw.avsc".to_owned(), "of messages".to_owned());
        let proposed = Proposed { avro: "of the stream", messages: Some(&messages) };
        assert_eq!(proposed.read("raw.avsc").unwrap(), b"of messages");
        assert_eq!(proposed.read("own.avsc").unwrap(), b"of the stream");
    }

    #[test]
    fn what_does_not_load_is_not_proposed() {
        assert!(check("{}", "kind: Stream", None).is_err());
    }
}
