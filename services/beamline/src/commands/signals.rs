//! The signals that end a command.

use std::sync::{Arc, atomic::AtomicBool};

use signal_hook::{consts::TERM_SIGNALS, flag};

use crate::Failure;

/// What is set when the process is told to end. A second signal ends it at once: what is committed is safe.
pub(super) fn stop_on_signals() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in TERM_SIGNALS {
        flag::register_conditional_shutdown(*signal, 130, stop.clone()).map_err(Failure::run_time)?;
        flag::register(*signal, stop.clone()).map_err(Failure::run_time)?;
    }
    Ok(stop)
}
