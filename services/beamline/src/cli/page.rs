//! What `beamline run` takes about the live page.

use std::path::PathBuf;

use clap::Args;
use web::{JaegerUrl, Network};

/// The live page.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Live page")]
pub struct PageArgs {
    /// Serve the live page at this address; by default at the first free port from 127.0.0.1:8085 on.
    #[arg(long, value_name = "ADDRESS", env = "BEAMLINE_PAGE")]
    pub page: Option<String>,
    /// Serve no page, whatever else says so.
    #[arg(long)]
    pub no_page: bool,
    /// Open the page in a browser.
    #[arg(long, conflicts_with = "no_page")]
    pub open: bool,
    /// A folder with the files `viewer` and `operator`, each with a token that requests must carry; read again when they
    /// change. Without it the page is served on loopback alone.
    #[arg(long, value_name = "FOLDER", env = "BEAMLINE_PAGE_TOKENS")]
    pub page_tokens: Option<PathBuf>,
    /// Let whoever reaches the page on loopback put dead letters back.
    #[arg(long)]
    pub page_redrive: bool,
    /// A name that the page is reached by; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub page_host: Vec<String>,
    /// A proxy that signs people in, by address or network (10.42.0.0/16); may be given several times. Requests from there are
    /// those of the person in `X-Forwarded-User`.
    #[arg(long, value_name = "NETWORK")]
    pub page_proxy: Vec<Network>,
    /// A group whose members, by the proxy's `X-Forwarded-Groups`, may acknowledge and put back; may be given several times.
    #[arg(long, value_name = "GROUP", requires = "page_proxy")]
    pub page_operators: Vec<String>,
    /// Where Jaeger's pages are, as a browser reaches them: each anomaly then has a link to its trace.
    #[arg(long, value_name = "URL", env = "BEAMLINE_PAGE_JAEGER")]
    pub page_jaeger: Option<JaegerUrl>,
}
