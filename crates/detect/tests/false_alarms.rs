//! The realised share of false alarms on clean data, of all layers together, against the one asked for.

#![allow(clippy::unwrap_used)]

use detect::{Detector, Settings};

#[path = "generator/random.rs"]
mod random;

use random::Random;

const FEATURES: usize = 6;

type Draw = fn(&mut Random) -> f64;

const KINDS: [(&str, Draw); 4] = [
    ("normal", Random::normal),
    ("student t3", Random::student_3),
    ("exponential", Random::exponential),
    ("poisson", Random::poisson),
];

/// The share of alarms, over `keys` keys of `events` events each, the first `skip` not counted.
fn realised(rate: f64, draw: Draw, keys: u64, events: usize, skip: usize) -> f64 {
    let detector = Detector::new(Settings { false_alarm_rate: rate, ..Settings::with_features(FEATURES) }).unwrap();
    let mut alarms = 0usize;
    for key in 0..keys {
        let (mut random, mut state) = (Random::new(key), detector.fresh(&key.to_le_bytes()));
        for event in 0..events {
            let x: [f64; FEATURES] = std::array::from_fn(|_| draw(&mut random));
            let scores = detector.score(&mut state, &x);
            alarms += usize::from(event >= skip && scores.anomalous());
        }
    }
    alarms as f64 / (keys as usize * (events - skip)) as f64
}

#[test]
fn stationary_data_raise_about_as_many_alarms_as_asked() {
    for rate in [1e-2, 1e-3] {
        for (name, draw) in KINDS {
            let ratio = realised(rate, draw, 12, 30_000, 6_000) / rate;
            assert!((0.5..=2.0).contains(&ratio), "{name}, {rate}: {ratio:.2}");
        }
    }
}

/// What is learned first must not alarm much more often: the first 2,000 events of a key, behind its warm-up.
#[test]
fn a_young_key_raises_at_most_five_times_as_many() {
    for (name, draw) in KINDS {
        let ratio = realised(1e-3, draw, 200, 2_000, 256) / 1e-3;
        assert!(ratio <= 5.0, "{name}: {ratio:.2}");
    }
}
