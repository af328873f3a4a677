//! Which key of a partition has more than its part of the events: what no number of workers helps against.
//!
//! One row of sixteen is counted, by the space-saving algorithm (Metwally, Agrawal, El Abbadi, "Efficient computation of frequent and
//! top-k elements in data streams", ICDT 2005), so that a row costs next to nothing. Nothing that comes out of a stage depends on it.

use arrow::array::{StringArray, UInt64Array};
use twox_hash::XxHash3_128;

use crate::Key;

/// So many bits of a position's hash are zero where its row is counted.
const SAMPLE_BITS: u32 = 4;
/// Rows that are counted before it is said what they show: those of some 16,000 events, of which a share of a fifth is known to
/// 1.2 points (a standard deviation).
const WINDOW: u32 = 1024;
/// How many keys have a counter: a key with more than a sixteenth of the rows has one whatever comes.
const COUNTERS: usize = 16;
/// A key that has no more than this share is not hot: without it the partition would have four fifths of its work still.
const SHARE_MIN: f64 = 0.2;
/// Where a partition has few keys, each has a large share. A hot one has so many times as much as an even one.
const TIMES_EVEN: f64 = 1.5;
/// A key that is hot stays so down to this part of the limit, so that one that is near it does not come and go.
const STAYS: f64 = 0.75;
/// Bytes of a key that are kept, to name it; what is beyond is left out.
const KEY_BYTES_MAX: usize = 256;

/// A key that has more than its part of a partition's events.
#[derive(Debug, Clone, PartialEq)]
pub struct HotKey {
    /// The key, its first 256 bytes.
    pub key: Key,
    /// Its share of the partition's events, from 0 to 1.
    pub share: f64,
}

/// Looks for the hot key of one partition, in bounded memory.
#[derive(Debug, Default)]
pub struct HotKeys {
    counters: Vec<Counter>,
    counted: u32,
    hot: Option<HotKey>,
}

/// How many rows a key had: `count` at most, and `count - error` at least.
#[derive(Debug)]
struct Counter {
    hash: u128,
    key: String,
    count: u32,
    error: u32,
}

impl HotKeys {
    /// Bytes that this takes at most.
    pub const BYTES_MAX: usize = size_of::<Self>() + COUNTERS * (size_of::<Counter>() + KEY_BYTES_MAX) + KEY_BYTES_MAX;

    /// Takes the keys of the partition's rows, which are at these positions, in any cut.
    pub fn take(&mut self, keys: &StringArray, positions: &UInt64Array) {
        for (row, position) in positions.values().iter().enumerate() {
            if is_counted(*position) {
                self.count(keys.value(row));
            }
        }
    }

    /// The hot key of about the last 16,000 events, where there is one.
    pub fn hot(&self) -> Option<&HotKey> {
        self.hot.as_ref()
    }

    fn count(&mut self, key: &str) {
        let hash = XxHash3_128::oneshot(key.as_bytes());
        if let Some(counter) = self.counters.iter_mut().find(|counter| counter.hash == hash) {
            counter.count += 1;
        } else {
            let key = &key[..key.floor_char_boundary(KEY_BYTES_MAX)];
            if self.counters.len() < COUNTERS {
                self.counters.push(Counter { hash, key: key.to_owned(), count: 1, error: 0 });
            } else if let Some(smallest) = self.counters.iter_mut().min_by_key(|counter| counter.count) {
                smallest.hash = hash;
                smallest.key.clear();
                smallest.key.push_str(key);
                smallest.error = smallest.count;
                smallest.count += 1;
            }
        }
        self.counted += 1;
        if self.counted == WINDOW {
            self.conclude();
        }
    }

    /// Decides which key is hot, and starts counting again from zero.
    fn conclude(&mut self) {
        let before = self.hot.take();
        let few = self.counters.iter().all(|counter| counter.error == 0);
        let even = if few { 1.0 / self.counters.len() as f64 } else { 0.0 };
        let sure = |counter: &Counter| counter.count - counter.error;
        if let Some(most) = self.counters.iter().max_by_key(|counter| sure(counter)) {
            let stays = before.is_some_and(|hot| *hot.key == *most.key);
            let limit = SHARE_MIN.max(even * TIMES_EVEN) * if stays { STAYS } else { 1.0 };
            let share = f64::from(sure(most)) / f64::from(WINDOW);
            self.hot = (share > limit).then(|| HotKey { key: most.key.as_str().into(), share });
        }
        self.counters.clear();
        self.counted = 0;
    }
}

/// Whether the row at a position is counted. Multiples of the golden ratio spread evenly over the hashes, also those of every n-th
/// position, so that keys that come in turn are counted as often as each other (Knuth, volume 3, 6.4).
fn is_counted(position: u64) -> bool {
    position.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - SAMPLE_BITS) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes events from `begin` on, in batches of `cut`.
    fn take(keys: &mut HotKeys, begin: u64, events: u64, cut: u64, key: impl Fn(u64) -> String) {
        for first in (begin..begin + events).step_by(cut as usize) {
            let positions = first..(first + cut).min(begin + events);
            let of_rows = StringArray::from_iter_values(positions.clone().map(&key));
            keys.take(&of_rows, &UInt64Array::from_iter_values(positions));
        }
    }

    fn random(position: u64) -> u64 {
        let mixed = (position ^ (position >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 33
    }

    /// So many of a hundred events have one key, the others one of `others`.
    fn skewed(of_hundred: u64, others: u64) -> impl Fn(u64) -> String {
        move |position| match random(position) % 100 < of_hundred {
            true => "hot".to_owned(),
            false => format!("k{}", random(position + (1 << 40)) % others),
        }
    }

    fn found(of_hundred: u64, others: u64) -> Option<HotKey> {
        let mut keys = HotKeys::default();
        take(&mut keys, 0, 20_000, 1000, skewed(of_hundred, others));
        keys.hot().cloned()
    }

    #[test]
    fn a_key_with_a_large_share_is_named_with_its_share() {
        for (of_hundred, others) in [(52, 5000), (52, 10), (30, 5000), (90, 3), (99, 1)] {
            let hot = found(of_hundred, others).unwrap();
            assert_eq!(&*hot.key, "hot");
            assert!((hot.share * 100.0 - of_hundred as f64).abs() < 6.0, "{of_hundred} of {others}: {}", hot.share);
        }
    }

    #[test]
    fn keys_that_are_as_frequent_as_the_others_are_not_hot() {
        for (of_hundred, others) in [(0, 1), (0, 2), (0, 3), (0, 5), (0, 8), (0, 5000), (10, 5000), (33, 2)] {
            assert_eq!(found(of_hundred, others), None, "{of_hundred} {others}");
        }
        // Those that come in turn are not taken for one that comes always.
        for every in 2..200 {
            let mut keys = HotKeys::default();
            take(&mut keys, 0, 20_000, 1000, |position| (position % every).to_string());
            assert_eq!(keys.hot(), None, "{every}");
        }
    }

    #[test]
    fn the_cut_into_batches_makes_no_difference() {
        let at = |cut| {
            let mut keys = HotKeys::default();
            take(&mut keys, 0, 20_000, cut, skewed(40, 300));
            keys.hot().cloned().unwrap()
        };
        assert_eq!(at(1), at(7));
        assert_eq!(at(1), at(20_000));
    }

    #[test]
    fn nothing_is_said_of_a_few_events_and_a_key_that_is_no_longer_frequent_is_forgotten() {
        let mut keys = HotKeys::default();
        take(&mut keys, 0, 10_000, 1000, skewed(60, 300));
        assert_eq!(keys.hot(), None);
        take(&mut keys, 10_000, 10_000, 1000, skewed(60, 300));
        assert!(keys.hot().is_some());
        take(&mut keys, 20_000, 40_000, 1000, skewed(17, 300));
        assert!(keys.hot().is_some(), "a little below the limit it stays");
        take(&mut keys, 60_000, 40_000, 1000, skewed(5, 300));
        assert_eq!(keys.hot(), None);
    }

    #[test]
    fn long_keys_take_no_more_memory() {
        let mut keys = HotKeys::default();
        take(&mut keys, 0, 20_000, 1000, |position| format!("{}{position}", "é".repeat(2 * KEY_BYTES_MAX)));
        assert!(keys.counters.iter().all(|counter| counter.key.len() <= KEY_BYTES_MAX));
        take(&mut keys, 20_000, 20_000, 1000, |_| "é".repeat(KEY_BYTES_MAX));
    }
}
