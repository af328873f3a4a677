//! What `beamline topics` takes.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand, ValueEnum};

/// `beamline topics`.
#[derive(Debug, Args)]
pub struct TopicsArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: TopicsCommand,
}

/// The commands on topics.
#[derive(Debug, Subcommand)]
pub enum TopicsCommand {
    /// Print the topics that a stream needs; asks no server.
    Plan {
        /// The stream definition.
        stream: PathBuf,
    },
    /// Make the topics that are missing, and change settings that differ.
    Apply {
        /// The stream definition.
        stream: PathBuf,
        /// The cluster.
        #[command(flatten)]
        kafka: service::settings::Kafka,
        /// How many brokers keep each partition; where absent three, or the cluster's default where it has fewer brokers.
        #[arg(long, value_name = "N")]
        replication: Option<u16>,
    },
    /// Say what differs between the definition and the cluster; exit code 1 where anything does.
    Check {
        /// The stream definition.
        stream: PathBuf,
        /// The cluster.
        #[command(flatten)]
        kafka: service::settings::Kafka,
    },
    /// Say how far each step has come, and whether every record is accounted for.
    Ledger {
        /// The stream definition.
        stream: PathBuf,
        /// The cluster.
        #[command(flatten)]
        kafka: service::settings::Kafka,
    },
    /// Say where a step goes on whose group has lost its offsets.
    #[command(after_help = "\
A step finds its place again by itself: it is kept with its outputs. This is for a step that says it cannot, because its outputs
are those of an earlier program. Without --at, prints what each choice repeats or loses, and changes nothing.")]
    Place(PlaceArgs),
    /// Print decoded events as JSON lines.
    Tail(TailArgs),
}

/// `beamline topics place`.
#[derive(Debug, Args)]
pub struct PlaceArgs {
    /// The stream definition.
    pub stream: PathBuf,
    /// The step.
    #[arg(long, value_enum)]
    pub step: PlacedStep,
    /// Where it goes on: output (behind what its outputs came of), latest, earliest, or at a time (2025-01-31T12:00:00Z).
    #[arg(long, value_name = "output|latest|earliest|TIME")]
    pub at: Option<PlaceAt>,
    /// The cluster.
    #[command(flatten)]
    pub kafka: service::settings::Kafka,
}

/// A step that reads a topic in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlacedStep {
    /// Raw events to enriched ones.
    Enricher,
    /// Enriched events to scored ones.
    AnomalyDetector,
    /// Scored events to windows.
    Aggregator,
    /// Parts of windows to results.
    Merger,
}

/// Where a step goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceAt {
    /// Behind what its outputs came of.
    Output,
    /// Behind everything.
    Latest,
    /// At the first record that is there.
    Earliest,
    /// At a time in milliseconds since 1970.
    Time(i64),
}

impl std::str::FromStr for PlaceAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "output" => Ok(Self::Output),
            "latest" => Ok(Self::Latest),
            "earliest" => Ok(Self::Earliest),
            time => super::on_kafka::time(time).map(Self::Time),
        }
    }
}

/// `beamline topics tail`.
#[derive(Debug, Args)]
pub struct TailArgs {
    /// The stream definition.
    pub stream: PathBuf,
    /// Which of the stream's topics.
    #[arg(long, value_enum, default_value = "scored")]
    pub topic: TailTopic,
    /// Begin with what is there already.
    #[arg(long)]
    pub from_start: bool,
    /// End when everything that is there has been printed.
    #[arg(long)]
    pub to_end: bool,
    /// End after so many events.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// End after so long.
    #[arg(long = "for", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub end_after: Option<Duration>,
    /// The cluster.
    #[command(flatten)]
    pub kafka: service::settings::Kafka,
    /// The registry.
    #[command(flatten)]
    pub registry: service::settings::Registry,
}

/// A topic of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TailTopic {
    /// Raw events.
    Raw,
    /// Enriched events.
    Enriched,
    /// Scored events.
    Scored,
    /// Anomalies.
    Anomalies,
    /// Dead letters.
    DeadLetters,
}
