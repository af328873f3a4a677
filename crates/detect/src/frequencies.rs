//! How often the values of text were seen, by feature: a count-min sketch with conservative update (Estan and Varghese, ACM
//! TOCS 21, 2003) in a key's state.
//!
//! How rare an event is follows from the share of the key's events whose value was at least as rare as this one, give or take a
//! factor of two: where most values come once, one more of them is nothing.
//!
//! Values come as hashes. Two values that share all of their counters count as one, so a value may look more frequent than it
//! is, never rarer. All counts of a feature are halved at [`COUNT_MAX`], so that they are of its last values.

use crate::{
    Common,
    cause::{Finding, Seen},
    common::bits_among,
    scale::log2,
    snapshot::{hash, mixed},
    words::half,
};

/// Values of a feature at which its counts are halved.
const COUNT_MAX: u32 = 16_384;

/// Counters that a value is counted in.
const ROWS: usize = 2;

/// Counters a row of one feature, and of all features together; at least the last.
const WIDTH_MAX: usize = 128;
const WIDTH_SUM_MAX: usize = 512;
const WIDTH_MIN: usize = 32;

/// Counters in a word: 16 bits each.
const A_WORD: usize = 4;

/// Bins that events are counted in by how rare their value was, a bit each.
const BINS: usize = 16;

/// Bits of a hash, so that a double holds it.
const HASH_BITS: u32 = 52;

/// What stands for a text among the values of an event, where [`crate::Settings::frequencies`] has the feature: a whole number,
/// the same on every machine and in every version.
#[must_use]
pub fn hashed(text: &str) -> f64 {
    (mixed(hash(text.as_bytes())) >> (u64::BITS - HASH_BITS)) as f64
}

/// The same as a number from 0 to below 1, for features whose texts are told apart and nothing else.
#[must_use]
pub fn hashed_unit(text: &str) -> f64 {
    hashed(text) / (1u64 << HASH_BITS) as f64
}

/// Where the numbers are, feature by feature: how many values are counted in the low half of a word, then rows of counters, then
/// bins.
#[derive(Debug, Clone)]
pub(crate) struct Frequencies {
    /// Which of an event's features they are.
    pub(crate) features: Vec<usize>,
    width: usize,
    /// The share of all keys' events that is taken for anomalies.
    anomalies: f64,
}

impl Frequencies {
    pub(crate) fn new(features: &[usize]) -> Self {
        let fair = WIDTH_SUM_MAX / features.len().max(1);
        // A power of two, so that bits of the hash are a place.
        let width = (1 << fair.max(1).ilog2()).clamp(WIDTH_MIN, WIDTH_MAX);
        Self { features: features.to_vec(), width, anomalies: 0.0 }
    }

    /// Of keys of whose events such a share is taken for anomalies.
    pub(crate) fn among(self, anomalies: f64) -> Self {
        Self { anomalies, ..self }
    }

    pub(crate) fn words(&self) -> usize {
        self.features.len() * self.words_a_feature()
    }

    fn words_a_feature(&self) -> usize {
        1 + (ROWS * self.width + BINS) / A_WORD
    }

    fn of_feature<'w>(&self, words: &'w [u64], index: usize) -> &'w [u64] {
        &words[index * self.words_a_feature()..(index + 1) * self.words_a_feature()]
    }

    /// Where a value's counters are, in a feature's words.
    fn places(&self, hash: f64) -> [usize; ROWS] {
        let hash = hash as u64;
        std::array::from_fn(|row| row * self.width + (hash >> (row as u32 * HASH_BITS / 2)) as usize % self.width)
    }

    /// How rare the rarest text is, in bits; NaN where there is none.
    pub(crate) fn score(&self, words: &[u64], hashes: &[f64]) -> f64 {
        let rarest = self.texts(hashes).map(|(index, hash)| self.bits(words, index, hash)).fold(f64::NAN, f64::max);
        self.of_the_rarest(rarest)
    }

    /// The score of an event whose rarest text is this rare, in bits: the rarest of several is not that rare.
    fn of_the_rarest(&self, bits: f64) -> f64 {
        if bits.is_nan() { bits } else { (bits - log2(self.features.len() as f64)).max(0.0) }
    }

    /// The texts that are there: which of the features, and the hash.
    fn texts(&self, hashes: &[f64]) -> impl Iterator<Item = (usize, f64)> {
        let texts = self.features.iter().enumerate().map(|(index, feature)| (index, hashes[*feature]));
        texts.filter(|(_, hash)| !hash.is_nan())
    }

    /// How rare an event with this value is, in bits.
    fn bits(&self, words: &[u64], index: usize, hash: f64) -> f64 {
        let seen = self.seen_in(words, index, hash);
        Seen { times: self.rarer(words, index, seen), of: seen.of }.bits().min(seen.bits())
    }

    /// How many of the key's events had a value at least as rare, give or take a factor of two.
    fn rarer(&self, words: &[u64], index: usize, seen: Seen) -> u32 {
        let words = self.of_feature(words, index);
        let least = (seen.bits() as usize).saturating_sub(1);
        (least..BINS).map(|bin| u32::from(counter(words, ROWS * self.width + bin))).sum()
    }

    /// How rare the rarest text is by what other keys had, in bits; NaN where there is none.
    pub(crate) fn score_among(&self, words: &[u64], hashes: &[f64], common: &Common) -> f64 {
        let by_others = |(index, hash)| self.bits_among(words, index, hash, common);
        let rarest = self.texts(hashes).map(by_others).fold(f64::NAN, f64::max);
        self.of_the_rarest(rarest)
    }

    fn bits_among(&self, words: &[u64], index: usize, hash: f64, common: &Common) -> f64 {
        let seen = self.seen_in(words, index, hash);
        let own = Seen { times: self.rarer(words, index, seen), of: seen.of };
        bits_among(common.as_rare(index, seen), own, self.anomalies)
    }

    /// Counts among all keys' events how often the key had seen the texts of this one.
    pub(crate) fn tally(&self, words: &[u64], hashes: &[f64], counted: &mut Common) {
        self.texts(hashes).for_each(|(index, hash)| counted.count(index, self.seen_in(words, index, hash)));
    }

    /// The rarest text, and how often it was seen; and where what other keys had says more, how many of their events were as odd.
    #[cold]
    pub(crate) fn explain(
        &self,
        words: &[u64],
        hashes: &[f64],
        common: Option<&Common>,
    ) -> Option<(Finding, Seen, Option<Seen>)> {
        let by_others = |index, hash| common.map_or(0.0, |common| self.bits_among(words, index, hash, common));
        let by_bits = |(index, hash)| (index, hash, self.bits(words, index, hash).max(by_others(index, hash)));
        let rarest = self.texts(hashes).map(by_bits).max_by(|a, b| a.2.total_cmp(&b.2).then(b.0.cmp(&a.0)))?;
        let (index, hash, bits) = rarest;
        let nowhere = (f64::NAN, f64::NAN);
        let finding = Finding { feature: Some(self.features[index]), expected: nowhere, deviation: bits };
        let seen = self.seen_in(words, index, hash);
        let others = common.filter(|_| bits > self.bits(words, index, hash)).map(|common| common.as_rare(index, seen));
        Some((finding, seen, others))
    }

    fn seen_in(&self, words: &[u64], index: usize, hash: f64) -> Seen {
        let words = self.of_feature(words, index);
        let times = self.places(hash).into_iter().map(|place| counter(words, place)).min().unwrap_or_default();
        Seen { times: u32::from(times), of: half(words, 0) }
    }

    /// Counts the texts of an event.
    pub(crate) fn learn(&self, words: &mut [u64], hashes: &[f64]) {
        for (index, words) in words.chunks_exact_mut(self.words_a_feature()).enumerate() {
            let hash = hashes[self.features[index]];
            if hash.is_nan() {
                continue;
            }
            let places = self.places(hash);
            let least = places.into_iter().map(|place| counter(words, place)).min().unwrap_or_default();
            let bits = Seen { times: u32::from(least), of: half(words, 0) }.bits();
            count(words, ROWS * self.width + (bits as usize).min(BINS - 1));
            for place in places {
                if counter(words, place) == least {
                    count(words, place);
                }
            }
            words[0] += 1;
            if half(words, 0) >= COUNT_MAX {
                // Each counter is shifted within its 16 bits.
                words[0] /= 2;
                words[1..].iter_mut().for_each(|word| *word = *word >> 1 & 0x7fff_7fff_7fff_7fff);
            }
        }
    }
}

fn counter(words: &[u64], place: usize) -> u16 {
    (words[1 + place / A_WORD] >> (16 * (place % A_WORD))) as u16
}

fn count(words: &mut [u64], place: usize) {
    words[1 + place / A_WORD] += 1 << (16 * (place % A_WORD));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(frequencies: &Frequencies, words: &mut [u64], texts: &[&str]) {
        let hashes: Vec<f64> = texts.iter().map(|text| hashed(text)).collect();
        frequencies.learn(words, &hashes);
    }

    #[test]
    fn a_value_is_as_rare_as_it_is() {
        let frequencies = Frequencies::new(&[0]);
        let mut words = vec![0; frequencies.words()];
        for event in 0..10_000 {
            feed(&frequencies, &mut words, &[if event % 5_000 == 0 { "DELETE" } else { "GET" }]);
        }
        let (finding, seen, others) = frequencies.explain(&words, &[hashed("DELETE")], None).unwrap();
        assert_eq!((finding.feature, seen, others), (Some(0), Seen { times: 2, of: 10_000 }, None));
        let bits = |text: &str| frequencies.score(&words, &[hashed(text)]);
        assert!(bits("GET") < 0.01 && (bits("DELETE") - 11.97).abs() < 0.02, "{} {}", bits("GET"), bits("DELETE"));
        assert!(bits("PUT") > 11.9, "{}", bits("PUT"));
        assert!(
            frequencies.score(&words, &[f64::NAN]).is_nan() && frequencies.explain(&words, &[f64::NAN], None).is_none()
        );
    }

    /// Where every value is new, a new one is nothing.
    #[test]
    fn one_more_of_many_rare_values_is_not_rare() {
        let frequencies = Frequencies::new(&[0]);
        let mut words = vec![0; frequencies.words()];
        let mut rare = 0;
        for event in 0..9_000 {
            let text = if event % 3 == 0 { format!("/page/{event}") } else { "/".to_owned() };
            rare += u32::from(frequencies.score(&words, &[hashed(&text)]) > 10.0);
            feed(&frequencies, &mut words, &[&text]);
        }
        // Of 3,000 new ones; 1 in 1,024 events is one with 10 bits.
        assert!(rare <= 18, "{rare}");
    }

    #[test]
    fn features_are_counted_apart_and_the_past_is_forgotten() {
        let frequencies = Frequencies::new(&[0, 2]);
        let mut words = vec![0; frequencies.words()];
        for event in 0..COUNT_MAX {
            let hashes = [hashed("a"), 1.0, if event % 2 == 0 { hashed("b") } else { f64::NAN }];
            frequencies.learn(&mut words, &hashes);
        }
        let (half, all) = (COUNT_MAX / 2, [hashed("a"), 1.0, hashed("b")]);
        assert_eq!(frequencies.seen_in(&words, 0, all[0]), Seen { times: half, of: half });
        assert_eq!(frequencies.seen_in(&words, 1, all[2]), Seen { times: half, of: half });
        assert_eq!(frequencies.seen_in(&words, 1, all[0]), Seen { times: 0, of: half });
        let (finding, ..) = frequencies.explain(&words, &[hashed("a"), 1.0, hashed("a")], None).unwrap();
        assert_eq!(finding.feature, Some(2));
    }

    /// Of many values none looks rarer than it is.
    #[test]
    fn values_that_share_counters_look_more_frequent_only() {
        let frequencies = Frequencies::new(&[0]);
        let mut words = vec![0; frequencies.words()];
        let texts: Vec<String> = (0..500).map(|number| format!("/page/{number}")).collect();
        for round in 0..10 {
            for text in &texts[..500 - 40 * round] {
                feed(&frequencies, &mut words, &[text]);
            }
        }
        for (number, text) in texts.iter().enumerate() {
            let rounds = (0..10).filter(|round| number < 500 - 40 * round).count() as u32;
            assert!(frequencies.seen_in(&words, 0, hashed(text)).times >= rounds, "{number}");
        }
    }

    #[test]
    fn hashes_are_the_same_for_ever() {
        assert_eq!(hashed("DELETE").to_bits(), hashed("DELETE").to_bits());
        assert!(hashed("a") != hashed("b") && hashed("").fract() == 0.0 && hashed("a") < (1u64 << HASH_BITS) as f64);
    }
}
