//! What `beamline test` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `beamline test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// The stream definitions. The cases of NAME.yaml are in NAME.test.yaml.
    #[arg(required = true, value_name = "STREAM")]
    pub streams: Vec<PathBuf>,
    /// Only cases whose name contains this.
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Write the first case for each stream that has none, from the first events of its source.
    #[arg(long)]
    pub write: bool,
    /// Print the JSON Schema of files of cases, for editors.
    #[arg(long, exclusive = true)]
    pub json_schema: bool,
    /// Whether differences are in colour.
    #[arg(long, value_enum, default_value = "auto")]
    pub color: Colour,
}

/// Whether output is in colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}
