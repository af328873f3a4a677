//! A histogram of 128 bins whose width doubles when a value lies outside, so that its counts stay exact.
//!
//! Bins lie on a dyadic grid: their width is a power of two and their edges are multiples of it. A bin of the doubled width
//! is therefore two whole bins of the old one.

/// How many bins.
pub const BINS: usize = 128;
/// The first value's bin is so many powers of two narrower than the value itself.
const FINENESS: i32 = 20;
/// Powers of two of the narrowest and the widest bin: any finite value has a place on the grid.
const NARROWEST: i32 = -1000;
const WIDEST: i32 = 1023;

/// Counts by value.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// The width of a bin is two to this power.
    power: i32,
    /// Which multiple of the width the first bin begins at.
    first: i64,
    counts: [u64; BINS],
    total: u64,
    missing: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { power: NARROWEST, first: 0, counts: [0; BINS], total: 0, missing: 0 }
    }
}

impl Histogram {
    /// Counts a value; one that is not finite counts as missing.
    pub fn add(&mut self, value: f64) {
        if !value.is_finite() {
            self.missing += 1;
            return;
        }
        if self.total == 0 {
            self.power = (exponent(value) - FINENESS).clamp(NARROWEST, WIDEST);
            self.first = self.grid(value).unwrap_or_default() - BINS as i64 / 2;
        }
        self.total += 1;
        loop {
            let place = self.grid(value).map(|grid| grid - self.first);
            match place.and_then(|place| usize::try_from(place).ok()).filter(|place| *place < BINS) {
                Some(place) => {
                    self.counts[place] += 1;
                    return;
                }
                None if self.slide(value) => {}
                None => self.double(),
            }
        }
    }

    /// Counts a value that is not there.
    pub fn add_missing(&mut self) {
        self.missing += 1;
    }

    /// Where the first bin begins; the least number there is where that would be below it.
    pub fn low(&self) -> f64 {
        (self.first as f64 * self.width()).clamp(f64::MIN, f64::MAX)
    }

    /// The width of a bin.
    pub fn width(&self) -> f64 {
        2f64.powi(self.power)
    }

    /// The counts, by bin.
    pub fn counts(&self) -> &[u64; BINS] {
        &self.counts
    }

    /// How many values were counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many were null or not finite.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// Which bin of the whole grid `value` lies in; `None` where the number of bins has no exact form.
    fn grid(&self, value: f64) -> Option<i64> {
        let bin = match value / self.width() {
            // So small that the division gives zero: it lies below zero all the same.
            zero if zero == 0.0 && value < 0.0 => -1.0,
            bin => bin.floor(),
        };
        (bin.abs() < 2f64.powi(53)).then_some(bin as i64)
    }

    /// Moves the bins so that `value` has one, where the used ones allow that.
    fn slide(&mut self, value: f64) -> bool {
        let Some(grid) = self.grid(value) else { return false };
        let used = |index: &usize| self.counts[*index] > 0;
        let (Some(from), Some(to)) = ((0..BINS).find(used), (0..BINS).rev().find(used)) else {
            self.first = grid - BINS as i64 / 2;
            return true;
        };
        let (from, to) = (self.first + from as i64, self.first + to as i64);
        let (low, high) = (from.min(grid), to.max(grid));
        if high - low >= BINS as i64 {
            return false;
        }
        let first = low - (BINS as i64 - 1 - (high - low)) / 2;
        let mut counts = [0; BINS];
        for (index, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            counts[(self.first + index as i64 - first) as usize] = *count;
        }
        (self.first, self.counts) = (first, counts);
        true
    }

    fn double(&mut self) {
        let first = self.first.div_euclid(2);
        let mut counts = [0; BINS];
        for (index, count) in self.counts.iter().enumerate() {
            counts[((self.first + index as i64).div_euclid(2) - first) as usize] += count;
        }
        (self.power, self.first, self.counts) = (self.power + 1, first, counts);
    }
}

/// The power of two at or below the size of `value`; that of the smallest normal number for smaller ones.
fn exponent(value: f64) -> i32 {
    (((value.abs().to_bits() >> 52) & 0x7ff) as i32 - 1023).max(-1022)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[f64]) -> Histogram {
        let mut histogram = Histogram::default();
        values.iter().for_each(|value| histogram.add(*value));
        histogram
    }

    #[test]
    fn a_range_of_values_fills_at_least_half_of_the_bins() {
        let values: Vec<f64> = (0..1000).map(|number| f64::from(number) * 0.37 - 20.0).collect();
        let histogram = of(&values);
        assert!(histogram.counts().iter().filter(|count| **count > 0).count() >= BINS / 2 - 1, "{histogram:?}");
    }

    #[test]
    fn what_is_not_finite_is_missing() {
        let histogram = of(&[f64::NAN, f64::INFINITY, 1.0]);
        assert_eq!((histogram.total(), histogram.missing()), (1, 2));
    }

    #[test]
    fn the_largest_and_the_smallest_numbers_have_a_place() {
        for values in [[f64::MAX, f64::MIN], [0.0, f64::MAX], [f64::MIN_POSITIVE / 4.0, 1e300], [0.0, -0.0]] {
            assert_eq!(of(&values).counts().iter().sum::<u64>(), 2, "{values:?}");
        }
    }

    proptest! {
        /// No value is lost or put into the wrong bin, however often the width doubled.
        #[test]
        fn counts_are_exact(values in prop::collection::vec(prop_oneof![-1e3f64..1e3, -1e9f64..1e9, Just(0.0), any::<f64>()], 1..300)) {
            let histogram = of(&values);
            prop_assert!(histogram.low().is_finite());
            let width = histogram.width();
            let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
            prop_assert_eq!(histogram.total(), finite.len() as u64);
            prop_assert_eq!(histogram.missing(), (values.len() - finite.len()) as u64);
            if !finite.is_empty() {
                let mut expected = [0u64; BINS];
                for value in &finite {
                    // What lies so close below zero that the division gives zero is in the bin below zero.
                    let tiny = value / width == 0.0 && *value < 0.0;
                    let bin = if tiny { -1.0 } else { (value / width).floor() };
                    expected[(bin as i64 - histogram.first) as usize] += 1;
                }
                prop_assert_eq!(histogram.counts(), &expected);
            }
        }
    }
}
