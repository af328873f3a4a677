//! The realised share of false alarms on stationary data, by layer, against the one asked for.

#![allow(clippy::unwrap_used)]

use detect::{Detector, Layer, Settings};

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

/// The share of alarms a layer, over `keys` keys of `events` events each, the first `skip` not counted.
fn realised(rate: f64, draw: Draw, keys: u64, events: usize, skip: usize) -> [f64; Layer::COUNT] {
    let detector = Detector::new(Settings { false_alarm_rate: rate, ..Settings::with_features(FEATURES) }).unwrap();
    let mut alarms = [0usize; Layer::COUNT];
    for key in 0..keys {
        let (mut random, mut state) = (Random::new(key), detector.fresh(&key.to_le_bytes()));
        for event in 0..events {
            let x: [f64; FEATURES] = std::array::from_fn(|_| draw(&mut random));
            let scores = detector.score(&mut state, &x);
            for layer in Layer::ALL {
                alarms[layer as usize] += usize::from(event >= skip && scores.alarmed(layer));
            }
        }
    }
    alarms.map(|alarms| alarms as f64 / (keys as usize * (events - skip)) as f64)
}

#[test]
fn stationary_data_raise_about_as_many_alarms_as_asked() {
    for rate in [1e-2, 1e-3] {
        for (name, draw) in KINDS {
            let shares = realised(rate, draw, 12, 30_000, 6_000);
            for (layer, share) in Layer::ALL.into_iter().zip(shares) {
                let ratio = share / rate;
                // Values on a lattice cannot have any share.
                let factor = if name == "poisson" { 3.0 } else { 2.0 };
                assert!((1.0 / factor..=factor).contains(&ratio), "{name}, {rate}, {}: {ratio:.2}", layer.name());
            }
        }
    }
}

/// Figures for the report: `cargo test -p detect --test false_alarms -- --ignored --nocapture`.
#[test]
#[ignore = "measures, takes a minute"]
fn realised_over_asked() {
    for rate in [1e-2, 1e-3, 1e-4] {
        for (name, draw) in KINDS {
            for (events, skip) in [(2_000, 256), (60_000, 2_000)] {
                let shares = realised(rate, draw, 1_000_000 / events as u64, events, skip);
                let ratios = shares.map(|share| format!("{:5.2}", share / rate));
                let mut out = std::io::stderr().lock();
                std::io::Write::write_fmt(&mut out, format_args!("{rate:e} {name:12} {events:6} {ratios:?}\n"))
                    .unwrap();
            }
        }
    }
}
