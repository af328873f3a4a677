//! Coming to an end when told so, and in time.

use std::{
    future::Future,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use signal_hook::low_level;
use tokio::{
    runtime::Runtime,
    signal::unix::{Signal, SignalKind, signal},
};

use crate::Failure;

/// What happens when the process is told to end.
#[derive(Debug, Clone)]
pub(crate) struct Shutdown {
    /// Set at the first signal.
    pub(crate) stop: Arc<AtomicBool>,
    /// How long the work may take to end after it.
    pub(crate) limit: Duration,
}

/// Listens for SIGTERM and SIGINT from now on. The first one sets the flag; a second one, or the limit, ends the
/// process.
///
/// # Errors
/// Where the system lets no handler in.
pub(crate) fn signals(runtime: &Runtime, shutdown: Shutdown) -> io::Result<impl Future<Output = ()> + use<>> {
    let _inside = runtime.enter();
    let terminate = signal(SignalKind::terminate())?;
    let interrupt = signal(SignalKind::interrupt())?;
    Ok(wait(terminate, interrupt, shutdown))
}

async fn wait(mut terminate: Signal, mut interrupt: Signal, Shutdown { stop, limit }: Shutdown) {
    let name = next(&mut terminate, &mut interrupt).await;
    tracing::info!(signal = name, limit_s = limit.as_secs_f64(), "stopping");
    stop.store(true, Ordering::Relaxed);
    tokio::select! {
        name = next(&mut terminate, &mut interrupt) => tracing::error!(signal = name, "told to stop a second time, ending now"),
        () = tokio::time::sleep(limit) => {
            tracing::error!(limit_s = limit.as_secs_f64(), "not stopped within --shutdown-limit, ending now");
        }
    }
    // Without clean-up: it is the work that cannot come to an end, and handlers at exit might wait for it.
    low_level::exit(Failure::RUN_TIME.into());
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
