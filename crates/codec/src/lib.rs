//! Avro in Confluent's wire format to Arrow batches and back.
//!
//! Pure: schemas and bytes in, batches and reasons out. Nothing is fetched: an unknown schema id is an answer.

mod adapt;
mod arrays;
mod avro;
mod columns;
mod compatible;
mod decimal;
mod decoder;
mod default;
mod derive;
mod emit;
mod encoder;
mod error;
mod names;
mod parse;
mod place;
mod plan;
mod precheck;
mod project;
mod read;
mod recode;
mod rows;
mod rules;
mod schema;
mod types;
mod wire;

pub use self::{
    decoder::{Decoded, Decoder, Limits, Rejected},
    derive::documented,
    encoder::{Encoder, Framed},
    error::CodecError,
    project::FileSchema,
    rows::{DecodedRows, RowDecoder, Rows},
    schema::ValueSchema,
};
