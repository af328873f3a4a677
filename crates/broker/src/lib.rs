//! A Kafka cluster: how to reach it, its topics, and how far its groups have come.
//!
//! Only librdkafka below it, so that a service that needs to know no more than a lag compiles no more.

mod admin;
mod connection;
mod error;
mod offsets;
mod reports;
mod rights;

pub use self::{
    admin::{Admin, NewTopic, Topic},
    connection::{Connection, Security},
    error::{BrokerError, is_forbidden},
    offsets::{Committed, Offsets, committed, range},
    reports::Reports,
    rights::Rights,
};
