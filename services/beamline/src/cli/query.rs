//! What `beamline query` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{CqlArgs, TopicsOfArgs};

/// `beamline query`.
#[derive(Debug, Args)]
pub struct QueryArgs {
    /// The SQL, or `-` to read it from standard input.
    pub sql: String,
    /// Folders of results; without any, the only or the latest one in `beamline-results`.
    #[arg(long, short, env = "BEAMLINE_RESULTS")]
    pub results: Vec<PathBuf>,
    /// A CQL store to ask instead.
    #[command(flatten)]
    pub cql: CqlArgs,
    /// Topics to ask instead.
    #[command(flatten)]
    pub topics: TopicsOfArgs,
    /// A lake to ask instead: a folder, file://, hdfs://, s3://, gs:// or az://.
    #[arg(long, env = "BEAMLINE_LAKE", conflicts_with = "nodes")]
    pub lake: Option<String>,
    /// Let a query read a whole table of a CQL store.
    #[arg(long)]
    pub full_scan: bool,
    /// The output's format.
    #[arg(long, short, value_enum, default_value = "table")]
    pub format: QueryFormat,
    /// At most so many rows; 0 means no limit. A table on a terminal stops at 40 by default.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// At most so much memory, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    pub memory: u64,
}

/// Formats of a query's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QueryFormat {
    /// A table for a person.
    Table,
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON object a line.
    Json,
    /// Apache Parquet; not onto a terminal.
    Parquet,
    /// Apache ORC; not onto a terminal. It has no lists, records, decimals and unsigned numbers.
    Orc,
}
