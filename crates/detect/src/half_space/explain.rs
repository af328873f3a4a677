//! Which feature makes an event rare to the chains, and where its value would not be.

use super::{HEAD, HalfSpace, LEARNED, REFERENCE, REFERENCE_BITS, Standardised};
use crate::{
    cause::Finding,
    words::{get, half},
};

/// The steps in which a feature's expected range is looked for, in standard deviations, and how many to each side.
const STEP: f32 = 0.25;
const STEPS: i32 = 48;

impl HalfSpace {
    /// What [`HalfSpace::score`] would say of an event, without counting it.
    fn peek(&self, words: &[u64], z: &Standardised) -> f64 {
        let reference = get(words, REFERENCE);
        let (splits, counters) = words[self.splits_at()..].split_at(self.splits().div_ceil(2));
        let shift = if reference == 0.0 { 16 } else { 0 };
        let mut bits = 0.0;
        for chain in 0..self.chains {
            let at = self.locate(splits, z, chain..chain + 1);
            let counts =
                at[..self.depth].iter().map(|at| u64::from(half(counters, *at as usize) >> shift & 0xffff) + 1);
            let least = counts.enumerate().map(|(level, count)| count << (level + 1)).min().unwrap_or(1);
            bits += libm::log2(least as f64);
        }
        let all = if reference == 0.0 { libm::log2(get(words, LEARNED) + 1.0) } else { get(words, REFERENCE_BITS) };
        all - bits / self.chains as f64
    }

    /// The feature whose mean in place of its value makes the event most ordinary, and the range nearest to the value that
    /// would not be remarkable beside the event's other features.
    #[cold]
    pub(crate) fn explain(&self, words: &[u64], x: &[f64], threshold: f64) -> Option<Finding> {
        let z = self.standardise(words, HEAD, x);
        let with = |feature: usize, value: f32| {
            let mut changed = z;
            changed[feature] = value;
            self.peek(words, &changed)
        };
        let there = (0..self.features).filter(|feature| !x[*feature].is_nan());
        let feature = there.min_by(|a, b| with(*a, 0.0).total_cmp(&with(*b, 0.0)))?;
        let value = z[feature];
        let ordinary = |step: i32| with(feature, value + STEP * step as f32) <= threshold;
        let nearest = (1..=STEPS).flat_map(|step| [step, -step]).find(|step| ordinary(*step));
        let (mean, inverse) = (get(words, HEAD + feature), get(words, HEAD + self.features + feature));
        let back = |step: i32| mean + f64::from(value + STEP * step as f32) / inverse;
        let expected = match nearest {
            Some(first) => {
                let direction = first.signum();
                let last = (1..=STEPS).map(|more| first + direction * more).find(|step| !ordinary(*step));
                let last = last.unwrap_or(first + direction * STEPS) - direction;
                let (near, far) = (back(first), back(last));
                (near.min(far), near.max(far))
            }
            None => (f64::NAN, f64::NAN),
        };
        Some(Finding { feature: Some(feature), expected, deviation: (x[feature] - mean) * inverse })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::half_space::tests::half_space;

    #[test]
    fn an_explanation_scores_as_the_score_and_names_the_odd_feature() {
        let (half_space, mut words, moments, learned) = half_space();
        for event in 0..200 {
            let x = [(f64::from(event) * 0.7).sin(), (f64::from(event) * 1.3).sin()];
            half_space.score(&mut words, &x);
            half_space.turn(&mut words, &moments, &learned);
        }
        let odd = [0.2, 6.0];
        let z = half_space.standardise(&words, HEAD, &odd);
        let peeked = half_space.peek(&words, &z);
        let found = half_space.explain(&words, &odd, peeked - 1.0).unwrap();
        assert!(found.feature == Some(1) && found.expected.1 < 6.0 && found.expected.0 < found.expected.1, "{found:?}");
        assert_eq!(half_space.score(&mut words, &odd), peeked);
    }
}
