//! The settings of a service whose workers read one topic and write others in transactions.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

/// How a consumer group agrees on who reads what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GroupProtocol {
    /// The members agree among themselves, cooperatively.
    Classic,
    /// The broker decides (KIP-848); Kafka 4 and later.
    Consumer,
}

/// How messages go between the Kafka client and a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Handover {
    /// In batches, and without a copy.
    Batches,
    /// One by one and copied, by the client library's safe interface alone.
    Safe,
}

/// How workers read and commit.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Workers")]
pub struct Workers {
    /// Workers: consumers with a producer and a thread each.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: u16,
    /// Commit at the latest after so long.
    #[arg(long, value_name = "DURATION", default_value = "100ms", value_parser = humantime::parse_duration)]
    pub commit_interval: Duration,
    /// Commit at the latest after so many records.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub commit_records: u32,
    /// About how much state a commit writes at most, in KiB. On average it is a tenth of the bytes that came.
    #[arg(long, value_name = "KIB", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub snapshot_kib: u32,
    /// Memory for the detector's states of all keys, in MiB. States beyond it, those not used for longest, go to files.
    #[arg(long, value_name = "MIB", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub state_mib: u32,
    /// Folder of these files: they are deleted with the process [default: the system's temporary folder].
    #[arg(long, value_name = "FOLDER")]
    pub spill_folder: Option<PathBuf>,
    /// How the group agrees on who reads what.
    #[arg(long, value_enum, default_value = "classic")]
    pub group_protocol: GroupProtocol,
    /// How messages go between the Kafka client and a worker. What comes out is the same.
    #[arg(long, value_enum, default_value = "batches")]
    pub kafka_handover: Handover,
    /// How long a worker may be silent before others take its partitions (classic protocol).
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = humantime::parse_duration)]
    pub session_timeout: Duration,
    /// How long a transaction may stay open; one that a killed worker left behind holds readers back so long.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = humantime::parse_duration)]
    pub transaction_timeout: Duration,
}
