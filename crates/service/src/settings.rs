//! Settings of a process: flags, then the environment, then a file, then defaults; all that is wrong said at once.
//!
//! A setting is declared once, as an argument of clap. `--shutdown-limit` is `BEAMLINE_SHUTDOWN_LIMIT` in the
//! environment and `shutdown-limit:` in the file. A layered configuration library (figment) was considered: it ends at
//! the first wrong value and knows no lines, and clap's declaration would stand beside a second one.
//!
//! Passwords are not arguments, because others can see those: `--kafka-password-file` names a file, or
//! `BEAMLINE_KAFKA_PASSWORD` holds it. Every argument that ends in `-password-file` works so.

mod common;
mod file;
mod flags;
mod layers;
mod load;
mod print;
mod secrets;
mod servers;
mod suggestion;
mod workers;

pub use self::{
    common::{Common, Process},
    layers::Environment,
    load::{Asked, load},
    secrets::Secret,
    servers::{Kafka, KafkaAccess, Registry, RegistryAccess},
    workers::{GroupProtocol, Handover, Workers},
};

/// The settings of a service. Arguments must be long ones, without positions, groups or conflicts; what one demands of
/// another belongs in [`Settings::check`].
pub trait Settings: clap::Args {
    /// The service's name.
    const NAME: &'static str;
    /// What it does, in a sentence.
    const ABOUT: &'static str;

    /// The settings that every process has.
    fn process(&self) -> &Process;

    /// The passwords, to be filled in.
    fn secrets(&mut self) -> Vec<Secret<'_>> {
        Vec::new()
    }

    /// What is wrong with the settings as a whole, a sentence each.
    fn check(&self) -> Vec<String> {
        Vec::new()
    }
}
