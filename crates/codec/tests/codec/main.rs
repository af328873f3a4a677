//! The codec through its public interface: what goes in comes out, bad messages come out as such, schemas evolve.
#![allow(clippy::unwrap_used)]

mod bad_messages;
mod evolution;
mod files;
mod fuzz;
mod generate;
mod golden;
mod oracle;
mod roundtrip;
mod schemas;
mod wire;
