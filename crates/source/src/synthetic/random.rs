//! Random numbers that depend on a seed and a place only, the same on every machine.
//!
//! ChaCha8 with one stream a block; logarithms and trigonometry from libm, which gives the same bits everywhere.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// The random numbers of one block of events.
pub(crate) struct Random {
    generator: ChaCha8Rng,
    /// The second normal number of a pair.
    spare: Option<f64>,
}

impl Random {
    pub(crate) fn new(seed: u64, block: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(block);
        Self { generator, spare: None }
    }

    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        unit(self.generator.next_u64())
    }

    /// Uniform in [low, high).
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A whole number below `count`, which must not be 0.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        ((self.unit() * count as f64) as usize).min(count - 1)
    }

    pub(crate) fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// Normal with mean 0 and variance 1 (Box and Muller, Ann. Math. Statist. 29 (1958) 610).
    pub(crate) fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * libm::log(1.0 - self.unit())).sqrt();
        let (sine, cosine) = libm::sincos(std::f64::consts::TAU * self.unit());
        self.spare = Some(radius * sine);
        radius * cosine
    }

    /// An index, by weights that sum to 1.
    pub(crate) fn weighted(&mut self, weights: impl IntoIterator<Item = f64>) -> usize {
        let at = self.unit();
        let mut sum = 0.0;
        let mut last = 0;
        for (index, weight) in weights.into_iter().enumerate() {
            sum += weight;
            last = index;
            if at < sum {
                break;
            }
        }
        last
    }
}

/// A hash of a few numbers (finaliser of SplitMix64: Steele, Lea, Flood, OOPSLA 2014), for what must be known of a key
/// without having seen its events.
pub(crate) fn hash(parts: &[u64]) -> u64 {
    parts.iter().fold(0x9e37_79b9_7f4a_7c15, |state, part| {
        let mut z = (state ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

/// 53 bits as a number in [0, 1).
pub(crate) fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// Uniform in [-1, 1), of a hash.
pub(crate) fn signed(parts: &[u64]) -> f64 {
    2.0 * unit(hash(parts)) - 1.0
}
