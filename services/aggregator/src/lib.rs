//! Puts the scored events of a stream into windows of event time, and sends the results.

use clap::Args;
use kafka::Step;
use service::{
    Context, Failure, Settings,
    settings::{Process, Secret},
};
use steps::StepSettings;

/// The settings of the service.
#[derive(Debug, Args)]
pub struct Aggregator {
    /// What it shares with the other steps.
    #[command(flatten)]
    pub step: StepSettings,
}

impl Settings for Aggregator {
    const NAME: &'static str = "aggregator";
    const ABOUT: &'static str = "Aggregates the events of a stream in windows of event time";

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
/// Each process does two steps: it aggregates the partitions that it is given, and whichever of them is given the only
/// partition of their parts puts together the groups that are in several.
///
/// # Errors
/// Where the definition, the topics or the servers do not allow it.
pub fn run(settings: Aggregator, context: Context) -> Result<(), Failure> {
    steps::run(&settings.step, &context, |stream| {
        let steps = Step::windows(stream);
        if steps.is_empty() {
            return Err(Failure::configuration(format!(
                "stream `{}` has no aggregates, so there is nothing to do; add `aggregate:` to its definition, or do not \
                 run an aggregator",
                stream.name()
            )));
        }
        Ok(steps)
    })
}
