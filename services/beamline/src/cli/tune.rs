//! What `beamline tune` takes.

use std::path::PathBuf;

use clap::Args;

/// `beamline tune`.
#[derive(Debug, Args)]
pub struct TuneArgs {
    /// The stream definition; what it has in `detect` is left out of account, but for its rules and its false-alarm rate.
    pub stream: PathBuf,
    /// Files of the stream's history, in this order; without any, the definition's source.
    pub files: Vec<PathBuf>,
    /// The share of ordinary events that may alarm.
    #[arg(long, value_name = "SHARE")]
    #[arg(help = "The share of ordinary events that may alarm [default: the definition's, else 1e-3]")]
    pub false_alarm_rate: Option<f64>,
    /// Events at most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub events: Option<u64>,
    /// Where the definition is written; the paths in it are relative to the folder of the one that it is made from.
    #[arg(long, value_name = "FILE")]
    #[arg(help = "Where the definition is written [default: STREAM with `.tuned` before its ending]")]
    pub out: Option<PathBuf>,
    /// Write over a file that is there.
    #[arg(long)]
    pub force: bool,
}
