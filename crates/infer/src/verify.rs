//! The proposal put to the test: it loads. That its files can be read with it is for whoever has them to try.

use stream::{FileReader, Stream};

use crate::InferError;

/// The one file that the definition names.
struct Only<'a>(&'a str);

impl FileReader for Only<'_> {
    fn read(&self, _path: &str) -> Result<Vec<u8>, String> {
        Ok(self.0.as_bytes().to_vec())
    }
}

pub(crate) fn check(avro: &str, definition: &str) -> Result<(), InferError> {
    Stream::load("the proposal", definition, &Only(avro))
        .map(drop)
        .map_err(|errors| InferError::check(errors.to_string()))
}
