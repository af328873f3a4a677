//! What is to be expected of the next value of a feature, by two predictors of which the better one of late counts.
//!
//! Both say that the next value keeps a part of the last one's distance from a level that follows the values: all of it where
//! values wander at random, nothing where they do not depend on each other (a first-order autoregression, its coefficient
//! measured). The first knows nothing else; the second holds values against the mean of their half-hour of the day (UTC).

use crate::words::{get, set, weight};

/// Half-hours of a day.
const BINS: usize = 48;
const BIN_MICROS: i64 = 1_800_000_000;

/// Values that the mean of a half-hour is of, about, and those from which on one wild value no longer moves it far.
const BIN_EVENTS: u8 = 24;
const BIN_KNOWN: u8 = 6;

/// The weight of a value in its level, and by how many times it may rise while values are far from the level.
const LEVEL_WEIGHT: f64 = 0.01;
const LEVEL_GAIN: f64 = 16.0;

/// The weight of a value in the measured errors and in what the coefficient is measured from.
const ERROR_WEIGHT: f64 = 1.0 / 256.0;

/// Events from which on values are cut before they are learned, at so many typical errors.
const CUT_AFTER: f64 = 16.0;
const CUT: f64 = 4.0;
const ERROR_CUT: f64 = 8.0;

/// Values by their half-hours before these are believed, and how much smaller their errors have to be.
const SEASONAL_AFTER: f64 = 32.0;
const SEASONAL_BETTER: f64 = 0.97;

/// Where the numbers are: means by half-hour, their counts a byte each, then of each predictor its level, the last distance from
/// it, the products that the coefficient is of, the typical error and how many values there were.
const COUNTS: usize = BINS;
const PREDICTORS: usize = COUNTS + BINS / 8;
const OF_PREDICTOR: usize = 6;
const PREDICTORS_MAX: usize = 2;

pub(super) const EXPECTED_WORDS: usize = PREDICTORS + PREDICTORS_MAX * OF_PREDICTOR;

/// What is expected of a value, and how it compares.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected {
    /// The value by the better predictor.
    pub(super) value: f64,
    /// How far the value is from the level of that predictor.
    pub(super) distance: f64,
    /// The typical error of that predictor.
    pub(super) typical: f64,
    /// The error of each; NaN where one knows nothing of the half-hour.
    errors: [f64; PREDICTORS_MAX],
}

#[derive(Debug, Clone, Copy)]
struct Predictor {
    level: f64,
    last: f64,
    product: f64,
    square: f64,
    error: f64,
    seen: f64,
}

impl Predictor {
    fn of(words: &[u64], number: usize) -> Self {
        let at = PREDICTORS + number * OF_PREDICTOR;
        let [level, last, product, square, error, seen] = std::array::from_fn(|index| get(words, at + index));
        Self { level, last, product, square, error, seen }
    }

    fn keep(self, words: &mut [u64], number: usize) {
        let at = PREDICTORS + number * OF_PREDICTOR;
        let numbers = [self.level, self.last, self.product, self.square, self.error, self.seen];
        numbers.into_iter().enumerate().for_each(|(index, value)| set(words, at + index, value));
    }

    /// Which part of a distance the next value keeps.
    fn kept(self) -> f64 {
        if self.square > 0.0 { (self.product / self.square).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Learns from a value, less the mean of its half-hour, that was missed by `error`. `off` is the mean distance of late.
    fn learn(&mut self, value: f64, error: f64, off: f64) {
        self.seen += 1.0;
        let known = self.seen > CUT_AFTER;
        let weight_of_error = weight(ERROR_WEIGHT, self.seen);
        let distance = value - self.level;
        let cut = if known { CUT * self.square.sqrt() } else { f64::INFINITY };
        let (now, last) = (distance.clamp(-cut, cut), self.last.clamp(-cut, cut));
        self.product += weight_of_error * (now * last - self.product);
        self.square += weight_of_error * (last * last - self.square);
        let error = if known { error.abs().min(ERROR_CUT * self.error) } else { error.abs() };
        self.error += weight_of_error * (error - self.error);
        let far = off / (1.5 * self.error).max(f64::MIN_POSITIVE);
        let gained = LEVEL_WEIGHT * (far * far).clamp(1.0, LEVEL_GAIN);
        self.level += weight(LEVEL_WEIGHT, self.seen).max(gained) * distance;
        self.last = value - self.level;
    }
}

/// What is expected of a value at a time.
pub(super) fn expect(words: &[u64], x: f64, time: i64) -> Expected {
    let predictors = [0, 1].map(|number| Predictor::of(words, number));
    let bases = bases(words, time);
    let seasonal = !bases[1].is_nan()
        && predictors[1].seen > SEASONAL_AFTER
        && predictors[1].error < SEASONAL_BETTER * predictors[0].error;
    let values: [f64; PREDICTORS_MAX] = std::array::from_fn(|number| {
        let predictor = predictors[number];
        bases[number] + predictor.level + predictor.kept() * predictor.last
    });
    let better = usize::from(seasonal);
    Expected {
        value: values[better],
        distance: x - bases[better] - predictors[better].level,
        typical: predictors[better].error,
        errors: values.map(|value| x - value),
    }
}

/// Begins with a first value.
pub(super) fn begin(words: &mut [u64], x: f64, time: i64) {
    set(words, PREDICTORS, x);
    learn_half_hour(words, x, time);
}

/// Learns from a value of which `expected` was expected; `off` is the mean distance of late.
pub(super) fn learn(words: &mut [u64], x: f64, time: i64, expected: &Expected, off: f64) {
    for (number, base) in bases(words, time).into_iter().enumerate().filter(|(_, base)| !base.is_nan()) {
        let mut predictor = Predictor::of(words, number);
        predictor.learn(x - base, expected.errors[number], off);
        predictor.keep(words, number);
    }
    learn_half_hour(words, x, time);
}

/// Of a half-hour that is known the mean is of values less the level, which follows what all half-hours have in common.
fn learn_half_hour(words: &mut [u64], x: f64, time: i64) {
    let (bin, count) = (bin(time), count(words, time).saturating_add(1).min(BIN_EVENTS));
    let predictor = Predictor::of(words, 1);
    let (x, cut) = if count > BIN_KNOWN { (x - predictor.level, CUT * predictor.error) } else { (x, f64::INFINITY) };
    let mean = get(words, bin);
    set(words, bin, mean + (x - mean).clamp(-cut, cut) / f64::from(count));
    let shift = 8 * (bin % 8);
    let counts = &mut words[COUNTS + bin / 8];
    *counts = *counts & !(0xff << shift) | u64::from(count) << shift;
}

/// What each predictor takes for usual at the time, without its level; NaN where that is not known.
fn bases(words: &[u64], time: i64) -> [f64; PREDICTORS_MAX] {
    [0.0, if count(words, time) > 0 { get(words, bin(time)) } else { f64::NAN }]
}

/// How many values the mean of the half-hour is of.
fn count(words: &[u64], time: i64) -> u8 {
    let bin = bin(time);
    (words[COUNTS + bin / 8] >> (8 * (bin % 8))) as u8
}

fn bin(time: i64) -> usize {
    time.div_euclid(BIN_MICROS).rem_euclid(BINS as i64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: i64 = 300_000_000;

    fn noise(event: i64) -> f64 {
        f64::from((event * 7919 % 101) as i32) / 101.0 - 0.5
    }

    /// What is expected of the value after so many.
    fn after(events: i64, value: impl Fn(i64) -> f64) -> Expected {
        let mut words = vec![0; EXPECTED_WORDS];
        begin(&mut words, value(0), 0);
        for event in 1..events {
            let expected = expect(&words, value(event), event * STEP);
            learn(&mut words, value(event), event * STEP, &expected, 0.0);
        }
        expect(&words, value(events), events * STEP)
    }

    #[test]
    fn around_a_level_that_is_expected() {
        let expected = after(2_000, |event| 5.0 + noise(event));
        assert!((expected.value - 5.0).abs() < 0.1 && expected.typical < 0.3, "{expected:?}");
    }

    #[test]
    fn of_values_that_wander_the_last_one_is() {
        let walk: Vec<f64> = (0..=2_000)
            .scan(0.0, |level, event| {
                *level += noise(event * event % 1_009);
                Some(*level)
            })
            .collect();
        let expected = after(2_000, |event| walk[event as usize]);
        assert!((expected.value - walk[1_999]).abs() < 0.3, "{expected:?}, {}", walk[1_999]);
    }

    #[test]
    fn by_the_day_the_half_hour_is() {
        let daily = |event: i64| if event.rem_euclid(288) < 72 { 40.0 } else { 10.0 } + noise(event);
        let expected = after(288 * 8, daily);
        assert!((expected.value - 40.0).abs() < 2.0, "{expected:?}, where the value before was 10");
    }
}
