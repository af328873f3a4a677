//! What `beamline run` and `beamline replay` take.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use super::{OnKafkaArgs, PageArgs, ReplayedArgs};

/// Where results go, and how the run behaves.
#[derive(Debug, Args)]
pub struct Running {
    /// The folder of the results.
    #[arg(long, short, env = "BEAMLINE_OUT", help = "The folder of the results [default: beamline-results/STREAM]")]
    pub out: Option<PathBuf>,
    /// Delete earlier results of this folder first.
    #[arg(long)]
    pub fresh: bool,
    /// Stop after so long (10s, 5m, 1h).
    #[arg(long = "for", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub end_after: Option<Duration>,
    /// Stop when so many events have been taken in, those of earlier runs included.
    #[arg(long, value_name = "N")]
    pub events: Option<u64>,
    /// Worker threads; as many as there are cores by default.
    #[arg(long, env = "BEAMLINE_THREADS", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Commit at the latest after so long.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, env = "BEAMLINE_COMMIT_INTERVAL")]
    pub commit_interval: Option<Duration>,
    /// Commit at the latest after so many events.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub commit_events: u64,
    /// Memory for the detector's states of all keys, in MiB. States beyond it, those not used for longest, go to a file beside
    /// the results.
    #[arg(long, value_name = "MIB", default_value_t = 1024, env = "BEAMLINE_STATE_MIB", value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub state_mib: u32,
}

impl Running {
    /// Memory for the detector's states, in bytes.
    pub(crate) fn state_bytes(&self) -> usize {
        self.state_mib as usize * (1 << 20)
    }
}

/// `beamline run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The stream definition.
    pub stream: PathBuf,
    /// Take events from standard input in this format, instead of the definition's source.
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with = "listen")]
    pub stdin: Option<LineFormat>,
    /// Take events posted to this address (`POST /v1/events`), instead of the definition's source.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Synthetic events a second, instead of the definition's rate; 0 is as fast as possible.
    #[arg(long, value_name = "EVENTS/S")]
    pub rate: Option<f64>,
    /// Results and limits.
    #[command(flatten)]
    pub running: Running,
    /// The live page.
    #[command(flatten)]
    pub page: PageArgs,
    /// How Kafka is reached.
    #[command(flatten)]
    pub on_kafka: OnKafkaArgs,
}

/// `beamline replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The stream definition.
    pub stream: PathBuf,
    /// The files, in this order; without any, those of the definition.
    pub files: Vec<PathBuf>,
    /// Play back by event time, this many times faster than it happened.
    #[arg(long, value_name = "FACTOR")]
    pub speed: Option<f64>,
    /// The files' format where their names do not tell.
    #[arg(long, value_enum)]
    pub format: Option<InputFormat>,
    /// Results and limits.
    #[command(flatten)]
    pub running: Running,
    /// The live page.
    #[command(flatten)]
    pub page: PageArgs,
    /// What is replayed on Kafka.
    #[command(flatten)]
    pub replayed: ReplayedArgs,
    /// How Kafka is reached.
    #[command(flatten)]
    pub on_kafka: OnKafkaArgs,
}

/// Formats of standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LineFormat {
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// JSON objects in an array, behind one another, or on several lines each.
    Json,
}

/// Formats of input files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InputFormat {
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// JSON objects in an array, behind one another, or on several lines each.
    Json,
    /// Apache Parquet.
    Parquet,
    /// Apache ORC.
    Orc,
    /// An Avro object container file.
    Avro,
    /// An Arrow IPC file or stream (Feather).
    Arrow,
    /// The first binary table of a FITS file.
    Fits,
}
