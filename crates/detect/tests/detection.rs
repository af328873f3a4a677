//! What each layer must find, and what it must get used to.

#![allow(clippy::unwrap_used)]

use detect::{Detector, Event, KeyState, Layer, RowState, Scores, Settings};

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
        Self::with(Settings::with_features(FEATURES), events)
    }

    fn with(settings: Settings, events: usize) -> Self {
        let detector = Detector::new(settings).unwrap();
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
        assert!(scores.alarmed(Layer::Ewma) && scores.alarmed(Layer::Mahalanobis) && scores.rarity > 10.0);
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

/// A regime is an anomaly until it has lasted for `adapt_after` events, and ordinary within 2,000 events after that.
#[test]
fn a_level_shift_is_alarmed_and_later_learned() {
    let mut learned = Learned::new(5_000);
    let found = (0..9_900).filter(|_| learned.ordinary(8.0).anomalous()).count();
    assert!(found >= 9_800, "{found} of 9900");
    for _ in 0..2_100 {
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
    let settings = Settings { adapt_after: 1_000, ..Settings::with_features(FEATURES) };
    let mut learned = Learned::with(settings, 0);
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

/// Six standard deviations in one feature, up to `adapt_after`.
#[test]
fn a_burst_stays_anomalous_to_its_end() {
    for length in [500, 5_000, 20_000] {
        let mut learned = Learned::new(6_000);
        let counted = length.min(9_900);
        let mut found = 0;
        for event in 0..length {
            let mut x = learned.draw();
            x[4] += 6.0;
            let scores = learned.score(&x);
            found += usize::from(event < counted && scores.anomalous());
        }
        assert!(found as f64 >= 0.9 * counted as f64, "{found} of {counted} in a burst of {length}");
    }
}

/// Outliers of eight standard deviations, each in one feature: the threshold must not rise over them.
#[test]
fn a_few_per_cent_of_anomalies_stay_anomalous() {
    for share in [0.001, 0.01, 0.03] {
        let (mut anomalies, mut found, mut ordinary, mut false_alarms) = (0, 0, 0, 0);
        for key in 0..8 {
            let mut learned = Learned::new(0);
            learned.random = Random::new(1_000 + key);
            for event in 0..8_000 {
                let mut x: [f64; FEATURES] = std::array::from_fn(|_| learned.random.normal());
                let anomaly = learned.random.uniform() < share;
                if anomaly {
                    x[(learned.random.uniform() * FEATURES as f64) as usize] += 8.0;
                }
                let alarm = usize::from(learned.score(&x).anomalous());
                if event >= 256 {
                    let counts =
                        if anomaly { (&mut anomalies, &mut found) } else { (&mut ordinary, &mut false_alarms) };
                    *counts.0 += 1;
                    *counts.1 += alarm;
                }
            }
        }
        assert!(found as f64 >= 0.9 * f64::from(anomalies), "{share}: {found} of {anomalies}");
        assert!((false_alarms as f64) < 2e-3 * f64::from(ordinary), "{share}: {false_alarms} of {ordinary}");
    }
}

/// The words of an alarm begin with the feature that was tampered with, and its value is outside of what is expected.
#[test]
fn the_first_cause_is_the_feature_that_was_tampered_with() {
    let (mut named, mut outside) = (0, 0);
    for case in 0..20usize {
        let mut learned = Learned::new(3_000);
        for _ in 0..case {
            learned.ordinary(0.0);
        }
        let mut x = learned.draw();
        let tampered = match case % 5 {
            // Against what the feature that it follows says, though ordinary by itself.
            0 => {
                x[1] = x[0] + if x[0] > 0.0 { -1.5 } else { 1.5 };
                if x[1].abs() > x[0].abs() { 1 } else { 0 }
            }
            kind => {
                let feature = [0, 2, 3, 4, 5][kind];
                x[feature] = [0.0, 8.0, -8.0, 30.0, -6.5][kind];
                feature
            }
        };
        let mut causes = Vec::new();
        let scores =
            learned.detector.observe(&mut learned.state, &Event { features: &x, time: None }, Some(&mut causes));
        assert!(scores.anomalous(), "case {case}");
        let cause = causes[0];
        named += usize::from(cause.feature == Some(tampered) || (case % 5 == 0 && cause.feature < Some(2)));
        outside += usize::from(!(cause.expected.0..=cause.expected.1).contains(&cause.value));
        assert!(cause.score >= cause.threshold && cause.value == x[cause.feature.unwrap()]);
    }
    assert!(named >= 18 && outside == 20, "{named} named, {outside} outside of 20");
}

#[test]
fn explaining_changes_no_score() {
    let (mut plain, mut explained) = (Learned::new(2_000), Learned::new(2_000));
    for event in 0..2_000 {
        let mut x = plain.draw();
        if event % 7 == 0 {
            x[2] += 12.0;
        }
        let mut causes = Vec::new();
        let scores =
            explained.detector.observe(&mut explained.state, &Event { features: &x, time: None }, Some(&mut causes));
        assert_eq!(format!("{:?}", plain.score(&x)), format!("{scores:?}"), "NaN is equal to NaN");
        assert_eq!(causes.is_empty(), !scores.anomalous());
    }
    assert_eq!(plain.state, explained.state);
}

#[test]
fn there_is_no_alarm_before_the_warm_up_is_over() {
    let mut learned = Learned::new(0);
    for event in 0..256 {
        let scores = learned.ordinary(if event % 50 == 49 { 100.0 } else { 0.0 });
        assert!(!scores.anomalous() && scores.rarity.is_nan() && scores.state == RowState::WarmingUp);
    }
}

#[test]
fn a_missing_feature_hides_no_other() {
    let mut learned = Learned::new(5_000);
    let nothing = learned.score(&[f64::NAN; FEATURES]);
    assert!(alarmed(&nothing).is_empty() && nothing.state == RowState::NotScored && nothing.rarity.is_nan());
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
