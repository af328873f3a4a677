//! What `beamline schemas` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use registry::Level;
use service::settings::Registry;

/// `beamline schemas`.
#[derive(Debug, Args)]
pub struct SchemasArgs {
    /// What to do with schemas.
    #[command(subcommand)]
    pub command: SchemasCommand,
}

/// What can be done with schemas.
#[derive(Debug, Subcommand)]
pub enum SchemasCommand {
    /// Say whether the schemas of streams may follow the registered ones; nothing is registered.
    Check(SchemasOfArgs),
    /// Register the schemas of streams, where each may follow the registered ones, and hold their subjects to the level.
    Register(SchemasOfArgs),
    /// Show what is registered for streams.
    Show(SchemasShowArgs),
}

/// `beamline schemas check` and `register`.
#[derive(Debug, Args)]
pub struct SchemasOfArgs {
    /// The stream definitions.
    #[arg(required = true)]
    pub streams: Vec<PathBuf>,
    /// What a new schema and the earlier ones must read of each other.
    #[arg(long, value_name = "LEVEL", default_value_t = Level::FullTransitive)]
    pub level: Level,
    /// How to reach the registry.
    #[command(flatten)]
    pub registry: Registry,
}

/// `beamline schemas show`.
#[derive(Debug, Args)]
pub struct SchemasShowArgs {
    /// The stream definitions.
    #[arg(required = true)]
    pub streams: Vec<PathBuf>,
    /// Print the latest schemas too.
    #[arg(long)]
    pub full: bool,
    /// How to reach the registry.
    #[command(flatten)]
    pub registry: Registry,
}
