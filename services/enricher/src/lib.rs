//! Enriches the events of a stream: quality rules, lookups, computed columns, the noise filter.

use clap::Args;
use kafka::Step;
use service::{
    Context, Failure, Settings,
    settings::{Process, Secret},
};
use steps::StepSettings;

/// The settings of the service.
#[derive(Debug, Args)]
pub struct Enricher {
    /// What it shares with the other steps.
    #[command(flatten)]
    pub step: StepSettings,
}

impl Settings for Enricher {
    const NAME: &'static str = "enricher";
    const ABOUT: &'static str = "Checks, enriches and filters the events of a stream";

    fn process(&self) -> &Process {
        &self.step.common.process
    }

    fn secrets(&mut self) -> Vec<Secret<'_>> {
        self.step.secrets()
    }

    fn check(&self) -> Vec<String> {
        self.step.check()
    }
}

/// Runs the service until it is told to stop.
///
/// # Errors
/// Where the definition, the topics or the servers do not allow it.
pub fn run(settings: Enricher, context: Context) -> Result<(), Failure> {
    steps::run(&settings.step, &context, |_| Ok(vec![Step::Enrich]))
}
