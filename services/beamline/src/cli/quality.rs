//! What `beamline quality` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `beamline quality`.
#[derive(Debug, Args)]
pub struct QualityArgs {
    /// The stream definition, with the thresholds.
    pub stream: PathBuf,
    /// The folder of its results.
    #[arg(
        long,
        short,
        env = "BEAMLINE_RESULTS",
        help = "The folder of its results [default: beamline-results/STREAM]"
    )]
    pub results: Option<PathBuf>,
    /// What the report looks like.
    #[arg(long, short, value_enum, default_value = "table")]
    pub format: QualityFormat,
}

/// What a report looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QualityFormat {
    /// Lines for a person.
    Table,
    /// One JSON object.
    Json,
}
