//! How long to wait after a failure before going on.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// The first wait, without its jitter.
const WAIT_MIN: Duration = Duration::from_millis(100);
/// The longest wait, without its jitter, which at most doubles it.
const WAIT_MAX: Duration = Duration::from_millis(2500);

/// Waits that double from failure to failure, up to a limit.
pub(crate) struct Backoff {
    waits: ExponentialBackoff,
    failures: u32,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        let waits = ExponentialBuilder::new()
            .with_min_delay(WAIT_MIN)
            .with_max_delay(WAIT_MAX)
            .with_factor(2.0)
            .with_jitter()
            .without_max_times();
        Self { waits: waits.build(), failures: 0 }
    }

    /// One failure more: how long to wait now.
    pub(crate) fn next(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        self.waits.next().unwrap_or(WAIT_MAX)
    }

    /// Failures since the last success.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// It worked: the next failure begins with the shortest wait.
    pub(crate) fn succeeded(&mut self) {
        if self.failures > 0 {
            *self = Self::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_within_the_limit() {
        let mut backoff = Backoff::new();
        let waits: Vec<Duration> = (0..50).map(|_| backoff.next()).collect();
        assert!(waits[0] >= WAIT_MIN && waits[0] <= 2 * WAIT_MIN, "{waits:?}");
        assert!(waits[10..].iter().all(|wait| *wait >= WAIT_MAX && *wait <= 2 * WAIT_MAX), "{waits:?}");
        assert_eq!(backoff.failures(), 50);
        backoff.succeeded();
        assert!(backoff.failures() == 0 && backoff.next() <= 2 * WAIT_MIN);
    }
}
