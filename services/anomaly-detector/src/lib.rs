//! Finds anomalies in the events of a stream, with state by key.

use clap::Args;
use kafka::Step;
use service::{
    Context, Failure, Settings,
    settings::{Process, Secret},
};
use steps::StepSettings;

/// The settings of the service.
#[derive(Debug, Args)]
pub struct AnomalyDetector {
    /// What it shares with the other steps.
    #[command(flatten)]
    pub step: StepSettings,
    /// Read the raw events, and enrich them too: one hop less, and no enricher is needed.
    #[arg(long)]
    pub fused: bool,
}

impl Settings for AnomalyDetector {
    const NAME: &'static str = "anomaly-detector";
    const ABOUT: &'static str = "Finds anomalies in the events of a stream";

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
pub fn run(settings: AnomalyDetector, context: Context) -> Result<(), Failure> {
    let step = if settings.fused { Step::Fused } else { Step::Detect };
    steps::run(&settings.step, &context, |_| Ok(vec![step]))
}
