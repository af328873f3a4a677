//! Whether a worker gets on, and what it says of itself where it does not.

use std::time::{Duration, Instant};

use backoff::Backoff;
use measure::Health;

use crate::{KafkaError, clock::Clock};

/// Failures in a row, without a commit between them, after which a worker is not ready.
const FAILURES_MAX: u32 = 3;
/// A worker that has not failed for so long is well.
const HEALTHY: Duration = Duration::from_secs(30);
/// How long records may wait in a partition of which none is taken.
pub(crate) const STANDSTILL_MAX: Duration = Duration::from_secs(30);
/// How often it is looked whether a partition stands still.
const LOOK: Duration = Duration::from_secs(1);
/// How often a worker that is not allowed to read tries again.
const PROBE: Duration = Duration::from_secs(5);

/// Whether a worker gets on: over all of its consumers and producers, one after the other.
pub(crate) struct Progress<'a> {
    health: &'a dyn Health,
    clock: &'a dyn Clock,
    part: String,
    backoff: Backoff,
    failed: Option<Instant>,
    /// Whether it says that it is not ready.
    unready: bool,
    /// Whether it has ever worked: what is forbidden from now on was allowed before.
    worked: bool,
    looked: Instant,
    /// When reading was last refused, and when it was tried again after that.
    denied: Option<(Instant, Option<Instant>)>,
}

impl<'a> Progress<'a> {
    pub(crate) fn of(worker: &str, health: &'a dyn Health, clock: &'a dyn Clock) -> Self {
        Self {
            health,
            clock,
            part: format!("{worker}-progress"),
            backoff: Backoff::seeded(clock.seed()),
            failed: None,
            unready: false,
            worked: false,
            looked: clock.now(),
            denied: None,
        }
    }

    /// A transaction was committed.
    pub(crate) fn committed(&mut self) {
        self.backoff.succeeded();
        self.failed = None;
        self.worked();
        self.recover();
    }

    /// The worker has come as far as its group.
    pub(crate) fn worked(&mut self) {
        self.worked = true;
    }

    /// Whether `error` may pass for a worker that has worked before: rights come back as they went.
    pub(crate) fn may_pass(&self, error: &KafkaError) -> bool {
        error.is_passing() || self.worked && error.is_forbidden()
    }

    /// Something failed, and its input will be read again: says how long to wait before.
    pub(crate) fn failed(&mut self, error: &KafkaError) -> Duration {
        if self.failed.is_some_and(|failed| self.clock.since(failed) > HEALTHY) {
            self.backoff.succeeded();
        }
        self.failed = Some(self.clock.now());
        let wait = self.backoff.next();
        let failures = self.backoff.failures();
        if error.waits_for_somebody() {
            self.stop(&error.to_string());
        } else if failures >= FAILURES_MAX || error.is_forbidden() {
            self.stop(&format!("no progress, {failures} failures in a row; the last: {error}"));
        }
        wait
    }

    /// The client says that reading is not allowed.
    pub(crate) fn denied(&mut self, reason: &str) {
        tracing::warn!(part = self.part, reason, "reading is not allowed");
        self.denied = Some((self.clock.now(), None));
        self.stop(reason);
    }

    /// Whether the partitions should be taken once more, to see whether reading is allowed again: the client says only
    /// once that it is not.
    pub(crate) fn should_probe(&mut self) -> bool {
        let Some((denied, probed)) = &mut self.denied else { return false };
        match probed {
            None if self.clock.since(*denied) < PROBE => false,
            None => {
                *probed = Some(self.clock.now());
                true
            }
            Some(probed) if self.clock.since(*probed) < PROBE => false,
            Some(_) => {
                // Not refused again since then.
                self.denied = None;
                self.recover();
                false
            }
        }
    }

    /// Looks from time to time whether a partition stands still, as `standstill` says.
    pub(crate) fn look(&mut self, standstill: impl FnOnce() -> Option<String>) {
        if self.clock.since(self.looked) < LOOK {
            return;
        }
        self.looked = self.clock.now();
        match standstill() {
            Some(reason) => self.stop(&reason),
            None if self.failed.is_none_or(|failed| self.clock.since(failed) > HEALTHY) => self.recover(),
            None => {}
        }
    }

    /// Says why the worker does not get on.
    pub(crate) fn stop(&mut self, reason: &str) {
        self.unready = true;
        self.health.unready(&self.part, reason);
    }

    fn recover(&mut self) {
        if self.denied.is_none() && std::mem::take(&mut self.unready) {
            self.health.ready(&self.part, true);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode};

    use super::*;
    use crate::clock::SystemClock;

    #[derive(Default)]
    struct Said(Mutex<Vec<String>>);

    impl Health for Said {
        fn beat(&self, _: &str) {}

        fn done(&self, _: &str) {}

        fn ready(&self, part: &str, is: bool) {
            self.0.lock().unwrap().push(format!("{part} {is}"));
        }

        fn unready(&self, part: &str, reason: &str) {
            self.0.lock().unwrap().push(format!("{part}: {reason}"));
        }
    }

    fn aborted() -> KafkaError {
        let source = ClientError::Global(RDKafkaErrorCode::MessageSizeTooLarge);
        KafkaError::Aborted { what: "sending", source }
    }

    #[test]
    fn a_worker_that_fails_again_and_again_says_why_until_it_commits() {
        let said = Said::default();
        let mut progress = Progress::of("enricher-0", &said, &SystemClock);
        (1..FAILURES_MAX).for_each(|_| {
            progress.failed(&aborted());
        });
        assert!(said.0.lock().unwrap().is_empty());
        progress.failed(&aborted());
        let last = said.0.lock().unwrap().pop().unwrap();
        assert!(last.starts_with("enricher-0-progress: no progress, 3 failures in a row"), "{last}");
        progress.committed();
        assert_eq!(said.0.lock().unwrap().pop().unwrap(), "enricher-0-progress true");
    }

    #[test]
    fn rights_that_were_there_may_come_back() {
        let forbidden: KafkaError = broker::BrokerError::Forbidden { what: "reading".into() }.into();
        let said = Said::default();
        let mut progress = Progress::of("enricher-0", &said, &SystemClock);
        assert!(!progress.may_pass(&forbidden));
        progress.worked();
        assert!(progress.may_pass(&forbidden));
        progress.failed(&forbidden);
        assert!(said.0.lock().unwrap().pop().unwrap().contains("does not allow reading"));
    }
}
