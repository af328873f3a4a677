//! Clicks in a shop: sessions of some steps, in which a visitor views products, puts one in the cart, and may buy it.
//!
//! [`SLOTS`] visitors click in turn. A slot's clicks come in rounds of [`ROUND`], each of one or two sessions, so that a
//! click's session follows from its position alone.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};

use super::{
    block::{BLOCK_EVENTS, Block, Place, Profile},
    columns::numbered,
    random::{Random, hash, unit},
};

const SLOTS: u64 = 64;
const ROUND: u64 = 16;
const PRODUCTS: u64 = 2_000;
const CATEGORIES: [&str; 6] = ["books", "garden", "games", "kitchen", "music", "tools"];

/// Share of sessions that put something in the cart, and of those that then buy.
const CART: f64 = 0.3;
const PURCHASE: f64 = 0.4;

/// Clicks in a shop.
pub(crate) struct Clicks {
    names: Vec<String>,
    seed: u64,
    keys: u64,
    share: f64,
}

/// A step of a session.
struct Step {
    session: u64,
    /// From 0, and how many the session has.
    step: u64,
    steps: u64,
}

impl Step {
    fn at(seed: u64, position: u64) -> Self {
        let (slot, number) = (position % SLOTS, position / SLOTS);
        let round = number / ROUND * SLOTS + slot;
        let first = 3 + hash(&[seed, round]) % (ROUND - 3);
        let within = number % ROUND;
        if within < first {
            Self { session: 2 * round, step: within, steps: first }
        } else {
            Self { session: 2 * round + 1, step: within - first, steps: ROUND - first }
        }
    }

    fn action(&self, seed: u64) -> &'static str {
        let draw = |what: u64| unit(hash(&[seed, self.session, what]));
        let carts = draw(1) < CART && self.steps >= 3;
        let left = self.steps - 1 - self.step;
        match left {
            0 if carts && draw(2) < PURCHASE => "purchase",
            1 if carts => "cart",
            _ => "view",
        }
    }
}

impl Clicks {
    pub(crate) fn new(definition: &stream::Synthetic) -> Self {
        let names =
            ["session_id", "event_type", "product_id", "category", "price", "quantity"].map(str::to_owned).to_vec();
        Self { names, seed: definition.seed, keys: u64::from(definition.keys.max(1)), share: definition.anomalies }
    }
}

impl Profile for Clicks {
    fn prefixes(&self) -> [&'static str; 2] {
        ["click", "user"]
    }

    fn key(&self) -> &'static str {
        "user_id"
    }

    fn columns(&self) -> &[String] {
        &self.names
    }

    fn block(&self, random: &mut Random, place: Place) -> Block {
        let each = self.share / 3.0;
        let point = 2.0 * each / (1.0 - each);
        let (mut keys, mut anomalies) = (Vec::with_capacity(BLOCK_EVENTS), Vec::with_capacity(BLOCK_EVENTS));
        let (mut sessions, mut actions, mut products) = (Vec::new(), Vec::new(), Vec::new());
        let (mut categories, mut prices, mut quantities) = (Vec::new(), Vec::new(), Vec::new());
        for index in 0..BLOCK_EVENTS as u64 {
            let step = Step::at(self.seed, place.first + index);
            let bot = unit(hash(&[self.seed, step.session, 3])) < each;
            let kind = match bot {
                true => Some("bot"),
                false => random.chance(point).then(|| ["wrong_price", "bulk_order"][random.below(2)]),
            };
            // A bot always asks for the same product.
            let popular = random.unit() * random.unit();
            let product = if bot { hash(&[step.session]) % PRODUCTS } else { (popular * PRODUCTS as f64) as u64 };
            let list_price = libm::exp(1.0 + 4.0 * unit(hash(&[self.seed, product, 4])));
            let price = if kind == Some("wrong_price") { list_price * 100.0 } else { list_price };
            keys.push((hash(&[self.seed, step.session, 5]) % self.keys) as u32);
            anomalies.push(kind);
            sessions.push(step.session);
            actions.push(if bot { "view" } else { step.action(self.seed) });
            products.push(product);
            categories.push(CATEGORIES[(hash(&[product]) % CATEGORIES.len() as u64) as usize]);
            prices.push((price * 100.0).round() / 100.0);
            quantities.push(if kind == Some("bulk_order") {
                200 + random.below(800) as i64
            } else {
                1 + random.below(3) as i64
            });
        }
        let columns: Vec<ArrayRef> = vec![
            numbered("session", 9, sessions.into_iter()),
            Arc::new(StringArray::from_iter_values(actions)),
            numbered("product", 4, products.into_iter()),
            Arc::new(StringArray::from_iter_values(categories)),
            Arc::new(Float64Array::from(prices)),
            Arc::new(Int64Array::from(quantities)),
        ];
        Block { keys, times: place.times, anomalies, columns }
    }
}
