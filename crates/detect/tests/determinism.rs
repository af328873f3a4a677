//! The same events give the same bytes: across snapshots, between keys, and from one version to the next.

#![allow(clippy::unwrap_used)]

use detect::{Chains, DetectError, Detector, Episode, Event, KeyState, Layer, Scores, Settings};
use proptest::prelude::*;

#[path = "generator/earlier.rs"]
mod earlier;
#[path = "generator/random.rs"]
mod random;

use earlier::earlier;
use random::Random;

/// Small windows and blocks, so that a short series goes through all there is.
fn small(features: usize) -> Settings {
    Settings {
        chains: Some(Chains { chains: 3, depth: 5, width: 16, window: 64 }),
        false_alarm_rate: 0.05,
        warm_up: 16,
        frequencies: if features > 1 { vec![features - 1] } else { Vec::new() },
        ..Settings::all(features)
    }
}

/// Scores an event whose time follows from its first value: now and then many come at once.
fn score(detector: &Detector, state: &mut KeyState, number: usize, x: &[f64]) -> Scores {
    let time = if x[0] > 2.0 { number as i64 / 50 * 50_000 } else { number as i64 * 1_000 };
    detector.observe(state, &Event { features: x, time: Some(time) }, None)
}

fn bits(scores: Scores) -> (Vec<u64>, Vec<u64>, u64, u32) {
    (
        scores.scores.map(f64::to_bits).to_vec(),
        scores.bits.map(f64::to_bits).to_vec(),
        scores.rarity.to_bits(),
        scores.alarms,
    )
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -3.0..3.0f64,
        1 => any::<f64>(),
        1 => prop::sample::select(vec![
            f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, 1e308, 5e-324, -0.0, 0.0, 1e100, 1e9,
        ]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_values_leave_finite_scores_and_a_working_state(
        wild in prop::collection::vec(prop::collection::vec(any_value(), 3), 1..600),
    ) {
        let detector = Detector::new(small(3)).unwrap();
        let mut state = detector.fresh(b"key");
        for (number, x) in wild.iter().enumerate() {
            let scores = score(&detector, &mut state, number, x);
            prop_assert!(!scores.rarity.is_infinite());
            prop_assert!(scores.scores.iter().all(|score| !score.is_infinite()));
        }
        let mut random = Random::new(3);
        let mut scored = Scores::default();
        for number in 600..664 {
            let x = [random.normal(), random.normal(), random.normal()];
            scored = score(&detector, &mut state, number, &x);
        }
        let mut of_key = detector.layers().iter().filter(|layer| **layer != Layer::Burst);
        prop_assert!(of_key.all(|layer| scored.score(*layer).is_some()) && scored.rarity.is_finite());
    }

    #[test]
    fn a_snapshot_at_any_event_changes_nothing(
        events in prop::collection::vec(prop::collection::vec(any_value(), 2), 1..400),
        at in any::<prop::sample::Index>(),
    ) {
        let detector = Detector::new(small(2)).unwrap();
        let (mut undisturbed, mut state) = (detector.fresh(b"key"), detector.fresh(b"key"));
        for (event, x) in events.iter().enumerate() {
            if event == at.index(events.len()) {
                let packed = detector.packed(&state);
                state = detector.restore(&detector.snapshot(&state)).unwrap();
                prop_assert_eq!(&detector.restore(&packed).unwrap(), &state);
            }
            let expected = bits(score(&detector, &mut undisturbed, event, x));
            prop_assert_eq!(expected, bits(score(&detector, &mut state, event, x)));
        }
        prop_assert_eq!(detector.snapshot(&undisturbed), detector.snapshot(&state));
    }

    #[test]
    fn the_order_between_keys_does_not_matter(
        keys in prop::collection::vec(0usize..4, 1..400),
        values in prop::collection::vec(any_value(), 400),
    ) {
        let detector = Detector::new(small(1)).unwrap();
        let fresh = || (0..4u8).map(|key| detector.fresh(&[key])).collect::<Vec<KeyState>>();
        let in_order = |order: &[usize]| {
            let mut states = fresh();
            let mut scores = vec![None; keys.len()];
            for event in order {
                scores[*event] = Some(bits(score(&detector, &mut states[keys[*event]], *event, &[values[*event]])));
            }
            scores
        };
        let arrival: Vec<usize> = (0..keys.len()).collect();
        let mut by_key = arrival.clone();
        by_key.sort_by_key(|event| keys[*event]);
        prop_assert_eq!(in_order(&arrival), in_order(&by_key));
    }

    #[test]
    fn a_damaged_snapshot_is_refused(byte in any::<prop::sample::Index>(), flip in 1u8..=255) {
        let detector = Detector::new(small(2)).unwrap();
        let mut bytes = detector.snapshot(&detector.fresh(b"key"));
        let index = byte.index(bytes.len());
        bytes[index] ^= flip;
        prop_assert!(detector.restore(&bytes).is_err());
        prop_assert!(detector.restore(&bytes[..index]).is_err());
    }
}

#[test]
fn a_snapshot_of_other_settings_is_refused() {
    let (one, other) = (Detector::new(small(2)).unwrap(), Detector::new(small(3)).unwrap());
    let snapshot = one.snapshot(&one.fresh(b"key"));
    assert!(matches!(other.restore(&snapshot), Err(DetectError::Fingerprint { .. })));
    assert!(matches!(one.restore(b"something else entirely"), Err(DetectError::NotASnapshot { length: 23 })));
    let mut long = snapshot.clone();
    long.push(0);
    assert!(matches!(one.restore(&long), Err(DetectError::Length { .. })));
    let mut later = snapshot;
    later[6] = 99;
    assert!(matches!(one.restore(&later), Err(DetectError::Version { found: 99, .. })));
}

#[test]
fn a_state_with_every_layer_on_is_within_eight_kibibytes() {
    for features in 1..=16 {
        let detector = Detector::new(Settings::all(features)).unwrap();
        assert!(detector.state_bytes() <= 8192, "{} bytes with {features} features", detector.state_bytes());
    }
}

/// Texts and an episode are within it up to eight features.
#[test]
fn so_is_one_whose_features_are_texts() {
    for features in 1..=8 {
        for texts in 1..=features {
            let settings = Settings { frequencies: (0..texts).collect(), ..Settings::all(features) };
            let bytes = Detector::new(settings).unwrap().state_bytes() + size_of::<Episode>();
            assert!(bytes <= 8192, "{bytes} bytes with {features} features, {texts} of them texts");
        }
    }
}

/// The layers that there were when the number below was written down.
fn eight(numbers: [f64; Layer::COUNT]) -> impl Iterator<Item = f64> {
    numbers.into_iter().take(8)
}

/// A change of this number is a change of everyone's results: say so, and raise the snapshot's version.
#[test]
fn scores_are_the_same_as_ever() {
    let detector = Detector::new(earlier(6)).unwrap();
    let mut random = Random::new(11);
    let mut states: Vec<KeyState> = (0..3u8).map(|key| detector.fresh(&[key])).collect();
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for event in 0..30_000 {
        let mut x: [f64; 6] = std::array::from_fn(|_| random.student_3());
        if event % 997 == 0 {
            x[event % 6] = f64::NAN;
        }
        let shift = if event > 20_000 { 4.0 } else { 0.0 };
        let scores = score(&detector, &mut states[event % 3], event, &x.map(|x| x + shift));
        for number in eight(scores.scores).chain(eight(scores.bits)).chain([scores.rarity]) {
            let number = if number.is_nan() { u64::MAX } else { number.to_bits() };
            hash = (hash ^ number).wrapping_mul(0x0000_0100_0000_01b3);
        }
        hash = (hash ^ u64::from(scores.alarms)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    assert_eq!(format!("{hash:016x}"), "9543d5e8d386fd50");
}
