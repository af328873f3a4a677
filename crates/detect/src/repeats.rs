//! Values that stay the same, and values that go missing, by feature.
//!
//! The share of events whose value repeats the last one, and the share of these that is followed by another repeat, are counted;
//! a run of k repeats then has the share of the former times the latter to the power of k - 1 (a geometric law, which a value
//! that is measured afresh each time obeys). What a constant or a flag does is ordinary so. The same for missing values. Shares
//! are of the last events: all counts are halved at [`COUNT_MAX`].

use crate::{
    cause::Finding,
    scale::log2,
    words::{half, set_half},
};

/// Counted events at which all counts are halved.
const COUNT_MAX: u32 = 8192;

/// Counted events up to which a key is young.
const YOUNG: u32 = 256;

/// Repeats of fewer bits are counted at once, rarer ones when their run is over.
const COMMON: f64 = 6.0;

/// The longest run that is told from longer ones; the bit above it says that the run was an anomaly.
const RUN_MAX: u16 = 0x7fff;
const ANOMALY: u16 = 0x8000;

/// Where the numbers are: how many events are counted; a word a feature with a hash of the last value (0 where it was missing),
/// its run, repeats, and repeats of repeats, 16 bits each; half a word a feature with missing values, and missing values behind
/// missing ones.
#[derive(Debug, Clone)]
pub(crate) struct Repeats {
    pub(crate) features: usize,
}

/// What is rarest in an event, in bits: the longest run of a value, and the value that is missing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Repeated {
    pub(crate) stuck: f64,
    pub(crate) missing: f64,
}

impl Repeats {
    pub(crate) fn words(&self) -> usize {
        1 + self.features + self.features.div_ceil(2)
    }

    /// Notes the values, and says how rare their runs are; 0 where there is none, NaN where no feature could have one.
    pub(crate) fn score(&self, words: &mut [u64], x: &[f64]) -> Repeated {
        let mut rarest = Repeated { stuck: f64::NAN, missing: f64::NAN };
        for (feature, x) in x.iter().enumerate() {
            let (word, hash) = (words[1 + feature], hash(*x));
            let run = (word >> 16) as u16;
            let run = if word as u16 == hash {
                run & ANOMALY | (run & RUN_MAX).saturating_add(1).min(RUN_MAX)
            } else {
                self.finish(words, feature);
                u16::from(hash == 0)
            };
            words[1 + feature] = words[1 + feature] & !0xffff_ffff | u64::from(run) << 16 | u64::from(hash);
            let bits = self.bits(words, feature);
            let of = if hash == 0 { &mut rarest.missing } else { &mut rarest.stuck };
            *of = of.max(bits);
        }
        // The rarest of several is not that rare.
        let choice = log2(self.features as f64);
        Repeated { stuck: (rarest.stuck - choice).max(0.0), missing: (rarest.missing - choice).max(0.0) }
    }

    /// Counts what was not counted yet of a run that is over.
    fn finish(&self, words: &mut [u64], feature: usize) {
        let run = (words[1 + feature] >> 16) as u16;
        if run == 0 || run & ANOMALY != 0 {
            return;
        }
        let (runs, continued) = self.counts(words, feature);
        let (first, further) = (share(runs, half(words, 0)), share(continued, runs));
        let counted = if first >= COMMON { 0.0 } else { 1.0 + ((COMMON - first) / further.max(1e-9)).min(1e6) };
        let rest = u32::from(run) - u32::from(run).min(counted as u32);
        self.count(words, feature, rest, if counted == 0.0 { rest.saturating_sub(1) } else { rest });
    }

    /// How rare a feature's run is.
    fn bits(&self, words: &[u64], feature: usize) -> f64 {
        let (word, events) = (words[1 + feature], half(words, 0));
        let run = (word >> 16) as u16 & RUN_MAX;
        if run == 0 {
            return 0.0;
        }
        let (runs, continued) = self.counts(words, feature);
        let first = share(runs, events);
        first + f64::from(run - 1) * share(continued, runs)
    }

    /// Repeats and repeats of repeats, or missing values and those behind missing ones, whichever the last value is.
    fn counts(&self, words: &[u64], feature: usize) -> (u32, u32) {
        let word = words[1 + feature];
        if word as u16 == 0 {
            let both = half(words, 2 * (1 + self.features) + feature);
            (both & 0xffff, both >> 16)
        } else {
            ((word >> 32) as u32 & 0xffff, (word >> 48) as u32)
        }
    }

    /// Adds to the counts of what the last value is.
    fn count(&self, words: &mut [u64], feature: usize, runs: u32, continued: u32) {
        let (some, more) = self.counts(words, feature);
        let (some, more) = ((some + runs).min(COUNT_MAX), (more + continued).min(COUNT_MAX));
        if words[1 + feature] as u16 == 0 {
            set_half(words, 2 * (1 + self.features) + feature, more << 16 | some);
        } else {
            words[1 + feature] = words[1 + feature] & 0xffff_ffff | u64::from(some) << 32 | u64::from(more) << 48;
        }
    }

    /// Counts an ordinary event that [`Repeats::score`] noted.
    pub(crate) fn learn(&self, words: &mut [u64]) {
        let events = half(words, 0) + 1;
        set_half(words, 0, events);
        for feature in 0..self.features {
            let run = (words[1 + feature] >> 16) as u16;
            let at_once = events < YOUNG || run & ANOMALY != 0;
            if run & RUN_MAX > 0 && (at_once || self.bits(words, feature) < COMMON) {
                self.count(words, feature, 1, u32::from(run & RUN_MAX > 1));
            }
        }
        if events >= COUNT_MAX {
            self.halve(words);
        }
    }

    /// Notes that the event is not to be learned from, nor the runs that it is in.
    #[cold]
    pub(crate) fn exclude(&self, words: &mut [u64]) {
        for word in &mut words[1..=self.features] {
            if *word >> 16 & u64::from(RUN_MAX) > 0 {
                *word |= u64::from(ANOMALY) << 16;
            }
        }
    }

    #[cold]
    fn halve(&self, words: &mut [u64]) {
        set_half(words, 0, half(words, 0) / 2);
        for feature in 0..self.features {
            let word = &mut words[1 + feature];
            *word = *word & 0xffff_ffff | (*word >> 33 & 0x7fff) << 32 | (*word >> 49) << 48;
            let both = half(words, 2 * (1 + self.features) + feature);
            set_half(words, 2 * (1 + self.features) + feature, (both >> 17) << 16 | (both & 0xffff) >> 1);
        }
    }

    /// The feature whose run is rarest, among those that are missing or among the others. The deviation is the length of the
    /// run: how often the value came in a row.
    #[cold]
    pub(crate) fn explain(&self, words: &[u64], missing: bool) -> Option<Finding> {
        let of_kind = (0..self.features).filter(|feature| (words[1 + feature] as u16 == 0) == missing);
        let feature = of_kind.max_by(|a, b| self.bits(words, *a).total_cmp(&self.bits(words, *b)).then(b.cmp(a)))?;
        let run = (words[1 + feature] >> 16) as u16 & RUN_MAX;
        let events = f64::from(run) + if missing { 0.0 } else { 1.0 };
        Some(Finding { feature: Some(feature), expected: (f64::NAN, f64::NAN), deviation: events })
    }
}

/// Minus log2 of a share, a half where nothing is counted (the estimator of Krichevsky and Trofimov, 1981).
fn share(some: u32, of: u32) -> f64 {
    (log2(f64::from(of) + 1.0) - log2(f64::from(some.min(of)) + 0.5)).max(0.0)
}

/// 16 bits of a value, 0 where it is missing.
fn hash(x: f64) -> u16 {
    if x.is_nan() {
        return 0;
    }
    // 0 and -0 are the same value.
    let mixed = (x + 0.0).to_bits().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed >> 48) as u16).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(repeats: &Repeats, words: &mut [u64], x: &[f64]) -> Repeated {
        let found = repeats.score(words, x);
        repeats.learn(words);
        found
    }

    #[test]
    fn a_run_of_a_value_that_never_repeated_is_rare_and_a_constant_is_not() {
        let repeats = Repeats { features: 2 };
        let mut words = vec![0; repeats.words()];
        for event in 0..1_000 {
            let found = feed(&repeats, &mut words, &[f64::from(event), 5.0]);
            assert!(found.stuck < 2.5, "{event}: {found:?}");
        }
        let first = repeats.score(&mut words, &[999.0, 5.0]).stuck;
        assert!((log2(1001.0) - first).abs() < 0.02, "{first}");
        let second = feed(&repeats, &mut words, &[999.0, 5.0]).stuck;
        assert!((second - first - 1.0).abs() < 0.02, "nothing is known of a second repeat: {second}");
        let found = repeats.explain(&words, false).unwrap();
        assert_eq!((found.feature, found.deviation), (Some(0), 3.0));
        // A repetition that lasts does not become ordinary, and one that was excluded is not ordinary after its end either.
        assert!(feed(&repeats, &mut words, &[999.0, 5.0]).stuck > second + 0.9);
        repeats.exclude(&mut words);
        feed(&repeats, &mut words, &[1.0, 5.0]);
        assert!(repeats.score(&mut words, &[1.0, 5.0]).stuck > first - 0.1);
    }

    /// A coin repeats its last side half the time: a run of k has the share 2^-k.
    #[test]
    fn the_runs_of_a_coin_are_as_rare_as_they_are() {
        let repeats = Repeats { features: 1 };
        let (mut words, mut state, mut last) = (vec![0; repeats.words()], 1u64, 0.0);
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            last = f64::from((state >> 63) as u8);
            feed(&repeats, &mut words, &[last]);
        }
        feed(&repeats, &mut words, &[1.0 - last]);
        for run in 1..10 {
            let bits = repeats.score(&mut words, &[1.0 - last]).stuck;
            assert!((bits - f64::from(run)).abs() < 0.06 * f64::from(run), "{run}: {bits}");
        }
    }

    #[test]
    fn a_value_that_goes_missing_is_rare_until_it_is_known_to() {
        let repeats = Repeats { features: 2 };
        let mut words = vec![0; repeats.words()];
        for event in 0..COUNT_MAX + 100 {
            let x = [f64::from(event), if event % 4 == 0 { f64::NAN } else { f64::from(event) }];
            let found = feed(&repeats, &mut words, &x);
            assert!(event < 100 || event % 4 != 0 || (0.9..1.2).contains(&found.missing), "{event}: {found:?}");
        }
        let found = repeats.score(&mut words, &[f64::NAN, 1.0]);
        assert!(found.missing > 10.5 && found.stuck == 0.0, "{found:?}");
        assert_eq!(repeats.explain(&words, true).unwrap().feature, Some(0));
    }
}
