//! How much may be asked: a token bucket for requests, and places for what takes long.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use axum::http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::Problem;

/// Requests a second that are answered in the long run,
const REQUESTS_PER_SECOND: f64 = 200.0;
/// and at once.
const REQUESTS_AT_ONCE_MAX: f64 = 400.0;
/// Live streams that are open at once.
const STREAMS_MAX: usize = 256;
/// Queries that run at once; more are turned away.
const QUERIES_MAX: usize = 2;
/// Seconds after which whoever was turned away may come again.
const RETRY_AFTER_S: u64 = 1;

/// A bucket that fills at a steady rate; a request takes a token out.
#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + passed * REQUESTS_PER_SECOND).min(REQUESTS_AT_ONCE_MAX);
        self.filled = now;
        let enough = self.tokens >= 1.0;
        if enough {
            self.tokens -= 1.0;
        }
        enough
    }
}

/// What may be asked at once.
#[derive(Debug)]
pub(crate) struct Limits {
    requests: Mutex<Bucket>,
    streams: Arc<Semaphore>,
    queries: Arc<Semaphore>,
}

impl Limits {
    pub(crate) fn new() -> Self {
        Self {
            requests: Mutex::new(Bucket { tokens: REQUESTS_AT_ONCE_MAX, filled: Instant::now() }),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            queries: Arc::new(Semaphore::new(QUERIES_MAX)),
        }
    }

    /// Counts a request.
    pub(crate) fn request(&self, now: Instant) -> Result<(), Problem> {
        match self.requests.lock().unwrap_or_else(PoisonError::into_inner).take(now) {
            true => Ok(()),
            false => Err(Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-requests",
                format!("more than {REQUESTS_PER_SECOND} requests a second; send fewer"),
            )
            .retry_after(RETRY_AFTER_S)),
        }
    }

    /// A place for a live stream.
    pub(crate) fn stream(&self) -> Result<OwnedSemaphorePermit, Problem> {
        place(&self.streams, format!("{STREAMS_MAX} live streams are open; close one"))
    }

    /// A place for a query.
    pub(crate) fn query(&self) -> Result<OwnedSemaphorePermit, Problem> {
        place(&self.queries, format!("{QUERIES_MAX} queries run already; ask again when one has ended"))
    }
}

fn place(places: &Arc<Semaphore>, full: String) -> Result<OwnedSemaphorePermit, Problem> {
    let busy = |_| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", full).retry_after(RETRY_AFTER_S);
    places.clone().try_acquire_owned().map_err(busy)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_is_answered_and_then_so_many_a_second() {
        let limits = Limits::new();
        let now = Instant::now();
        let answered = (0..1000).filter(|_| limits.request(now).is_ok()).count();
        assert!((400..=401).contains(&answered), "{answered}");
        let refused = limits.request(now).unwrap_err();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        let later = now + Duration::from_millis(500);
        assert_eq!((0..1000).filter(|_| limits.request(later).is_ok()).count(), 100);
    }

    #[test]
    fn a_place_is_free_again_once_it_is_given_back() {
        let limits = Limits::new();
        let held: Vec<_> = (0..QUERIES_MAX).map(|_| limits.query().unwrap()).collect();
        assert_eq!(limits.query().unwrap_err().status(), StatusCode::SERVICE_UNAVAILABLE);
        drop(held);
        assert!(limits.query().is_ok());
    }
}
