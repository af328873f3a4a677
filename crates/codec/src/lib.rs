//! Avro in Confluent's wire format to Arrow batches and back.
//!
//! Pure: schemas and bytes in, batches and reasons out. Nothing is fetched: an unknown schema id is an answer.

mod decoder;
mod encoder;
mod error;
mod schema;

pub use self::{decoder::{Decoded, Decoder, Limits, Rejected}, encoder::{Encoder, Framed}, error::CodecError, schema::ValueSchema};
