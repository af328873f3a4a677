//! What comes too often, stays the same or goes missing: found, and not where that is ordinary.

#![allow(clippy::unwrap_used)]

use detect::{Cause, Detector, Event, KeyState, Layer, Scores, Settings};

#[path = "generator/random.rs"]
mod random;

use random::Random;

const FEATURES: usize = 3;

/// A detector with every layer on and a key's state, with the next event's time in microseconds.
struct Key {
    detector: Detector,
    state: KeyState,
    random: Random,
    time: f64,
}

impl Key {
    fn new(seed: u64) -> Self {
        let detector = Detector::new(Settings::all(FEATURES)).unwrap();
        let state = detector.fresh(&seed.to_le_bytes());
        Self { detector, state, random: Random::new(seed), time: 1e15 }
    }

    /// An event of ordinary values after `gap` microseconds, as `change` makes them.
    fn next(&mut self, gap: f64, change: impl FnOnce(&mut [f64; FEATURES])) -> (Scores, Vec<Cause>) {
        self.time += gap;
        let mut x = std::array::from_fn(|_| self.random.normal());
        change(&mut x);
        let mut causes = Vec::new();
        let event = Event { features: &x, time: Some(self.time as i64) };
        (self.detector.observe(&mut self.state, &event, Some(&mut causes)), causes)
    }

    /// At random, a second apart in the mean.
    fn gap(&mut self) -> f64 {
        1e6 * self.random.exponential()
    }

    fn ordinary(&mut self) -> Scores {
        let gap = self.gap();
        self.next(gap, |_| ()).0
    }

    fn learned(seed: u64) -> Self {
        let mut key = Self::new(seed);
        for _ in 0..5_000 {
            key.ordinary();
        }
        key
    }
}

#[test]
fn events_that_come_faster_alarm_until_they_no_longer_do() {
    let mut key = Key::learned(1);
    let mut found = 0;
    let mut last = Vec::new();
    for _ in 0..200 {
        let gap = key.gap() / 64.0;
        let (scores, causes) = key.next(gap, |_| ());
        found += usize::from(scores.alarmed(Layer::Rate));
        last = causes;
    }
    assert!(found >= 190, "{found} of 200");
    let cause = last.iter().find(|cause| cause.layer == Layer::Rate).unwrap();
    assert!(cause.feature.is_none() && (40.0..100.0).contains(&cause.value), "{cause:?}");
    assert!((3.0..5.0).contains(&cause.expected.1) && (40.0..100.0).contains(&cause.deviation), "{cause:?}");
    let after = (0..200).filter(|_| key.ordinary().alarmed(Layer::Rate)).count();
    assert!(after < 10, "{after} alarms after the burst");
}

/// At random, at a fixed interval, five at a time, by a day that has ten times as many at noon as at midnight.
#[test]
fn ordinary_arrivals_keep_to_the_asked_rate() {
    /// Microseconds from an event of a key to its next.
    type Gap = fn(&mut Key, usize) -> f64;
    let gaps: [(&str, Gap); 4] = [
        ("random", |key, _| key.gap()),
        ("regular", |_, _| 1e6),
        ("in fives", |key, event| if event.is_multiple_of(5) { 5.0 * key.gap() } else { 0.0 }),
        ("by the day", |key, _| key.gap() / (0.1 + (key.time / 86_400e6 * std::f64::consts::PI).sin().powi(2))),
    ];
    for (name, gap) in gaps {
        let (mut alarms, mut events) = (0u32, 0u32);
        for seed in 0..8 {
            let mut key = Key::new(seed);
            for event in 0..30_000 {
                let gap = gap(&mut key, event);
                let alarm = key.next(gap, |_| ()).0.alarmed(Layer::Rate);
                if event >= 4_000 {
                    events += 1;
                    alarms += u32::from(alarm);
                }
            }
        }
        let share = 1e3 * f64::from(alarms) / f64::from(events);
        assert!(share <= 0.4, "{name}: {share:.2} in 1,000, where seven layers share one");
    }
}

#[test]
fn a_value_that_is_stuck_alarms_though_it_is_an_ordinary_one() {
    let mut key = Key::learned(2);
    let (mut found, mut last) = (0, Vec::new());
    for _ in 0..200 {
        let gap = key.gap();
        let (scores, causes) = key.next(gap, |x| x[1] = 0.25);
        found += usize::from(scores.alarmed(Layer::Stuck));
        last = causes;
    }
    assert!(found >= 185, "{found} of 200");
    let cause = last.iter().find(|cause| cause.layer == Layer::Stuck).unwrap();
    assert_eq!((cause.feature, cause.value, cause.deviation), (Some(1), 0.25, 200.0));
    assert!((0..100).all(|_| !key.ordinary().alarmed(Layer::Stuck)), "it moves again");
}

/// A constant, a flag, and a value of ten steps that stays the same nine times of ten.
#[test]
fn values_that_repeat_by_nature_are_not_stuck() {
    let (mut alarms, mut level) = (0, 0.0);
    let mut key = Key::new(3);
    for event in 0..60_000 {
        let gap = key.gap();
        let (flag, moves) = (f64::from(u8::from(key.random.uniform() < 0.3)), key.random.uniform() < 0.1);
        level = if moves { (10.0 * key.random.uniform()).floor() } else { level };
        let scores = key.next(gap, |x| *x = [7.0, flag, level]).0;
        alarms += usize::from(event > 4_000 && scores.alarmed(Layer::Stuck));
    }
    assert!(alarms <= 56, "{alarms} of 56,000");
}

#[test]
fn a_feature_that_goes_missing_alarms_and_one_that_often_does_is_ordinary() {
    let mut key = Key::new(4);
    let mut alarms = 0;
    for event in 0..20_000 {
        let gap = key.gap();
        let missing = key.random.uniform() < 0.2;
        let scores = key.next(gap, |x| x[0] = if missing { f64::NAN } else { x[0] }).0;
        alarms += usize::from(event > 2_000 && scores.alarmed(Layer::Missing));
    }
    assert!(alarms <= 18, "{alarms} of 18,000");
    let mut found = 0;
    for _ in 0..100 {
        let gap = key.gap();
        let (scores, causes) = key.next(gap, |x| x[2] = f64::NAN);
        found += usize::from(scores.alarmed(Layer::Missing));
        assert!(!scores.alarmed(Layer::Missing) || causes.iter().any(|cause| cause.feature == Some(2)));
    }
    assert!(found >= 95, "{found} of 100");
}

/// 64 keys, of which none has a burst of its own when all come 50 times as fast for 250 events.
#[test]
fn a_partition_sees_a_burst_that_no_key_does() {
    let settings = Settings::all(FEATURES);
    let detector = Detector::new(settings).unwrap();
    let together = detector.of_partition().unwrap();
    let (mut state, mut random) = (together.fresh(b"all"), Random::new(5));
    let (mut time, mut found, mut alarms) = (0.0, 0, 0);
    for event in 0..40_000 {
        let burst = (30_000..30_250).contains(&event);
        time += 1_000.0 * random.exponential() / if burst { 50.0 } else { 1.0 };
        let seen = together.observe(&mut state, &Event { features: &[], time: Some(time as i64) }, None);
        let mut scores = Scores { rarity: 3.0, ..Scores::default() };
        scores.join(&seen);
        let alarm = scores.alarmed(Layer::Burst);
        assert!(!alarm || scores.rarity > 9.0, "{scores:?}");
        if burst { found += usize::from(alarm) } else { alarms += usize::from(alarm && event > 2_000) }
    }
    assert!(found >= 240 && alarms <= 20, "{found} of 250, {alarms} false alarms");
}
