//! What the layers say of long series with all that happens to a key, why they alarm, and what they keep: as it was when this was
//! written. A change of these numbers is a change of everyone's results.

#![allow(clippy::unwrap_used)]

use std::fmt::Write;

use detect::{Chains, Detector, Event, Ewma, KeyState, Layer, Mahalanobis, Scores, Settings, hashed};

#[path = "generator/earlier.rs"]
mod earlier;
#[path = "generator/random.rs"]
mod random;

use earlier::earlier;
use random::Random;

const EVENTS: usize = 20_000;

/// Five minutes, so that all half-hours of a day come; the first days are before 1970.
const STEP: i64 = 300_000_000;

/// FNV-1a over the bits of numbers.
struct Digest(u64);

impl Digest {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, number: f64) {
        let bits = if number.is_nan() { u64::MAX } else { number.to_bits() };
        self.0 = (self.0 ^ bits).wrapping_mul(0x0000_0100_0000_01b3);
    }
}

/// What happens to the value of a feature: a daily course, spikes, a run of one value, missing ones, another level, another
/// spread.
fn happens(event: usize, feature: usize, noise: f64) -> f64 {
    let hour = event % 288;
    let course = hour.abs_diff(144) as f64 / 16.0;
    let (level, spread) = match event {
        15_000.. => (6.0, if event >= 17_000 { 3.0 } else { 1.0 }),
        _ => (0.0, 1.0),
    };
    match event {
        10_000..10_060 if feature == 0 => 1.25,
        9_000..9_030 if feature == 0 => f64::NAN,
        _ if event.is_multiple_of(997) => f64::NAN,
        _ if event > 6_000 && event.is_multiple_of(211) => course + 40.0 * noise,
        _ => course + level + spread * noise,
    }
}

/// Now and then events come within a millisecond of each other.
fn time(event: usize) -> i64 {
    let step = |event: usize| (event as i64 - 1_500) * STEP;
    match event {
        13_000..13_200 => step(13_000) + (event as i64 - 13_000) * 1_000,
        _ => step(event),
    }
}

fn text(random: &mut Random, event: usize) -> f64 {
    let rank = (libm::exp(random.exponential()) as u64).min(12);
    let is_new = event > 9_000 && event % 2_500 == 2_499;
    let name = if is_new { format!("new {event}") } else { format!("text {rank}") };
    if event.is_multiple_of(401) { f64::NAN } else { hashed(&name) }
}

/// A line of digests: of the scores of each layer that is on, of the causes, of the rarities, and of the state.
fn told(settings: Settings, times: bool, value: impl Fn(usize, usize, &mut Random) -> f64) -> String {
    let (features, texts) = (settings.features, settings.frequencies.clone());
    let detector = Detector::new(settings).unwrap();
    let mut random = Random::new(features as u64);
    let mut state = detector.fresh(b"golden");
    let mut partition: Option<(&Detector, KeyState)> = detector.of_partition().map(|found| (found, found.fresh(b"")));
    let mut scored = [const { (Digest(0), Digest(0)) }; Layer::COUNT];
    scored.iter_mut().for_each(|pair| *pair = (Digest::new(), Digest::new()));
    let (mut rarities, mut why, mut alarms) = (Digest::new(), Digest::new(), [0; Layer::COUNT]);
    let mut causes = Vec::new();
    for event in 0..EVENTS {
        let x: Vec<f64> =
            (0..features)
                .map(|feature| {
                    if texts.contains(&feature) { text(&mut random, event) } else { value(event, feature, &mut random) }
                })
                .collect();
        causes.clear();
        let of = Event { features: &x, time: times.then(|| time(event)) };
        let mut scores: Scores = detector.observe(&mut state, &of, Some(&mut causes));
        if let Some((detector, state)) = &mut partition {
            let of_all = Event { features: &[], ..of };
            scores.join(&detector.observe(state, &of_all, Some(&mut causes)));
        }
        for (index, (layer, digests)) in Layer::ALL.into_iter().zip(&mut scored).enumerate() {
            digests.0.add(scores.scores[index]);
            digests.1.add(scores.bits[index]);
            alarms[index] += usize::from(scores.alarmed(layer));
        }
        rarities.add(scores.rarity);
        rarities.add(scores.state as usize as f64);
        for cause in &causes {
            let place = [cause.layer as usize as f64, cause.feature.map_or(-1.0, |feature| feature as f64)];
            let seen = cause.seen.map_or(-1.0, |seen| f64::from(seen.times) + f64::from(seen.of) / 65_536.0);
            let numbers =
                [cause.score, cause.threshold, cause.value, cause.expected.0, cause.expected.1, cause.deviation];
            place.into_iter().chain(numbers).chain([seen]).for_each(|number| why.add(number));
        }
    }
    let mut kept = Digest::new();
    // Without the settings' fingerprint in front and the checksum behind, which other settings change as well.
    let snapshot = detector.snapshot(&state);
    snapshot[16..snapshot.len() - 4].iter().for_each(|byte| kept.add(f64::from(*byte)));
    let mut line = String::new();
    for layer in detector.layers() {
        let index = *layer as usize;
        let both = scored[index].0.0 ^ scored[index].1.0.rotate_left(1);
        write!(line, "{} {} {:08x}, ", layer.name(), alarms[index], both >> 32).unwrap();
    }
    write!(line, "causes {:08x}, rarities {:08x}, kept {:08x}", why.0 >> 32, rarities.0 >> 32, kept.0 >> 32).unwrap();
    line
}

fn short() -> Settings {
    let chains = Some(Chains { chains: 5, depth: 7, width: 48, window: 512 });
    Settings { chains, warm_up: 64, adapt_after: 300, ..earlier(2) }
}

fn only(settings: Settings) -> Settings {
    Settings { rate: false, stuck: false, missing: false, season: false, burst: false, ..settings }
}

fn noisy(event: usize, feature: usize, random: &mut Random) -> f64 {
    happens(event, feature, random.normal())
}

#[test]
fn each_series_is_told_as_ever() {
    let heavy = |event: usize, feature: usize, random: &mut Random| happens(event, feature, random.student_3());
    let counts =
        |event: usize, _: usize, random: &mut Random| random.poisson() + if event > 15_000 { 9.0 } else { 0.0 };
    let texts = Settings { frequencies: vec![1, 3], season: true, ..earlier(4) };
    let ewma = Settings { ewma: Some(Ewma { alpha: 0.02 }), mahalanobis: None, chains: None, ..only(earlier(3)) };
    let mahalanobis =
        Settings { ewma: None, mahalanobis: Some(Mahalanobis { alpha: 0.01 }), chains: None, ..only(earlier(3)) };
    let chains = Settings { ewma: None, mahalanobis: None, ..only(short()) };
    let season = Settings { ewma: None, mahalanobis: None, chains: None, season: true, ..only(earlier(2)) };
    let wanted = include_str!("golden.txt").lines();
    type Written = Box<dyn Fn() -> String>;
    let series: [(&str, Written); 9] = [
        ("one feature", Box::new(|| told(earlier(1), true, noisy))),
        ("two features, quick to adapt", Box::new(|| told(short(), true, noisy))),
        ("two numbers and two texts", Box::new(move || told(texts.clone(), true, noisy))),
        ("six features with heavy tails", Box::new(move || told(earlier(6), true, heavy))),
        ("counts", Box::new(move || told(earlier(2), true, counts))),
        ("ewma alone, without times", Box::new(move || told(ewma.clone(), false, noisy))),
        ("mahalanobis alone", Box::new(move || told(mahalanobis.clone(), false, heavy))),
        ("chains alone", Box::new(move || told(chains.clone(), false, noisy))),
        ("season alone", Box::new(move || told(season.clone(), true, noisy))),
    ];
    for ((name, told), wanted) in series.iter().zip(wanted) {
        assert_eq!(format!("{name}: {}", told()), wanted);
    }
}
