//! The life of a service's process.

use std::{
    ffi::OsString,
    io::{Write, stdout},
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
};

use crate::{
    Context, Failure, Health, Settings, logging, server,
    settings::{Asked, load},
    shutdown::Shutdown,
    spans::{SpanSettings, Spans},
    telemetry,
};

/// Runs a service: its settings are read and checked as a whole, probes and metrics answered, signals heeded, and
/// `run` called, which returns when its work is done or [`Context::stop`] is set.
pub fn main<S: Settings>(run: impl FnOnce(S, Context) -> Result<(), Failure>) -> ExitCode {
    ExitCode::from(main_from(std::env::args_os().skip(1).collect(), run))
}

/// [`main`] with the arguments of the command line given, the program's name not among them. Gives the exit code.
pub fn main_from<S: Settings>(arguments: Vec<OsString>, run: impl FnOnce(S, Context) -> Result<(), Failure>) -> u8 {
    let settings = match load::<S>(arguments, &|name| std::env::var_os(name)) {
        Ok(Asked::Run(settings)) => settings,
        Ok(Asked::Print(text)) => {
            // Where standard output is closed there is nobody to tell.
            let _ = stdout().write_all(text.as_bytes());
            return 0;
        }
        Err(failure) => {
            failure.report();
            return failure.code();
        }
    };
    logging::start(settings.process().log_format, false);
    panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string);
        let what = panic.payload_as_str().unwrap_or("of an unknown kind");
        tracing::error!(at, "a defect: panic {what}");
    }));
    // A panic has been logged where it happened; what is left is to end like any other failure.
    let ended = panic::catch_unwind(AssertUnwindSafe(|| start(settings, run)));
    match ended.unwrap_or_else(|_| Err(Failure::run_time("ended by a defect"))) {
        Ok(()) => {
            tracing::info!("done");
            0
        }
        Err(failure) => {
            tracing::error!(code = failure.code(), "{failure}");
            failure.code()
        }
    }
}

fn start<S: Settings>(settings: S, run: impl FnOnce(S, Context) -> Result<(), Failure>) -> Result<(), Failure> {
    let process = settings.process();
    let instance = process.instance();
    let (version, revision) = (env!("CARGO_PKG_VERSION"), telemetry::REVISION);
    tracing::info!(service = S::NAME, version, revision, instance, "starting");
    let metrics = telemetry::collect(S::NAME)?;
    let stop = Arc::new(AtomicBool::new(false));
    let health = Health::new(process.heartbeat_limit, stop.clone());
    let shutdown = Shutdown { stop: stop.clone(), limit: process.shutdown_limit };
    server::start(&process.listen, health.clone(), metrics, shutdown)?;
    let spans = SpanSettings {
        service: S::NAME.to_owned(),
        instance: instance.clone(),
        endpoint: process.otlp_endpoint.clone(),
        ratio: process.trace_ratio,
    };
    let spans = Spans::start(&spans, &|name| std::env::var_os(name))?;
    let context = Context { name: S::NAME, instance, traced_as: spans.traced_as(), health, stop };
    run(settings, context)
}
