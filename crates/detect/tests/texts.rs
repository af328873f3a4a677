//! What the layers find in texts, of which they see how rare each is for its key.

#![allow(clippy::unwrap_used)]

use detect::{Cause, Detector, Event, KeyState, Layer, RowState, Scores, Settings, hashed};

#[path = "generator/random.rs"]
mod random;

use random::Random;

/// One feature that is a text.
fn one_text() -> Settings {
    Settings { frequencies: vec![0], ..Settings::with_features(1) }
}

struct Key {
    detector: Detector,
    state: KeyState,
}

impl Key {
    fn new(settings: Settings) -> Self {
        let detector = Detector::new(settings).unwrap();
        let state = detector.fresh(b"a key");
        Self { detector, state }
    }

    fn take(&mut self, text: &str) -> (Scores, Vec<Cause>) {
        let mut causes = Vec::new();
        let event = Event { features: &[hashed(text)], time: None };
        (self.detector.observe(&mut self.state, &event, Some(&mut causes)), causes)
    }
}

/// A text by its rank, the share of which falls with the rank.
fn zipf(random: &mut Random, ranks: usize) -> String {
    let all: f64 = (1..=ranks).map(|rank| 1.0 / rank as f64).sum();
    let mut at = random.uniform() * all;
    let rank = (1..ranks).find(|rank| {
        at -= 1.0 / *rank as f64;
        at < 0.0
    });
    format!("text {}", rank.unwrap_or(ranks))
}

#[test]
fn a_text_that_was_never_seen_alarms_and_the_cause_says_how_often_it_was() {
    let mut key = Key::new(one_text());
    let mut random = Random::new(1);
    for _ in 0..9_000 {
        let text = if random.uniform() < 0.7 { "GET" } else { "POST" };
        key.take(text);
    }
    let (scores, causes) = key.take("DELETE");
    assert!(scores.anomalous() && scores.rarity >= 10.0 && scores.state == RowState::Scored, "{scores:?}");
    let seen = causes[0].seen.unwrap();
    assert_eq!((causes[0].layer, causes[0].feature), (Layer::Frequency, Some(0)));
    assert_eq!((seen.times, seen.of), (0, 9_000));
    // It is not learned from, so that it stays one.
    let again = (0..200).filter(|_| key.take("DELETE").0.anomalous()).count();
    assert!(again >= 180, "{again} of 200");
    let ordinary =
        (0..1_000).filter(|event| key.take(if event % 3 == 0 { "POST" } else { "GET" }).0.anomalous()).count();
    assert!(ordinary <= 3, "{ordinary}");
}

#[test]
fn ordinary_texts_alarm_about_as_often_as_asked() {
    for (ranks, most) in [(2, 3.0), (5, 3.0), (40, 3.0), (400, 3.0)] {
        let (mut alarms, mut events) = (0u32, 0u32);
        for seed in 0..8 {
            let mut key = Key::new(one_text());
            let mut random = Random::new(seed);
            for event in 0..12_000 {
                let (scores, _) = key.take(&zipf(&mut random, ranks));
                if event >= 2_000 {
                    events += 1;
                    alarms += u32::from(scores.anomalous());
                }
            }
        }
        let in_1000 = 1e3 * f64::from(alarms) / f64::from(events);
        assert!(in_1000 <= most, "{ranks} texts: {in_1000} in 1,000");
    }
}

/// Half of the events bring a text that never came before, as a path with a number in it would.
#[test]
fn texts_that_are_always_new_do_not_alarm() {
    let mut key = Key::new(one_text());
    let mut random = Random::new(3);
    let alarms = (0..20_000).filter(|event| {
        let text = if random.uniform() < 0.5 { format!("order {event}") } else { "list".to_owned() };
        key.take(&text).0.anomalous()
    });
    let alarms = alarms.count();
    assert!(alarms <= 60, "{alarms} of 20,000");
}

#[test]
fn a_text_that_is_missing_is_no_text() {
    let mut key = Key::new(one_text());
    let event = Event { features: &[f64::NAN], time: None };
    let scores = key.detector.observe(&mut key.state, &event, None);
    assert_eq!(scores.state, RowState::NotScored);
}
