//! How long to wait between tries.

use std::time::{Duration, Instant};

const WAIT_MIN: Duration = Duration::from_millis(100);
const WAIT_MAX: Duration = Duration::from_secs(2);

/// Waits that double up to a limit, until a time is over.
#[derive(Debug)]
pub(crate) struct Backoff {
    begun: Instant,
    retry_for: Duration,
    wait: Duration,
}

impl Backoff {
    pub(crate) fn new(retry_for: Duration) -> Self {
        Self { begun: Instant::now(), retry_for, wait: WAIT_MIN }
    }

    /// How long to wait before the next try; none where the time is over.
    pub(crate) fn next(&mut self) -> Option<Duration> {
        let left = self.retry_for.checked_sub(self.begun.elapsed()).filter(|left| !left.is_zero())?;
        let wait = self.wait.min(left);
        self.wait = (self.wait * 2).min(WAIT_MAX);
        Some(wait)
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_limit() {
        let mut backoff = Backoff::new(Duration::from_secs(60));
        let waits: Vec<u128> = (0..7).map(|_| backoff.next().unwrap().as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 2000, 2000]);
    }

    #[test]
    fn ends_with_its_time() {
        assert_eq!(Backoff::new(Duration::ZERO).next(), None);
        assert!(Backoff::new(Duration::from_millis(10)).next().unwrap() <= Duration::from_millis(10));
    }
}
