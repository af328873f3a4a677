//! Logs: lines for a person where standard error is a terminal, JSON for a collector where it is not.

use std::io::{IsTerminal, stderr};

use clap::ValueEnum;
use tracing_subscriber::{EnvFilter, fmt};

/// What log lines look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// Lines for a person.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging to standard error. `RUST_LOG` sets the level; without it, what a person should know.
pub fn start(format: LogFormat, quiet: bool) {
    // The CQL driver tells of every connection at that level.
    let default = if quiet { "error" } else { "info,scylla=warn" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let json = match format {
        LogFormat::Auto => !stderr().is_terminal(),
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let builder = fmt().with_env_filter(filter).with_writer(stderr).with_target(false);
    // A second start in one process (a test) keeps the first one's settings.
    let _ = match json {
        true => builder.json().flatten_event(true).try_init(),
        false => builder.compact().try_init(),
    };
}
