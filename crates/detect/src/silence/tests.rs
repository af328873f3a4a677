//! Who is told to be silent, and that snapshots change nothing.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::DetectError;

const SECOND: i64 = 1_000_000;
const SETTINGS: SilenceSettings =
    SilenceSettings { false_alarm_rate: 1e-3, warm_up: 64, forget_after: 24 * 3600 * SECOND };

/// Numbers that look random, the same on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn exponential(&mut self) -> f64 {
        -libm::log(self.next())
    }
}

/// Events in the order of their times: of so many keys, each after gaps that `gap` gives, from one second to another; `there` says
/// whether a key has its event.
fn events(
    keys: usize,
    seconds: (i64, i64),
    mut gap: impl FnMut(usize) -> f64,
    there: impl Fn(usize, i64) -> bool,
) -> Vec<(String, i64)> {
    let mut events = Vec::new();
    for key in 0..keys {
        let mut at = seconds.0 as f64 + gap(key);
        while at < seconds.1 as f64 {
            if there(key, at as i64) {
                events.push(((at * 1e6) as i64, format!("k{key}")));
            }
            at += gap(key);
        }
    }
    events.sort();
    events.into_iter().map(|(at, key)| (key, at)).collect()
}

fn told(silence: &mut Silence, events: &[(String, i64)]) -> Vec<Silent> {
    let mut silent = Vec::new();
    events.iter().for_each(|(key, time)| silence.take(key, *time, &mut silent));
    silent
}

#[test]
fn a_key_that_stops_is_told_once_by_the_events_of_others() {
    let mut random = Random(1);
    let regular = |_: usize| 1.0 + 0.02 * random.next();
    let there = |key: usize, at: i64| key != 3 || !(600..900).contains(&at);
    let silent = told(&mut Silence::new(SETTINGS), &events(8, (0, 1_200), regular, there));
    let [silent] = silent.as_slice() else { panic!("{silent:?}") };
    assert_eq!((&*silent.key, silent.keys), ("k3", None));
    assert!((SECOND..4 * SECOND).contains(&silent.expected), "{silent:?}");
    assert!((599 * SECOND..606 * SECOND).contains(&silent.watermark), "{silent:?}");
    assert!(silent.waited > silent.expected && silent.waited < silent.expected + 2 * SECOND, "{silent:?}");
    assert!(silent.bits >= -libm::log2(1e-3));
}

#[test]
fn the_asked_share_of_waits_alarms_whatever_they_are_like() {
    let mut random = Random(7);
    type Gaps = fn(&mut Random, usize) -> f64;
    let gaps: [(&str, Gaps); 4] = [
        ("at random", |random, _| random.exponential()),
        ("log-normal", |random, _| {
            let normal = (0..12).map(|_| random.next()).sum::<f64>() - 6.0;
            libm::exp(normal)
        }),
        ("heavy-tailed", |random, _| 0.3 / libm::pow(random.next(), 1.0 / 1.5)),
        ("each key another rate", |random, key| random.exponential() * (1 + key) as f64),
    ];
    for (name, gap) in gaps {
        let events = events(20, (0, 20_000), |key| gap(&mut random, key), |_, _| true);
        let mut silence = Silence::new(SETTINGS);
        let (young, old) = events.split_at(events.len() / 4);
        told(&mut silence, young);
        let alarms = told(&mut silence, old);
        let share = alarms.len() as f64 / old.len() as f64;
        assert!((0.0002..0.002).contains(&share), "{name}: {share} of {}", old.len());
        let together = alarms.iter().filter(|silent| silent.keys.is_some()).count();
        assert!(together * 20 < alarms.len().max(20), "{name}: {together} of {} were of the partition", alarms.len());
    }
}

#[test]
fn what_comes_behind_the_others_is_not_silent() {
    let mut random = Random(3);
    let mut all = events(8, (0, 1_200), |_| 1.0 + 0.1 * random.next(), |_, _| true);
    // The events of one key are delivered half a minute behind those of the others.
    all.sort_by_key(|(key, at)| at + if key == "k5" { 30 * SECOND } else { 0 });
    assert_eq!(told(&mut Silence::new(SETTINGS), &all), []);
}

#[test]
fn neither_an_event_nor_a_key_ahead_of_its_time_makes_others_silent() {
    let mut random = Random(5);
    let mut all = events(8, (0, 1_200), |_| 1.0 + 0.1 * random.next(), |_, _| true);
    let year = 365 * 86_400 * SECOND;
    all.insert(4_000, ("k1".into(), 600 * SECOND + year));
    for event in all.iter_mut().skip(6_000).filter(|(key, _)| key == "k2") {
        event.1 += year;
    }
    let silent = told(&mut Silence::new(SETTINGS), &all);
    assert_eq!(silent, []);
}

#[test]
fn a_pause_of_all_and_the_end_are_not_silence() {
    let mut random = Random(9);
    let there = |_: usize, at: i64| !(600..4_200).contains(&at);
    let all = events(8, (0, 5_000), |key| random.exponential() * (1 + key) as f64, there);
    let silent = told(&mut Silence::new(SilenceSettings { false_alarm_rate: 1e-5, ..SETTINGS }), &all);
    assert_eq!(silent, []);
}

#[test]
fn many_at_once_are_one_alarm_of_the_partition() {
    let mut random = Random(11);
    let there = |key: usize, at: i64| key >= 20 || !(600..900).contains(&at) && !(1_500..1_600).contains(&at);
    let all = events(40, (0, 2_000), |_| 1.0 + 0.1 * random.next(), there);
    let silent = told(&mut Silence::new(SETTINGS), &all);
    let [first, second] = silent.as_slice() else { panic!("{silent:?}") };
    for (silent, at) in [(first, 600), (second, 1_500)] {
        let (silent_keys, keys) = silent.keys.unwrap();
        assert!((14..=26).contains(&silent_keys) && keys == 40, "{silent:?}");
        assert!((at * SECOND..(at + 5) * SECOND).contains(&silent.watermark), "{silent:?}");
    }
}

#[test]
fn a_key_that_left_is_forgotten_and_makes_room() {
    let settings = SilenceSettings { forget_after: 60 * SECOND, ..SETTINGS };
    let mut silence = Silence::new(settings);
    let there = |key: usize, at: i64| key < 5 || at < 300;
    told(&mut silence, &events(8, (0, 350), |_| 1.0, there));
    assert_eq!(silence.keys(), 8);
    told(&mut silence, &events(5, (350, 400), |_| 1.0, |_, _| true));
    assert_eq!(silence.keys(), 5);
    silence.snapshots();
    silence.take("another", 400 * SECOND, &mut Vec::new());
    assert_eq!((silence.keys(), silence.keys.len()), (6, 8), "it has a slot that was free");
    silence.take(&"long".repeat(100), 400 * SECOND, &mut Vec::new());
    assert_eq!(silence.keys(), 6, "its name is too long");
}

#[test]
fn a_key_that_gets_slower_is_usual_after_a_while() {
    let mut random = Random(13);
    let all = events(8, (0, 20_000), |_| 1.0 + 0.1 * random.next(), |key, at| key != 2 || at < 1_000 || at % 60 == 0);
    let silent = told(&mut Silence::new(SETTINGS), &all);
    // An eighth of what was learned before has to be seen.
    assert!((1..150).contains(&silent.len()), "{} alarms", silent.len());
    let last = silent.last().unwrap();
    assert!(last.watermark < 10_000 * SECOND, "{last:?}");
}

fn restored(parts: &BTreeMap<Option<u32>, Vec<u8>>) -> Silence {
    let mut silence = Silence::new(SMALL);
    parts.iter().rev().for_each(|(part, bytes)| silence.restore(*part, bytes).unwrap());
    silence
}

const SMALL: SilenceSettings = SilenceSettings { false_alarm_rate: 0.05, warm_up: 16, forget_after: 40 * SECOND };

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Gone on from snapshots at any event, everything is told as without them.
    #[test]
    fn snapshots_change_nothing(
        of in prop::collection::vec((0..200u32, 0..6i64, prop::bool::weighted(0.01)), 1..1_500),
        at in prop::collection::vec(0..1_500usize, 0..6),
    ) {
        let mut now = 0;
        let all: Vec<(String, i64)> = of.iter().map(|(key, gap, wrong)| {
            now += gap * SECOND / 8;
            let key = if *key < 194 { key % 8 } else { *key };
            (format!("k{key}"), now + if *wrong { 1_000 * SECOND } else { 0 })
        }).collect();
        let mut whole = Silence::new(SMALL);
        let expected = told(&mut whole, &all);
        let (mut silence, mut parts, mut found) = (Silence::new(SMALL), BTreeMap::new(), Vec::new());
        for (event, (key, time)) in all.iter().enumerate() {
            if at.contains(&event) {
                for (part, bytes) in silence.snapshots() {
                    match bytes.is_empty() {
                        true => prop_assert!(parts.remove(&part).is_some()),
                        false => drop(parts.insert(part, bytes)),
                    }
                }
                silence = restored(&parts);
                prop_assert!(silence.snapshots().is_empty());
            }
            silence.take(key, *time, &mut found);
        }
        prop_assert_eq!(&found, &expected);
        // The state is the same too.
        let whole: BTreeMap<_, _> = whole.snapshots().into_iter().collect();
        parts.extend(silence.snapshots());
        parts.retain(|_, bytes| !bytes.is_empty());
        prop_assert_eq!(parts, whole);
    }
}

#[test]
fn a_damaged_part_is_an_error() {
    let mut silence = Silence::new(SMALL);
    told(&mut silence, &events(3, (0, 20), |_| 1.0, |_, _| true));
    let parts = silence.snapshots();
    assert_eq!(parts.len(), 2);
    for (part, bytes) in parts {
        let mut other = Silence::new(SMALL);
        for length in 1..bytes.len() {
            assert!(other.restore(part, &bytes[..length]).is_err());
        }
        let mut later = bytes.clone();
        later[7] = 2;
        assert_eq!(other.restore(part, &later), Err(DetectError::Version { found: 2, expected: 1 }));
        assert!(other.restore(Some(1), &bytes).is_err(), "it is of another group");
        other.restore(part, &bytes).unwrap();
    }
    assert!(silence.restore(Some(u32::MAX), b"").is_err());
}
