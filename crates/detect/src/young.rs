//! How high the scores of young keys are, by layer and age: a key that cannot say yet how rare its own scores are goes by those of
//! others that were as young.

use crate::{
    Layer,
    cause::Seen,
    counts::{add, sum},
    rarity::{BINS, Rarity, Table},
    tails::tail,
};

/// Layers whose scores are counted: those that have a histogram, the first of [`Layer::ALL`].
const LAYERS: usize = Layer::Rate as usize + 1;

/// Ages, each twice as long as the one before: the first ends at an eighth of the warm-up, the last at sixteen of them.
const AGES: usize = 8;

/// What the first age begins after, as a part of the warm-up.
const FIRST_PART: u64 = 16;

/// Events of an age below which nothing is said.
const EVENTS_MIN: u32 = 1000;

/// The share of all events that may be anomalies, which nobody has told from the others: tails are measured below that. That of the
/// rate is heavier than it looks from so far below, and bursts are fewer events.
const fn anomalies(layer: Layer) -> f64 {
    if matches!(layer, Layer::Rate) { 0.0 } else { 0.02 }
}

/// A layer's scores at an age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Young {
    layer: Layer,
    age: usize,
}

impl Young {
    /// Whether a key at its `event`th event that warms up for so many goes by others.
    pub(crate) fn is(event: u64, warm_up: u64) -> bool {
        age(event, warm_up).is_some()
    }

    /// Of a key at its `event`th event that warms up for so many; `None` where it is too young or too old, and of layers whose scores are
    /// not counted.
    pub(crate) fn new(layer: Layer, event: u64, warm_up: u64) -> Option<Self> {
        let age = age(event, warm_up).filter(|_| (layer as usize) < LAYERS)?;
        Some(Self { layer, age })
    }

    fn row(self) -> usize {
        self.layer as usize * AGES + self.age
    }
}

/// Which age.
fn age(event: u64, warm_up: u64) -> Option<usize> {
    let part = (warm_up / FIRST_PART).max(1);
    let age = (event.saturating_sub(1) / part).checked_ilog2()? as usize;
    (age < AGES).then_some(age)
}

/// Counts of scores by layer, age and bin, and how rare they are by that; nothing where keys do not share them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct YoungScores {
    counts: Box<[u64]>,
    /// By row; `None` where there were too few events.
    tables: Box<[Option<Table>]>,
}

impl YoungScores {
    /// Before anything was seen.
    pub(crate) fn counted() -> Self {
        let rows = LAYERS * AGES;
        Self { counts: vec![0; rows * BINS].into_boxed_slice(), tables: vec![None; rows].into_boxed_slice() }
    }

    pub(crate) fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Counts a score at a place of its layer's scale.
    pub(crate) fn count(&mut self, young: Young, place: f64) {
        if let Some(count) = self.counts.get_mut(young.row() * BINS + Rarity::bin(place)) {
            *count += 1;
        }
    }

    /// Adds the counts of a block.
    pub(crate) fn add(&mut self, block: &Self) {
        add(&mut self.counts, &block.counts, BINS);
        for (row, added) in block.counts.chunks_exact(BINS).enumerate() {
            if added.iter().any(|count| *count > 0) {
                self.fit(row);
            }
        }
    }

    /// Puts counts back.
    pub(crate) fn restore(&mut self, counts: &[u64]) {
        self.counts.copy_from_slice(counts);
        (0..self.tables.len()).for_each(|row| self.fit(row));
    }

    fn fit(&mut self, row: usize) {
        let layer = Layer::ALL[row / AGES];
        let counts: [u32; BINS] = std::array::from_fn(|bin| self.counts[row * BINS + bin] as u32);
        let enough = counts.iter().sum::<u32>() >= EVENTS_MIN;
        self.tables[row] = enough.then(|| tail(layer).fitted(&counts, anomalies(layer)));
    }

    /// How rare a score at a place is among those of all keys at this age, in bits; `None` where too few are known.
    #[inline]
    pub(crate) fn bits(&self, young: Young, place: f64) -> Option<f64> {
        self.tables.get(young.row())?.as_ref().map(|table| table.bits(place))
    }

    /// How many events of keys at this age had a score as high, and of how many.
    pub(crate) fn as_high(&self, young: Young, place: f64) -> Seen {
        let row = self.counts.get(young.row() * BINS..(young.row() + 1) * BINS).unwrap_or_default();
        Seen { times: sum(row.get(Rarity::bin(place)..).unwrap_or_default()), of: sum(row) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tails::scale;

    fn young(layer: Layer, event: u64) -> Young {
        Young::new(layer, event, 256).unwrap()
    }

    #[test]
    fn ages_double_from_a_sixteenth_of_the_warm_up_to_sixteen_of_it() {
        let age = |event| Young::new(Layer::Chains, event, 256).map(|young| young.age);
        assert_eq!(
            [16, 17, 32, 33, 64, 65, 256, 257].map(age),
            [None, Some(0), Some(0), Some(1), Some(1), Some(2), Some(3), Some(4)]
        );
        assert_eq!([4096, 4097].map(age), [Some(7), None]);
        assert_eq!((Young::new(Layer::Stuck, 100, 256), Young::new(Layer::Ewma, 0, 16)), (None, None));
    }

    #[test]
    fn a_score_is_rare_where_others_at_the_age_hardly_have_it_even_if_some_are_anomalies() {
        let (mut scores, mut block) = (YoungScores::counted(), YoungScores::counted());
        // Standard deviations as of normal values, by their quantiles, and one in a hundred that is far out.
        for n in 1..4_000_u32 {
            let z = (-2.0 * libm::log(f64::from(n) / 4_000.0)).sqrt();
            block.count(young(Layer::Ewma, 100), scale(Layer::Ewma).unwrap().place(z));
            if n % 100 == 0 {
                block.count(young(Layer::Ewma, 100), scale(Layer::Ewma).unwrap().place(20.0));
            }
        }
        scores.add(&block);
        let bits = |event, z| scores.bits(young(Layer::Ewma, event), scale(Layer::Ewma).unwrap().place(z));
        assert!(bits(100, 1.0).unwrap() < 2.0 && (5.0..9.0).contains(&bits(100, 3.0).unwrap()), "{:?}", bits(100, 3.0));
        assert!(bits(100, 12.0).unwrap() > 12.0, "{:?}", bits(100, 12.0));
        assert_eq!((bits(60, 3.0), bits(200, 3.0)), (None, None), "of other ages nothing is known");
        let place = scale(Layer::Ewma).unwrap().place(12.0);
        assert_eq!(scores.as_high(young(Layer::Ewma, 100), place), Seen { times: 39, of: 4_038 });
        let mut restored = YoungScores::counted();
        restored.restore(scores.counts());
        assert_eq!(restored, scores);
        assert_eq!(YoungScores::default().bits(young(Layer::Ewma, 100), place), None, "nothing is shared");
    }
}
