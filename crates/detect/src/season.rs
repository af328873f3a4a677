//! What is usual at the time of day, for keys of one or two features.
//!
//! Each feature has a profile: the mean of its values by half-hour of the day (UTC), of about the last fifty in each; where a
//! half-hour is not known yet, a level that follows the values. An event is held against two things, the larger |z| counts: how
//! far its value is from the profile, and by how much that distance differs from the last event's, which shows a jump where
//! values wander.

use crate::{
    cause::Finding,
    moments::Moments,
    words::{get, set},
};

/// The most features that this layer takes.
pub(crate) const SEASON_FEATURES_MAX: usize = 2;

/// Half-hours of a day.
const BINS: usize = 48;
const BIN_MICROS: i64 = 1_800_000_000;

/// The weight of an event in its half-hour's mean, at least; and in the level.
const BIN_EVENTS: u8 = 50;
const LEVEL_WEIGHT: f64 = 0.01;

/// The weight of an event in mean and variance of what is judged.
const ALPHA: f64 = 1e-3;

/// Where the numbers of a feature are: means by half-hour, their counts a byte each, the last distance, the level, and the
/// moments of distance and difference.
const COUNTS: usize = BINS;
const LAST: usize = COUNTS + BINS / 8;
const LEVEL: usize = LAST + 1;
const MOMENTS: usize = LEVEL + 1;
const OF_FEATURE: usize = MOMENTS + 6;

const JUDGED: Moments = Moments { features: 2, alpha: ALPHA };

/// The layer.
#[derive(Debug, Clone)]
pub(crate) struct Season {
    pub(crate) features: usize,
}

impl Season {
    pub(crate) fn words(&self) -> usize {
        OF_FEATURE * self.features
    }

    /// The largest |z| of any feature; NaN where nothing is known.
    pub(crate) fn score(&self, words: &[u64], x: &[f64], time: i64) -> f64 {
        let each = words.chunks_exact(OF_FEATURE).zip(x);
        each.fold(f64::NAN, |largest, (words, x)| {
            largest.max(JUDGED.score(&words[MOMENTS..], &judged(words, *x, time)))
        })
    }

    /// Notes the event, and learns from it where it is to be learned from.
    pub(crate) fn learn(&self, words: &mut [u64], x: &[f64], time: i64, learn: bool) {
        for (words, x) in words.chunks_exact_mut(OF_FEATURE).zip(x).filter(|(_, x)| !x.is_nan()) {
            let judged = judged(words, *x, time);
            let first = get(words, MOMENTS + 4) == 0.0;
            set(words, LAST, judged[0]);
            if !learn {
                continue;
            }
            JUDGED.learn(&mut words[MOMENTS..], &judged);
            let level = if first { *x } else { get(words, LEVEL) };
            set(words, LEVEL, level + LEVEL_WEIGHT * (x - level));
            let (bin, count) = (bin(time), count(words, time).saturating_add(1).min(BIN_EVENTS));
            let mean = get(words, bin);
            set(words, bin, mean + (x - mean) / f64::from(count));
            let shift = 8 * (bin % 8);
            let counts = &mut words[COUNTS + bin / 8];
            *counts = *counts & !(0xff << shift) | u64::from(count) << shift;
        }
    }

    /// The feature with the largest |z|, and the range of values that would not alarm.
    #[cold]
    pub(crate) fn explain(&self, words: &[u64], x: &[f64], time: i64, threshold: f64) -> Option<Finding> {
        let found = words.chunks_exact(OF_FEATURE).zip(x).enumerate().filter_map(|(feature, (words, x))| {
            let judged = judged(words, *x, time);
            let found = JUDGED.explain(&words[MOMENTS..], &judged, threshold).into_iter().next()?;
            let base = x - judged[found.feature?];
            let expected = (base + found.expected.0, base + found.expected.1);
            Some(Finding { feature: Some(feature), expected, deviation: found.deviation })
        });
        found.max_by(|a, b| a.deviation.abs().total_cmp(&b.deviation.abs()))
    }
}

/// How far a value is from what is usual, and by how much more than the one before.
fn judged(words: &[u64], x: f64, time: i64) -> [f64; 2] {
    let known = get(words, MOMENTS + 4);
    let usual = match count(words, time) {
        _ if known == 0.0 => x,
        0 => get(words, LEVEL),
        _ => get(words, bin(time)),
    };
    let distance = x - usual;
    [distance, if known == 0.0 { f64::NAN } else { distance - get(words, LAST) }]
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

    fn value(event: i64) -> f64 {
        let noise = f64::from((event * 7919 % 101) as i32) / 101.0;
        10.0 * libm::sin(event as f64 * STEP as f64 / 86_400e6 * std::f64::consts::TAU) + noise
    }

    fn learned() -> (Season, Vec<u64>) {
        let season = Season { features: 1 };
        let mut words = vec![0; season.words()];
        for event in 0..288 * 20 {
            season.learn(&mut words, &[value(event)], event * STEP, true);
        }
        (season, words)
    }

    #[test]
    fn a_value_that_is_right_for_another_hour_stands_out() {
        let (season, words) = learned();
        // Six in the morning has the largest values, six in the evening the smallest.
        let (morning, evening) = ((288 * 20 + 72) * STEP, (288 * 20 + 216) * STEP);
        let settled = |time: i64| {
            let mut words = words.clone();
            season.learn(&mut words, &[value(time / STEP - 1)], time - STEP, false);
            words
        };
        assert!(season.score(&settled(morning), &[10.5], morning) < 4.0);
        assert!(season.score(&settled(evening), &[10.5], evening) > 15.0);
        let found = season.explain(&settled(evening), &[10.5], evening, 4.0).unwrap();
        assert!(found.feature == Some(0) && found.deviation > 15.0, "{found:?}");
        assert!((-13.0..-8.0).contains(&found.expected.0) && (-10.0..-5.0).contains(&found.expected.1), "{found:?}");
    }

    #[test]
    fn before_a_half_hour_is_known_the_level_stands_for_it() {
        let season = Season { features: 2 };
        let mut words = vec![0; season.words()];
        assert!(season.score(&words, &[5.0, 5.0], 0).is_nan());
        for event in 0..40 {
            let x = 5.0 + f64::from(event % 2);
            season.learn(&mut words, &[x, f64::NAN], i64::from(event) * BIN_MICROS, true);
        }
        assert!(season.score(&words, &[5.5, f64::NAN], 45 * BIN_MICROS) < 2.0);
        assert!(season.score(&words, &[15.5, 1.0], 45 * BIN_MICROS) > 8.0);
    }
}
