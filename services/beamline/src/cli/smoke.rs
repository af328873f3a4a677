//! What `beamline smoke` takes.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::CqlArgs;

/// `beamline smoke`.
#[derive(Debug, Args)]
pub struct SmokeArgs {
    /// The stream definition. Its source must be synthetic, and its id a text.
    pub stream: PathBuf,
    /// Events to send.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub events: u32,
    /// How long they may take.
    #[arg(long = "for", value_name = "DURATION", default_value = "60s", value_parser = humantime::parse_duration)]
    pub limit: Duration,
    /// The store in which they must be found; without one, their topic is enough.
    #[command(flatten)]
    pub cql: CqlArgs,
    /// The cluster.
    #[command(flatten)]
    pub kafka: service::settings::Kafka,
    /// The registry.
    #[command(flatten)]
    pub registry: service::settings::Registry,
}
