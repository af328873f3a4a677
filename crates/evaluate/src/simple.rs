//! Simple detectors to measure a stream's own beside: what one would write in an afternoon. Each scores an event by what its key had
//! before, then takes it in.

use std::collections::{HashMap, VecDeque};

use crate::Judge;

/// The names of the simple detectors, in their order.
pub const SIMPLE: [&str; 4] = ["z of all before", "z of the last 100", "step", "rare text"];

/// Events that the second one looks back.
const WINDOW: usize = 100;

/// Events of a key that nothing is said of.
const YOUNG: u64 = 16;

/// Texts of a feature that are remembered of a key; others count as never seen.
const TEXTS_MAX: usize = 10_000;

/// The simple detectors, with what each key had.
#[derive(Debug)]
pub struct Simple {
    keys: Vec<Key>,
    judges: Vec<Judge>,
    /// Above which standard deviations, and bits, an event alarms.
    thresholds: (f64, f64),
}

#[derive(Debug, Default)]
struct Key {
    events: u64,
    numbers: Vec<Number>,
    texts: Vec<Texts>,
}

/// What a number of a key was.
#[derive(Debug, Default)]
struct Number {
    /// Of all values: how many, their mean, and the sum of squares around it (Welford, 1962).
    all: (f64, f64, f64),
    /// The last ones.
    last: VecDeque<f64>,
    /// Of all steps from one value to the next: how many, and the sum of their squares.
    steps: (f64, f64),
}

/// How often each text was there.
#[derive(Debug, Default)]
struct Texts {
    of: f64,
    times: HashMap<Box<str>, f64>,
}

impl Simple {
    /// Of a stream that asks for so many false alarms in all ordinary events.
    #[must_use]
    pub fn new(false_alarm_rate: f64) -> Self {
        let judge = |name: &&str| Judge { name: (*name).to_owned(), scores: Some(Vec::new()), alarms: Vec::new() };
        let thresholds = (quantile(false_alarm_rate), -libm::log2(false_alarm_rate));
        Self { keys: Vec::new(), judges: SIMPLE.iter().map(judge).collect(), thresholds }
    }

    /// Adds an event of a key: its numbers, NaN where one is missing, and its texts.
    pub fn add(&mut self, key: u32, numbers: &[f64], texts: &[Option<&str>]) {
        let key = key as usize;
        if self.keys.len() <= key {
            self.keys.resize_with(key + 1, Key::default);
        }
        let scores = self.keys[key].take(numbers, texts);
        let (sigma, bits) = self.thresholds;
        for ((judge, score), threshold) in self.judges.iter_mut().zip(scores).zip([sigma, sigma, sigma, bits]) {
            judge.alarms.push(score > threshold);
            judge.scores.iter_mut().for_each(|scores| scores.push(score));
        }
    }

    /// What they say of the events that were added; those that look at what no event had are left out.
    #[must_use]
    pub fn judges(self) -> Vec<Judge> {
        let said = |judge: &Judge| judge.scores.iter().flatten().any(|score| !score.is_nan());
        self.judges.into_iter().filter(said).collect()
    }
}

impl Key {
    /// The largest score of any number or text; NaN where there is none.
    fn take(&mut self, numbers: &[f64], texts: &[Option<&str>]) -> [f64; SIMPLE.len()] {
        self.events += 1;
        self.numbers.resize_with(numbers.len(), Number::default);
        self.texts.resize_with(texts.len(), Texts::default);
        let mut scores = [f64::NAN; SIMPLE.len()];
        for (of, x) in self.numbers.iter_mut().zip(numbers).filter(|(_, x)| x.is_finite()) {
            for (most, score) in scores.iter_mut().zip(of.scores(*x)) {
                *most = most.max(score);
            }
            of.take(*x);
        }
        let rare = &mut scores[SIMPLE.len() - 1];
        for (of, text) in self.texts.iter_mut().zip(texts).filter_map(|(of, text)| Some((of, (*text)?))) {
            *rare = rare.max(of.score(text));
            of.take(text);
        }
        if self.events > YOUNG { scores } else { [f64::NAN; SIMPLE.len()] }
    }
}

impl Number {
    fn scores(&self, x: f64) -> [f64; 3] {
        let (of, mean, squares) = self.all;
        let by_all = (x - mean).abs() / (squares / of).sqrt();
        let count = self.last.len() as f64;
        let mean = self.last.iter().sum::<f64>() / count;
        let squares: f64 = self.last.iter().map(|value| (value - mean) * (value - mean)).sum();
        let by_last = (x - mean).abs() / (squares / count).sqrt();
        let step = self.last.back().map_or(f64::NAN, |before| (x - before).abs());
        [by_all, by_last, step / (self.steps.1 / self.steps.0).sqrt()]
            .map(|score| if score.is_finite() { score } else { 0.0 })
    }

    fn take(&mut self, x: f64) {
        let (of, mean, squares) = &mut self.all;
        *of += 1.0;
        let off = x - *mean;
        *mean += off / *of;
        *squares += off * (x - *mean);
        if let Some(before) = self.last.back() {
            self.steps = (self.steps.0 + 1.0, self.steps.1 + (x - before) * (x - before));
        }
        if self.last.len() == WINDOW {
            self.last.pop_front();
        }
        self.last.push_back(x);
    }
}

impl Texts {
    /// Minus log2 of the share that the text had, a half where it was never there.
    fn score(&self, text: &str) -> f64 {
        let times = self.times.get(text).copied().unwrap_or_default();
        libm::log2((self.of + 1.0) / (times + 0.5)).max(0.0)
    }

    fn take(&mut self, text: &str) {
        self.of += 1.0;
        if let Some(times) = self.times.get_mut(text) {
            *times += 1.0;
        } else if self.times.len() < TEXTS_MAX {
            self.times.insert(text.into(), 1.0);
        }
    }
}

/// How many standard deviations a normal value is off in so large a share of all cases, in either direction: by bisection.
fn quantile(share: f64) -> f64 {
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..60 {
        let middle: f64 = (low + high) / 2.0;
        match libm::erfc(middle / std::f64::consts::SQRT_2) > share {
            true => low = middle,
            false => high = middle,
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(judges: &[Judge], name: &str) -> (f64, bool) {
        let judge = judges.iter().find(|judge| judge.name == name).unwrap();
        (*judge.scores.as_ref().unwrap().last().unwrap(), *judge.alarms.last().unwrap())
    }

    #[test]
    fn a_value_is_held_against_all_before_the_last_ones_and_the_one_before() {
        let mut simple = Simple::new(1e-3);
        // A level that was long at 0 and 1, then at 100 and 101.
        for n in 0..1_000 {
            simple.add(0, &[f64::from(n % 2)], &[]);
        }
        for n in 0..100 {
            simple.add(0, &[f64::from(100 + n % 2)], &[]);
        }
        simple.add(0, &[104.0], &[]);
        let judges = simple.judges();
        assert_eq!(judges.len(), 3, "nothing is said of texts");
        let (z, alarms) = last(&judges, "z of all before");
        assert!((3.0..3.3).contains(&z) && !alarms, "{z}");
        let (z, alarms) = last(&judges, "z of the last 100");
        assert!((z - 7.0).abs() < 1e-9 && alarms, "{z}");
        let (step, alarms) = last(&judges, "step");
        // One step of 99 among 1,099 of 1.
        assert!((step - 3.0 / ((1_098.0 + 99.0 * 99.0) / 1_099.0f64).sqrt()).abs() < 1e-9 && !alarms, "{step}");
    }

    #[test]
    fn a_text_is_as_rare_as_it_was_for_its_key() {
        let mut simple = Simple::new(1e-3);
        for n in 0..4_096 {
            simple.add(0, &[], &[Some(if n % 2 == 0 { "GET" } else { "PUT" })]);
            simple.add(1, &[], &[Some("DELETE")]);
        }
        simple.add(0, &[], &[Some("DELETE")]);
        let judges = simple.judges();
        let (bits, alarms) = last(&judges, "rare text");
        assert!((bits - 13.0).abs() < 0.01 && alarms, "{bits}");
        assert!(judges[0].scores.as_ref().unwrap()[..2 * YOUNG as usize].iter().all(|score| score.is_nan()));
    }

    #[test]
    fn the_quantile_is_that_of_the_normal_distribution() {
        for (share, sigma) in [(0.3173, 1.0), (0.0455, 2.0), (1e-3, 3.2905)] {
            assert!((quantile(share) - sigma).abs() < 1e-3, "{share}");
        }
    }
}
