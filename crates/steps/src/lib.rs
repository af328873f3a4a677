//! Services whose workers run steps of a stream's pipeline on Kafka: their settings, and how they run.

use std::{env, sync::Arc};

use clap::Args;
use kafka::{GroupProtocol, Handover, Options, Step};
use registry::Registry;
use service::{
    Context, Failure,
    settings::{self, Common, Secret, Workers},
};
use spill::SpillFolder;
use stage::StateMemory;
use stream::Stream;

const MEBIBYTE: usize = 1 << 20;

/// The settings of such a service.
#[derive(Debug, Args)]
pub struct StepSettings {
    /// What it shares with all services.
    #[command(flatten)]
    pub common: Common,
    /// How it reads and commits.
    #[command(flatten)]
    pub workers: Workers,
}

impl StepSettings {
    /// The passwords, to be filled in.
    pub fn secrets(&mut self) -> Vec<Secret<'_>> {
        self.common.secrets()
    }

    /// What is wrong with the settings as a whole.
    pub fn check(&self) -> Vec<String> {
        self.common.check()
    }

    /// The memory that all steps of the process share.
    fn state_memory(&self) -> StateMemory {
        let folder = self.workers.spill_folder.clone().unwrap_or_else(env::temp_dir);
        StateMemory::bounded(self.workers.state_mib as usize * MEBIBYTE, SpillFolder::new(folder))
    }

    fn options(
        &self,
        stream: &Arc<Stream>,
        step: Step,
        registry: &Registry,
        memory: &StateMemory,
        context: &Context,
    ) -> Options {
        let workers = &self.workers;
        Options {
            instance: context.instance.clone(),
            traced_as: context.traced_as.clone(),
            threads: usize::from(workers.threads),
            commit_interval: workers.commit_interval,
            commit_rows: workers.commit_records as usize,
            snapshot_bytes: workers.snapshot_kib as usize * 1024,
            state_memory: memory.clone(),
            protocol: match workers.group_protocol {
                settings::GroupProtocol::Classic => GroupProtocol::Classic,
                settings::GroupProtocol::Consumer => GroupProtocol::Consumer,
            },
            handover: match workers.kafka_handover {
                settings::Handover::Batches => Handover::Batches,
                settings::Handover::Safe => Handover::Safe,
            },
            session_timeout: workers.session_timeout,
            transaction_timeout: workers.transaction_timeout,
            ..Options::new(stream.clone(), step, self.common.connection(), registry.clone())
        }
    }
}

/// Runs the steps that `choose` finds for the stream, until the service is told to stop.
///
/// # Errors
/// Where the definition, the topics or the servers do not allow it.
pub fn run(
    settings: &StepSettings,
    context: &Context,
    choose: impl FnOnce(&Stream) -> Result<Vec<Step>, Failure>,
) -> Result<(), Failure> {
    let stream = settings.common.load_stream()?;
    let registry = Registry::new(&settings.common.registry()).map_err(Failure::configuration)?;
    let memory = settings.state_memory();
    let steps = choose(&stream)?.into_iter().map(|step| settings.options(&stream, step, &registry, &memory, context));
    let steps: Vec<Options> = steps.collect();
    let health: Arc<dyn kafka::Health> = Arc::new(context.health.clone());
    kafka::run(&steps, &health, &context.stop).map_err(|error| match error.is_configuration() {
        true => Failure::configuration(error),
        false => Failure::run_time(error),
    })
}
