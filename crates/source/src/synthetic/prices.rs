//! Trades of some symbols, whose prices wander like a geometric Brownian motion that is known at any time.
//!
//! The logarithm of a price is a sum of random polygons of time, one an octave, whose amplitude grows with the root of
//! their period: the increments over a time t have a spread proportional to √t, as a Brownian motion's have, and no
//! step needs the one before (compare Lévy's construction by midpoints).

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};

use super::{
    block::{BLOCK_EVENTS, Block, Place, Profile},
    random::{Random, signed},
    windows::{WINDOW_EVENTS, kind_of},
};

/// Periods from one second to about three days.
const OCTAVES: u32 = 18;

/// Spread of the logarithm of a price over a second.
const VOLATILITY: f64 = 1e-4;

/// Trades of some symbols.
pub(crate) struct Prices {
    names: Vec<String>,
    seed: u64,
    keys: u64,
    share: f64,
}

impl Prices {
    pub(crate) fn new(definition: &stream::Synthetic) -> Self {
        let names = ["price", "volume", "side"].map(str::to_owned).to_vec();
        Self { names, seed: definition.seed, keys: u64::from(definition.keys.max(1)), share: definition.anomalies }
    }

    fn price(&self, symbol: u64, micros: i64) -> f64 {
        let seconds = micros as f64 * 1e-6;
        let mut logarithm = libm::log(100.0) + 1.2 * signed(&[self.seed, symbol]);
        for octave in 0..OCTAVES {
            let period = f64::from(1u32 << octave);
            let at = seconds / period;
            let (corner, part) = (at.floor(), at - at.floor());
            let value = |corner: f64| signed(&[self.seed, symbol, u64::from(octave), corner as i64 as u64]);
            logarithm += VOLATILITY * period.sqrt() * (value(corner) * (1.0 - part) + value(corner + 1.0) * part);
        }
        libm::exp(logarithm)
    }
}

impl Profile for Prices {
    fn prefixes(&self) -> [&'static str; 2] {
        ["trade", "sym"]
    }

    fn key(&self) -> &'static str {
        "symbol"
    }

    fn columns(&self) -> &[String] {
        &self.names
    }

    fn block(&self, random: &mut Random, place: Place) -> Block {
        let each = self.share / 3.0;
        let block_trade = each / (1.0 - 2.0 * each);
        let (mut keys, mut anomalies) = (Vec::with_capacity(BLOCK_EVENTS), Vec::with_capacity(BLOCK_EVENTS));
        let (mut prices, mut volumes, mut sides) = (Vec::new(), Vec::new(), Vec::new());
        for (index, time) in place.times.iter().enumerate() {
            let position = place.first + index as u64;
            let (symbol, number) = (position % self.keys, position / self.keys);
            let lasting = kind_of(self.seed, symbol, number, each, &["flash_move", "stale_price"]);
            let kind = lasting.or_else(|| random.chance(block_trade).then_some("block_trade"));
            let buys = random.chance(0.5);
            let spread = 2e-4 * if buys { 1.0 } else { -1.0 } + 5e-5 * random.normal();
            let own = |what: u64| signed(&[self.seed, symbol, number / WINDOW_EVENTS, what]);
            let mut price = self.price(symbol, *time) * (1.0 + spread);
            let mut volume = 100.0 * libm::exp(0.8 * random.normal());
            match kind {
                Some("flash_move") => price *= 1.0 + own(1).signum() * (0.08 + 0.04 * own(2)),
                // The window's number stands for its first moment, where only a constant is needed.
                Some("stale_price") => {
                    price = self.price(symbol, (number / WINDOW_EVENTS) as i64) * (1.0 + 0.03 * own(3))
                }
                Some(_) => volume *= random.between(40.0, 200.0),
                None => {}
            }
            keys.push(symbol as u32);
            anomalies.push(kind);
            prices.push((price * 1e4).round() / 1e4);
            volumes.push(volume.ceil() as i64);
            sides.push(if buys { "buy" } else { "sell" });
        }
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Float64Array::from(prices)),
            Arc::new(Int64Array::from(volumes)),
            Arc::new(StringArray::from_iter_values(sides)),
        ];
        Block { keys, times: place.times, anomalies, columns }
    }
}
