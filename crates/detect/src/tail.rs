//! The threshold of a layer: peaks over threshold with a generalised Pareto tail, kept up to date on the stream.
//!
//! After SPOT (Siffer et al., KDD 2017), with what a long stream of small states needs. Warm-up scores give a
//! first threshold `base` that few scores exceed. Excesses over it are collected in blocks of [`PEAKS`]; a block's
//! probability-weighted moments (Hosking and Wallis, 1987) are unbiased, so blocks are averaged and the fit has
//! the accuracy of hundreds of peaks at the price of one block. The share of peaks is averaged with them, and
//! `base` moves along the fitted tail when that share leaves its range.
//!
//! Alarms are not learned from, which would make any tail look light: as many alarms as ordinary events should
//! raise stand in the fit, each as a quantile of the fitted tail beyond the threshold and never as its own size.
//! The exclusion is capped: when a layer's recent events hold more alarms than its cap, they are the new normal.

use crate::words::{get, half, set, set_half};

/// Excesses in a block.
pub(crate) const PEAKS: usize = 32;

/// Peaks that the averaged moments stand for, at most.
const PEAKS_REMEMBERED: f64 = 512.0;

/// The shape before anything is known, and how many peaks that is worth.
const SHAPE_PRIOR: (f64, f64) = (0.15, 32.0);

/// Alarms that may stand in the fit at once, at most.
const BUDGET_MAX: f64 = 4.0;

/// While a fit is young its threshold may be far too low, and then this many times the expected alarms stand in it.
const YOUNG: f64 = 4.0;

/// The golden ratio less one: its multiples fill the unit interval evenly.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

const THRESHOLD: usize = 0;
const BASE: usize = 1;
const EVENTS: usize = 2;
const BUDGET: usize = 3;
const EXCLUDED: usize = 4;
const LEARNABLE: usize = 5;
const ACCRUAL: usize = 6;
const BLOCK: usize = 7;
const SHARE: usize = 8;
const MOMENT_0: usize = 9;
const MOMENT_1: usize = 10;
const WEIGHT: usize = 11;
const DRAWS: usize = 12;
const SCALE: usize = 13;
const SHAPE: usize = 14;
const FIELDS: usize = 15;

/// Words of a threshold: its numbers and its block of peaks.
pub(crate) const TAIL_WORDS: usize = FIELDS + PEAKS / 2;

/// How a layer's threshold is found.
#[derive(Debug, Clone)]
pub(crate) struct Tail {
    /// The share of ordinary events above the threshold.
    rate: f64,
    /// The share of ordinary events above the base.
    share: f64,
    /// A threshold is never less than this.
    least: f64,
    /// Scores that give the first base.
    calibration: f64,
    /// Alarms an event that the layer may learn from all the same.
    learnable: f64,
    /// What the count of recent exclusions keeps at each event.
    keep: f64,
    /// Recent exclusions beyond which alarms are learned from.
    cap: f64,
}

/// Which alarms a layer does not learn from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exclusion {
    /// Events after which an exclusion is forgotten.
    pub(crate) memory: f64,
    /// The share of the memory that may be excluded; what alarms beyond it is the new normal.
    pub(crate) cap: f64,
    /// Alarms the layer may learn from all the same, as a multiple of the false-alarm rate.
    pub(crate) learnable: f64,
}

/// What became of a score.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Verdict {
    /// Score over threshold; 0 before there is one.
    pub(crate) ratio: f64,
    pub(crate) alarm: bool,
    /// Whether the layer should learn from the event.
    pub(crate) learn: bool,
}

impl Tail {
    /// For a share `rate` of false alarms, never at scores below `least`, after `calibration` scores.
    pub(crate) fn new(rate: f64, least: f64, calibration: u32, exclusion: Exclusion) -> Self {
        let memory = exclusion.memory.max(64.0);
        Self {
            rate,
            share: peak_share(rate),
            least,
            calibration: f64::from(calibration),
            learnable: exclusion.learnable * rate,
            keep: 1.0 - 1.0 / memory,
            cap: exclusion.cap * memory,
        }
    }

    /// Judges a score and learns from it. NaN is no score and changes nothing.
    #[inline]
    pub(crate) fn observe(&self, words: &mut [u64], score: f64) -> Verdict {
        if score.is_nan() {
            return Verdict { ratio: 0.0, alarm: false, learn: true };
        }
        let threshold = get(words, THRESHOLD);
        if threshold == 0.0 {
            self.calibrate(words, score);
            return Verdict { ratio: 0.0, alarm: false, learn: true };
        }
        let ratio = (score / threshold).max(0.0);
        let events = get(words, EVENTS) + 1.0;
        set(words, EVENTS, events);
        set(words, BUDGET, (get(words, BUDGET) + get(words, ACCRUAL)).min(BUDGET_MAX));
        set(words, LEARNABLE, (get(words, LEARNABLE) + self.learnable).min(BUDGET_MAX));
        set(words, EXCLUDED, get(words, EXCLUDED) * self.keep);
        let verdict = if score <= threshold {
            let excess = score - get(words, BASE);
            if excess > 0.0 {
                self.push(words, excess);
            }
            Verdict { ratio, alarm: false, learn: true }
        } else {
            let learn = self.alarm(words);
            Verdict { ratio, alarm: true, learn }
        };
        // A base that hardly any score exceeds would never fill its block.
        if events * self.share > 4.0 * PEAKS as f64 {
            self.refit(words);
        }
        verdict
    }

    /// Accounts for an alarm; whether the layer should learn from it.
    #[cold]
    fn alarm(&self, words: &mut [u64]) -> bool {
        let (excluded, budget) = (get(words, EXCLUDED), get(words, BUDGET));
        let capped = excluded + 1.0 > self.cap;
        let learn = capped || get(words, LEARNABLE) >= 1.0;
        if learn {
            set(words, LEARNABLE, (get(words, LEARNABLE) - 1.0).max(0.0));
        } else {
            set(words, EXCLUDED, excluded + 1.0);
        }
        if capped || budget >= 1.0 {
            set(words, BUDGET, (budget - 1.0).max(0.0));
            let draw = get(words, DRAWS) + 1.0;
            set(words, DRAWS, draw % 4096.0);
            let beyond = (get(words, THRESHOLD) - get(words, BASE)).max(0.0);
            let shape = get(words, SHAPE);
            let scale = (get(words, SCALE) + shape * beyond).max(0.0);
            let survival = 1.0 - (draw * GOLDEN) % 1.0;
            self.push(words, beyond + excess_at(scale, shape, survival));
        } else {
            set(words, EVENTS, get(words, EVENTS) - 1.0);
        }
        learn
    }

    /// Adds a peak to the block.
    fn push(&self, words: &mut [u64], excess: f64) {
        let block = get(words, BLOCK) as usize;
        set_half(&mut words[FIELDS..], block, (excess as f32).to_bits());
        set(words, BLOCK, (block + 1) as f64);
        if block + 1 == PEAKS {
            self.refit(words);
        }
    }

    /// Keeps the largest scores of the warm-up; the first base and fit follow from them.
    #[cold]
    fn calibrate(&self, words: &mut [u64], score: f64) {
        let seen = get(words, EVENTS) + 1.0;
        set(words, EVENTS, seen);
        let mut largest = peaks(words);
        let kept = get(words, BLOCK) as usize;
        if kept < PEAKS {
            largest[kept] = score as f32;
            set(words, BLOCK, (kept + 1) as f64);
        } else if score as f32 > largest[PEAKS - 1] {
            largest[PEAKS - 1] = score as f32;
        }
        let kept = PEAKS.min(kept + 1);
        largest[..kept].sort_unstable_by(|a, b| b.total_cmp(a));
        set_peaks(words, &largest);
        if seen < self.calibration {
            return;
        }
        let wanted = (self.share * seen).ceil().max((seen / 4.0).min(10.0)) as usize;
        let count = wanted.clamp(1, kept - 1);
        let base = largest[count];
        // A wild value in the warm-up must not lift the threshold out of reach.
        let limit = 20.0 * (largest[count / 2] - base);
        let mut excesses = [0.0; PEAKS];
        for (excess, score) in excesses.iter_mut().zip(&largest[..count]) {
            *excess = (score - base).min(limit);
        }
        set_peaks(words, &excesses);
        set(words, BASE, f64::from(base));
        set(words, SHARE, count as f64 / seen);
        set(words, BLOCK, count as f64);
        self.refit(words);
    }

    /// Averages the block into the fit, starts another, and works the threshold out.
    #[cold]
    fn refit(&self, words: &mut [u64]) {
        let (count, events) = (get(words, BLOCK), get(words, EVENTS));
        let mut block = peaks(words);
        let block = &mut block[..count as usize];
        block.sort_unstable_by(f32::total_cmp);
        let mut weight = get(words, WEIGHT);
        let share = count / events;
        if !(self.share / 3.0..=self.share * 3.0).contains(&share) {
            weight = weight.min(2.0 * PEAKS as f64);
        }
        let total = weight + count;
        let average = |old: f64, new: f64| if total > 0.0 { (weight * old + count * new) / total } else { old };
        let (block_0, block_1) = probability_weighted_moments(block);
        let (moment_0, moment_1) = (average(get(words, MOMENT_0), block_0), average(get(words, MOMENT_1), block_1));
        let old_events = if weight > 0.0 { weight / get(words, SHARE) } else { 0.0 };
        let mut share = total.max(0.5) / (old_events + events);
        let shape = shape(moment_0, moment_1, total);
        let mut scale = (1.0 - shape) * moment_0;
        let mut remembered = total.clamp(1.0, PEAKS_REMEMBERED);
        set(words, MOMENT_0, moment_0);
        set(words, MOMENT_1, moment_1);
        if weight > 0.0 && !(self.share / 2.0..=self.share * 2.0).contains(&share) {
            // Over another base a generalised Pareto tail keeps its shape and its scale grows by shape * step.
            let survival = (self.share / share).min(16.0);
            let step = excess_at(scale, shape, survival);
            set(words, BASE, get(words, BASE) + step);
            scale = (scale + shape * step).max(0.0);
            share *= survival;
            remembered = remembered.min(4.0 * PEAKS as f64);
            set(words, MOMENT_0, scale / (1.0 - shape));
            set(words, MOMENT_1, scale / (2.0 * (2.0 - shape)));
        }
        set(words, SHARE, share);
        set(words, WEIGHT, remembered);
        let young = if remembered < PEAKS_REMEMBERED { YOUNG } else { 1.0 };
        set(words, ACCRUAL, self.rate * young);
        set(words, SCALE, scale);
        set(words, SHAPE, shape);
        set(words, BLOCK, 0.0);
        set(words, EVENTS, 0.0);
        let threshold = get(words, BASE) + excess_at(scale, shape, (self.rate / share).min(1.0));
        set(words, THRESHOLD, threshold.max(self.least));
    }
}

/// The share of events above the base: enough above the false-alarm rate that peaks are mostly not alarms.
fn peak_share(rate: f64) -> f64 {
    (4.0 * rate).clamp(0.02, 0.3)
}

/// How many scores may be calibrated on, so that the base is among the largest that are kept.
pub(crate) fn calibration_max(rate: f64) -> u32 {
    ((PEAKS - 1) as f64 / peak_share(rate)) as u32
}

/// The excess that a share `survival` of peaks exceeds: (survival^-shape - 1) scale / shape.
fn excess_at(scale: f64, shape: f64, survival: f64) -> f64 {
    let log = -libm::log(survival);
    if shape.abs() < 1e-6 { scale * log } else { scale * libm::expm1(shape * log) / shape }
}

/// The mean of x and of x (1 - F(x)), unbiased, over ascending values.
fn probability_weighted_moments(ascending: &[f32]) -> (f64, f64) {
    let count = ascending.len() as f64;
    let (mut moment_0, mut moment_1) = (0.0, 0.0);
    for (index, x) in ascending.iter().enumerate() {
        moment_0 += f64::from(*x);
        moment_1 += f64::from(*x) * (count - 1.0 - index as f64);
    }
    if count < 2.0 { (moment_0, moment_0 / 4.0) } else { (moment_0 / count, moment_1 / (count * (count - 1.0))) }
}

/// The shape that the moments of `count` peaks give, drawn to what is likely while they are few.
fn shape(moment_0: f64, moment_1: f64, count: f64) -> f64 {
    let (prior, worth) = SHAPE_PRIOR;
    let spread = moment_0 - 2.0 * moment_1;
    let fitted = if spread > 1e-9 * moment_0 { (2.0 - moment_0 / spread).max(-1.0) } else { -1.0 };
    ((count * fitted + worth * prior) / (count + worth)).clamp(-0.5, 0.6)
}

fn peaks(words: &[u64]) -> [f32; PEAKS] {
    std::array::from_fn(|index| f32::from_bits(half(&words[FIELDS..], index)))
}

fn set_peaks(words: &mut [u64], peaks: &[f32; PEAKS]) {
    for (index, peak) in peaks.iter().enumerate() {
        set_half(&mut words[FIELDS..], index, peak.to_bits());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moments_give_back_the_tail_they_came_from() {
        for (scale, truth) in [(2.0, 0.0), (1.0, 0.3), (3.0, -0.3)] {
            let quantiles: Vec<f32> =
                (1..4000).map(|i| excess_at(scale, truth, 1.0 - f64::from(i) / 4000.0) as f32).collect();
            let (moment_0, moment_1) = probability_weighted_moments(&quantiles);
            let fitted = shape(moment_0, moment_1, 1e9);
            assert!((fitted - truth).abs() < 0.03, "{fitted} for {truth}");
            assert!(((1.0 - fitted) * moment_0 - scale).abs() < 0.05 * scale);
        }
    }
}
