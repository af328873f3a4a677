//! The schema registry: registered schemas, their ids, and what is compatible.
//!
//! A blocking client of Confluent's REST API, for plain threads and never for async code; it accepts what Confluent's
//! own server, Apicurio and the lighter ones answer. `schema_registry_converter` was considered: it needs apache-avro
//! for schemas that our own codec handles, remembers errors for ever, and cannot ask about compatibility.

mod answers;
mod backoff;
mod bounded;
mod compatibility;
mod error;
mod registry;
mod settings;
mod transport;

pub use self::{
    bounded::Bounded,
    compatibility::{Compatibility, Level},
    error::RegistryError,
    registry::{Registered, Registry},
    settings::{RETRY_FOR, Settings},
};
