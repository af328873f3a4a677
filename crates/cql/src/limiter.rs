//! How many requests are under way at once: as many as the store answers without its answers getting slow.
//!
//! Each answer that comes about as quickly as the quickest ones of late raises the limit a little; one that takes much
//! longer lowers it; a refusal or a time-out halves it. That is how TCP finds the rate of a line, with the delay as
//! the signal (as TCP Vegas has it), so that a slow store gets less to do before it breaks down.

use std::time::Duration;

const LIMIT_MIN: f64 = 4.0;
const LIMIT_MAX: f64 = 512.0;
const LIMIT_AT_FIRST: f64 = 32.0;
/// How many times the quickest answer an answer may take.
const SLOW: f64 = 8.0;
/// Answers quicker than this are never slow, however quick the quickest was.
const SLOW_SECONDS_MIN: f64 = 0.02;
/// What a slow answer leaves of the limit.
const AFTER_SLOW: f64 = 0.98;
/// The quickest answer is forgotten at this rate an answer, so that a store that has become slower gets a new measure.
const FORGETTING: f64 = 1.001;

/// How many requests may be under way.
#[derive(Debug)]
pub(crate) struct Limiter {
    limit: f64,
    quickest: f64,
}

impl Limiter {
    pub(crate) fn new() -> Self {
        Self { limit: LIMIT_AT_FIRST, quickest: f64::INFINITY }
    }

    /// How many requests may be under way now.
    pub(crate) fn limit(&self) -> usize {
        self.limit as usize
    }

    /// A request was answered after so long, while the limit was `reached` or not.
    pub(crate) fn answered(&mut self, after: Duration, reached: bool) {
        let seconds = after.as_secs_f64();
        self.quickest = (self.quickest * FORGETTING).min(seconds);
        if seconds > (self.quickest * SLOW).max(SLOW_SECONDS_MIN) {
            self.limit *= AFTER_SLOW;
        } else if reached {
            // One more for each round of answers.
            self.limit += 1.0 / self.limit;
        }
        self.limit = self.limit.clamp(LIMIT_MIN, LIMIT_MAX);
    }

    /// The store has too much to do.
    pub(crate) fn overloaded(&mut self) {
        self.limit = (self.limit / 2.0).max(LIMIT_MIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_follows_the_store() {
        let mut limiter = Limiter::new();
        let answer = |limiter: &mut Limiter, millis: u64| {
            limiter.answered(Duration::from_millis(millis), true);
            limiter.limit()
        };
        (0..100_000).for_each(|_| {
            answer(&mut limiter, 2);
        });
        let quick = limiter.limit();
        assert!(quick > 200, "{quick}");
        (0..100).for_each(|_| {
            answer(&mut limiter, 500);
        });
        let slow = limiter.limit();
        assert!(slow < quick / 4, "{slow}");
        (0..20).for_each(|_| limiter.overloaded());
        assert_eq!(limiter.limit(), LIMIT_MIN as usize);
        limiter.answered(Duration::from_millis(1), false);
        assert_eq!(limiter.limit(), LIMIT_MIN as usize, "an unreached limit is not raised");
    }
}
