//! Why a layer alarms: the feature that contributes most, its value, and what was expected of it.

use crate::{Layer, scale::log2};

/// What one feature has to do with the alarm of one layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cause {
    /// The layer.
    pub layer: Layer,
    /// The layer's score: EWMA and Mahalanobis in standard deviations, the others in bits.
    pub score: f64,
    /// The score from which on the layer alarms, in the same unit.
    pub threshold: f64,
    /// The number of the feature, from 0; `None` where it is the arrival of events.
    pub feature: Option<usize>,
    /// Its value, NaN where that is missing; of arrivals, events a second.
    pub value: f64,
    /// The range in which the value would not be remarkable; NaN where there is none. The value is outside of it.
    pub expected: (f64, f64),
    /// How far the value is from what was expected, in standard deviations: EWMA from the feature's mean, Mahalanobis from
    /// what the event's other features say, chains from the feature's mean. Of a value that is stuck or missing, how often it
    /// came in a row; of arrivals, how many times as many a second as usual.
    pub deviation: f64,
    /// How often the value was seen, where it is a text that is rare; `value` is then the share, and `deviation` its rarity in bits.
    pub seen: Option<Seen>,
    /// Of all keys' events at the same age, how many had a text as rare to their key, or a score as high, where that is what made it
    /// alarm.
    pub others: Option<Seen>,
}

/// What a layer found in one feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Finding {
    pub(crate) feature: Option<usize>,
    pub(crate) expected: (f64, f64),
    pub(crate) deviation: f64,
}

/// How often a value was seen, among how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// How often.
    pub times: u32,
    /// Among how many values of the feature.
    pub of: u32,
}

impl Seen {
    /// Minus log2 of the share, a half where the value is new (the estimator of Krichevsky and Trofimov, 1981).
    pub(crate) fn bits(self) -> f64 {
        (log2(f64::from(self.of) + 1.0) - log2(f64::from(self.times.min(self.of)) + 0.5)).max(0.0)
    }
}
