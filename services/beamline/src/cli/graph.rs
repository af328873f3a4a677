//! What `beamline graph` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `beamline graph`.
#[derive(Debug, Args)]
pub struct GraphArgs {
    /// The stream definition.
    pub stream: PathBuf,
    /// How the pipeline is drawn.
    #[arg(long, short, value_enum, default_value = "text")]
    pub format: GraphFormat,
}

/// How a pipeline is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// Text for a terminal.
    Text,
    /// A flowchart for Markdown that draws Mermaid.
    Mermaid,
    /// A picture.
    Svg,
}
