//! A service that does nothing but what its settings say. The tests run it as a process of its own: this binary again.

use std::{env, ffi::OsString, fs, path::PathBuf, process, thread, time::Duration};

use clap::Args;
use measure::Health as _;
use opentelemetry::trace::{Span, Tracer};
use service::{
    Context, Failure, Settings,
    settings::{Common, Process, Secret},
};

/// Holds the arguments of the process, one a line.
pub(crate) const ARGUMENTS: &str = "DUMMY_ARGUMENTS";

/// How long the dummy sleeps between two beats.
const BEAT: Duration = Duration::from_millis(10);

#[derive(Debug, Args)]
pub(crate) struct Dummy {
    /// What it shares with the others.
    #[command(flatten)]
    pub(crate) common: Common,
    /// How many threads.
    #[arg(long, default_value_t = 1)]
    pub(crate) threads: u16,
    /// Do both at once.
    #[arg(long)]
    pub(crate) fused: bool,
    /// Be ready once this file exists.
    #[arg(long)]
    ready_when: Option<PathBuf>,
    /// Stop beating once this file exists.
    #[arg(long)]
    hang_when: Option<PathBuf>,
    /// Go on after the end was asked for.
    #[arg(long)]
    stubborn: bool,
    /// Fail, or panic.
    #[arg(long)]
    fail: Option<String>,
    /// Spans a second.
    #[arg(long, default_value_t = 0)]
    spans: u32,
}

impl Settings for Dummy {
    const NAME: &'static str = "dummy";
    const ABOUT: &'static str = "Does nothing";

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

fn run(settings: Dummy, context: Context) -> Result<(), Failure> {
    tracing::info!(?settings, connection = ?settings.common.connection(), registry = ?settings.common.registry(), "runs");
    match settings.fail.as_deref() {
        Some("panic") => panic!("as asked"),
        Some(why) => return Err(Failure::run_time(why)),
        None => {}
    }
    let exists = |path: &Option<PathBuf>| path.as_ref().is_none_or(|path| fs::exists(path).unwrap());
    context.health.ready("store", true);
    let tracer = opentelemetry::global::tracer("beamline");
    while settings.stubborn || !context.is_stopping() {
        context.health.ready("assignment", exists(&settings.ready_when));
        if settings.hang_when.is_none() || !exists(&settings.hang_when) {
            context.health.beat("worker 0");
        }
        for _ in 0..settings.spans / 100 {
            tracer.start("send topic").end();
        }
        measure::RECORDS_IN.of(["particles", "dummy"]).increment(3);
        measure::TRANSACTION_DURATION.of(["particles", "dummy"]).record(0.02);
        thread::sleep(BEAT);
    }
    Ok(())
}

#[test]
#[ignore = "not a test: the other tests run it as a process"]
fn dummy() {
    let Ok(arguments) = env::var(ARGUMENTS) else { return };
    let arguments: Vec<OsString> = arguments.lines().map(OsString::from).collect();
    process::exit(service::main_from(arguments, run).into());
}
