//! What `season` says of clean input of many kinds: a score of s bits is what a share of 2^-s has, and as many alarm as asked.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use detect::{Detector, Settings};

#[path = "generator/counted.rs"]
mod counted;
#[path = "generator/inputs.rs"]
mod inputs;
#[path = "generator/random.rs"]
mod random;

use counted::{Counted, KEYS, YOUNG};
use inputs::Next;

const WARM_UP: usize = 256;
const RATE: f64 = 1e-3;
const STEP_MICROS: i64 = 300_000_000;

/// Each input, and by which factor the shares may be too small: what takes few values cannot have every share.
const INPUTS: [(&str, Next, f64); 20] = [
    ("normal", inputs::normal, 2.0),
    ("student t3", inputs::student_3, 2.0),
    ("exponential", inputs::exponential, 2.0),
    ("log-normal", inputs::log_normal, 2.0),
    ("uniform", inputs::uniform, 2.0),
    ("mixture", inputs::mixture, 2.0),
    ("poisson", inputs::poisson, 2.0),
    ("rare flags", inputs::rare_flag, f64::INFINITY),
    ("a coin", inputs::coin, f64::INFINITY),
    ("constant", inputs::constant, f64::INFINITY),
    ("correlated", inputs::correlated, 2.0),
    ("slowly correlated", inputs::slowly_correlated, 2.0),
    ("random walk", inputs::random_walk, 2.0),
    ("season", inputs::slow_season, 2.0),
    ("season that drifts", inputs::drifting_season, 2.0),
    ("counts by day", inputs::counts_by_day, 2.0),
    ("level shifts", inputs::level_shifts, 2.0),
    ("trend", inputs::trend, 2.0),
    ("noise in bursts", inputs::noise_in_bursts, 2.0),
    ("coarse steps", inputs::coarse, 2.0),
];

/// Shares with at least 4, 7 and 10 bits, the share that alarms, and that of young keys, each as a multiple of what it should be.
struct Found {
    above: [f64; 3],
    alarms: f64,
    young: f64,
}

fn found(features: usize, next: Next) -> Found {
    let only =
        Settings { ewma: None, mahalanobis: None, chains: None, season: true, ..Settings::with_features(features) };
    let detector = Detector::new(only).unwrap();
    let counted = Counted::of(&detector, features, next, |event| Some(event as i64 * STEP_MICROS));
    let young = counted.young as f64 / (KEYS * (YOUNG - WARM_UP)) as f64 / RATE;
    Found { above: counted.ratios(), alarms: counted.alarms as f64 / Counted::EVENTS / RATE, young }
}

#[test]
fn values_in_time_alarm_as_often_as_asked() {
    let mut wrong = Vec::new();
    for features in [1, 2] {
        for (name, next, low) in INPUTS {
            let Found { above, alarms, young } = found(features, next);
            for (ratio, what) in above.into_iter().chain([alarms]).zip(["4 bits", "7 bits", "10 bits", "alarms"]) {
                if !(1.0 / low..=2.0).contains(&ratio) {
                    wrong.push(format!("{name}, {features} features, {what}: {ratio:.2} times the share"));
                }
            }
            if young > 5.0 {
                wrong.push(format!("{name}, {features} features: {young:.2} times as many alarms of young keys"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The table of docs/detection.md: `cargo test --workspace --test calibration_in_time -- --ignored --nocapture`.
#[test]
#[ignore = "prints figures"]
fn figures() {
    for features in [1, 2] {
        for (name, next, _) in INPUTS {
            let Found { above, alarms, young } = found(features, next);
            let shares: Vec<String> = above.iter().map(|ratio| format!("{ratio:.2}")).collect();
            println!("| {name} | {features} | {} | {alarms:.2} | {young:.2} |", shares.join(" | "));
        }
    }
}
