//! The time of day, and waiting with an ear for the stop signal.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// What a worker knows of time.
pub trait Clock: Send + Sync {
    /// This moment.
    fn now(&self) -> Instant;

    /// Milliseconds since 1970.
    fn millis(&self) -> i64;

    /// Waits.
    fn sleep(&self, wait: Duration);

    /// What waits of chance length are drawn from; nothing where each is to be different.
    fn seed(&self) -> Option<u64> {
        None
    }

    /// How long it is since then.
    fn since(&self, then: Instant) -> Duration {
        self.now().saturating_duration_since(then)
    }
}

/// The system's time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn millis(&self) -> i64 {
        now_millis()
    }

    fn sleep(&self, wait: Duration) {
        thread::sleep(wait);
    }
}

/// Waits for so long, or until `stop` is set.
pub(crate) fn rest(wait: Duration, stop: &AtomicBool, beat: impl Fn()) {
    rest_by(&SystemClock, wait, stop, beat);
}

/// The same by another clock.
pub(crate) fn rest_by(clock: &impl Clock, wait: Duration, stop: &AtomicBool, beat: impl Fn()) {
    let until = clock.now() + wait;
    while clock.now() < until && !stop.load(Ordering::Relaxed) {
        beat();
        clock.sleep(Duration::from_millis(20));
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_millis() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64
}
