//! Exponentially weighted mean and covariance, and the Mahalanobis distance in their metric.
//!
//! The inverse of the Cholesky factor is kept, so that a distance is one triangular product without a division.
//! It is worked out afresh every few learned events, counted, never timed. A feature that is missing is taken to
//! be at its mean when an event is scored; events with a missing feature are not learned from.

use crate::{
    FEATURES_MAX,
    cause::Finding,
    words::{SCORE_MAX, get, pull, set, variance_floor, weight},
};

const TRIANGLE_MAX: usize = FEATURES_MAX * (FEATURES_MAX + 1) / 2;

/// Added to the diagonal of the correlation matrix, so that features which follow from each other do no harm.
const RIDGE: f64 = 1e-6;

/// The range that is called expected, at least, in standard deviations to each side.
const LIKELY: f64 = 2.0;

/// Learned events between two factorisations, at most.
const REFACTOR_EVENTS: f64 = 16.0;

/// Where the numbers are: a count, means, the covariance's lower triangle, the inverse factor's lower triangle.
#[derive(Debug, Clone)]
pub(crate) struct Covariance {
    pub(crate) features: usize,
    pub(crate) alpha: f64,
}

impl Covariance {
    fn triangle(&self) -> usize {
        self.features * (self.features + 1) / 2
    }

    pub(crate) fn words(&self) -> usize {
        1 + self.features + 2 * self.triangle()
    }

    /// The distance from the mean in standard deviations; NaN where nothing is known or nothing is there.
    pub(crate) fn score(&self, words: &[u64], x: &[f64]) -> f64 {
        if get(words, 0) < (self.features + 2) as f64 || x.iter().all(|x| x.is_nan()) {
            return f64::NAN;
        }
        let (means, rest) = words[1..].split_at(self.features);
        let mut rows = &rest[self.triangle()..];
        let mut deviations = [0.0; FEATURES_MAX];
        for ((deviation, x), mean) in deviations.iter_mut().zip(x).zip(means) {
            *deviation = if x.is_nan() { 0.0 } else { x - f64::from_bits(*mean) };
        }
        let mut squared = 0.0;
        for row in 0..self.features {
            let (factors, below) = rows.split_at(row + 1);
            let whitened: f64 = factors.iter().zip(&deviations).map(|(w, d)| f64::from_bits(*w) * d).sum();
            squared += whitened * whitened;
            rows = below;
        }
        if squared < SCORE_MAX * SCORE_MAX { squared.sqrt() } else { SCORE_MAX }
    }

    /// The feature without which the distance would shrink most. What the other features say of it is the mean and the
    /// deviation of its distribution given theirs, from the inverse P of the covariance: with d the deviations from the
    /// means, the value is (P d)_i / P_ii from that mean, and the deviation is 1 / sqrt(P_ii). The square of their ratio
    /// is by how much the squared distance shrinks without the feature (Rue and Held, Gaussian Markov Random Fields, 2.2).
    pub(crate) fn explain(&self, words: &[u64], x: &[f64], threshold: f64) -> Option<Finding> {
        let means = &words[1..=self.features];
        let mut rows = &words[1 + self.features + self.triangle()..];
        let (mut scaled, mut diagonal) = ([0.0; FEATURES_MAX], [0.0; FEATURES_MAX]);
        let missing = |x: f64, mean: &u64| if x.is_nan() { 0.0 } else { x - f64::from_bits(*mean) };
        let mut squared = 0.0;
        for row in 0..self.features {
            let (factors, below) = rows.split_at(row + 1);
            let products =
                factors.iter().zip(x).zip(means).map(|((factor, x), mean)| f64::from_bits(*factor) * missing(*x, mean));
            let whitened: f64 = products.sum();
            squared += whitened * whitened;
            for (column, factor) in factors.iter().enumerate() {
                let factor = f64::from_bits(*factor);
                scaled[column] += factor * whitened;
                diagonal[column] += factor * factor;
            }
            rows = below;
        }
        let z = |feature: usize| scaled[feature] / diagonal[feature].sqrt();
        let there = (0..self.features).filter(|feature| !x[*feature].is_nan() && diagonal[*feature] > 0.0);
        let feature = there.max_by(|a, b| z(*a).abs().total_cmp(&z(*b).abs()))?;
        let (deviation, spread) = (z(feature), 1.0 / diagonal[feature].sqrt());
        let mean = x[feature] - deviation * spread;
        // The values with which the event would not alarm; where it would with any, the likely ones.
        let left = threshold * threshold - (squared - deviation * deviation);
        let width = left.sqrt().max(LIKELY);
        let width = width.min(0.99 * deviation.abs()) * spread;
        let deviation = deviation.clamp(-SCORE_MAX, SCORE_MAX);
        Some(Finding { feature: Some(feature), expected: (mean - width, mean + width), deviation })
    }

    /// Updates mean and covariance, and every few events the factor.
    pub(crate) fn learn(&self, words: &mut [u64], x: &[f64]) {
        if x.iter().any(|x| x.is_nan()) {
            return;
        }
        let count = get(words, 0) + 1.0;
        set(words, 0, count);
        let a = weight(self.alpha, count);
        let (means, rest) = words[1..].split_at_mut(self.features);
        let mut rows = &mut rest[..self.triangle()];
        let mut deviations = [0.0; FEATURES_MAX];
        let mut diagonal = 0;
        for (feature, x) in x.iter().enumerate() {
            let mean = get(means, feature);
            deviations[feature] = pull(x - mean, mean, get(rows, diagonal), count);
            set(means, feature, mean + a * deviations[feature]);
            diagonal += feature + 2;
        }
        for row in 0..self.features {
            let (covariances, below) = rows.split_at_mut(row + 1);
            let scaled = a * deviations[row];
            for (covariance, deviation) in covariances.iter_mut().zip(&deviations) {
                *covariance = ((1.0 - a) * (f64::from_bits(*covariance) + scaled * deviation)).to_bits();
            }
            rows = below;
        }
        let interval = if count < 2.0 * REFACTOR_EVENTS { 1.0 } else { self.refactor_events() };
        // Both are whole numbers, whose remainder is far cheaper as integers.
        if (count as u64).is_multiple_of(interval as u64) {
            let covariances = &words[1 + self.features..1 + self.features + self.triangle()];
            let inverse = self.factor(&words[1..=self.features], covariances);
            let factors_at = 1 + self.features + self.triangle();
            for (word, factor) in words[factors_at..].iter_mut().zip(inverse) {
                *word = factor.to_bits();
            }
        }
    }

    /// A factor may be stale by a fiftieth of the layer's memory.
    fn refactor_events(&self) -> f64 {
        (0.02 / self.alpha).floor().clamp(1.0, REFACTOR_EVENTS)
    }

    /// The inverse of the Cholesky factor of the regularised correlation matrix, times the inverse deviations.
    fn factor(&self, means: &[u64], covariances: &[u64]) -> [f64; TRIANGLE_MAX] {
        let at = |row: usize, column: usize| row * (row + 1) / 2 + column;
        let (mut lower, mut inverse) = ([0.0; TRIANGLE_MAX], [0.0; TRIANGLE_MAX]);
        let mut scales = [0.0; FEATURES_MAX];
        for row in 0..self.features {
            let variance = get(covariances, at(row, row)).max(variance_floor(get(means, row)));
            scales[row] = 1.0 / variance.sqrt();
            for column in 0..row {
                let mut sum = get(covariances, at(row, column)) * scales[row] * scales[column];
                for k in 0..column {
                    sum -= lower[at(row, k)] * lower[at(column, k)];
                }
                lower[at(row, column)] = sum * inverse[at(column, column)];
            }
            let squares: f64 = (0..row).map(|k| lower[at(row, k)] * lower[at(row, k)]).sum();
            let pivot = (1.0 + RIDGE - squares).max(RIDGE).sqrt();
            inverse[at(row, row)] = 1.0 / pivot;
            for column in 0..row {
                let sum: f64 = (column..row).map(|k| lower[at(row, k)] * inverse[at(k, column)]).sum();
                inverse[at(row, column)] = -sum * inverse[at(row, row)];
            }
        }
        for row in 0..self.features {
            for column in 0..=row {
                inverse[at(row, column)] *= scales[column];
            }
        }
        inverse
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_is_the_textbooks() {
        let covariance = Covariance { features: 2, alpha: 1e-6 };
        let mut words = vec![0; covariance.words()];
        for x in [[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [2.0, 2.0], [-2.0, -2.0]] {
            covariance.learn(&mut words, &x);
        }
        // Mean 0, variances 2, covariance 8/6: the inverse of [[2, 4/3], [4/3, 2]] is [[0.9, -0.6], [-0.6, 0.9]].
        let expected = |x: f64, y: f64| (0.9 * (x * x + y * y) - 1.2 * x * y).sqrt();
        for (x, y) in [(1.0, 1.0), (1.0, -1.0), (3.0, 0.5)] {
            assert!((covariance.score(&words, &[x, y]) - expected(x, y)).abs() < 1e-5);
        }
        assert!((covariance.score(&words, &[1.0, f64::NAN]) - expected(1.0, 0.0)).abs() < 1e-5);
    }

    /// The second feature follows the first to within a tenth; a value against that is explained by the one that is off,
    /// though the distance blames both.
    #[test]
    fn what_the_other_features_say_is_the_textbooks() {
        let covariance = Covariance { features: 2, alpha: 1e-6 };
        let mut words = vec![0; covariance.words()];
        for (a, b) in [(1.0, 0.1), (-1.0, 0.1), (1.0, -0.1), (-1.0, -0.1)].repeat(8) {
            covariance.learn(&mut words, &[a, a + b]);
        }
        // Given the first, the second is N(x1, .1); given the second, the first is N(x2 / 1.01, .0995).
        let found = covariance.explain(&words, &[0.5, 9.0], 4.0).unwrap();
        assert_eq!(found.feature, Some(1));
        assert!((found.deviation - 85.0).abs() < 0.1, "{found:?}");
        let (low, high) = found.expected;
        assert!((low - 0.1).abs() < 0.02 && (high - 0.9).abs() < 0.02, "{found:?}");
        let found = covariance.explain(&words, &[9.0, 0.5], 4.0).unwrap();
        assert!(found.feature == Some(0) && (found.deviation - 85.4).abs() < 0.2, "{found:?}");
        assert!(found.expected.1 < 9.0);
    }

    /// The third is the sum of the others; where it is missing, it is not what is odd, though they would have it elsewhere.
    #[test]
    fn what_is_missing_is_not_blamed_and_far_is_as_far_as_it_is() {
        let covariance = Covariance { features: 3, alpha: 1e-6 };
        let mut words = vec![0; covariance.words()];
        assert_eq!(covariance.explain(&words, &[1.0, 2.0, 3.0], 4.0), None, "nothing is known");
        for event in 0..64 {
            let [a, b, c] = [1, 2, 4].map(|bit| if event & bit == 0 { 1.0 } else { -1.0 });
            covariance.learn(&mut words, &[a, b, a + b + 0.1 * c]);
        }
        let found = covariance.explain(&words, &[5.0, 5.0, f64::NAN], 1.0).unwrap();
        assert!(found.feature.unwrap() < 2, "{found:?}");
        let far = covariance.score(&words, &[1e8, 0.0, 1e8]);
        assert!((far - 1e8).abs() < 1e6, "{far}");
        assert_eq!(covariance.score(&words, &[1e100, 0.0, 0.0]), SCORE_MAX);
    }
}
