//! Payments by card, each card with its own level of amounts and habits: bursts of small payments, and amounts unlike the card's.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringArray};

use super::{
    block::{BLOCK_EVENTS, Block, Place, Profile},
    random::{Random, hash, signed},
};

/// What is paid for, its share, and its amounts beside the card's level.
const CATEGORIES: [(&str, f64, f64); 6] = [
    ("groceries", 0.4, 1.0),
    ("fuel", 0.15, 1.6),
    ("restaurant", 0.2, 0.8),
    ("transport", 0.15, 0.3),
    ("clothes", 0.08, 2.0),
    ("travel", 0.02, 6.0),
];
const COUNTRIES: [&str; 6] = ["CH", "DE", "FR", "IT", "GB", "US"];

/// Payments of a burst.
const BURST: usize = 20;

/// Payments by card.
pub(crate) struct Payments {
    names: Vec<String>,
    seed: u64,
    keys: usize,
    share: f64,
}

impl Payments {
    pub(crate) fn new(definition: &stream::Synthetic) -> Self {
        let names = ["amount", "category", "country"].map(str::to_owned).to_vec();
        let keys = definition.keys.max(1) as usize;
        Self { names, seed: definition.seed, keys, share: definition.anomalies }
    }
}

impl Profile for Payments {
    fn prefixes(&self) -> [&'static str; 2] {
        ["payment", "card"]
    }

    fn key(&self) -> &'static str {
        "card_id"
    }

    fn columns(&self) -> &[String] {
        &self.names
    }

    fn block(&self, random: &mut Random, place: Place) -> Block {
        let each = self.share / 2.0;
        let burst = each / BURST as f64;
        let (mut keys, mut anomalies) = (Vec::with_capacity(BLOCK_EVENTS), Vec::with_capacity(BLOCK_EVENTS));
        let (mut amounts, mut categories, mut countries) = (Vec::new(), Vec::new(), Vec::new());
        // What goes on, whose card it is, and for how many payments more.
        let mut run: (Option<&'static str>, usize, usize) = (None, 0, 0);
        for _ in 0..BLOCK_EVENTS {
            if run.2 == 0 {
                run = match random.unit() {
                    at if at < burst => (Some("small_burst"), random.below(self.keys), BURST),
                    at if at < burst + each => (Some("odd_amount"), random.below(self.keys), 1),
                    _ => (None, random.below(self.keys), 1),
                };
            }
            run.2 -= 1;
            let (kind, card) = (run.0, run.1);
            // Cards of different people differ by a factor of ten.
            let level = 30.0 * libm::exp(1.15 * signed(&[self.seed, card as u64, 1]));
            let (category, _, factor) = CATEGORIES[random.weighted(CATEGORIES.iter().map(|category| category.1))];
            let ordinary = level * factor * libm::exp(0.5 * random.normal());
            let amount = match kind {
                Some("small_burst") => random.between(0.5, 3.0),
                Some("odd_amount") => level * random.between(60.0, 200.0),
                _ => ordinary,
            };
            let home = hash(&[self.seed, card as u64, 2]) as usize % COUNTRIES.len();
            let away = usize::from(random.chance(0.03));
            amounts.push((amount * 100.0).round() / 100.0);
            categories.push(category);
            countries.push(COUNTRIES[(home + away) % COUNTRIES.len()]);
            keys.push(card as u32);
            anomalies.push(kind);
        }
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Float64Array::from(amounts)),
            Arc::new(StringArray::from_iter_values(categories)),
            Arc::new(StringArray::from_iter_values(countries)),
        ];
        Block { keys, times: place.times, anomalies, columns }
    }
}
