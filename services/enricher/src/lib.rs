//! Enriches the events of a stream: quality rules, lookups, computed columns, the noise filter.

use std::sync::Arc;

use clap::Args;
use kafka::{GroupProtocol, KafkaError, Options, Step};
use registry::Registry;
use service::{
    Context, Failure, Settings,
    settings::{self, Common, Process, Secret, Workers},
};

/// The settings of the service.
#[derive(Debug, Args)]
pub struct Enricher {
    /// What it shares with the others.
    #[command(flatten)]
    pub common: Common,
    /// How it reads and commits.
    #[command(flatten)]
    pub workers: Workers,
}

impl Settings for Enricher {
    const NAME: &'static str = "enricher";
    const ABOUT: &'static str = "Checks, enriches and filters the events of a stream";

    fn process(&self) -> &Process {
        &self.common.process
    }

    fn secrets(&mut self) -> Vec<Secret<'_>> {
        self.common.secrets()
    }

    fn check(&self) -> Vec<String> {
        self.common.check()
    }
}

/// Runs the service until it is told to stop.
///
/// # Errors
/// Where the definition, the topics or the servers do not allow it.
pub fn run(settings: Enricher, context: Context) -> Result<(), Failure> {
    let stream = settings.common.load_stream()?;
    let registry = Registry::new(&settings.common.registry()).map_err(Failure::configuration)?;
    let workers = &settings.workers;
    let step = Step::Enrich;
    let options = Options {
        instance: context.instance.clone(),
        threads: usize::from(workers.threads),
        commit_interval: workers.commit_interval,
        commit_rows: workers.commit_records as usize,
        snapshot_bytes: workers.snapshot_kib as usize * 1024,
        protocol: match workers.group_protocol {
            settings::GroupProtocol::Classic => GroupProtocol::Classic,
            settings::GroupProtocol::Consumer => GroupProtocol::Consumer,
        },
        session_timeout: workers.session_timeout,
        transaction_timeout: workers.transaction_timeout,
        ..Options::new(stream, step, settings.common.connection(), registry)
    };
    let health: Arc<dyn kafka::Health> = Arc::new(context.health.clone());
    kafka::run(&options, &health, &context.stop).map_err(|error| match error {
        KafkaError::Topics(_) => Failure::configuration(error),
        error => Failure::run_time(error),
    })
}
