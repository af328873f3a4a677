//! Anomalies that last for some events of one key, known from the key and the event's number without any history.

use super::random::{hash, unit};

/// How many events of a key such an anomaly lasts.
pub(crate) const WINDOW_EVENTS: u64 = 32;

/// Which of `kinds` affects event `number` of a key, so that on average each affects a share `each` of the events.
pub(crate) fn kind_of(seed: u64, key: u64, number: u64, each: f64, kinds: &[&'static str]) -> Option<&'static str> {
    let at = unit(hash(&[seed, key, number / WINDOW_EVENTS]));
    kinds.get((at / each.max(f64::MIN_POSITIVE)) as usize).copied()
}
