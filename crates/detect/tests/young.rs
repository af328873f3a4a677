//! Keys that are warming up, and go by what others scored at their age.

#![allow(clippy::unwrap_used)]

use detect::{Cause, Common, Detector, Event, Layer, RowState, Settings, Sharing};

#[path = "generator/random.rs"]
mod random;

use random::Random;

const KEYS: u64 = 1_200;
/// Of these keys none is looked at: others were not as old before them.
const FIRST: u64 = 200;
/// Events of a key, all of which warm it up.
const EVENTS: u64 = 256;
/// The event that is an anomaly, of one key in so many.
const ODD: u64 = 100;
const ODD_ONE_IN: u64 = 50;
/// Events of a key after which it goes by others.
const SCORED: u64 = 16;
/// How far out that is, in standard deviations.
const FAR: f64 = 12.0;
const BLOCK: u64 = 4096;

/// A detector whose keys share, of so many numbers.
fn detector(features: usize) -> Detector {
    Detector::new(Settings { shared_scores: true, ..Settings::with_features(features) }).unwrap()
}

/// What all keys share, frozen at the end of each block.
struct Shared {
    frozen: Common,
    open: Common,
    events: u64,
}

impl Shared {
    fn new(detector: &Detector) -> Self {
        let nothing = detector.nothing_in_common().unwrap();
        Self { frozen: nothing.clone(), open: nothing, events: 0 }
    }

    fn took(&mut self, detector: &Detector) {
        self.events += 1;
        if self.events.is_multiple_of(BLOCK) {
            self.frozen.add(&self.open);
            self.open = detector.nothing_in_common().unwrap();
        }
    }
}

/// What came of keys that were warming up.
#[derive(Default)]
struct Found {
    /// Odd events that alarm, and all of them.
    odd: (u64, u64),
    /// Others that alarm, and all of them.
    others: (u64, u64),
    /// Of the others, how many have at least 4, 7 and 10 bits.
    beyond: [u64; 3],
    /// Why the last odd one alarms.
    causes: Vec<Cause>,
}

fn run(features: usize, value: impl Fn(&mut Random) -> f64) -> Found {
    let (detector, mut random) = (detector(features), Random::new(features as u64));
    let (mut shared, mut found) = (Shared::new(&detector), Found::default());
    for key in 0..KEYS {
        let mut state = detector.fresh(&key.to_le_bytes());
        let (level, spread) = (100.0 * random.normal(), libm::exp(random.normal()));
        for event in 0..EVENTS {
            let mut values: Vec<f64> = (0..features).map(|_| level + spread * value(&mut random)).collect();
            let is_odd = event == ODD && key >= FIRST && key % ODD_ONE_IN == 0;
            if is_odd {
                values[0] += spread * FAR;
            }
            let mut causes = Vec::new();
            let sharing = Sharing { frozen: &shared.frozen, counted: Some(&mut shared.open) };
            let of = Event { features: &values, time: None };
            let scores = detector.observe_among(&mut state, &of, Some(sharing), Some(&mut causes));
            shared.took(&detector);
            assert_eq!(scores.state, RowState::WarmingUp);
            assert!(!scores.anomalous() || scores.rarity >= 9.9, "an alarm has the score of one: {scores:?}");
            if key < FIRST || event < SCORED {
                continue;
            }
            assert!(scores.rarity.is_finite(), "others have been as young: {scores:?}");
            let counted = if is_odd { &mut found.odd } else { &mut found.others };
            *counted = (counted.0 + u64::from(scores.anomalous()), counted.1 + 1);
            if is_odd {
                found.causes = causes;
            } else {
                let bits = [4.0, 7.0, 10.0];
                found.beyond.iter_mut().zip(bits).for_each(|(count, bits)| *count += u64::from(scores.rarity >= bits));
            }
        }
    }
    found
}

impl Found {
    fn assert_calibrated(&self, what: &str) {
        let Self { others: (alarms, of), beyond, .. } = self;
        assert!(*alarms as f64 <= 2e-3 * *of as f64, "{what}: {alarms} of {of} alarm where one of 1,000 may");
        for (bits, beyond) in [4, 7, 10].into_iter().zip(beyond) {
            let ratio = *beyond as f64 * f64::from(1 << bits) / *of as f64;
            assert!((0.3..2.0).contains(&ratio), "{what}: {bits} bits have {ratio:.2} times the share that should");
        }
    }
}

#[test]
fn a_young_key_alarms_where_hardly_any_key_of_its_age_scored_as_high() {
    for features in [1, 3] {
        let found = run(features, Random::normal);
        let (odd, of) = found.odd;
        assert!(odd as f64 >= 0.9 * of as f64, "{odd} of {of} with {features} features");
        found.assert_calibrated(&format!("{features} features"));
        let cause = found.causes.iter().find(|cause| cause.layer == Layer::Ewma).unwrap();
        assert_eq!(cause.feature, Some(0));
        assert!(cause.value > cause.expected.1, "{cause:?}");
        let seen = cause.others.unwrap();
        assert!(seen.times < 100 && seen.of > 10_000, "{cause:?}");
    }
}

/// What is far out for a key is not rare where every key has it.
#[test]
fn a_tail_that_all_keys_have_is_not_an_alarm() {
    run(2, Random::student_3).assert_calibrated("heavy tails");
}

#[test]
fn keys_that_share_nothing_do_not_alarm_before_they_are_warm() {
    let alone = Detector::new(Settings::with_features(1)).unwrap();
    assert_eq!(alone.nothing_in_common(), None);
    let mut state = alone.fresh(b"alone");
    let mut random = Random::new(1);
    for event in 0..EVENTS {
        let value = random.normal() + if event == ODD { 50.0 } else { 0.0 };
        assert!(!alone.score(&mut state, &[value]).anomalous());
    }
}
