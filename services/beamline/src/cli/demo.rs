//! What `beamline demo` takes.

use std::path::PathBuf;

use clap::Args;

use super::{PageArgs, Running};

/// `beamline demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Which example.
    #[arg(help = format!("Which example [default: {}; with --write: all of them]", examples::FIRST))]
    pub name: Option<String>,
    /// Say which examples there are.
    #[arg(long, conflicts_with_all = ["name", "write"])]
    pub list: bool,
    /// Write the example and the files that it names into this folder, to be changed, and run nothing.
    #[arg(long, value_name = "FOLDER")]
    pub write: Option<PathBuf>,
    /// Write over files that are there.
    #[arg(long, requires = "write")]
    pub force: bool,
    /// Results and limits.
    #[command(flatten)]
    pub running: Running,
    /// The live page.
    #[command(flatten)]
    pub page: PageArgs,
}
