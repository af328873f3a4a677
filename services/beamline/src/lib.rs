//! The command line: what each command takes, and what it does with our crates.

mod cli;
mod commands;
mod cql_settings;
mod on_kafka;
mod page;
mod progress;
mod resources;
mod results;
mod summary;

pub use service::{Failure, logging};

pub use self::cli::{Cli, Command};

/// Does what the command line asks for.
///
/// # Errors
/// Anything that makes the process end with another code than 0.
pub fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Run(args) => commands::run::run(args),
        Command::Replay(args) => commands::run::replay(args),
        Command::Query(args) => commands::query::query(args),
        Command::Verify(args) => commands::verify::verify(args),
        Command::Store(args) => commands::store::store(args),
        Command::Quality(args) => commands::quality::quality(args),
        Command::Demo(args) => commands::demo::demo(args),
        Command::Dlq(args) => commands::dlq::dlq(args),
        Command::Evaluate(args) => commands::evaluate::evaluate(args),
        Command::Tune(args) => commands::tune::tune(args),
        Command::Bench(args) => commands::bench::bench(args),
        Command::Schemas(args) => commands::schemas::schemas(args),
        Command::Smoke(args) => commands::smoke::smoke(args),
        Command::Topics(args) => commands::topics::topics(args),
        Command::Init(args) => commands::init::init(args),
        Command::Graph(args) => commands::graph::graph(args),
        Command::Tokens(args) => commands::tokens::tokens(args),
        Command::Test(args) => commands::test::test(args),
        Command::CheckConfig(args) => commands::check_config::check_config(args),
        Command::Top(args) => commands::top::top(args),
        Command::Man(args) => commands::man::man(args),
        Command::Completions(args) => commands::completions::completions(args),
    }
}
