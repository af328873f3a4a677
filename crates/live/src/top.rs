//! The most frequent keys in a fixed number of counters, by the space-saving algorithm.
//!
//! Metwally, Agrawal, El Abbadi, "Efficient computation of frequent and top-k elements in data streams" (ICDT 2005): a key
//! that has no counter takes over the smallest one, whose count becomes its error. A count is never too low, and too high
//! by its error at most.

use hashbrown::HashMap;

/// How many keys have a counter.
pub(crate) const KEYS_MAX: usize = 256;
/// Bytes of a key that are kept; what is beyond is left out.
pub(crate) const KEY_BYTES_MAX: usize = 256;

/// One key's counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopKey {
    /// The key, its first [`KEY_BYTES_MAX`] bytes.
    pub key: Box<str>,
    /// How many rows it had, or more.
    pub count: u64,
    /// By how much the count may be too high.
    pub error: u64,
    /// Of its rows, the anomalous ones since it has its counter.
    pub anomalies: u64,
    /// When its last row came, in milliseconds since 1970.
    pub last_ms: i64,
}

/// The most frequent keys.
#[derive(Debug, Default)]
pub struct TopKeys {
    places: HashMap<Box<str>, usize>,
    keys: Vec<TopKey>,
    total: u64,
}

impl TopKeys {
    /// Counts `rows` of a key, `anomalies` of them anomalous.
    pub fn add(&mut self, key: &str, rows: u64, anomalies: u64, now_ms: i64) {
        let key = shortened(key);
        self.total += rows;
        let place = match self.places.get(key) {
            Some(place) => *place,
            None => self.place(key),
        };
        let counter = &mut self.keys[place];
        counter.count += rows;
        counter.anomalies += anomalies;
        counter.last_ms = now_ms;
    }

    /// A counter for a key that has none.
    fn place(&mut self, key: &str) -> usize {
        let fresh = |error| TopKey { key: key.into(), count: error, error, anomalies: 0, last_ms: 0 };
        let smallest = (0..self.keys.len()).min_by_key(|place| self.keys[*place].count);
        let place = match smallest.filter(|_| self.keys.len() >= KEYS_MAX) {
            Some(place) => {
                let old = std::mem::replace(&mut self.keys[place], fresh(0));
                self.keys[place] = fresh(old.count);
                self.places.remove(&old.key);
                place
            }
            None => {
                self.keys.push(fresh(0));
                self.keys.len() - 1
            }
        };
        self.places.insert(key.into(), place);
        place
    }

    /// The keys, the most frequent first.
    pub fn sorted(&self) -> Vec<&TopKey> {
        let mut keys: Vec<&TopKey> = self.keys.iter().collect();
        keys.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
        keys
    }

    /// About how many bytes the counters take.
    pub(crate) fn bytes(&self) -> usize {
        self.keys.iter().map(|counter| size_of::<TopKey>() + 2 * counter.key.len() + 48).sum()
    }

    /// Rows of all keys.
    pub fn total(&self) -> u64 {
        self.total
    }
}

/// At most [`KEY_BYTES_MAX`] bytes of a text, cut between characters.
pub(crate) fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(KEY_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_long_key_is_cut_between_characters() {
        let mut keys = TopKeys::default();
        keys.add(&"é".repeat(KEY_BYTES_MAX), 1, 0, 0);
        assert_eq!(keys.sorted()[0].key.len(), KEY_BYTES_MAX);
        keys.add(&format!("x{}", "é".repeat(KEY_BYTES_MAX)), 1, 0, 0);
        assert_eq!(keys.sorted()[1].key.len().max(keys.sorted()[0].key.len()), KEY_BYTES_MAX);
    }

    proptest! {
        #[test]
        fn counts_are_never_too_low_and_too_high_by_their_error_at_most(
            rows in prop::collection::vec(0u32..600, 1..3000)
        ) {
            let mut keys = TopKeys::default();
            let mut exact: HashMap<String, u64> = HashMap::new();
            for row in &rows {
                let key = (row % 7 * row).to_string();
                keys.add(&key, 1, 0, 0);
                *exact.entry(key).or_default() += 1;
            }
            prop_assert!(keys.sorted().len() <= KEYS_MAX);
            prop_assert_eq!(keys.total(), rows.len() as u64);
            for counter in keys.sorted() {
                let count = exact[&*counter.key];
                prop_assert!(counter.count >= count && counter.count - counter.error <= count, "{:?} {}", counter, count);
            }
            if exact.len() <= KEYS_MAX {
                prop_assert!(keys.sorted().iter().all(|counter| counter.error == 0));
            }
        }
    }
}
