//! A score of s bits is what a share of 2^-s of clean events has: on twelve kinds of input, one, three or six features wide.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use detect::{Detector, Settings};

#[path = "generator/random.rs"]
mod random;

use random::Random;

const BITS: [f64; 3] = [4.0, 7.0, 10.0];
const KEYS: u64 = 12;
const EVENTS: usize = 24_000;
/// Events of a key that are not counted.
const SKIPPED: usize = 2_000;

/// The next value of a feature from its last one and the number of the event.
type Next = fn(&mut Random, f64, usize) -> f64;

/// Of each input: its features, its next value, and by which factors the share may be too small and too large.
const INPUTS: [(&str, usize, Next, f64, f64); 17] = [
    ("normal", 1, |random, _, _| random.normal(), 2.0, 2.0),
    ("normal", 6, |random, _, _| random.normal(), 2.0, 2.0),
    ("student t3", 3, |random, _, _| random.student_3(), 2.0, 2.0),
    ("exponential", 6, |random, _, _| random.exponential(), 2.0, 2.0),
    ("log-normal", 3, |random, _, _| libm::exp(random.normal()), 2.0, 2.0),
    ("uniform", 6, |random, _, _| random.uniform(), 2.0, 2.0),
    ("mixture", 3, |random, _, _| random.normal() + if random.uniform() < 0.3 { 10.0 } else { 0.0 }, 2.0, 2.0),
    ("poisson", 3, |random, _, _| random.poisson(), 2.0, 2.0),
    ("poisson", 6, |random, _, _| random.poisson(), 2.0, 2.0),
    ("season", 1, |random, _, event| 3.0 * (event as f64 / 45.8).sin() + 0.3 * random.normal(), 2.0, 2.0),
    ("season", 6, |random, _, event| 3.0 * (event as f64 / 45.8).sin() + 0.3 * random.normal(), 2.0, 2.0),
    ("correlated", 1, |random, last, _| 0.9 * last + random.normal(), 2.0, 2.0),
    // What takes few values cannot have every share; it must not have more.
    ("two-valued", 1, |random, _, _| f64::from(u8::from(random.uniform() < 0.01)), f64::INFINITY, 2.0),
    ("constant", 3, |_, _, _| 3.0, f64::INFINITY, 2.0),
    ("slowly correlated", 1, |random, last, _| 0.99 * last + random.normal(), 2.0, 2.0),
    ("random walk", 6, |random, last, _| last + random.normal(), 2.0, 2.0),
    ("poisson", 1, |random, _, _| random.poisson(), 2.0, 2.0),
];

/// Inputs that it does not hold for, as docs/detection.md says.
const LIMITS: [(&str, usize, Next); 4] = [
    ("uniform", 1, |random, _, _| random.uniform()),
    ("a coin", 1, |random, _, _| f64::from(u8::from(random.uniform() < 0.5))),
    ("rare flags", 6, |random, _, _| f64::from(u8::from(random.uniform() < 0.01))),
    ("random walk", 1, |random, last, _| last + random.normal()),
];

/// The share of clean events with at least so many bits, for each of [`BITS`], and the share that alarms.
fn shares(features: usize, next: Next) -> ([f64; 3], f64) {
    let detector = Detector::new(Settings::with_features(features)).unwrap();
    let (mut above, mut alarms, mut scored) = ([0usize; 3], 0usize, 0usize);
    for key in 0..KEYS {
        let (mut random, mut state) = (Random::new(key + 100), detector.fresh(&key.to_le_bytes()));
        let mut x = vec![0.0; features];
        for event in 0..EVENTS {
            x.iter_mut().for_each(|x| *x = next(&mut random, *x, event));
            let scores = detector.score(&mut state, &x);
            if event >= SKIPPED {
                scored += 1;
                alarms += usize::from(scores.anomalous());
                for (above, bits) in above.iter_mut().zip(BITS) {
                    *above += usize::from(scores.rarity >= bits);
                }
            }
        }
    }
    (above.map(|above| above as f64 / scored as f64), alarms as f64 / scored as f64)
}

#[test]
fn a_score_says_how_rare_it_is() {
    let mut wrong = Vec::new();
    for (name, features, next, low, high) in INPUTS {
        for (share, bits) in shares(features, next).0.into_iter().zip(BITS) {
            let ratio = share / (-bits).exp2();
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
        let (shares, alarms) = shares(features, next);
        let ratios: Vec<String> =
            shares.into_iter().zip(BITS).map(|(share, bits)| format!("{:.2}", share / (-bits).exp2())).collect();
        println!("| {name} | {features} | {} | {:.2} |", ratios.join(" | "), 1000.0 * alarms);
    }
}
