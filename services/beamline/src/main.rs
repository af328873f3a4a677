//! `beamline`: a stream of scientific events on one machine, and the tools around it.

use std::process::ExitCode;

use beamline::{Cli, Failure, logging};
use clap::Parser;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are not errors; anything else is the command line's fault.
            let code = if error.use_stderr() { Failure::CONFIGURATION } else { 0 };
            return if error.print().is_ok() { ExitCode::from(code) } else { ExitCode::FAILURE };
        }
    };
    logging::start(cli.log_format, cli.quiet);
    match beamline::dispatch(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
