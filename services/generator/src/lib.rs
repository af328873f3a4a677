//! Sends the events of a stream to Kafka: made up from a seed, read from files or other topics, or posted
//! over HTTP; each once.

use std::{path::PathBuf, thread, time::Duration};

use clap::{Args, ValueEnum};
use kafka::{Health as _, KafkaError};
use registry::Registry;
use service::{
    Context, Failure, Settings, folder_of,
    settings::{Common, Process, Secret},
};
use stream::Source;

/// How often a generator that has nothing left to send says that it is there.
const BEAT: Duration = Duration::from_millis(200);

/// Whether something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// It is.
    // What YAML makes of an `on` without quotes.
    #[value(alias = "true")]
    On,
    /// It is not.
    #[value(alias = "false")]
    Off,
}

/// The settings of the service.
#[derive(Debug, Args)]
pub struct Generator {
    /// What it shares with the others.
    #[command(flatten)]
    pub common: Common,
    /// Take events posted to this address (`POST /v1/events`), instead of the definition's source.
    #[arg(long, value_name = "ADDRESS")]
    pub listen_events: Option<String>,
    /// The folder of the durable log, for events that are posted.
    #[arg(long, value_name = "FOLDER", default_value = "beamline-log")]
    pub log_folder: PathBuf,
    /// Synthetic events a second, instead of the definition's rate; 0 is as fast as possible.
    #[arg(long, value_name = "EVENTS/S")]
    pub rate: Option<f64>,
    /// End when so many events have been sent, those of earlier runs included.
    #[arg(long, value_name = "N")]
    pub events: Option<u64>,
    /// Whether probes are sent, which measure how long an event takes until a store has it [default: on where events come
    /// as they happen, off for files].
    #[arg(long, value_enum, value_name = "on|off", hide_possible_values = true)]
    pub probes: Option<Switch>,
    /// End the process when the source ends, instead of waiting to be stopped.
    #[arg(long)]
    pub once: bool,
    /// Begin at the source's beginning, whatever was sent before.
    #[arg(long)]
    pub from_start: bool,
    /// Commit at the latest after so long.
    #[arg(long, value_name = "DURATION", default_value = "100ms", value_parser = humantime::parse_duration)]
    pub commit_interval: Duration,
    /// How long a transaction may stay open; one that a killed generator left behind holds readers back so long.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = humantime::parse_duration)]
    pub transaction_timeout: Duration,
}

impl Settings for Generator {
    const NAME: &'static str = "generator";
    const ABOUT: &'static str = "Sends the events of a stream to Kafka";

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

/// Runs the service until the source ends or it is told to stop.
///
/// # Errors
/// Where the definition, the source, the topics or the servers do not allow it.
pub fn run(settings: Generator, context: Context) -> Result<(), Failure> {
    let stream = settings.common.load_stream()?;
    let registry = Registry::new(&settings.common.registry()).map_err(Failure::configuration)?;
    let mut source = match settings.listen_events {
        Some(listen) => Source::Http(stream::Http { listen, ..stream::Http::default() }),
        None => stream.definition.spec.source.clone().ok_or_else(|| {
            Failure::configuration("the stream has no source; add one to its definition, or say --listen-events")
        })?,
    };
    if let (Source::Synthetic(synthetic), Some(rate)) = (&mut source, settings.rate) {
        synthetic.rate = rate;
    }
    let generator = kafka::Generator {
        topics: stream.topics(),
        connection: settings.common.connection(),
        registry,
        source,
        instance: settings.common.process.instance(),
        base: folder_of(&settings.common.stream),
        log_dir: settings.log_folder,
        commit_interval: settings.commit_interval,
        transaction_timeout: settings.transaction_timeout,
        end_position: settings.events,
        from_start: settings.from_start,
        probes: settings.probes.map(|probes| probes == Switch::On),
        trace_ratio: settings.common.process.trace_ratio,
        traced_as: context.traced_as.clone(),
        stream,
    };
    let done = kafka::generate(&generator, &context.health, &context.stop);
    if matches!(done, Err(KafkaError::Stopped)) {
        return Ok(());
    }
    let note = done.map_err(|error| match error.is_configuration() {
        true => Failure::configuration(error),
        false => Failure::run_time(error),
    })?;
    tracing::info!(position = note.cursor.position, sent = note.sent, dead_letters = note.dead_lettered, "sent");
    // A source that has ended is not a failure: a service that ended would only be started again.
    while !settings.once && !context.is_stopping() {
        context.health.ready(Generator::NAME, true);
        thread::sleep(BEAT);
    }
    Ok(())
}
