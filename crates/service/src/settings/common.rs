//! The settings that services have in common, in groups to be flattened into a service's own.

use std::{net::ToSocketAddrs, path::PathBuf, time::Duration};

use clap::Args;

use super::{Kafka, Registry, Secret};
#[cfg(feature = "stream")]
use crate::Failure;
use crate::{logging::LogFormat, process_name};

/// What a service that works on a stream has: the stream, Kafka, the schema registry, and the process.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// The stream definition.
    #[arg(long, value_name = "FILE", required = true)]
    pub stream: PathBuf,
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

impl Common {
    /// How to reach Kafka.
    pub fn connection(&self) -> broker::Connection {
        self.kafka.connection(&format!("beamline-{}", self.process.instance()))
    }

    /// How to reach the schema registry.
    pub fn registry(&self) -> registry::Settings {
        self.registry.settings()
    }

    /// The stream, read and checked with the files beside it.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    #[cfg(feature = "stream")]
    pub fn load_stream(&self) -> Result<std::sync::Arc<stream::Stream>, Failure> {
        crate::load_stream(&self.stream)
    }

    /// The passwords, to be filled in.
    pub fn secrets(&mut self) -> Vec<Secret<'_>> {
        [self.kafka.secrets(), self.registry.secrets()].into_iter().flatten().collect()
    }

    /// What is wrong with them as a whole.
    pub fn check(&self) -> Vec<String> {
        [self.kafka.check(), self.registry.check(), self.process.check()].concat()
    }
}

/// What every process has.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Process")]
pub struct Process {
    /// A file of settings, in YAML.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print the settings that result, without secrets, and end.
    #[arg(long)]
    pub print_config: bool,
    /// Where /livez, /readyz and /metrics are answered.
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:9464")]
    pub listen: String,
    /// Which process of the service this is [default: the host's name].
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
    /// How long the work may take to end once the process is told to; then it is cut off.
    #[arg(long, value_name = "DURATION", default_value = "25s", value_parser = humantime::parse_duration)]
    pub shutdown_limit: Duration,
    /// How long a loop may stand still before /livez says that it hangs.
    #[arg(long, value_name = "DURATION", default_value = "120s", value_parser = humantime::parse_duration)]
    pub heartbeat_limit: Duration,
    /// The trace collector, for OTLP over HTTP; without it nothing is traced.
    #[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<String>,
    /// The share of traces begun here that is kept.
    #[arg(long, value_name = "RATIO", default_value = "0.001")]
    pub trace_ratio: f64,
    /// What log lines look like.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "auto")]
    pub log_format: LogFormat,
}

impl Process {
    /// Which process of the service this is.
    pub fn instance(&self) -> String {
        self.instance.clone().unwrap_or_else(process_name::host)
    }

    /// What is wrong with them as a whole.
    pub fn check(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if let Err(error) = self.listen.to_socket_addrs() {
            wrong.push(format!("--listen: `{}` is not an address: {error}", self.listen));
        }
        if !(0.0..=1.0).contains(&self.trace_ratio) {
            wrong.push(format!("--trace-ratio: {} is not between 0 and 1", self.trace_ratio));
        }
        match self.otlp_endpoint.as_deref().map(|endpoint| (endpoint, endpoint.split_once("://"))) {
            None => {}
            Some((_, Some(("http" | "https", rest)))) if !rest.contains('@') => {}
            Some((_, Some((_, rest)))) if rest.contains('@') => {
                wrong.push("--otlp-endpoint must hold no credentials; OTEL_EXPORTER_OTLP_HEADERS can".to_owned());
            }
            Some((endpoint, _)) => {
                wrong.push(format!("--otlp-endpoint: `{endpoint}` must be like http://collector:4318"));
            }
        }
        wrong
    }
}
