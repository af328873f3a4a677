//! How long to wait between tries, for all that try again: the registry's client, the workers and the generator.
//!
//! The waits are `backon`'s: they double from failure to failure up to a limit, and each is lengthened at random by up to
//! its own length, so that processes that lost a server together do not all come back to it in the same moment. Nothing
//! here sleeps.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// The first wait, without its jitter, which at most doubles it.
const WAIT_MIN: Duration = Duration::from_millis(100);
/// The longest wait, without its jitter, which at most doubles it.
const WAIT_MAX: Duration = Duration::from_millis(2500);

/// Waits that double from failure to failure, up to a limit.
#[derive(Debug)]
pub struct Backoff {
    waits: ExponentialBackoff,
    failures: u32,
    begun: Instant,
    seed: Option<u64>,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

impl Backoff {
    /// No failure so far.
    pub fn new() -> Self {
        Self::seeded(None)
    }

    /// The same with waits that are lengthened as this seed says, so that they can be repeated.
    pub fn seeded(seed: Option<u64>) -> Self {
        let mut waits = ExponentialBuilder::new()
            .with_min_delay(WAIT_MIN)
            .with_max_delay(WAIT_MAX)
            .with_factor(2.0)
            .with_jitter()
            .without_max_times();
        if let Some(seed) = seed {
            waits = waits.with_jitter_seed(seed);
        }
        Self { waits: waits.build(), failures: 0, begun: Instant::now(), seed }
    }

    /// One failure more: how long to wait now.
    #[allow(clippy::should_implement_trait, reason = "waits never end, so that there is no `Option` to look into")]
    pub fn next(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        self.waits.next().unwrap_or(WAIT_MAX)
    }

    /// One failure more: how long to wait now, and no longer than until `retry_for` has passed since this was made; none
    /// where it has.
    pub fn next_within(&mut self, retry_for: Duration) -> Option<Duration> {
        let left = retry_for.checked_sub(self.elapsed()).filter(|left| !left.is_zero())?;
        Some(self.next().min(left))
    }

    /// Failures since the last success.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// The time since this was made, or since the last success after a failure.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// It worked: the next failure begins with the shortest wait.
    pub fn succeeded(&mut self) {
        if self.failures > 0 {
            *self = Self::seeded(self.seed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_limit_and_is_at_most_doubled_by_chance() {
        let mut backoff = Backoff::new();
        for wait_min in [100, 200, 400, 800, 1600, 2500, 2500].map(Duration::from_millis) {
            let wait = backoff.next_within(Duration::from_secs(60)).unwrap();
            assert!(wait >= wait_min && wait <= 2 * wait_min, "{wait:?} is not from {wait_min:?} to twice that");
        }
    }

    #[test]
    fn two_that_failed_together_come_back_apart() {
        let waits = |_| {
            let mut backoff = Backoff::new();
            (0..5).map(|_| backoff.next()).collect::<Vec<_>>()
        };
        let [first, second] = [0, 1].map(waits);
        assert_ne!(first, second);
    }

    #[test]
    fn a_seed_repeats_its_waits() {
        let waits = |seed| {
            let mut backoff = Backoff::seeded(Some(seed));
            (0..5).map(|_| backoff.next()).collect::<Vec<_>>()
        };
        assert_eq!(waits(7), waits(7));
        assert_ne!(waits(7), waits(8));
    }

    #[test]
    fn ends_with_its_time() {
        assert_eq!(Backoff::new().next_within(Duration::ZERO), None);
        assert!(Backoff::new().next_within(Duration::from_millis(10)).unwrap() <= Duration::from_millis(10));
    }

    #[test]
    fn waits_stay_within_the_limit_and_start_over_after_a_success() {
        let mut backoff = Backoff::new();
        let waits: Vec<Duration> = (0..50).map(|_| backoff.next()).collect();
        assert!(waits[10..].iter().all(|wait| *wait >= WAIT_MAX && *wait <= 2 * WAIT_MAX), "{waits:?}");
        assert_eq!(backoff.failures(), 50);
        backoff.succeeded();
        assert!(backoff.failures() == 0 && backoff.next() <= 2 * WAIT_MIN);
    }
}
