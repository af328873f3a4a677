//! `beamline completions`: the completion script of a shell.

use clap::CommandFactory;

use crate::{Cli, Failure, cli::CompletionsArgs};

pub(crate) fn completions(args: CompletionsArgs) -> Result<(), Failure> {
    clap_complete::generate(args.shell, &mut Cli::command(), "beamline", &mut std::io::stdout());
    Ok(())
}
