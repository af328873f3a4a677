//! What `beamline top` takes.

use std::time::Duration;

use clap::Args;

/// `beamline top`.
#[derive(Debug, Args)]
pub struct TopArgs {
    /// Services by their --listen addresses, and runs by those of their pages: HOST:PORT or a URL; without any, the pages of
    /// runs on this machine.
    #[arg(value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    /// Print one table and end; rates are those of one interval.
    #[arg(long)]
    pub once: bool,
    /// How often to look.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "2s")]
    pub interval: Duration,
    /// The token of a page that asks for one.
    #[arg(long, value_name = "TOKEN", env = "BEAMLINE_PAGE_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}
