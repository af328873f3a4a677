//! How long one waits for the next: the waits that were, and how long one may be.

use crate::{
    rarity::{RARITY_WORDS, Rarity},
    scale::{Scale, log2},
};

/// The limit while too little is known.
pub(super) const NEVER: i64 = i64::MAX / 2;

/// Waits are counted by half-octaves from so many octaves of microseconds on: 4 ms to 12 days.
const LEAST_OCTAVE: f64 = 12.0;
const BINS_AN_OCTAVE: f64 = 2.0;
/// Of octaves half a unit a bin.
const SCALE: Scale = Scale::Sums;

/// The slope of the bits of an exponential tail doubles with each octave, that of a power law stays.
const TAIL: Rarity = Rarity { growth: 0.15, growth_range: (0.0, 0.4), recurring: true };

/// A wait that is longer than so many limits is not learned from, unless two before it were.
const FAR: i64 = 4;
const FAR_MAX: u32 = 2;

/// The bits of a wait that is longer than usual.
const USUAL_BITS: f64 = 4.0;

/// Waits after which the limit is worked out afresh.
const FIT_EVERY: u32 = 16;

/// The waits of a key, or the steps of a watermark.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Waits {
    pub(super) words: [u64; RARITY_WORDS],
    /// How many were learned from, and how many in a row were too long for that.
    pub(super) learned: u32,
    pub(super) far: u32,
    /// The longest that is usual, and the longest that does not alarm, in microseconds.
    pub(super) usual: i64,
    pub(super) limit: i64,
}

impl Default for Waits {
    fn default() -> Self {
        Self { words: [0; RARITY_WORDS], learned: 0, far: 0, usual: NEVER, limit: NEVER }
    }
}

impl Waits {
    /// Learns a wait. The limit has the bits that are asked for, and is there after the warm-up.
    pub(super) fn learn(&mut self, wait: i64, bits: f64, warm_up: u32) {
        if wait / FAR <= self.limit {
            self.far = 0;
        } else if self.far < FAR_MAX {
            self.far += 1;
            return;
        }
        TAIL.count(&mut self.words, SCALE, place(wait), 0.0);
        self.learned = self.learned.saturating_add(1);
        if self.learned == warm_up || self.learned > warm_up && self.learned.is_multiple_of(FIT_EVERY) {
            (self.usual, self.limit) = (self.at(USUAL_BITS), self.at(bits));
        }
    }

    /// How rare so long a wait is.
    pub(super) fn bits(&self, wait: i64) -> f64 {
        Rarity::bits(&self.words, place(wait))
    }

    /// The wait of so many bits. It is at most an octave beyond the longest that is counted, and one more for each bit that so few
    /// waits cannot show.
    fn at(&self, bits: f64) -> i64 {
        let unseen = (bits - log2(f64::from(Rarity::counted(&self.words).max(1)))).max(0.0);
        let longest = (Rarity::last(&self.words) + 1) as f64 + BINS_AN_OCTAVE * (1.0 + unseen);
        let place = Rarity::place_of(&self.words, bits).min(longest);
        (libm::exp2(place / BINS_AN_OCTAVE + LEAST_OCTAVE) as i64).min(NEVER)
    }
}

fn place(wait: i64) -> f64 {
    (BINS_AN_OCTAVE * (log2(wait.max(1) as f64) - LEAST_OCTAVE)).max(0.0)
}
