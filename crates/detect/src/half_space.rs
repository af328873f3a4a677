//! Half-space chains: how few of the events of a window came near this one, in bits.
//!
//! After xStream (Manzoor et al., KDD 2018) and half-space trees (Tan et al., IJCAI 2011). A chain halves the
//! space feature by feature from a random start; at each split the cells so far are hashed to one of `width`
//! counters. Few events in a cell, or the expectation of a uniform spread exceeded at no split, is a low density.
//! Events are judged by the counts of the reference window, which is frozen, and counted in the current one; after
//! `window` learned events the current one becomes the reference, so a burst shorter than that stays anomalous to
//! its end. Until the first change the current window is its own reference.
//!
//! Features are standardised by mean and deviation frozen with the window. A missing feature is at its mean.

mod explain;

use crate::{
    Chains, FEATURES_MAX,
    moments::Moments,
    words::{get, half, set, set_half},
};

/// A cell at the first split on a feature, in standard deviations; each further split on it halves that.
const CELL: f32 = 3.0;

/// Standardised values are cut here.
const EDGE: f64 = 30.0;

/// Adding this to a single rounds it to a whole number, in the low bits of its mantissa.
const ROUND: f32 = 12_582_912.0;

/// How much drift of mean (in deviations) or deviation (as a factor) makes a new window take new standards.
const DRIFT: (f64, f64) = (0.25, 1.25);

/// Splits whose counters are located before they are read; no chain has more than 16.
const SPLITS_A_GROUP: usize = 32;

/// Chains whose cell counts are multiplied before one logarithm is taken: 16 * 32 bits are within a double's range.
const CHAINS_A_LOGARITHM: usize = 16;

/// The fewest counters a split that chains are narrowed to.
const WIDTH_MIN: usize = 32;

const LEARNED: usize = 0;
const REFERENCE: usize = 1;
const DIFFERENT: usize = 2;
const REFERENCE_BITS: usize = 3;
const HEAD: usize = 4;

/// Where the numbers are: head, the standards of the reference and of the current window (means, then inverse
/// deviations), splits two a word, counters two a word. A counter's low 16 bits belong to the reference, its high
/// 16 bits to the current window, so that one cache line serves both.
#[derive(Debug, Clone)]
pub(crate) struct HalfSpace {
    features: usize,
    chains: usize,
    depth: usize,
    width: usize,
    window: f64,
    /// Learned events before there is a score.
    settle: f64,
}

/// Standardised features of an event.
type Standardised = [f32; FEATURES_MAX];

impl HalfSpace {
    pub(crate) fn new(chains: Chains, features: usize, settle: u32) -> Self {
        Self {
            features,
            chains: chains.chains as usize,
            depth: chains.depth as usize,
            width: chains.width as usize,
            window: f64::from(chains.window),
            settle: f64::from(settle.min(chains.window)),
        }
    }

    /// The same; chains with the default settings get narrower, down to [`WIDTH_MIN`], where there are fewer words.
    pub(crate) fn within(chains: Chains, features: usize, settle: u32, words: usize) -> Self {
        let mut half_space = Self::new(chains, features, settle);
        if chains == Chains::default() {
            let counters = words.saturating_sub(half_space.counters_at());
            half_space.width = (2 * counters / half_space.splits()).clamp(WIDTH_MIN, half_space.width);
        }
        half_space
    }

    fn splits(&self) -> usize {
        self.chains * self.depth
    }

    fn splits_at(&self) -> usize {
        HEAD + 4 * self.features
    }

    fn counters_at(&self) -> usize {
        self.splits_at() + self.splits().div_ceil(2)
    }

    pub(crate) fn words(&self) -> usize {
        self.counters_at() + (self.splits() * self.width).div_ceil(2)
    }

    /// Draws the splits: each chain takes the features in a random order, again and again while it is deep enough,
    /// so that each time the cells of a feature are halved. The shift is the same for a feature within a chain.
    pub(crate) fn draw(&self, words: &mut [u64], seed: u64) {
        let mut state = seed;
        let splits = &mut words[self.splits_at()..];
        for chain in 0..self.chains {
            let mut order: [u32; FEATURES_MAX] = std::array::from_fn(|feature| feature as u32);
            let mut shifts = [0; FEATURES_MAX];
            for (feature, shift) in shifts[..self.features].iter_mut().enumerate() {
                let swap = ((next(&mut state) >> 32) * (self.features - feature) as u64) >> 32;
                order.swap(feature, feature + swap as usize);
                *shift = (next(&mut state) >> 40) as u32;
            }
            for split in 0..self.depth {
                let (turn, halvings) = (split % self.features, split / self.features);
                let packed = shifts[turn] << 8 | (halvings as u32) << 4 | order[turn];
                set_half(splits, chain * self.depth + split, packed);
            }
        }
    }

    /// Takes the standards of the first window.
    pub(crate) fn start(&self, words: &mut [u64], moments: &Moments, learned: &[u64]) {
        self.take_standards(words, HEAD, moments, learned);
        words.copy_within(HEAD..HEAD + 2 * self.features, HEAD + 2 * self.features);
    }

    /// Scores the event and counts it in the current window; [`HalfSpace::take_back`] undoes the latter.
    pub(crate) fn score(&self, words: &mut [u64], x: &[f64]) -> f64 {
        let (learned, reference) = (get(words, LEARNED), get(words, REFERENCE));
        let different = get(words, DIFFERENT) != 0.0;
        let z = self.standardise(words, HEAD, x);
        let own = if different { self.standardise(words, HEAD + 2 * self.features, x) } else { z };
        let (splits, counters) = words[self.splits_at()..].split_at_mut(self.splits().div_ceil(2));
        let shift = if reference == 0.0 { 16 } else { 0 };
        let (mut bits, mut product) = (0.0, 1.0);
        // Where the counters are is worked out for several chains before any is read: reads that miss the cache
        // then wait together.
        let group = (SPLITS_A_GROUP / self.depth).min(CHAINS_A_LOGARITHM);
        for first in (0..self.chains).step_by(group) {
            let chains = first..self.chains.min(first + group);
            let at = self.locate(splits, &z, chains.clone());
            let own_at = if different { self.locate(splits, &own, chains.clone()) } else { at };
            let located = chains.len() * self.depth;
            for (at, own_at) in at[..located].chunks_exact(self.depth).zip(own_at[..located].chunks_exact(self.depth)) {
                let mut least = u64::MAX;
                for (level, (at, own_at)) in at.iter().zip(own_at).enumerate() {
                    let counter = half(counters, *at as usize) >> shift & 0xffff;
                    least = least.min((u64::from(counter) + 1) << (level + 1));
                    count_up(counters, *own_at as usize);
                }
                product *= least as f64;
            }
            bits += libm::log2(product);
            product = 1.0;
        }
        set(words, LEARNED, learned + 1.0);
        if reference == 0.0 && learned < self.settle {
            return f64::NAN;
        }
        let all = if reference == 0.0 { libm::log2(learned + 1.0) } else { get(words, REFERENCE_BITS) };
        all - bits / self.chains as f64
    }

    /// Takes the event that was scored last out of the current window.
    #[cold]
    pub(crate) fn take_back(&self, words: &mut [u64], x: &[f64]) {
        let own = self.standardise(words, HEAD + 2 * self.features, x);
        set(words, LEARNED, get(words, LEARNED) - 1.0);
        let (splits, counters) = words[self.splits_at()..].split_at_mut(self.splits().div_ceil(2));
        for chain in 0..self.chains {
            for at in &self.locate(splits, &own, chain..chain + 1)[..self.depth] {
                let counter = half(counters, *at as usize);
                if (0x1_0000..0xffff_0000).contains(&counter) {
                    set_half(counters, *at as usize, counter - 0x1_0000);
                }
            }
        }
    }

    /// Makes the current window the reference once it is full.
    pub(crate) fn turn(&self, words: &mut [u64], moments: &Moments, learned: &[u64]) {
        if get(words, LEARNED) < self.window {
            return;
        }
        set(words, REFERENCE, get(words, LEARNED));
        set(words, REFERENCE_BITS, libm::log2(get(words, LEARNED) + 1.0));
        set(words, LEARNED, 0.0);
        let current = HEAD + 2 * self.features;
        words.copy_within(current..current + 2 * self.features, HEAD);
        let different = self.drifted(words, moments, learned);
        if different {
            self.take_standards(words, current, moments, learned);
        }
        set(words, DIFFERENT, f64::from(u8::from(different)));
        for counters in &mut words[self.counters_at()..] {
            *counters = *counters >> 16 & 0x0000_ffff_0000_ffff;
        }
    }

    fn take_standards(&self, words: &mut [u64], at: usize, moments: &Moments, learned: &[u64]) {
        for feature in 0..self.features {
            let (mean, deviation) = moments.standard(learned, feature);
            set(words, at + feature, mean);
            set(words, at + self.features + feature, 1.0 / deviation);
        }
    }

    fn drifted(&self, words: &[u64], moments: &Moments, learned: &[u64]) -> bool {
        let (step, factor) = DRIFT;
        (0..self.features).any(|feature| {
            let (mean, deviation) = moments.standard(learned, feature);
            let inverse = get(words, HEAD + self.features + feature);
            let spread = deviation * inverse;
            let moved = ((mean - get(words, HEAD + feature)) * inverse).abs();
            moved > step || !(1.0 / factor..=factor).contains(&spread)
        })
    }

    fn standardise(&self, words: &[u64], at: usize, x: &[f64]) -> Standardised {
        let (means, inverses) = words[at..at + 2 * self.features].split_at(self.features);
        let mut z = [0.0; FEATURES_MAX];
        for (((z, x), mean), inverse) in z.iter_mut().zip(x).zip(means).zip(inverses) {
            let standardised = (x - f64::from_bits(*mean)) * f64::from_bits(*inverse);
            *z = if standardised.is_nan() { 0.0 } else { standardised.clamp(-EDGE, EDGE) as f32 };
        }
        z
    }

    /// The counters of an event's cells, chain by chain; `chains` have at most [`SPLITS_A_GROUP`] splits.
    #[inline]
    fn locate(&self, splits: &[u64], z: &Standardised, chains: std::ops::Range<usize>) -> [u32; SPLITS_A_GROUP] {
        let mut located = [0; SPLITS_A_GROUP];
        for (chain, located) in chains.zip(located.chunks_exact_mut(self.depth)) {
            let mut cell = 0;
            for (split, at) in (chain * self.depth..).zip(located) {
                cell = step(cell, half(splits, split), z);
                *at = (split * self.width) as u32 + ((u64::from(cell) * self.width as u64) >> 32) as u32;
            }
        }
        located
    }
}

fn count_up(counters: &mut [u64], at: usize) {
    let shift = 32 * (at & 1);
    let word = &mut counters[at / 2];
    let below_its_limit = (*word >> shift) & 0xffff_ffff < 0xffff_0000;
    *word += u64::from(below_its_limit) << (shift + 16);
}

/// The cell within `cell` at a split: feature in the low 4 bits, halvings in the next 4, the shift in the rest.
#[inline]
fn step(cell: u32, split: u32, z: &Standardised) -> u32 {
    let scale = (1 << (split >> 4 & 15)) as f32;
    let shift = (split >> 8) as f32 * (1.0 / 16_777_216.0);
    let bin = ((z[(split & 15) as usize] * (1.0 / CELL) + shift) * scale + ROUND).to_bits();
    let mixed = (cell ^ bin).wrapping_mul(0x9e37_79b1);
    (mixed ^ mixed >> 15).wrapping_mul(0x85eb_ca77)
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ *state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chains that have seen two events, with what was learned of these.
    pub(super) fn half_space() -> (HalfSpace, Vec<u64>, Moments, Vec<u64>) {
        let half_space = HalfSpace::new(Chains { chains: 4, depth: 6, width: 64, window: 64 }, 2, 8);
        let moments = Moments { features: 2, alpha: 1e-2 };
        let (mut words, mut learned) = (vec![0; half_space.words()], vec![0; moments.words()]);
        for x in [[1.0, 1.0], [-1.0, -1.0]] {
            moments.learn(&mut learned, &x);
        }
        half_space.draw(&mut words, 7);
        half_space.start(&mut words, &moments, &learned);
        (half_space, words, moments, learned)
    }

    #[test]
    fn an_event_taken_back_leaves_no_trace() {
        let (half_space, mut words, ..) = half_space();
        half_space.score(&mut words, &[0.3, 0.1]);
        let before = words.clone();
        half_space.score(&mut words, &[0.5, f64::NAN]);
        assert_ne!(words, before);
        half_space.take_back(&mut words, &[0.5, f64::NAN]);
        assert_eq!(words, before);
    }

    #[test]
    fn the_reference_is_frozen_until_the_window_is_full() {
        let (half_space, mut words, moments, learned) = half_space();
        let mut scores = Vec::new();
        for event in 0..192 {
            scores.push(half_space.score(&mut words, if event < 64 { &[0.0, 0.0] } else { &[5.0, 5.0] }));
            half_space.turn(&mut words, &moments, &learned);
        }
        assert!(scores[..8].iter().all(|score| score.is_nan()) && scores[8].is_finite());
        assert!(scores[64] > 4.0 && scores[64..128].iter().all(|score| *score == scores[64]), "{:?}", &scores[60..130]);
        assert!(scores[128] < 0.5 && scores[128..].iter().all(|score| *score == scores[128]));
    }

    /// The first numbers of the generator that its authors published.
    #[test]
    fn splits_are_drawn_by_splitmix64() {
        let mut state = 0;
        let numbers = [next(&mut state), next(&mut state), next(&mut state)];
        assert_eq!(numbers, [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f]);
    }

    #[test]
    fn a_counter_stays_at_its_limit() {
        let mut counters = [0xffff_0000_0001_0000];
        count_up(&mut counters, 1);
        count_up(&mut counters, 0);
        assert_eq!(counters, [0xffff_0000_0002_0000]);
    }
}
