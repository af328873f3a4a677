//! What `beamline check-config` takes.

use std::path::PathBuf;

use clap::Args;

use super::{CqlArgs, OnKafkaArgs};

/// `beamline check-config`.
#[derive(Debug, Args)]
pub struct CheckConfigArgs {
    /// The stream definitions.
    #[arg(required_unless_present = "json_schema")]
    pub streams: Vec<PathBuf>,
    /// Print the JSON Schema of the format instead.
    #[arg(long)]
    pub json_schema: bool,
    /// What is connected to.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Whether servers are asked too, and which.
#[derive(Debug, Args)]
pub struct ConnectArgs {
    /// Ask the servers too whether what a run needs is there: brokers, registry, topics, rights, stores, tables, clocks. Changes nothing.
    #[arg(long)]
    pub connect: bool,
    /// Kafka and the registry.
    #[command(flatten)]
    pub on_kafka: OnKafkaArgs,
    /// The store.
    #[command(flatten)]
    pub cql: CqlArgs,
    /// A lake that a writer fills: a folder, file://, s3://, gs:// or az://.
    #[arg(long, value_name = "URL", env = "BEAMLINE_LAKE")]
    pub lake: Option<String>,
}
