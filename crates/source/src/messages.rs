//! Messages that another program wrote to a topic of Kafka, as records: each message is one event, or is rejected.
//!
//! What a value is, the readers of files decide. Nothing is fetched: which schemas are needed is an answer
//! ([`MessageReader::unknown`]), and they come in by [`MessageReader::learn`].

mod avro;
mod container;
mod events;
mod framing;
mod lines;
mod message;
mod reader;
mod recognize;

pub use self::{
    message::Message,
    reader::{MessageReader, ReadMessages},
    recognize::{Recognized, recognize, sample_of},
};

#[cfg(test)]
mod tests;
