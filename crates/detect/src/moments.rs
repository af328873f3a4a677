//! Exponentially weighted mean and variance of each feature, and the largest |z| against them.

use crate::{
    cause::Finding,
    words::{SCORE_MAX, get, pull, set, variance_floor, weight},
};

/// Where a feature's numbers are: means, variances, counts, each `features` words.
#[derive(Debug, Clone)]
pub(crate) struct Moments {
    pub(crate) features: usize,
    pub(crate) alpha: f64,
}

impl Moments {
    pub(crate) fn words(&self) -> usize {
        3 * self.features
    }

    /// The largest |z| of the features that are there; NaN where there is none with a mean.
    pub(crate) fn score(&self, words: &[u64], x: &[f64]) -> f64 {
        let (means, rest) = words.split_at(self.features);
        let (variances, counts) = rest.split_at(self.features);
        let mut largest = f64::NAN;
        for (((x, mean), variance), count) in x.iter().zip(means).zip(variances).zip(counts) {
            let deviation = x - f64::from_bits(*mean);
            let squared = deviation * deviation / f64::from_bits(*variance);
            let squared = if f64::from_bits(*count) >= 2.0 { squared } else { f64::NAN };
            largest = largest.max(squared);
        }
        if largest.is_nan() { largest } else { largest.sqrt().min(SCORE_MAX) }
    }

    /// The features whose |z| is above `threshold`, the largest first, and always that one; each with the range around its
    /// mean that the threshold leaves.
    pub(crate) fn explain(&self, words: &[u64], x: &[f64], threshold: f64) -> Vec<Finding> {
        let mut found: Vec<Finding> = Vec::new();
        for (feature, x) in x.iter().enumerate() {
            let (mean, deviation) = self.standard(words, feature);
            let z = (x - mean) / deviation;
            if z.is_nan() || get(words, feature + 2 * self.features) < 2.0 {
                continue;
            }
            let width = threshold * deviation;
            found.push(Finding {
                feature: Some(feature),
                expected: (mean - width, mean + width),
                deviation: z.clamp(-SCORE_MAX, SCORE_MAX),
            });
        }
        found.sort_by(|a, b| b.deviation.abs().total_cmp(&a.deviation.abs()));
        let above = found.iter().filter(|finding| finding.deviation.abs() > threshold).count();
        found.truncate(above.max(1));
        found
    }

    /// Updates mean and variance of the features that are there: West (1979), with the plain mean and the
    /// population variance at the start.
    pub(crate) fn learn(&self, words: &mut [u64], x: &[f64]) {
        for (feature, x) in x.iter().enumerate() {
            if x.is_nan() {
                continue;
            }
            let [mean, variance, count] = [feature, feature + self.features, feature + 2 * self.features];
            let (m, v, n) = (get(words, mean), get(words, variance), get(words, count) + 1.0);
            let a = weight(self.alpha, n);
            let deviation = pull(x - m, m, v, n);
            let m = m + a * deviation;
            set(words, mean, m);
            set(words, variance, ((1.0 - a) * (v + a * deviation * deviation)).max(variance_floor(m)));
            set(words, count, n);
        }
    }

    /// Mean and standard deviation of a feature.
    pub(crate) fn standard(&self, words: &[u64], feature: usize) -> (f64, f64) {
        let mean = get(words, feature);
        (mean, get(words, feature + self.features).max(variance_floor(mean)).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_is_the_plain_mean_and_variance() {
        let moments = Moments { features: 1, alpha: 1e-3 };
        let mut words = vec![0; moments.words()];
        for x in [1.0, 2.0, 3.0, 6.0] {
            moments.learn(&mut words, &[x]);
        }
        let (mean, deviation) = moments.standard(&words, 0);
        assert!((mean - 3.0).abs() < 1e-12 && (deviation - 3.5f64.sqrt()).abs() < 1e-12);
        assert!((moments.score(&words, &[10.0]) - 7.0 / 3.5f64.sqrt()).abs() < 1e-12);
        assert!(moments.score(&words, &[f64::NAN]).is_nan());
    }

    #[test]
    fn the_feature_that_is_furthest_out_is_named_first() {
        let moments = Moments { features: 3, alpha: 1e-3 };
        let mut words = vec![0; moments.words()];
        for x in [[1.0, 10.0, 5.0], [3.0, 30.0, 5.0]] {
            moments.learn(&mut words, &x);
        }
        let found = moments.explain(&words, &[-3.0, 70.0, f64::NAN], 3.0);
        // Means 2 and 20, deviations 1 and 10.
        assert_eq!(found[0], Finding { feature: Some(0), expected: (-1.0, 5.0), deviation: -5.0 });
        assert_eq!((found.len(), found[1].feature, found[1].deviation), (2, Some(1), 5.0));
        assert_eq!(moments.explain(&words, &[2.5, 20.0, f64::NAN], 3.0).len(), 1);
        assert_eq!(moments.explain(&words, &[-3.0, 70.0, f64::NAN], 5.0).len(), 1, "none is above the threshold");
    }
}
