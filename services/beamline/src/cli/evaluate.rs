//! What `beamline evaluate` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `beamline evaluate`.
#[derive(Debug, Args)]
pub struct EvaluateArgs {
    /// The stream definition.
    pub stream: PathBuf,
    /// The labelled files, in this order; without any, the definition's source.
    pub files: Vec<PathBuf>,
    /// The column that is true (or not 0, or a text other than `none`) for an anomaly.
    #[arg(long, value_name = "COLUMN", conflicts_with = "windows")]
    #[arg(help = "The column that is true for an anomaly [default: is_anomaly]")]
    pub label: Option<String>,
    /// The column that says which kind of anomaly it is.
    #[arg(long, value_name = "COLUMN", conflicts_with = "windows")]
    #[arg(help = "The column that says which kind of anomaly it is [default: anomaly_kind, where there is one]")]
    pub kind: Option<String>,
    /// Labels as windows of time: JSON with a list of [start, end] for each series, as the Numenta benchmark has them. A
    /// series is the key whose value is the name or the last part of it.
    #[arg(long, value_name = "FILE")]
    pub windows: Option<PathBuf>,
    /// How many events of a key are one episode: for the benchmark's score, an event counts as an alarm only where its score is
    /// above those of so many events before it. 0 counts every event.
    #[arg(long, value_name = "N", default_value_t = 120, requires = "windows")]
    #[arg(
        help = "Events of a key behind a score in which only a higher one is another alarm, for the benchmark's score"
    )]
    pub episode_rows: usize,
    /// Measure the learned layers alone.
    #[arg(long)]
    pub without_rules: bool,
    /// Events at most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub events: Option<u64>,
    /// What the figures look like.
    #[arg(long, short, value_enum, default_value = "table")]
    pub format: EvaluateFormat,
    /// Draw scores, labels, alarms and curves into this file.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}

/// What the figures look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EvaluateFormat {
    /// Lines for a person.
    Table,
    /// One JSON object.
    Json,
}
