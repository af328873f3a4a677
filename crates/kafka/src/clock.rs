//! The time of day, and waiting with an ear for the stop signal.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Waits for so long, or until `stop` is set.
pub(crate) fn rest(wait: Duration, stop: &AtomicBool, beat: impl Fn()) {
    let until = Instant::now() + wait;
    while Instant::now() < until && !stop.load(Ordering::Relaxed) {
        beat();
        thread::sleep(Duration::from_millis(20));
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_millis() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64
}
