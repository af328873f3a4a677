//! Values that are not what was to be expected after those before them and at the time of day, for keys of one or two features.
//!
//! Each feature has an expected value ([`expected`]) and four views on how its values differ from it: the error of the one
//! value (a jump, a value of another hour), the mean distance from the level of late (a shift, a drift), how much values
//! differ from the one before of late (a value that is stuck, or noise), and the size of the errors of late (many spikes).
//! How rare each is follows from a histogram of its own, in which everything is counted: what comes again and again is usual. What
//! a view has told it tells again only where it has grown, so that a new level is told when it comes. The rarest view counts.

mod expected;

use self::expected::{EXPECTED_WORDS, Expected};
use crate::{
    cause::Finding,
    moments::Moments,
    rarity::{RARITY_WORDS, Rarity},
    scale::{Scale, log2},
    scores::SEASON_FEATURES_MAX,
    words::{SCORE_MAX, get, set, weight},
};

/// The weight of an event in mean and variance of what is viewed.
const ALPHA: f64 = 1e-3;

/// The weight of a value in the mean distance, in the differences and in the errors of late.
const MEAN_WEIGHT: f64 = 1.0 / 8.0;
const LATE_WEIGHT: f64 = 1.0 / 16.0;

/// Values before spreads are viewed and views are counted, and from which on one wild value hardly moves them: it counts
/// as so many typical errors.
const SETTLED: f64 = 32.0;
const CUT: f64 = 4.0;
const ERROR_CUT: f64 = 8.0;

/// A spread below this share of the typical error is none.
const LEAST_SPREAD: f64 = 0.05;

/// A mean absolute error is so many times smaller than the standard deviation of normal errors.
const DEVIATIONS: f64 = 1.25;

/// The views by their numbers: the error, the distance, the differences, and the errors of late.
const VIEWS: usize = 4;
const ERROR: usize = 0;
const DISTANCE: usize = 1;

/// What a view tells again has to be so many times as large as what it told; that is forgotten by a share at each event.
const TOLD_AGAIN: f64 = 1.5;
const TOLD_KEEP: f64 = 1.0 - 1.0 / 32.0;

/// Bits that the views of one feature together have too many, and those of two.
const TOGETHER: [f64; SEASON_FEATURES_MAX] = [0.7, 1.6];

/// What a view says follows what it said before, so that the highest scores come together and tell little: the tail is then taken
/// from further down, as where so large a share of events were excluded.
const CLUSTERED: [f64; VIEWS] = [0.0, 0.01, 0.04, 0.04];

const TAIL: Rarity = Rarity { growth: 0.05, growth_range: (0.0, 0.25), recurring: true };
const VIEWED: Moments = Moments { features: VIEWS, alpha: ALPHA };

/// Where the numbers of a feature are: what is expected, how many values there were, the last one, the mean distance, differences
/// and errors of late, what the views told, and the moments and histograms of the views.
const SEEN: usize = EXPECTED_WORDS;
const LAST: usize = SEEN + 1;
const LATE: usize = LAST + 1;
const TOLD: usize = LATE + 3;
const MOMENTS: usize = TOLD + VIEWS;
const HISTOGRAMS: usize = MOMENTS + 3 * VIEWS;
const OF_FEATURE: usize = HISTOGRAMS + VIEWS * RARITY_WORDS;

/// The layer.
#[derive(Debug, Clone)]
pub(crate) struct Season {
    pub(crate) features: usize,
}

/// A value as the views see it.
struct Look {
    expected: Expected,
    /// Mean distance, differences and errors of late, with this value.
    late: [f64; 3],
    /// What the views look at; NaN where they do not yet.
    viewed: [f64; VIEWS],
    /// The same in standard deviations of the view.
    deviations: [f64; VIEWS],
}

impl Season {
    pub(crate) fn words(&self) -> usize {
        OF_FEATURE * self.features
    }

    /// How rare the rarest view of any feature is, in bits; NaN where nothing is known.
    pub(crate) fn score(&self, words: &[u64], x: &[f64], time: i64) -> f64 {
        let rarest = words.chunks_exact(OF_FEATURE).zip(x).fold(f64::NAN, |rarest, (words, x)| {
            look(words, *x, time).map_or(rarest, |look| rarest.max(told(words, &look).1))
        });
        if rarest.is_nan() { rarest } else { (rarest - self.together()).max(0.0) }
    }

    /// What is expected of each value; NaN where it is missing, or too few came before.
    pub(crate) fn expected(&self, words: &[u64], x: &[f64], time: i64) -> [f64; SEASON_FEATURES_MAX] {
        let mut all = [f64::NAN; SEASON_FEATURES_MAX];
        for ((words, x), expected) in words.chunks_exact(OF_FEATURE).zip(x).zip(&mut all) {
            if get(words, SEEN) >= SETTLED && !x.is_nan() {
                *expected = expected::expect(words, *x, time).value;
            }
        }
        all
    }

    fn together(&self) -> f64 {
        TOGETHER[self.features - 1]
    }

    /// Learns from the event, whatever it is: what lasts and what comes again is usual.
    pub(crate) fn learn(&self, words: &mut [u64], x: &[f64], time: i64) {
        for (words, x) in words.chunks_exact_mut(OF_FEATURE).zip(x).filter(|(_, x)| !x.is_nan()) {
            let seen = get(words, SEEN) + 1.0;
            match look(words, *x, time) {
                Some(look) => {
                    learn(words, &look, seen);
                    expected::learn(words, *x, time, &look.expected, look.late[0]);
                }
                None => expected::begin(words, *x, time),
            }
            set(words, SEEN, seen);
            set(words, LAST, *x);
        }
    }

    /// The feature whose view is the rarest. Where that is the error of the value, the range that would not alarm; where it is
    /// what values are like of late, there is none, and the deviation is the view's.
    #[cold]
    pub(crate) fn explain(&self, words: &[u64], x: &[f64], time: i64, threshold: f64) -> Option<Finding> {
        let found = words.chunks_exact(OF_FEATURE).zip(x).enumerate().filter_map(|(feature, (words, x))| {
            let look = look(words, *x, time)?;
            let (view, bits) = told(words, &look);
            let far = look.deviations[view];
            let expected = if view == ERROR {
                let place = Rarity::place_of(histogram(words, ERROR), threshold + self.together());
                let width = look.viewed[ERROR].abs() * (Scale::Deviations.score(place) / far).min(1.0);
                (look.expected.value - width, look.expected.value + width)
            } else {
                (f64::NAN, f64::NAN)
            };
            let deviation = far.copysign(look.viewed[view]);
            Some((bits, Finding { feature: Some(feature), expected, deviation }))
        });
        found.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, finding)| finding)
    }
}

/// A value as the views see it; `None` where it is missing or the first.
fn look(words: &[u64], x: f64, time: i64) -> Option<Look> {
    let seen = get(words, SEEN);
    if x.is_nan() || seen < 1.0 {
        return None;
    }
    let expected = expected::expect(words, x, time);
    let error = x - expected.value;
    let (settled, typical) = (seen >= SETTLED, expected.typical);
    let cut = if settled { CUT * typical } else { f64::INFINITY };
    let [mean, differences, errors] = [0, 1, 2].map(|index| get(words, LATE + index));
    let weight = weight(LATE_WEIGHT, seen);
    let error_cut = if settled { ERROR_CUT * errors.max(LEAST_SPREAD * typical) } else { f64::INFINITY };
    let late = [
        mean + MEAN_WEIGHT * (expected.distance.clamp(-cut, cut) - mean),
        differences + weight * ((x - get(words, LAST)).abs().min(cut) - differences),
        errors + weight * (error.abs().min(error_cut) - errors),
    ];
    let spread = |late: f64| {
        if settled { log2((late / typical.max(f64::MIN_POSITIVE)).clamp(LEAST_SPREAD, SCORE_MAX)) } else { f64::NAN }
    };
    let viewed = [error, late[0], spread(late[1]), spread(late[2])];
    let deviations = std::array::from_fn(|view| {
        let (mean, deviation) = VIEWED.standard(&words[MOMENTS..], view);
        let far = match view {
            ERROR => viewed[view] / deviation.max(DEVIATIONS * errors),
            DISTANCE => viewed[view] / deviation,
            _ => (viewed[view] - mean) / deviation,
        };
        if far.is_nan() { 0.0 } else { far.abs().min(SCORE_MAX) }
    });
    Some(Look { expected, late, viewed, deviations })
}

/// The rarest view that tells something, and how rare it is.
fn told(words: &[u64], look: &Look) -> (usize, f64) {
    let bits = |view: usize| {
        let tells = view == ERROR || look.deviations[view] > TOLD_AGAIN * get(words, TOLD + view);
        if tells { Rarity::bits(histogram(words, view), Scale::Deviations.place(look.deviations[view])) } else { 0.0 }
    };
    (0..VIEWS).map(|view| (view, bits(view))).fold((ERROR, 0.0), |most, this| if this.1 > most.1 { this } else { most })
}

/// Learns what the views see.
fn learn(words: &mut [u64], look: &Look, seen: f64) {
    for (view, deviations) in look.deviations.into_iter().enumerate() {
        if seen > SETTLED {
            let histogram = &mut words[HISTOGRAMS + view * RARITY_WORDS..][..RARITY_WORDS];
            TAIL.count(histogram, Scale::Deviations, Scale::Deviations.place(deviations), CLUSTERED[view]);
        }
        let before = get(words, TOLD + view);
        set(words, TOLD + view, if deviations > TOLD_AGAIN * before { deviations } else { before * TOLD_KEEP });
    }
    VIEWED.learn(&mut words[MOMENTS..], &look.viewed);
    look.late.into_iter().enumerate().for_each(|(index, late)| set(words, LATE + index, late));
}

fn histogram(words: &[u64], view: usize) -> &[u64] {
    &words[HISTOGRAMS + view * RARITY_WORDS..][..RARITY_WORDS]
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: i64 = 300_000_000;

    fn value(event: i64) -> f64 {
        let noise = f64::from((event * 7919 % 101) as i32) / 101.0;
        10.0 * libm::sin(event as f64 * STEP as f64 / 86_400e6 * std::f64::consts::TAU) + noise
    }

    /// The layer when it has learned so many values.
    fn learned(events: i64) -> (Season, Vec<u64>) {
        let season = Season { features: 1 };
        let mut words = vec![0; season.words()];
        assert!(season.score(&words, &[value(0)], 0).is_nan() && season.expected(&words, &[value(0)], 0)[0].is_nan());
        for event in 0..events {
            season.learn(&mut words, &[value(event)], event * STEP);
        }
        (season, words)
    }

    #[test]
    fn a_value_that_is_right_for_another_hour_stands_out() {
        // Six in the morning has the largest values, six in the evening the smallest.
        let (morning, evening) = (288 * 20 + 72, 288 * 20 + 216);
        let (season, words) = learned(morning);
        assert!(season.score(&words, &[10.5], morning * STEP) < 6.0);
        let [expected, other] = season.expected(&words, &[10.5], morning * STEP);
        assert!((9.0..12.0).contains(&expected) && other.is_nan(), "{expected}");
        let (season, words) = learned(evening);
        let score = season.score(&words, &[10.5], evening * STEP);
        assert!(score > 15.0, "{score}");
        let found = season.explain(&words, &[10.5], evening * STEP, 10.0).unwrap();
        assert!(found.feature == Some(0) && found.deviation > 5.0, "{found:?}");
        assert!((-14.0..-8.0).contains(&found.expected.0) && (-11.0..-5.0).contains(&found.expected.1), "{found:?}");
    }

    #[test]
    fn what_comes_again_and_again_is_usual() {
        let (season, mut words) = learned(288 * 8);
        let mut scores = Vec::new();
        for event in 288 * 8..288 * 30 {
            let spike = if event % 100 == 0 { 30.0 } else { 0.0 };
            if spike > 0.0 {
                scores.push(season.score(&words, &[value(event) + spike], event * STEP));
            }
            season.learn(&mut words, &[value(event) + spike], event * STEP);
        }
        assert!(scores[0] > 15.0 && scores.last().unwrap() < &8.0, "{scores:?}");
    }

    #[test]
    fn a_level_and_a_spread_that_change_are_told_once() {
        let (season, words) = learned(288 * 8);
        let changes: [fn(i64) -> f64; 2] = [|event| value(event) + 1.5, |_| 3.0];
        for change in changes {
            let mut words = words.clone();
            let mut told = 0;
            for event in 288 * 8..288 * 9 {
                told += usize::from(season.score(&words, &[change(event)], event * STEP) > 9.0);
                season.learn(&mut words, &[change(event)], event * STEP);
            }
            assert!((1..40).contains(&told), "{told}");
        }
    }
}
