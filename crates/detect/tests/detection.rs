//! What each layer must find, and what it must get used to.

#![allow(clippy::unwrap_used)]

use detect::{Detector, KeyState, Layer, Scores, Settings};

#[path = "generator/random.rs"]
mod random;

use random::Random;

const FEATURES: usize = 6;

/// A detector that has learned from `events` ordinary events, in which the second feature follows the first.
struct Learned {
    detector: Detector,
    state: KeyState,
    random: Random,
}

impl Learned {
    fn new(events: usize) -> Self {
        let detector = Detector::new(Settings::with_features(FEATURES)).unwrap();
        let state = detector.fresh(b"a key");
        let mut learned = Self { detector, state, random: Random::new(1) };
        for _ in 0..events {
            learned.ordinary(0.0);
        }
        learned
    }

    fn draw(&mut self) -> [f64; FEATURES] {
        let mut x: [f64; FEATURES] = std::array::from_fn(|_| self.random.normal());
        x[1] = x[0] + 0.05 * x[1];
        x
    }

    fn ordinary(&mut self, shift: f64) -> Scores {
        let x = self.draw().map(|x| x + shift);
        self.score(&x)
    }

    fn score(&mut self, x: &[f64]) -> Scores {
        self.detector.score(&mut self.state, x)
    }
}

fn alarmed(scores: &Scores) -> Vec<&'static str> {
    Layer::ALL.into_iter().filter(|layer| scores.alarmed(*layer)).map(Layer::name).collect()
}

#[test]
fn an_outlier_in_one_feature_alarms() {
    for feature in 0..FEATURES {
        let mut learned = Learned::new(5_000);
        let mut x = [0.1; FEATURES];
        x[feature] = 9.0;
        let scores = learned.score(&x);
        assert!(scores.alarmed(Layer::Ewma) && scores.alarmed(Layer::Mahalanobis) && scores.ratio > 1.0);
        assert!((8.0..10.0).contains(&scores.score(Layer::Ewma).unwrap()));
    }
}

#[test]
fn a_broken_correlation_is_seen_by_mahalanobis_alone() {
    let mut learned = Learned::new(5_000);
    assert_eq!(alarmed(&learned.score(&[1.0, -1.0, 0.0, 0.0, 0.0, 0.0])), ["mahalanobis"]);
    assert_eq!(alarmed(&learned.score(&[1.0, 1.0, 0.0, 0.0, 0.0, 0.0])), Vec::<&str>::new());
}

/// Wherever in a window the burst begins.
#[test]
fn chains_see_a_burst_of_500_events_to_its_end() {
    for before in [4_500, 5_300, 6_100] {
        let mut learned = Learned::new(before);
        let mut seen = [0; Layer::COUNT];
        let mut late = 0;
        for event in 0..500 {
            let noise: [f64; FEATURES] = std::array::from_fn(|_| 0.1 * learned.random.normal());
            let x: Vec<f64> = [4.5, 4.5, -4.5, 4.5, -4.5, 4.5].iter().zip(noise).map(|(x, n)| x + n).collect();
            let scores = learned.score(&x);
            for layer in Layer::ALL {
                seen[layer as usize] += usize::from(scores.alarmed(layer));
            }
            late += usize::from(event >= 400 && scores.alarmed(Layer::Chains));
        }
        assert!(seen[Layer::Chains as usize] >= 490 && late == 100, "{before}: {seen:?}, {late} of the last 100");
    }
}

#[test]
fn a_level_shift_is_alarmed_and_later_learned() {
    let mut learned = Learned::new(5_000);
    let first = (0..50).filter(|_| learned.ordinary(8.0).anomalous()).count();
    assert_eq!(first, 50);
    for _ in 0..8_000 {
        learned.ordinary(8.0);
    }
    let late: Vec<Scores> = (0..4_000).map(|_| learned.ordinary(8.0)).collect();
    for layer in Layer::ALL {
        let alarms = late.iter().filter(|scores| scores.alarmed(layer)).count();
        assert!(alarms < 60, "{}: {alarms} of 4000", layer.name());
    }
}

#[test]
fn a_stuck_value_is_quiet_until_it_moves() {
    let mut learned = Learned::new(0);
    for _ in 0..5_000 {
        assert!(!learned.score(&[3.0, 0.0, -1e9, 1e-300, 7.0, 1e100]).anomalous());
    }
    assert!(learned.score(&[3.0, 0.0, -1e9, 1e-300, 7.1, 1e100]).alarmed(Layer::Ewma));
    assert!(learned.score(&[3.0, 1e-3, -1e9, 1e-300, 7.0, 1e100]).alarmed(Layer::Ewma));
    for _ in 0..3_000 {
        learned.ordinary(0.0);
    }
    let alarms = (0..3_000).filter(|_| learned.ordinary(0.0).alarmed(Layer::Ewma)).count();
    assert!(alarms < 60, "{alarms} of 3000 after the value came back to life");
}

#[test]
fn there_is_no_alarm_before_the_warm_up_is_over() {
    let mut learned = Learned::new(0);
    for event in 0..256 {
        let scores = learned.ordinary(if event % 50 == 49 { 100.0 } else { 0.0 });
        assert!(!scores.anomalous() && scores.ratio == 0.0);
    }
}

#[test]
fn a_missing_feature_hides_no_other() {
    let mut learned = Learned::new(5_000);
    assert!(alarmed(&learned.score(&[f64::NAN; FEATURES])).is_empty());
    assert!(learned.score(&[f64::NAN, f64::INFINITY, 9.0, 0.0, 0.0, 0.0]).alarmed(Layer::Ewma));
}

/// One event in a hundred is an anomaly, ten times the asked false-alarm rate: the threshold must not rise over them.
#[test]
fn frequent_anomalies_stay_anomalous() {
    let mut learned = Learned::new(1_000);
    let mut seen = [0; Layer::COUNT];
    for _ in 0..300 {
        for _ in 0..99 {
            learned.ordinary(0.0);
        }
        let mut x = learned.draw();
        x[3] += 9.0;
        x[4] -= 9.0;
        let scores = learned.score(&x);
        for layer in Layer::ALL {
            seen[layer as usize] += usize::from(scores.alarmed(layer));
        }
    }
    assert!(seen[0] >= 270 && seen[1] >= 270, "{seen:?} of 300");
}
