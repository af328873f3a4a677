//! What `beamline dlq` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{InputFormat, OnKafkaArgs, TopicsOfArgs};

/// `beamline dlq`.
#[derive(Debug, Args)]
pub struct DlqArgs {
    /// What to do with dead letters.
    #[command(subcommand)]
    pub command: DlqCommand,
}

/// What can be done with dead letters.
#[derive(Debug, Subcommand)]
pub enum DlqCommand {
    /// Count dead letters by kind, rule and reason.
    List(DlqListArgs),
    /// Print dead letters, or their payloads alone.
    Show(DlqShowArgs),
    /// Put repaired events back into the results, once each.
    #[command(after_help = "\
Every event is checked first: if one of them is none of the stream, or would fail a rule again, none is put back.
The events are then kept with the results, and the next run (the same command as before) takes them in. With --kafka they
are sent to the stream's topic in one transaction.")]
    Redrive(DlqRedriveArgs),
}

/// `beamline dlq list`.
#[derive(Debug, Args)]
pub struct DlqListArgs {
    /// A folder of results; without it, the only or the latest one in `beamline-results`.
    #[arg(long, short, env = "BEAMLINE_RESULTS")]
    pub results: Option<PathBuf>,
    /// The output's format.
    #[arg(long, short, value_enum, default_value = "text")]
    pub format: DlqFormat,
    /// Topics to look at instead.
    #[command(flatten)]
    pub topics: TopicsOfArgs,
}

/// `beamline dlq show`.
#[derive(Debug, Args)]
pub struct DlqShowArgs {
    /// A folder of results; without it, the only or the latest one in `beamline-results`.
    #[arg(long, short, env = "BEAMLINE_RESULTS")]
    pub results: Option<PathBuf>,
    /// Those of this rule, or of the column or step that they failed at.
    #[arg(long)]
    pub rule: Option<String>,
    /// Those of this kind.
    #[arg(long, value_enum)]
    pub kind: Option<DeadLetterKind>,
    /// The one at this position.
    #[arg(long)]
    pub position: Option<u64>,
    /// At most so many; 0 means no limit. Text stops at 20 by default, payloads and JSON do not.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// The payloads alone, one a line, for a script that repairs them.
    #[arg(long, conflicts_with = "format")]
    pub payload: bool,
    /// The output's format.
    #[arg(long, short, value_enum, default_value = "text")]
    pub format: DlqFormat,
    /// Topics to look at instead.
    #[command(flatten)]
    pub topics: TopicsOfArgs,
}

/// `beamline dlq redrive`.
#[derive(Debug, Args)]
pub struct DlqRedriveArgs {
    /// The stream definition.
    pub stream: PathBuf,
    /// Repaired events with all columns of the stream's schema, or `-` for JSON Lines on standard input.
    #[arg(required_unless_present = "kind")]
    pub file: Option<PathBuf>,
    /// Send the events of dead letters of this kind as they came, now that the definition lets them through.
    #[arg(long, value_enum, conflicts_with = "file", requires = "kafka")]
    pub kind: Option<DeadLetterKind>,
    /// The folder of the results.
    #[arg(long, short, env = "BEAMLINE_OUT", help = "The folder of the results [default: beamline-results/STREAM]")]
    pub results: Option<PathBuf>,
    /// The events' format where the file's name does not tell.
    #[arg(long, short, value_enum)]
    pub format: Option<InputFormat>,
    /// Put the events back although the same file, or events of the same ids, came through before.
    #[arg(long)]
    pub again: bool,
    /// Send them to the stream's topic instead.
    #[command(flatten)]
    pub on_kafka: OnKafkaArgs,
}

/// Formats of dead letters on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DlqFormat {
    /// For a person.
    Text,
    /// One JSON object a line; a payload that is not text is `payload_hex`.
    Json,
}

/// Why a record could not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DeadLetterKind {
    /// The bytes are not an event of the schema.
    Decode,
    /// The id, the key or the time is missing.
    Identity,
    /// A quality rule is not true.
    Quality,
    /// An expression cannot be computed.
    Expression,
    /// The event is larger than the stream allows, or became so.
    Size,
}
