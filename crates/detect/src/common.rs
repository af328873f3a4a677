//! What the keys of a partition have in common: how often texts came that their key had seen so seldom, by how many of the
//! feature's texts the key had seen by then.
//!
//! A key that is new cannot say by itself that a text which it never had is rare. But others were as young before it, and so
//! many of their events had a text as new. These are counts of events and nothing else: they are added up, in any order of keys
//! and in any parts, and come to the same.

use crate::{cause::Seen, scale::log2};

/// Ages of a key, by how many texts of the feature it had seen: powers of two.
const AGES: usize = 15;

/// How often it had seen this one: never, once, and so on by powers of two.
const TIMES: usize = 8;

/// Events of an age at which its counts are halved, so that the past is forgotten.
const EVENTS_MAX: u64 = 1 << 20;

/// How many events of a key what others did is worth.
const PRIOR_EVENTS: f64 = 256.0;

/// Counts of events: features, ages, times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Common {
    pub(crate) words: Box<[u64]>,
}

/// What an event of a key reads of what all keys share, and adds to it.
#[derive(Debug)]
pub struct Sharing<'a> {
    /// What is read. It stays the same for all events of a block, so that these may be taken key by key.
    pub frozen: &'a Common,
    /// Where the event is counted; `None` for one that was counted before.
    pub counted: Option<&'a mut Common>,
}

impl Common {
    /// Before anything was seen of so many features that are texts.
    pub(crate) fn of(features: usize) -> Self {
        Self { words: vec![0; features * AGES * TIMES].into_boxed_slice() }
    }

    /// Counts an event of a key that had seen its text so often.
    pub(crate) fn count(&mut self, feature: usize, seen: Seen) {
        self.words[Self::row(feature, seen) + times(seen)] += 1;
    }

    /// How many events of keys of this age had a text that their key had seen as seldom, and of how many.
    pub(crate) fn as_rare(&self, feature: usize, seen: Seen) -> Seen {
        let row = Self::row(feature, seen);
        let sum = |counts: &[u64]| u32::try_from(counts.iter().sum::<u64>()).unwrap_or(u32::MAX);
        Seen { times: sum(&self.words[row..=row + times(seen)]), of: sum(&self.words[row..row + TIMES]) }
    }

    /// How rare a text is by what others had, in bits, where `rarer` of the key's own events had one as rare: never rarer
    /// than to all keys of this age together. A share of all events is taken for `anomalies` that were counted, or the
    /// anomalies of other keys would hide those of this one.
    pub(crate) fn bits(&self, feature: usize, seen: Seen, rarer: u32, anomalies: f64) -> f64 {
        let others = self.as_rare(feature, seen);
        let (times, of) = (f64::from(others.times), f64::from(others.of));
        // A half where there is none, as of a single key.
        let by_others = ((times - anomalies * of).max(0.0) + 0.5) / (of + 1.0);
        let expected = PRIOR_EVENTS * by_others + f64::from(rarer);
        let share = (expected / (PRIOR_EVENTS + f64::from(seen.of))).max(by_others);
        (-log2(share)).max(0.0)
    }

    /// Adds the counts of a block that is complete.
    pub fn add(&mut self, block: &Common) {
        let (rows, added) = (self.words.chunks_exact_mut(TIMES), block.words.chunks_exact(TIMES));
        for (row, added) in rows.zip(added) {
            row.iter_mut().zip(added).for_each(|(count, added)| *count += added);
            while row.iter().sum::<u64>() > EVENTS_MAX {
                row.iter_mut().for_each(|count| *count /= 2);
            }
        }
    }

    fn row(feature: usize, seen: Seen) -> usize {
        (feature * AGES + (octave(seen.of) as usize).min(AGES - 1)) * TIMES
    }
}

fn times(seen: Seen) -> usize {
    (octave(seen.times) as usize).min(TIMES - 1)
}

/// 0 for 0, 1 for 1, 2 for 2 and 3, 3 for 4 to 7, and so on.
fn octave(count: u32) -> u32 {
    u32::BITS - count.leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(times: u32, of: u32) -> Seen {
        Seen { times, of }
    }

    #[test]
    fn what_comes_seldom_at_an_age_is_rare_at_that_age_only() {
        let mut common = Common::of(2);
        for event in 0..4_000 {
            common.count(1, seen(if event % 1_000 == 0 { 0 } else { 50 }, 70));
            common.count(1, seen(if event % 2 == 0 { 0 } else { 1 }, 2));
        }
        assert_eq!(common.as_rare(1, seen(0, 127)), seen(4, 4_000), "64 to 127 are one age");
        assert_eq!(common.as_rare(1, seen(1, 127)), seen(4, 4_000), "at least as rare");
        assert_eq!(common.as_rare(1, seen(40, 64)), seen(4_000, 4_000));
        assert_eq!(common.as_rare(1, seen(0, 3)), seen(2_000, 4_000));
        assert_eq!((common.as_rare(1, seen(0, 128)), common.as_rare(0, seen(0, 70))), (seen(0, 0), seen(0, 0)));
        let bits = |times, of, rarer| common.bits(1, seen(times, of), rarer, 0.0);
        assert!((bits(0, 100, 0) - common.as_rare(1, seen(0, 100)).bits()).abs() < 0.02, "{}", bits(0, 100, 0));
        assert!(bits(0, 100, 0) > 9.0 && bits(0, 2, 0) < 1.5 && bits(0, 200, 0) < 1.1, "nobody was as old as 200");
        assert!(bits(0, 100, 2) < 8.0, "a key that often has new ones: {}", bits(0, 100, 2));
        // As many as may be anomalies are not held against others, and no more.
        let [few, many] = [1e-3, 5e-4].map(|anomalies| common.bits(1, seen(0, 100), 0, anomalies));
        assert!(few > 12.9 && (10.6..10.7).contains(&many), "{few} {many}");
    }

    #[test]
    fn blocks_add_up_in_any_parts_until_the_past_is_forgotten() {
        let block = |events: std::ops::Range<u32>| {
            let mut common = Common::of(1);
            events.for_each(|event| common.count(0, seen(event % 300, event)));
            common
        };
        let mut parts = block(0..500);
        parts.add(&block(500..3_000));
        assert_eq!(parts, block(0..3_000));
        let (mut long, old) = (Common::of(1), block(20_000..30_000));
        let of_all = |common: &Common| common.words.iter().sum::<u64>();
        (0..200).for_each(|_| long.add(&old));
        assert!((EVENTS_MAX / 2..=EVENTS_MAX).contains(&of_all(&long)), "{}", of_all(&long));
    }
}
