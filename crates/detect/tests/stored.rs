//! States as programs before this one stored them, byte for byte: each version that this program reads is in `stored/`, and goes on
//! scoring as if it had never been stored.
//!
//! `STORE_STATES=1` writes the files that are missing, of the versions that this program writes. What is there is never written
//! again.

#![allow(clippy::unwrap_used)]

use std::{env, fs, path::PathBuf};

use detect::{Common, DetectError, Detector, Event, KeyState, Settings, Sharing, hashed};

#[path = "generator/random.rs"]
mod random;

use random::Random;

/// Events before a state is stored, and those that follow.
const BEFORE: usize = 700;
const AFTER: usize = 400;

/// Every layer, of a number and a text, whose keys share how often texts are new to them.
fn detector() -> Detector {
    let settings = Settings { frequencies: vec![1], shared: true, season: true, warm_up: 64, ..Settings::all(2) };
    Detector::new(settings).unwrap()
}

/// Events with a daily course, a text that is sometimes new, and values that stick or are missing.
fn event(number: usize, random: &mut Random) -> ([f64; 2], i64) {
    let level = libm::sin(number as f64 / 20.0) * 3.0 + if number.is_multiple_of(97) { 25.0 } else { 0.0 };
    let value = match number % 300 {
        250..260 => 1.5,
        280 => f64::NAN,
        _ => level + random.normal(),
    };
    let text = if number % 160 == 159 { format!("new {number}") } else { format!("text {}", number % 5) };
    ([value, hashed(&text)], (number as i64 - 100) * 300_000_000)
}

/// The bits of all scores of some events.
fn scored(
    detector: &Detector,
    (state, common): (&mut KeyState, &mut Common),
    numbers: std::ops::Range<usize>,
    random: &mut Random,
) -> Vec<u64> {
    let frozen = common.clone();
    let bits = numbers.flat_map(|number| {
        let (features, time) = event(number, random);
        let of = Event { features: &features, time: Some(time) };
        let sharing = Sharing { frozen: &frozen, counted: Some(common) };
        let scores = detector.observe_among(state, &of, Some(sharing), None);
        scores.scores.map(f64::to_bits).into_iter().chain([scores.rarity.to_bits()]).collect::<Vec<_>>()
    });
    bits.collect()
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/stored").join(name)
}

fn stored(name: &str, now: &[u8]) -> Vec<u8> {
    if env::var_os("STORE_STATES").is_some() && !path(name).exists() {
        fs::write(path(name), now).unwrap();
    }
    fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn version(bytes: &[u8]) -> u16 {
    u16::from_le_bytes([bytes[6], bytes[7]])
}

#[test]
fn states_of_every_stored_version_are_gone_on_from() {
    let detector = detector();
    let mut random = Random::new(4);
    let (mut state, mut common) = (detector.fresh(b"stored"), detector.nothing_in_common().unwrap());
    scored(&detector, (&mut state, &mut common), 0..BEFORE, &mut random);
    let files = [("state-4.bin", 4, detector.snapshot(&state)), ("state-5.bin", 5, detector.packed(&state))];
    let shared = stored("shared-4.bin", &detector.snapshot_common(&common));
    let mut restored = Vec::new();
    for (name, of, now) in &files {
        let bytes = stored(name, now);
        assert_eq!(version(&bytes), *of, "{name}");
        let state = detector.restore(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        restored.push((name, state, detector.restore_common(&shared).unwrap()));
    }
    let mut follows = Random::new(5);
    let wanted = scored(&detector, (&mut state, &mut common), BEFORE..BEFORE + AFTER, &mut follows);
    assert!(wanted.iter().any(|bits| f64::from_bits(*bits) > 10.0), "something scores high");
    for (name, mut state, mut common) in restored {
        let mut follows = Random::new(5);
        let found = scored(&detector, (&mut state, &mut common), BEFORE..BEFORE + AFTER, &mut follows);
        assert!(found == wanted, "{name} goes on otherwise");
    }
}

#[test]
fn what_keys_share_of_scores_is_gone_on_from() {
    let settings = Settings { shared_scores: true, warm_up: 64, rate: true, ..Settings::with_features(1) };
    let detector = Detector::new(settings).unwrap();
    let mut common = detector.nothing_in_common().unwrap();
    let frozen = common.clone();
    let mut random = Random::new(6);
    for key in 0..40_u64 {
        let mut state = detector.fresh(&key.to_le_bytes());
        for number in 0..64 {
            let ([value, _], time) = event(number, &mut random);
            let of = Event { features: &[value], time: Some(time) };
            let sharing = Sharing { frozen: &frozen, counted: Some(&mut common) };
            detector.observe_among(&mut state, &of, Some(sharing), None);
        }
    }
    let bytes = stored("shared-scores-5.bin", &detector.snapshot_common(&common));
    assert_eq!(version(&bytes), 5);
    let restored = detector.restore_common(&bytes).unwrap();
    assert!(detector.snapshot_common(&restored) == detector.snapshot_common(&common), "it has all counts");
}

#[test]
fn a_version_that_is_not_read_is_named() {
    let detector = detector();
    let mut bytes = fs::read(path("state-4.bin")).unwrap();
    bytes[6..8].copy_from_slice(&3_u16.to_le_bytes());
    let error = detector.restore(&bytes).unwrap_err();
    assert!(matches!(error, DetectError::Version { found: 3, .. }), "{error}");
}
