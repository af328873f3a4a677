//! A score of s bits is what a share of 2^-s of clean events has: on fifteen kinds of input, one, three or six features wide, for the layers that are on by default.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use detect::{Detector, Settings};

#[path = "generator/counted.rs"]
mod counted;
#[path = "generator/inputs.rs"]
mod inputs;
#[path = "generator/random.rs"]
mod random;

use counted::{BITS, Counted};
use inputs::Next;

/// Of each input: its features, its next value, and by which factors the share may be too small and too large.
const INPUTS: [(&str, usize, Next, f64, f64); 20] = [
    ("normal", 1, inputs::normal, 2.0, 2.0),
    ("normal", 6, inputs::normal, 2.0, 2.0),
    ("student t3", 3, inputs::student_3, 2.0, 2.0),
    ("exponential", 6, inputs::exponential, 2.0, 2.0),
    ("log-normal", 3, inputs::log_normal, 2.0, 2.0),
    ("uniform", 6, inputs::uniform, 2.0, 2.0),
    ("mixture", 3, inputs::mixture, 2.0, 2.0),
    ("poisson", 3, inputs::poisson, 2.0, 2.0),
    ("poisson", 6, inputs::poisson, 2.0, 2.0),
    ("season", 1, inputs::slow_season, 2.0, 2.0),
    ("season", 6, inputs::slow_season, 2.0, 2.0),
    ("correlated", 1, inputs::correlated, 2.0, 2.0),
    // What takes few values cannot have every share; it must not have more.
    ("two-valued", 1, inputs::rare_flag, f64::INFINITY, 2.0),
    ("constant", 3, inputs::constant, f64::INFINITY, 2.0),
    ("slowly correlated", 1, inputs::slowly_correlated, 2.0, 2.0),
    ("random walk", 6, inputs::random_walk, 2.0, 2.0),
    ("poisson", 1, inputs::poisson, 2.0, 2.0),
    ("season that drifts", 3, inputs::drifting_season, 2.0, 2.0),
    ("counts by day", 3, inputs::counts_by_day, 2.0, 2.0),
    ("coarse steps", 3, inputs::coarse, 2.0, 2.0),
];

/// Inputs that it does not hold for, as docs/detection.md says.
const LIMITS: [(&str, usize, Next); 7] = [
    ("uniform", 1, inputs::uniform),
    ("a coin", 1, inputs::coin),
    ("rare flags", 6, inputs::rare_flag),
    ("random walk", 1, inputs::random_walk),
    ("trend", 3, inputs::trend),
    ("level shifts", 3, inputs::level_shifts),
    ("noise in bursts", 3, inputs::noise_in_bursts),
];

/// What the default layers say of an input; they know no time.
fn counted(features: usize, next: Next) -> Counted {
    Counted::of(&Detector::new(Settings::with_features(features)).unwrap(), features, next, |_| None)
}

#[test]
fn a_score_says_how_rare_it_is() {
    let mut wrong = Vec::new();
    for (name, features, next, low, high) in INPUTS {
        for (ratio, bits) in counted(features, next).ratios().into_iter().zip(BITS) {
            if !(1.0 / low..=high).contains(&ratio) {
                wrong.push(format!("{name}, {features} features, {bits} bits: {ratio:.2} times the share"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The table of docs/detection.md: `cargo test --workspace --test calibration -- --ignored --nocapture`.
#[test]
#[ignore = "prints figures"]
fn figures() {
    let all = INPUTS.map(|(name, features, next, ..)| (name, features, next)).into_iter().chain(LIMITS);
    for (name, features, next) in all {
        let counted = counted(features, next);
        let ratios = counted.ratios().map(|ratio| format!("{ratio:.2}"));
        let alarms = counted.alarms as f64 / Counted::EVENTS;
        println!("| {name} | {features} | {} | {:.2} |", ratios.join(" | "), 1000.0 * alarms);
    }
}
