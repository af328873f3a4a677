//! How much of a processor drawing may take: a share of the time that has passed, saved up for a moment at most.

use std::time::Duration;

/// The share of one processor that drawing takes where it must not slow the stream.
const SHARE: f64 = 0.03;
/// What can be saved up.
const SAVED_MAX: Duration = Duration::from_millis(100);

/// Time that may be spent on drawing.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    share: f64,
    saved_s: f64,
}

impl Default for Pace {
    fn default() -> Self {
        Self::of(SHARE)
    }
}

impl Pace {
    /// At most this share of one processor, above 0.
    pub fn of(share: f64) -> Self {
        Self { share, saved_s: SAVED_MAX.as_secs_f64() }
    }

    /// Takes what was spent of `passed`, which is the time since the last call, and says how long to rest.
    pub fn spent(&mut self, busy: Duration, passed: Duration) -> Duration {
        let saved = (self.saved_s + passed.as_secs_f64() * self.share).min(SAVED_MAX.as_secs_f64());
        self.saved_s = saved - busy.as_secs_f64();
        Duration::from_secs_f64((-self.saved_s / self.share).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawing_takes_its_share_of_the_time_in_the_long_run_and_no_more() {
        let (mut pace, mut now, mut busy) = (Pace::default(), Duration::ZERO, Duration::ZERO);
        let step = Duration::from_millis(2);
        let mut rested = Duration::ZERO;
        while now < Duration::from_secs(100) {
            let passed = step + rested;
            now += passed;
            busy += step;
            rested = pace.spent(step, passed);
        }
        let share = (busy.as_secs_f64() - SAVED_MAX.as_secs_f64()) / now.as_secs_f64();
        assert!((0.025..=0.0301).contains(&share), "{share}");
    }

    #[test]
    fn a_stream_that_needs_little_never_rests() {
        let mut pace = Pace::default();
        for _ in 0..10_000 {
            assert_eq!(pace.spent(Duration::from_micros(20), Duration::from_millis(1)), Duration::ZERO);
        }
    }
}
