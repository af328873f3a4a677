//! How a service is: whether its loops go round, and whether it can do its work.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::watch;

/// The condition of each part that has reported one.
pub type Conditions = BTreeMap<String, Condition>;

/// How a service is. Clones share it; any thread may report.
///
/// It is live while every loop that has ever reported goes on doing so, and ready when every part that has reported a
/// condition says that it holds.
#[derive(Debug, Clone)]
pub struct Health {
    beats: Arc<Mutex<BTreeMap<String, Instant>>>,
    conditions: watch::Sender<Conditions>,
    beat_age_max: Duration,
    stop: Arc<AtomicBool>,
}

/// Whether a part can do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// It can.
    Ready,
    /// It cannot, and why, where that is known.
    Unready(Option<String>),
}

/// An answer to a probe.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) good: bool,
    pub(crate) text: String,
}

impl Health {
    /// A loop that reports less often than `beat_age_max` hangs.
    pub fn new(beat_age_max: Duration, stop: Arc<AtomicBool>) -> Self {
        Self { beats: Arc::default(), conditions: watch::Sender::default(), beat_age_max, stop }
    }

    /// The conditions of all parts, as they are and as they change. Whoever watches holds nobody up: of changes that come
    /// before it looks again, it sees what they led to.
    pub fn conditions(&self) -> watch::Receiver<Conditions> {
        self.conditions.subscribe()
    }

    /// Whether every loop goes round, and which does not.
    pub(crate) fn live(&self) -> Probe {
        let mut probe = Probe { good: true, text: String::new() };
        for (part, beat) in self.beats().iter() {
            let age = beat.elapsed();
            let hangs = age > self.beat_age_max;
            probe.good &= !hangs;
            let state = if hangs { "hangs" } else { "beats" };
            // Writing to a string cannot fail.
            let _ = writeln!(probe.text, "{part}: {state}, last heard of {:.1} s ago", age.as_secs_f64());
        }
        if probe.text.is_empty() {
            probe.text.push_str("live\n");
        }
        probe
    }

    /// Whether the service can do its work, and what is missing.
    pub(crate) fn is_ready(&self) -> Probe {
        if self.stop.load(Ordering::Relaxed) {
            return Probe { good: false, text: "stopping\n".to_owned() };
        }
        let conditions = self.conditions.borrow();
        if conditions.is_empty() {
            return Probe { good: false, text: "starting\n".to_owned() };
        }
        let mut probe = Probe { good: true, text: String::new() };
        for (part, condition) in conditions.iter() {
            probe.good &= *condition == Condition::Ready;
            let _ = match condition {
                Condition::Ready => writeln!(probe.text, "{part}: ready"),
                Condition::Unready(None) => writeln!(probe.text, "{part}: not ready"),
                Condition::Unready(Some(reason)) => writeln!(probe.text, "{part}: not ready: {reason}"),
            };
        }
        probe
    }

    /// Takes a part's condition; says whether it has changed.
    fn set(&self, part: &str, condition: Condition) -> bool {
        self.conditions.send_if_modified(|conditions| {
            let changed = conditions.get(part) != Some(&condition);
            if changed {
                conditions.insert(part.to_owned(), condition);
            }
            changed
        })
    }

    fn beats(&self) -> MutexGuard<'_, BTreeMap<String, Instant>> {
        // Nothing that holds the lock can panic half-way.
        self.beats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl measure::Health for Health {
    fn beat(&self, part: &str) {
        let now = Instant::now();
        let mut beats = self.beats();
        match beats.get_mut(part) {
            Some(beat) => *beat = now,
            None => drop(beats.insert(part.to_owned(), now)),
        }
    }

    fn done(&self, part: &str) {
        self.beats().remove(part);
    }

    fn ready(&self, part: &str, is: bool) {
        let condition = if is { Condition::Ready } else { Condition::Unready(None) };
        if self.set(part, condition) {
            tracing::info!(part, ready = is, "readiness");
        }
    }

    fn unready(&self, part: &str, reason: &str) {
        if self.set(part, Condition::Unready(Some(reason.to_owned()))) {
            tracing::warn!(part, ready = false, reason, "readiness");
        }
    }
}

#[cfg(test)]
mod tests {
    use measure::Health as _;

    use super::*;

    fn health(beat_age_max: Duration) -> Health {
        Health::new(beat_age_max, Arc::default())
    }

    #[test]
    fn is_ready_when_every_part_is() {
        let health = health(Duration::from_secs(60));
        assert_eq!(health.is_ready(), Probe { good: false, text: "starting\n".to_owned() });
        health.ready("registry", true);
        health.ready("assignment", false);
        let text = "assignment: not ready\nregistry: ready\n".to_owned();
        assert_eq!(health.is_ready(), Probe { good: false, text });
        health.ready("assignment", true);
        assert!(health.is_ready().good);
        health.unready("assignment", "partition 3 stands still");
        assert!(health.is_ready().text.starts_with("assignment: not ready: partition 3 stands still\n"));
        health.stop.store(true, Ordering::Relaxed);
        assert_eq!(health.is_ready(), Probe { good: false, text: "stopping\n".to_owned() });
    }

    #[test]
    fn a_watcher_sees_changes_and_nothing_that_stays_as_it_is() {
        let health = health(Duration::from_secs(60));
        let mut watcher = health.conditions();
        health.unready("registry", "does not answer");
        assert!(watcher.has_changed().unwrap());
        let seen = watcher.borrow_and_update().clone();
        assert_eq!(seen["registry"], Condition::Unready(Some("does not answer".to_owned())));
        health.unready("registry", "does not answer");
        assert!(!watcher.has_changed().unwrap());
        health.ready("registry", true);
        assert_eq!(watcher.borrow_and_update()["registry"], Condition::Ready);
    }

    #[test]
    fn is_live_while_every_loop_reports() {
        let strict = health(Duration::ZERO);
        assert!(strict.live().good);
        strict.beat("worker 0");
        std::thread::sleep(Duration::from_millis(2));
        let probe = strict.live();
        assert!(!probe.good && probe.text.starts_with("worker 0: hangs"), "{probe:?}");
        strict.done("worker 0");
        assert!(strict.live().good);
        let patient = health(Duration::from_secs(60));
        patient.beat("worker 0");
        assert!(patient.live().good);
    }
}
