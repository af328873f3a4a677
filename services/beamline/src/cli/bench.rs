//! What `beamline bench` takes.

use std::path::PathBuf;

use clap::Args;

/// `beamline bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// A stream definition with a synthetic source.
    #[arg(default_value = "streams/bench.yaml")]
    pub stream: PathBuf,
    /// How many events.
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub events: u64,
    /// Where the input and the results go; the input is kept for the next time.
    #[arg(long)]
    pub folder: Option<PathBuf>,
}
