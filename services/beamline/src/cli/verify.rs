//! What `beamline verify` takes.

use std::path::PathBuf;

use clap::Args;

use super::{OnKafkaArgs, ReplayedArgs};

/// `beamline verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// A folder of results; with --kafka, the definition of a stream.
    pub results: PathBuf,
    /// Another one, to compare it with; with --kafka, the definition that was replayed.
    pub other: Option<PathBuf>,
    /// What was replayed on Kafka.
    #[command(flatten)]
    pub replayed: ReplayedArgs,
    /// How Kafka is reached.
    #[command(flatten)]
    pub on_kafka: OnKafkaArgs,
}
