//! What `season` finds in made series, by the rules of the Numenta Anomaly Benchmark.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;

use detect::{Detector, Event, Settings};
use evaluate::{
    made::{Made, made},
    nab::{self, PROFILES, Series},
};

/// Values before which one alarm of an episode counts.
const EPISODE: usize = 120;

fn judged(detector: &Detector, key: &[u8], times: &[i64], values: &[f64], windows: &[(usize, usize)]) -> Series {
    let mut state = detector.fresh(key);
    let scores: Vec<f64> = times
        .iter()
        .zip(values)
        .map(|(time, value)| {
            detector.observe(&mut state, &Event { features: &[*value], time: Some(*time) }, None).rarity
        })
        .collect();
    Series { scores: nab::first_of_episodes(&scores, EPISODE), windows: windows.to_vec() }
}

fn season() -> Detector {
    let only = Settings { ewma: None, mahalanobis: None, chains: None, season: true, ..Settings::with_features(1) };
    Detector::new(only).unwrap()
}

#[test]
#[ignore = "prints figures"]
fn figures() {
    let detector = season();
    let all: Vec<(Made, Series)> = (1..=3)
        .flat_map(made)
        .map(|made| {
            let series = judged(&detector, b"made", &made.times, &made.values, &made.windows);
            (made, series)
        })
        .collect();
    let series: Vec<Series> = all.iter().map(|(_, series)| series.clone()).collect();
    for profile in &PROFILES {
        let found = nab::score(&series, profile);
        println!(
            "made: {} {:.1}, {} of {}, {} false, threshold {:?}",
            profile.name, found.score, found.found, found.windows, found.false_alarms, found.threshold
        );
    }
    let threshold = nab::score(&series, &PROFILES[0]).threshold.unwrap_or(99.0);
    let mut by: BTreeMap<String, (usize, usize, usize)> = BTreeMap::new();
    for (made, series) in &all {
        for name in [format!("base {:?}", made.base), format!("anomaly {:?}", made.anomaly)] {
            let counts = by.entry(name).or_default();
            for (first, last) in &made.windows {
                counts.0 += usize::from(series.scores[*first..=*last].iter().any(|score| *score >= threshold));
                counts.1 += 1;
            }
            for (index, score) in series.scores.iter().enumerate().skip(604) {
                let inside = made.windows.iter().any(|(first, last)| (first..=last).contains(&&index));
                counts.2 += usize::from(*score >= threshold && !inside);
            }
        }
    }
    for (name, (found, windows, false_alarms)) in by {
        println!("{name:20} {found:3} of {windows:3}, {false_alarms} false");
    }
}
