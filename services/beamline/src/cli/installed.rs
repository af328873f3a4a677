//! What the commands take that write what is installed beside the program: completions and manual pages.

use std::path::PathBuf;

use clap::Args;

/// `beamline completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    pub shell: clap_complete::Shell,
}

/// `beamline man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write a page for each command into this folder instead of printing that of the whole program.
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}
