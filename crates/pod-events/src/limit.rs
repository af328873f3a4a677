//! How many requests a minute there are at most.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

const MINUTE: Duration = Duration::from_secs(60);

/// At most so many requests in any minute.
pub(crate) struct Limit {
    requests_max: usize,
    requests: VecDeque<Instant>,
}

impl Limit {
    pub(crate) fn a_minute(requests_max: usize) -> Self {
        Self { requests_max, requests: VecDeque::with_capacity(requests_max) }
    }

    /// Counts a request now; or says how long to wait for the next one.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        while self.requests.front().is_some_and(|first| now.duration_since(*first) >= MINUTE) {
            self.requests.pop_front();
        }
        if self.requests.len() < self.requests_max {
            self.requests.push_back(now);
            return Ok(());
        }
        Err(self.requests.front().map_or(MINUTE, |first| MINUTE.saturating_sub(now.duration_since(*first))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_minute_has_more_requests_than_the_limit() {
        let (mut limit, begun) = (Limit::a_minute(3), Instant::now());
        let mut taken = Vec::new();
        for second in 0..600 {
            let now = begun + Duration::from_secs(second);
            match limit.take(now) {
                Ok(()) => taken.push(second),
                Err(wait) => assert!(!wait.is_zero() && wait <= MINUTE, "{wait:?}"),
            }
        }
        assert_eq!(taken.len(), 30);
        assert!(taken.windows(4).all(|four| four[3] - four[0] >= 60), "{taken:?}");
        assert_eq!(limit.take(begun + Duration::from_secs(600)), Ok(()));
    }
}
