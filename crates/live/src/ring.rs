//! Series of one column: buckets aligned to the epoch, in rings of a fixed length.
//!
//! A bucket keeps first, minimum, maximum and last, so that a line drawn through them has the pixels of the line through
//! all values (M4: Jugel et al., "M4: A Visualization-Oriented Time Series Data Aggregation", VLDB 2014), however many
//! values a bucket stands for.

use std::mem::size_of;

/// Buckets that are allocated together.
const CHUNK: usize = 60;

/// The resolutions: seconds of a bucket, and how many buckets are kept. 15 minutes, 6 hours, 48 hours.
pub const RESOLUTIONS: [(u32, u32); 3] = [(1, 900), (10, 2160), (60, 2880)];

/// What one bucket knows of its values.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bucket {
    /// How many values.
    pub count: u64,
    /// The first one.
    pub first: f64,
    /// The smallest one.
    pub min: f64,
    /// The largest one.
    pub max: f64,
    /// The last one.
    pub last: f64,
    /// Their sum.
    pub sum: f64,
}

impl Bucket {
    /// Adds a value; one that is not finite is left out.
    pub fn add(&mut self, value: f64) {
        if value.is_finite() {
            self.merge(&Bucket { count: 1, first: value, min: value, max: value, last: value, sum: value });
        }
    }

    /// Adds the values of `later`, which came after these.
    pub fn merge(&mut self, later: &Bucket) {
        match (self.count, later.count) {
            (_, 0) => {}
            (0, _) => *self = *later,
            _ => {
                self.count += later.count;
                self.min = self.min.min(later.min);
                self.max = self.max.max(later.max);
                self.last = later.last;
                self.sum += later.sum;
            }
        }
    }

    /// The mean of the values; `None` where there are none.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// Some buckets that stand side by side, once one of them has a value.
#[derive(Debug, Clone)]
struct Chunk {
    /// Which chunk since the epoch this is.
    number: i64,
    buckets: Box<[Bucket; CHUNK]>,
}

/// The newest buckets of one width. A value takes the same time whatever lies between it and the one before.
#[derive(Debug, Clone)]
pub struct Ring {
    step: i64,
    chunks: Vec<Option<Chunk>>,
}

impl Ring {
    /// A ring of `length` buckets of `step` seconds at least.
    pub fn new(step: u32, length: u32) -> Self {
        // One chunk more, so that the length is there also while the newest chunk has just begun.
        let chunks = (length as usize).div_ceil(CHUNK) + 1;
        Self { step: i64::from(step.max(1)), chunks: vec![None; chunks] }
    }

    /// Adds `values` at `second` since 1970. Values older than the ring are left out.
    pub fn add(&mut self, second: i64, values: &Bucket) {
        let index = second.div_euclid(self.step);
        let (number, place) = (index.div_euclid(CHUNK as i64), index.rem_euclid(CHUNK as i64) as usize);
        let slot = number.rem_euclid(self.chunks.len() as i64) as usize;
        let chunk = match &mut self.chunks[slot] {
            Some(chunk) if chunk.number > number => return,
            Some(chunk) if chunk.number == number => chunk,
            Some(chunk) => {
                chunk.number = number;
                *chunk.buckets = [Bucket::default(); CHUNK];
                chunk
            }
            empty => empty.insert(Chunk { number, buckets: Box::new([Bucket::default(); CHUNK]) }),
        };
        chunk.buckets[place].merge(values);
    }

    /// The bucket that `second` lies in; an empty one where nothing is known.
    pub fn at(&self, second: i64) -> Bucket {
        let index = second.div_euclid(self.step);
        let number = index.div_euclid(CHUNK as i64);
        let slot = number.rem_euclid(self.chunks.len() as i64) as usize;
        match &self.chunks[slot] {
            Some(chunk) if chunk.number == number => chunk.buckets[index.rem_euclid(CHUNK as i64) as usize],
            _ => Bucket::default(),
        }
    }

    /// The buckets from the one that has `from` to the one that has `to`, with the second that the first begins at.
    pub fn range(&self, from: i64, to: i64) -> (i64, Vec<Bucket>) {
        let length = self.chunks.len() as i64 * CHUNK as i64;
        let last = to.div_euclid(self.step);
        let first = from.div_euclid(self.step).clamp(last - length, last);
        (first * self.step, (first..=last).map(|index| self.at(index * self.step)).collect())
    }

    /// Bytes that the ring takes.
    fn bytes(&self) -> usize {
        let used = self.chunks.iter().flatten().count();
        self.chunks.len() * size_of::<Option<Chunk>>() + used * CHUNK * size_of::<Bucket>()
    }

    /// Bytes of a full ring of `length` buckets.
    pub const fn bytes_max(length: u32) -> usize {
        ((length as usize).div_ceil(CHUNK) + 1) * (CHUNK * size_of::<Bucket>() + size_of::<Option<Chunk>>())
    }
}

/// One column at every resolution.
#[derive(Debug, Clone)]
pub struct Series {
    rings: [Ring; RESOLUTIONS.len()],
}

impl Series {
    /// Bytes of a full series.
    pub const BYTES_MAX: usize = {
        let (mut bytes, mut index) = (size_of::<Series>(), 0);
        while index < RESOLUTIONS.len() {
            bytes += Ring::bytes_max(RESOLUTIONS[index].1);
            index += 1;
        }
        bytes
    };

    /// Bytes that the series takes.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.rings.iter().map(Ring::bytes).sum::<usize>()
    }

    /// Adds `values` at `second` since 1970.
    pub fn add(&mut self, second: i64, values: &Bucket) {
        self.rings.iter_mut().for_each(|ring| ring.add(second, values));
    }

    /// The ring whose buckets have `step` seconds.
    pub fn ring(&self, step: u32) -> Option<&Ring> {
        self.rings.iter().find(|ring| ring.step == i64::from(step))
    }
}

impl Default for Series {
    fn default() -> Self {
        Self { rings: RESOLUTIONS.map(|(step, length)| Ring::new(step, length)) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bucket(values: &[f64]) -> Bucket {
        let mut bucket = Bucket::default();
        values.iter().for_each(|value| bucket.add(*value));
        bucket
    }

    #[test]
    fn a_bucket_knows_first_min_max_last_and_mean() {
        let values = bucket(&[3.0, -1.0, f64::NAN, 7.0, 5.0]);
        assert_eq!(values, Bucket { count: 4, first: 3.0, min: -1.0, max: 7.0, last: 5.0, sum: 14.0 });
        assert_eq!(values.mean(), Some(3.5));
        assert_eq!(Bucket::default().mean(), None);
    }

    #[test]
    fn a_ring_forgets_what_is_older_than_its_length_and_takes_no_value_from_before() {
        let mut ring = Ring::new(1, 900);
        ring.add(1_000, &bucket(&[1.0]));
        ring.add(1_000 + 2 * 960, &bucket(&[2.0]));
        assert_eq!(ring.at(1_000).count, 0);
        ring.add(1_000 + 960, &bucket(&[3.0]));
        assert_eq!(ring.at(2_920).last, 2.0, "a value from before does not take the place of a newer one");
        assert_eq!(ring.at(1_960).count, 0);
    }

    #[test]
    fn a_range_is_aligned_to_the_epoch_and_has_empty_buckets() {
        let mut ring = Ring::new(10, 2160);
        ring.add(1_764_000_007, &bucket(&[1.0]));
        ring.add(1_764_000_025, &bucket(&[2.0]));
        let (start, buckets) = ring.range(1_764_000_003, 1_764_000_029);
        assert_eq!(start, 1_764_000_000);
        assert_eq!(buckets.iter().map(|bucket| bucket.count).collect::<Vec<_>>(), [1, 0, 1]);
        let (_, all) = ring.range(i64::MIN / 2, 1_764_000_029);
        assert!(all.len() <= 2160 + 2 * CHUNK, "{}", all.len());
    }

    proptest! {
        /// Whatever the cuts, every resolution has what one look at all values has.
        #[test]
        fn buckets_are_those_of_all_values(
            values in prop::collection::vec((0i64..800, -1e6f64..1e6), 1..200),
            cut in 1usize..20,
        ) {
            let mut values = values;
            values.sort_by_key(|(second, _)| *second);
            let begin = 1_764_000_000;
            let mut series = Series::default();
            for part in values.chunks(cut) {
                for (second, value) in part {
                    series.add(begin + second, &bucket(&[*value]));
                }
            }
            for (step, _) in RESOLUTIONS {
                let (start, buckets) = series.ring(step).unwrap().range(begin, begin + 800);
                for (index, found) in buckets.iter().enumerate() {
                    let from = start + index as i64 * i64::from(step);
                    let inside = |second: i64| (from..from + i64::from(step)).contains(&(begin + second));
                    let of: Vec<f64> = values.iter().filter(|(second, _)| inside(*second)).map(|(_, v)| *v).collect();
                    let expected = bucket(&of);
                    prop_assert_eq!(*found, expected);
                }
            }
        }
    }
}
