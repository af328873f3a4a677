//! How rare a score is, in bits: minus log2 of the share of ordinary events that score at least as high.
//!
//! Ordinary scores are counted in bins of their logarithm; the share above a bin's edge is counted where enough events
//! are, and extrapolated beyond by the slope of the bits over the logarithm and by how that slope grows: both are
//! measured between bulk quantiles, which a few per cent of anomalies do not move. (Over the logarithm of a score the
//! slope of a power law's tail is constant, that of an exponential's doubles with each octave, that of a normal's
//! grows fourfold.) Scores of few distinct values are recognised by their gaps and are not extrapolated: there the count
//! itself decides, a bin's width on the safe side.
//!
//! Counts are integers, halved when there are [`COUNT_MAX`], so that the past is forgotten. The table of bits is worked
//! out afresh after every eighth more events.

use crate::{
    scale::{Scale, log2},
    words::{half, set_half},
};

/// Bins, an eighth of an octave each.
pub(crate) const BINS: usize = 56;

/// Counted events at which all counts are halved.
const COUNT_MAX: u32 = 8192;

/// Events between two tables, at least.
const REFIT_EVENTS: u32 = 16;

/// Units of the table a bit.
const UNITS: f64 = 4.0;

/// The most bits that are said of any score.
pub(crate) const BITS_MAX: f64 = 64.0;

/// The share of events above the lowest quantile that the tail is measured from.
const UPPER_BITS: f64 = 1.5;

/// The bits between the lowest and the highest of these quantiles, at most: further down scores may be of another kind.
const SPAN_BITS: f64 = 4.5;

/// Events above the highest quantile that the tail is measured from, at least, and their share, at least.
const TAIL_EVENTS: f64 = 32.0;
const TAIL_SHARE: f64 = 0.004;
const TAIL_SHARE_MAX: f64 = 0.06;

/// The share of events in bins that stick out of their neighbours beyond which scores are taken for discrete.
const SPIKY: f64 = 0.45;

/// How many events the expected growth of the slope is worth.
const PRIOR_EVENTS: f64 = 256.0;

/// How many bits beyond what so many events could show are believed at once; of more than that a share, the whole of it only
/// when so many events are counted.
const KNOWN_BITS: f64 = 6.0;
const PROVEN_EVENTS: f64 = 4096.0;

/// The largest surprise, and the least distance of the quantiles that it is measured between, as a share of the first.
const SURPRISE_MAX: f64 = 1e6;
const SURPRISE_WIDTH_MIN: f64 = 0.05;

/// Where what recurs is usual: how many bits beyond the count are said of scores that one event was above, of `n` events an `n`th
/// of that; and bits a bin beyond the last event.
const RECURRING_BITS: f64 = 6.0;
const RECURRING_SLOPE: f64 = 2.0;

/// Bits a bin that are assumed beyond the last value of a discrete score.
const GAP_SLOPE: f64 = 0.35;

const COUNTED: usize = 0;
const DUE: usize = 1;
const DISCRETE: u32 = 1 << 31;
const COUNTS: usize = 1;
const TABLE: usize = COUNTS + BINS / 4;
const SURPRISE: usize = TABLE + BINS / 8;

/// Words of a histogram with its table, and the line of its surprise: offset and slope as singles.
pub(crate) const RARITY_WORDS: usize = SURPRISE + 1;

/// The bits between which the line of the surprise is measured.
const SURPRISE_BITS: (f64, f64) = (1.5, 4.0);

/// What is expected of the tails of a layer's scores.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rarity {
    /// How much the slope grows a bin, as a logarithm, before anything is known, and the range in which it is believed.
    pub(crate) growth: f64,
    pub(crate) growth_range: (f64, f64),
    /// Whether scores that are counted are usual however far they are out, so that what was seen again and again is not
    /// extrapolated.
    pub(crate) recurring: bool,
}

impl Rarity {
    /// The rarity of a score at `place` (in bins); 0 before there is a table.
    #[inline]
    pub(crate) fn bits(words: &[u64], place: f64) -> f64 {
        between(|bin| table(words, bin), place)
    }

    /// The place at which the rarity first reaches `bits`.
    pub(crate) fn place_of(words: &[u64], bits: f64) -> f64 {
        let wanted = bits * UNITS;
        for bin in 1..BINS {
            let (low, high) = (f64::from(table(words, bin - 1)), f64::from(table(words, bin)));
            if high >= wanted {
                return bin as f64 - 1.0 + if high > low { ((wanted - low) / (high - low)).max(0.0) } else { 0.0 };
            }
        }
        BINS as f64 - 1.0 + 8.0 * (bits - f64::from(table(words, BINS - 1)) / UNITS).max(0.0)
    }

    /// How rare scores with these counts are, of which such a share may be anomalies.
    pub(crate) fn fitted(&self, counts: &[u32; BINS], anomalies: f64) -> Table {
        let counted = f64::from(counts.iter().sum::<u32>());
        Table(self.table(counts, above(counts, counted), counted, spiky(counts, counted), anomalies))
    }

    /// How surprising a score is, in bits, were the tail as light as that of normal values: a straight line through two bulk
    /// quantiles, of the score's square where it is in standard deviations. Unlike [`Rarity::bits`] it tells a score that is
    /// far out from one that is just rare, and anomalies that are counted do not lower it.
    #[inline]
    pub(crate) fn surprise(words: &[u64], scale: Scale, score: f64) -> f64 {
        let [offset, slope] = [0, 1].map(|index| f64::from(f32::from_bits(half(words, 2 * SURPRISE + index))));
        (offset + slope * scale.tail(score)).clamp(0.0, SURPRISE_MAX)
    }

    /// Whether the scores are of few distinct values.
    pub(crate) fn discrete(words: &[u64]) -> bool {
        half(words, DUE) & DISCRETE != 0
    }

    /// The bin that a place is in.
    #[inline]
    pub(crate) fn bin(place: f64) -> usize {
        place.clamp(0.0, BINS as f64 - 1.0) as usize
    }

    /// How many events are counted.
    pub(crate) fn counted(words: &[u64]) -> u32 {
        half(words, COUNTED)
    }

    /// The last bin that has a score; the first where none has.
    pub(crate) fn last(words: &[u64]) -> usize {
        (0..BINS).rev().find(|bin| count_of(words, *bin) > 0).unwrap_or(0)
    }

    /// Counts a score among the ordinary ones.
    #[inline]
    pub(crate) fn count(&self, words: &mut [u64], scale: Scale, place: f64, excluded: f64) {
        let bin = Self::bin(place);
        let shift = 16 * (bin & 3);
        words[COUNTS + bin / 4] += 1 << shift;
        let counted = half(words, COUNTED) + 1;
        set_half(words, COUNTED, counted);
        if counted >= half(words, DUE) & !DISCRETE {
            self.refit(words, scale, counted, excluded);
        }
    }

    #[cold]
    fn refit(&self, words: &mut [u64], scale: Scale, counted: u32, excluded: f64) {
        let mut counted = counted;
        if counted >= COUNT_MAX {
            counted = halve(words);
            set_half(words, COUNTED, counted);
        }
        set_half(words, DUE, counted + (counted / 8).max(REFIT_EVENTS));
        let counts: [u32; BINS] = std::array::from_fn(|bin| count_of(words, bin));
        let discrete = spiky(&counts, f64::from(counted));
        set_half(words, DUE, half(words, DUE) | if discrete { DISCRETE } else { 0 });
        let bits = above(&counts, f64::from(counted));
        for (index, value) in surprise(&bits, scale).into_iter().enumerate() {
            set_half(words, 2 * SURPRISE + index, (value as f32).to_bits());
        }
        let table = self.table(&counts, bits, f64::from(counted), discrete, excluded);
        for (eight, word) in table.chunks_exact(8).zip(&mut words[TABLE..TABLE + BINS / 8]) {
            *word = eight.iter().rev().fold(0, |word, units| word << 8 | u64::from(*units));
        }
    }

    /// The bits at each bin's lower edge, in units.
    fn table(
        &self,
        counts: &[u32; BINS],
        mut bits: [f64; BINS],
        counted: f64,
        discrete: bool,
        excluded: f64,
    ) -> [u8; BINS] {
        if discrete {
            self.steps(counts, &mut bits, counted);
        } else {
            let seen = bits;
            self.extrapolate(&mut bits, counted, excluded);
            if self.recurring {
                recurring(counts, &seen, &mut bits);
            }
        }
        let mut least = 0.0;
        bits.map(|bits| {
            least = bits.clamp(least, BITS_MAX - 0.25);
            (least * UNITS + 0.5) as u8
        })
    }

    /// A bin's width to the safe side, and beyond the last value as little as the events say, or a gap's slope.
    fn steps(&self, counts: &[u32; BINS], bits: &mut [f64; BINS], counted: f64) {
        let last = counts.iter().rposition(|count| *count > 0).unwrap_or(0);
        for bin in (1..BINS).rev() {
            bits[bin] = if bin <= last + 1 {
                bits[bin - 1]
            } else {
                log2(counted + 1.0).max(bits[last] + GAP_SLOPE * (bin - last) as f64)
            };
        }
    }

    fn extrapolate(&self, bits: &mut [f64; BINS], counted: f64, excluded: f64) {
        let tail =
            log2(1.0 / (1.5 * excluded).clamp(TAIL_SHARE, TAIL_SHARE_MAX)).min(log2(counted / TAIL_EVENTS)).max(2.5);
        let first = UPPER_BITS.max(tail - SPAN_BITS);
        let quantiles = [first, (first + tail) / 2.0, tail].map(|wanted| place(bits, wanted));
        let step = (tail - first) / 2.0;
        let widths = [(quantiles[1] - quantiles[0]).max(0.05), (quantiles[2] - quantiles[1]).max(0.05)];
        let (lower, upper) = (step / widths[0], step / widths[1]);
        let seen = ln(upper / lower) / ((quantiles[2] - quantiles[0]) / 2.0).max(0.1);
        let growth = (counted * seen + PRIOR_EVENTS * self.growth) / (counted + PRIOR_EVENTS);
        let growth = growth.clamp(self.growth_range.0, self.growth_range.1);
        let slope = upper * libm::exp(growth * widths[1] / 2.0);
        let known = log2(counted) + KNOWN_BITS;
        let beyond_tail = quantiles[2].max(0.0) as usize + 1;
        let mut extrapolated = 0.0;
        for (bin, bits) in bits.iter_mut().enumerate().skip(beyond_tail) {
            // It grows with the bin: behind one that has the most, all have.
            if extrapolated < BITS_MAX {
                let beyond = bin as f64 - quantiles[2];
                let grown = if growth.abs() < 1e-6 { beyond } else { libm::expm1(growth * beyond) / growth };
                extrapolated = (tail + slope * grown).min(BITS_MAX);
            }
            let doubtful = (extrapolated - known).max(0.0) * (1.0 - (counted / PROVEN_EVENTS).min(1.0));
            *bits = extrapolated - doubtful;
        }
    }
}

/// The bits at each bin's lower edge, in units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Table([u8; BINS]);

impl Table {
    /// The rarity of a score at `place`.
    #[inline]
    pub(crate) fn bits(&self, place: f64) -> f64 {
        between(|bin| self.0[bin], place)
    }
}

/// The bits at a place, between those of two edges by the straight line.
#[inline]
fn between(table: impl Fn(usize) -> u8, place: f64) -> f64 {
    let inside = place.clamp(0.0, BINS as f64 - 1.0);
    let bin = inside as usize;
    let low = f64::from(table(bin));
    let high = f64::from(table((bin + 1).min(BINS - 1)));
    let bits = (low + (high - low) * (inside - bin as f64)) / UNITS;
    (bits + 0.125 * (place - inside).max(0.0)).min(BITS_MAX)
}

/// Limits the bits at each bin's lower edge by what was counted.
fn recurring(counts: &[u32; BINS], seen: &[f64; BINS], bits: &mut [f64; BINS]) {
    let mut above: u32 = counts.iter().sum();
    let mut limit = f64::INFINITY;
    for bin in 0..BINS {
        limit = if above == 0 { limit + RECURRING_SLOPE } else { seen[bin] + RECURRING_BITS / f64::from(above) };
        bits[bin] = bits[bin].min(limit.max(0.0));
        above -= counts[bin];
    }
}

/// The bits at each bin's lower edge as counted.
fn above(counts: &[u32; BINS], counted: f64) -> [f64; BINS] {
    let (mut bits, mut above) = ([0.0; BINS], 0);
    let all = log2(counted + 1.0);
    let mut of_bin = all - log2(0.5);
    for bin in (0..BINS).rev() {
        // Most bins are empty, and a logarithm is what costs here.
        if counts[bin] > 0 {
            above += counts[bin];
            of_bin = all - log2(f64::from(above) + 0.5);
        }
        bits[bin] = of_bin;
    }
    bits
}

/// Offset and slope of the surprise.
fn surprise(bits: &[f64; BINS], scale: Scale) -> [f64; 2] {
    let (low, high) = SURPRISE_BITS;
    let [first, second] = [low, high].map(|wanted| scale.tail(scale.score(place(bits, wanted))));
    // Two quantiles at one score would make any other surprising.
    let width = (second - first).max(SURPRISE_WIDTH_MIN * first.abs()).max(SURPRISE_WIDTH_MIN);
    let slope = (high - low) / width;
    [low - slope * first, slope]
}

/// Where the bits first reach `wanted`, between two edges by the straight line.
fn place(bits: &[f64; BINS], wanted: f64) -> f64 {
    let after = bits.iter().position(|bits| *bits >= wanted).unwrap_or(BINS - 1).max(1);
    let (low, high) = (bits[after - 1], bits[after]);
    after as f64 - 1.0 + if high > low { ((wanted - low) / (high - low)).clamp(0.0, 1.0) } else { 1.0 }
}

fn spiky(counts: &[u32; BINS], counted: f64) -> bool {
    let mut sticking = 0.0;
    for bin in 0..BINS {
        let below = if bin > 0 { counts[bin - 1] } else { 0 };
        let above = if bin + 1 < BINS { counts[bin + 1] } else { 0 };
        let beyond = f64::from(counts[bin]) - f64::from(below.max(above)) * 1.5;
        if bin > 0 || above == 0 {
            sticking += beyond.max(0.0);
        }
    }
    sticking > SPIKY * counted
}

/// Halves all counts; what one leaves over goes to the next.
fn halve(words: &mut [u64]) -> u32 {
    let (mut rest, mut sum) = (0, 0);
    for bin in 0..BINS {
        let shift = 16 * (bin & 3);
        let word = &mut words[COUNTS + bin / 4];
        let count = (*word >> shift & 0xffff) + rest;
        rest = count & 1;
        *word = *word & !(0xffff << shift) | (count >> 1) << shift;
        sum += count >> 1;
    }
    sum as u32
}

fn count_of(words: &[u64], bin: usize) -> u32 {
    (words[COUNTS + bin / 4] >> (16 * (bin & 3)) & 0xffff) as u32
}

fn table(words: &[u64], bin: usize) -> u8 {
    (words[TABLE + bin / 8] >> (8 * (bin & 7))) as u8
}

fn ln(x: f64) -> f64 {
    log2(x) * std::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table that says a quarter of a bit more at each bin, from 0 on, and 20 bits at the last.
    fn words() -> Vec<u64> {
        let mut words = vec![0; RARITY_WORDS];
        for bin in 0..BINS {
            let units = if bin + 1 < BINS { bin as u64 } else { 80 };
            words[TABLE + bin / 8] |= units << (8 * (bin % 8));
        }
        words
    }

    #[test]
    fn bits_are_between_those_of_the_edges_and_grow_beyond_the_last() {
        let words = words();
        for (place, bits) in [
            (-3.0, 0.0),
            (0.0, 0.0),
            (1.0, 0.25),
            (10.5, 2.625),
            (54.0, 13.5),
            (54.5, 16.75),
            (55.0, 20.0),
            (63.0, 21.0),
            (1e6, BITS_MAX),
        ] {
            assert_eq!(Rarity::bits(&words, place), bits, "{place}");
        }
    }

    #[test]
    fn the_place_of_bits_is_where_they_are_first_reached() {
        let words = words();
        for (bits, place) in [
            (-1.0, 0.0),
            (0.0, 0.0),
            (0.25, 1.0),
            (2.625, 10.5),
            (16.75, 54.5),
            (20.0, 55.0),
            (21.0, 63.0),
            (30.0, 135.0),
        ] {
            assert_eq!(Rarity::place_of(&words, bits), place, "{bits}");
        }
    }
}
