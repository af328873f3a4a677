//! Layered anomaly detection on streams, with state by key and no IO.
//!
//! A [`Detector`] holds what all keys share; a [`KeyState`] is one flat block of memory a key. [`Detector::score`]
//! judges an event by what was learned before it, then learns from it. How rare a layer's
//! score is follows from a histogram of ordinary scores with an extrapolated tail; each layer alarms at its share of the asked
//! false-alarm rate, and an alarm is the alarm of any layer. The same events in the same
//! order give the same bytes on every platform: counts instead of clocks, a fixed hash of the key instead of
//! randomness, and no floating-point operation whose result depends on the machine.

mod arrivals;
mod cause;
mod common;
mod counts;
mod covariance;
mod detector;
mod episode;
mod error;
mod explain;
mod frequencies;
mod half_space;
mod judging;
mod moments;
mod packed;
mod parts;
mod rarity;
mod repeats;
mod scale;
mod scores;
mod season;
mod settings;
mod sharing;
mod silence;
mod snapshot;
mod state;
mod tails;
mod words;
mod young;

pub use self::{
    cause::{Cause, Seen},
    common::{Common, Sharing},
    detector::{Detector, Event},
    episode::Episode,
    error::DetectError,
    frequencies::{hashed, hashed_unit},
    scores::{Layer, RowState, Scores},
    settings::{Chains, Ewma, FEATURES_MAX, Mahalanobis, Settings},
    silence::{SILENCE_KEY_BYTES_MAX, SILENCE_KEYS_MAX, SILENCE_TOGETHER_ONE_IN, Silence, SilenceSettings, Silent},
    state::KeyState,
};
