//! What the keys of a partition have in common: how often texts came that their key had seen so seldom, by how many of the
//! feature's texts the key had seen by then; and how high scores were of keys that were young.
//!
//! A key that is new cannot say by itself that a text which it never had, or a score, is rare. But others were as young before it,
//! and so many of their events had a text as new or a score as high. These are counts of events and nothing else: they are added
//! up, in any order of keys and in any parts, and come to the same.

use crate::{
    cause::Seen,
    counts::{add, sum},
    scale::log2,
    young::YoungScores,
};

/// Ages of a key, by how many texts of the feature it had seen: powers of two.
const AGES: usize = 15;

/// How often it had seen this one: never, once, and so on by powers of two.
const TIMES: usize = 8;

/// How many events of a key what others did is worth.
const PRIOR_EVENTS: f64 = 256.0;

/// Counts of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Common {
    /// Features, ages, times.
    texts: Box<[u64]>,
    pub(crate) scores: YoungScores,
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
    /// Before anything was seen of so many features that are texts, and of scores, where those are counted.
    pub(crate) fn of(texts: usize, scores: bool) -> Self {
        let texts = vec![0; texts * AGES * TIMES].into_boxed_slice();
        Self { texts, scores: if scores { YoungScores::counted() } else { YoungScores::default() } }
    }

    /// How many words all counts are.
    pub(crate) fn words(&self) -> usize {
        self.texts.len() + self.scores.counts().len()
    }

    /// All counts.
    pub(crate) fn to_words(&self) -> Vec<u64> {
        [&self.texts, self.scores.counts()].concat()
    }

    /// With these counts, as many as there are words.
    pub(crate) fn with(mut self, words: &[u64]) -> Self {
        let (texts, scores) = words.split_at(self.texts.len());
        self.texts.copy_from_slice(texts);
        self.scores.restore(scores);
        self
    }

    /// Counts an event of a key that had seen its text so often.
    pub(crate) fn count(&mut self, feature: usize, seen: Seen) {
        self.texts[Self::row(feature, seen) + times(seen)] += 1;
    }

    /// How many events of keys of this age had a text that their key had seen as seldom, and of how many.
    pub(crate) fn as_rare(&self, feature: usize, seen: Seen) -> Seen {
        let row = Self::row(feature, seen);
        Seen { times: sum(&self.texts[row..=row + times(seen)]), of: sum(&self.texts[row..row + TIMES]) }
    }

    /// Adds the counts of a block that is complete.
    pub fn add(&mut self, block: &Common) {
        add(&mut self.texts, &block.texts, TIMES);
        self.scores.add(&block.scores);
    }

    fn row(feature: usize, seen: Seen) -> usize {
        (feature * AGES + (octave(seen.of) as usize).min(AGES - 1)) * TIMES
    }
}

/// How rare, in bits, what so many of all keys' events have is to a key of whose own so many have it: never rarer than to all
/// keys together. A share of all events is taken for `anomalies` that were counted, or the anomalies of other keys would hide those of
/// this one.
pub(crate) fn bits_among(others: Seen, own: Seen, anomalies: f64) -> f64 {
    let (times, of) = (f64::from(others.times), f64::from(others.of));
    // A half where there is none, as of a single key.
    let by_others = ((times - anomalies * of).max(0.0) + 0.5) / (of + 1.0);
    let expected = PRIOR_EVENTS * by_others + f64::from(own.times);
    let share = (expected / (PRIOR_EVENTS + f64::from(own.of))).max(by_others);
    (-log2(share)).max(0.0)
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
    use crate::counts::EVENTS_MAX;

    fn seen(times: u32, of: u32) -> Seen {
        Seen { times, of }
    }

    #[test]
    fn what_comes_seldom_at_an_age_is_rare_at_that_age_only() {
        let mut common = Common::of(2, false);
        for event in 0..4_000 {
            common.count(1, seen(if event % 1_000 == 0 { 0 } else { 50 }, 70));
            common.count(1, seen(if event % 2 == 0 { 0 } else { 1 }, 2));
        }
        assert_eq!(common.as_rare(1, seen(0, 127)), seen(4, 4_000), "64 to 127 are one age");
        assert_eq!(common.as_rare(1, seen(1, 127)), seen(4, 4_000), "at least as rare");
        assert_eq!(common.as_rare(1, seen(40, 64)), seen(4_000, 4_000));
        assert_eq!(common.as_rare(1, seen(0, 3)), seen(2_000, 4_000));
        assert_eq!((common.as_rare(1, seen(0, 128)), common.as_rare(0, seen(0, 70))), (seen(0, 0), seen(0, 0)));
        let by_others =
            |times, of, rarer, anomalies| bits_among(common.as_rare(1, seen(times, of)), seen(rarer, of), anomalies);
        let bits = |times, of, rarer| by_others(times, of, rarer, 0.0);
        assert!((bits(0, 100, 0) - common.as_rare(1, seen(0, 100)).bits()).abs() < 0.02, "{}", bits(0, 100, 0));
        assert!(bits(0, 100, 0) > 9.0 && bits(0, 2, 0) < 1.5 && bits(0, 200, 0) < 1.1, "nobody was as old as 200");
        assert!(bits(0, 100, 2) < 8.0, "a key that often has new ones: {}", bits(0, 100, 2));
        // As many as may be anomalies are not held against others, and no more.
        let [few, many] = [1e-3, 5e-4].map(|anomalies| by_others(0, 100, 0, anomalies));
        assert!(few > 12.9 && (10.6..10.7).contains(&many), "{few} {many}");
    }

    #[test]
    fn blocks_add_up_in_any_parts_until_the_past_is_forgotten() {
        let block = |events: std::ops::Range<u32>| {
            let mut common = Common::of(1, false);
            events.for_each(|event| common.count(0, seen(event % 300, event)));
            common
        };
        let mut parts = block(0..500);
        parts.add(&block(500..3_000));
        assert_eq!(parts, block(0..3_000));
        let (mut long, old) = (Common::of(1, false), block(20_000..30_000));
        let of_all = |common: &Common| common.texts.iter().sum::<u64>();
        (0..200).for_each(|_| long.add(&old));
        assert!((EVENTS_MAX / 2..=EVENTS_MAX).contains(&of_all(&long)), "{}", of_all(&long));
    }
}
