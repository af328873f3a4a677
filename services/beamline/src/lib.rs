//! The command line: what each command takes, and what it does with the crates of the house.

mod cli;
mod commands;
mod failure;
mod files;
pub mod logging;
mod progress;
mod summary;

pub use self::{
    cli::{Cli, Command},
    failure::Failure,
};

/// Does what the command line asks for.
///
/// # Errors
/// Anything that makes the process end with another code than 0.
pub fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Run(args) => commands::run::run(args),
        Command::Replay(args) => commands::run::replay(args),
        Command::Query(args) => commands::query::query(args),
        Command::CheckConfig(args) => commands::check_config::check_config(args),
        Command::Completions(args) => commands::completions::completions(args),
    }
}
