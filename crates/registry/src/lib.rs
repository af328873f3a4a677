//! The schema registry: registered schemas, their ids, and what is compatible.
//!
//! A blocking client of Confluent's REST API, for plain threads and never for async code; it accepts what Confluent's
//! own server, Apicurio and the lighter ones answer. `schema_registry_converter` makes the requests; around it stand the
//! retries while a registry is away, the bounded memory of what it said, and one error that tells an unknown id from a
//! registry that does not answer. What the library cannot ask (levels, reasons) is in `by_hand`.

mod answers;
mod bounded;
mod by_hand;
mod compatibility;
mod error;
mod failure;
mod registry;
mod settings;
mod transport;

pub use self::{
    bounded::Bounded,
    compatibility::{Compatibility, Level},
    error::RegistryError,
    registry::{Registered, Registry, values_of},
    settings::{RETRY_FOR, Settings},
};
