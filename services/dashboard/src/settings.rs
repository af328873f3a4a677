//! The dashboard's settings.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use service::settings::{Kafka, Process, Registry, Secret, Settings};
use stores::StoreAccess;
use web::{JaegerUrl, Network};

/// What the page asks for what has been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum History {
    /// The streams' topics.
    Topics,
    /// A CQL store: ScyllaDB or Cassandra.
    Cql,
    /// Parquet files or Delta tables on disk or an object store.
    Lake,
}

/// The dashboard's settings.
#[derive(Debug, Clone, Args)]
pub struct Dashboard {
    /// A stream definition; may be given several times.
    #[arg(long, value_name = "FILE", required = true)]
    pub stream: Vec<PathBuf>,
    /// Serve the page at this address.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8085")]
    pub page: String,
    /// A folder with the files `viewer` and `operator`, each with a token that requests must carry; read again when they
    /// change. Without it the page is served on loopback alone.
    #[arg(long, value_name = "FOLDER")]
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
    #[arg(long, value_name = "GROUP")]
    pub page_operators: Vec<String>,
    /// Where Jaeger's pages are, as a browser reaches them: each anomaly then has a link to its trace.
    #[arg(long, value_name = "URL")]
    pub page_jaeger: Option<JaegerUrl>,
    /// What is asked for anomalies, dead letters and queries.
    #[arg(long, value_enum, default_value = "topics")]
    pub history: History,
    /// Where the store is.
    #[command(flatten)]
    pub store: StoreAccess,
    /// How to reach Kafka.
    #[command(flatten)]
    pub kafka: Kafka,
    /// How to reach the schema registry.
    #[command(flatten)]
    pub registry: Registry,
    /// What every process has.
    #[command(flatten)]
    pub process: Process,
}

impl Settings for Dashboard {
    const NAME: &'static str = "dashboard";
    const ABOUT: &'static str = "Shows what streams on Kafka are doing, in a browser";

    fn process(&self) -> &Process {
        &self.process
    }

    fn secrets(&mut self) -> Vec<Secret<'_>> {
        [self.kafka.secrets(), self.registry.secrets(), self.store.secrets()].into_iter().flatten().collect()
    }

    fn check(&self) -> Vec<String> {
        let mut wrong = [self.kafka.check(), self.registry.check(), self.process.check(), self.store.check()].concat();
        match (self.history, &self.store.cql, &self.store.lake) {
            (History::Cql, None, _) => wrong.push("--history cql needs --cql HOST:PORT".to_owned()),
            (History::Cql, Some(_), _) => wrong.extend(self.store.cql().mistakes()),
            (History::Lake, _, None) => wrong.push("--history lake needs --lake URL".to_owned()),
            (History::Lake, _, Some(lake)) => {
                wrong.extend(lake::Location::parse(lake).err().map(|error| error.to_string()));
            }
            (History::Topics, ..) => {}
        }
        if self.history == History::Lake && self.stream.len() > 1 {
            wrong.push("--history lake is of one stream; start a dashboard for each".to_owned());
        }
        if !self.page_operators.is_empty() && self.page_proxy.is_empty() {
            wrong.push("--page-operators needs --page-proxy NETWORK: groups are what a proxy says".to_owned());
        }
        wrong
    }
}
