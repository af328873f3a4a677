//! What `beamline store` takes, and how a CQL store is reached.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};

/// `beamline store`.
#[derive(Debug, Args)]
pub struct StoreArgs {
    /// What to do with a store.
    #[command(subcommand)]
    pub command: StoreCommand,
}

/// What can be done with a store.
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Print the statements that would make a CQL store hold the tables of a stream.
    Plan(StoreTablesArgs),
    /// Run them. Columns are added; what cannot become what the stream needs is refused with the reason.
    Apply(StoreTablesArgs),
    /// Say whether nothing is left to do; the exit code is 1 where something is.
    Check(StoreTablesArgs),
    /// Merge the small files of a lake, delete what is older than is kept, and clean up the logs of Delta tables.
    Compact(CompactArgs),
}

/// `beamline store plan|apply|check`.
#[derive(Debug, Args)]
pub struct StoreTablesArgs {
    /// The stream definition.
    pub stream: PathBuf,
    /// The store.
    #[command(flatten)]
    pub cql: CqlArgs,
}

/// `beamline store compact`.
#[derive(Debug, Args)]
pub struct CompactArgs {
    /// The lake: a folder, file://, hdfs://, s3://, gs:// or az://.
    #[arg(long, env = "BEAMLINE_LAKE")]
    pub lake: String,
    /// Delete events older than this (30d, 12h), by the hour they happened in.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub keep: Option<Duration>,
    /// Files smaller than this are merged, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=4096))]
    pub target: u64,
}

/// How a CQL store is reached.
#[derive(Debug, Clone, Args)]
pub struct CqlArgs {
    /// A CQL node (ScyllaDB or Cassandra), HOST:PORT; several with commas.
    #[arg(long = "cql", value_name = "HOST:PORT", env = "BEAMLINE_CQL", value_delimiter = ',')]
    pub nodes: Vec<String>,
    /// The keyspace of the tables.
    #[arg(long, default_value = "beamline", env = "BEAMLINE_CQL_KEYSPACE")]
    pub keyspace: String,
    /// Copies of each row, when the keyspace is made.
    #[arg(long, default_value_t = 3, env = "BEAMLINE_CQL_REPLICATION")]
    pub replication: u32,
    /// The data centre to prefer.
    #[arg(long = "cql-datacenter", value_name = "NAME", env = "BEAMLINE_CQL_DATACENTER")]
    pub datacenter: Option<String>,
    /// The user; the password comes from a file or from BEAMLINE_CQL_PASSWORD.
    #[arg(long = "cql-username", value_name = "NAME", env = "BEAMLINE_CQL_USERNAME")]
    pub username: Option<String>,
    /// A file with the password.
    #[arg(long = "cql-password-file", value_name = "FILE", env = "BEAMLINE_CQL_PASSWORD_FILE")]
    pub password_file: Option<PathBuf>,
    /// Who signed the nodes' certificates (PEM); with it, connections are encrypted.
    #[arg(long = "cql-ca-file", value_name = "FILE", env = "BEAMLINE_CQL_CA_FILE")]
    pub ca_file: Option<PathBuf>,
    /// This client's certificate (PEM).
    #[arg(long = "cql-cert-file", value_name = "FILE", env = "BEAMLINE_CQL_CERT_FILE", requires_all = ["ca_file", "key_file"])]
    pub cert_file: Option<PathBuf>,
    /// This client's private key (PEM).
    #[arg(long = "cql-key-file", value_name = "FILE", env = "BEAMLINE_CQL_KEY_FILE", requires = "cert_file")]
    pub key_file: Option<PathBuf>,
}
