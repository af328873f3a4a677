//! Layered anomaly detection on streams, with state by key and no IO.
//!
//! A [`Detector`] holds what all keys share; a [`KeyState`] is one flat block of memory a key. [`Detector::score`]
//! judges an event by what was learned before it, then learns from it. Each layer has its own extreme-value
//! threshold for the asked false-alarm rate, and an alarm is the alarm of any layer. The same events in the same
//! order give the same bytes on every platform: counts instead of clocks, a fixed hash of the key instead of
//! randomness, and no floating-point operation whose result depends on the machine.

mod detector;
mod error;
mod scores;
mod settings;

pub use self::{
    detector::{Detector, KeyState},
    error::DetectError,
    scores::{Layer, Scores},
    settings::{Chains, Ewma, FEATURES_MAX, Mahalanobis, Settings},
};
