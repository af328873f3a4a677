//! What the profiles make: blocks of events, column by column, and where in them anomalies are.

use std::ops::Range;

use arrow::array::ArrayRef;

use super::random::Random;

/// Events that are made together.
pub(crate) const BLOCK_EVENTS: usize = 4096;

/// How many events an anomaly lasts that is not a single event.
const RUN_EVENTS: usize = 200;

/// A block to be filled.
pub(crate) struct Place {
    /// The position of its first event, a multiple of [`BLOCK_EVENTS`].
    pub first: u64,
    /// Event times in microseconds since 1970, as the rate has them.
    pub times: Vec<i64>,
}

/// A block of events.
pub(crate) struct Block {
    /// Each event's key, from 0.
    pub keys: Vec<u32>,
    /// Event times in microseconds since 1970.
    pub times: Vec<i64>,
    /// What is wrong with each event.
    pub anomalies: Vec<Option<&'static str>>,
    /// The profile's own columns, in the order of its names.
    pub columns: Vec<ArrayRef>,
}

/// What events are like.
pub(crate) trait Profile: Send {
    /// What event ids, and what keys begin with.
    fn prefixes(&self) -> [&'static str; 2];
    /// The name of the key column.
    fn key(&self) -> &'static str;
    /// The names of the profile's own columns.
    fn columns(&self) -> &[String];
    /// The events of one block: a function of its arguments and the settings alone.
    fn block(&self, random: &mut Random, place: Place) -> Block;
}

/// Where in a block anomalies are.
pub(crate) struct Anomalies {
    /// Each event's.
    pub kinds: Vec<Option<&'static str>>,
    /// Those that last.
    pub runs: Vec<(&'static str, Range<usize>)>,
}

impl Anomalies {
    /// Lays out anomalies so that their expected share of the events is `share`, the same for each kind. `points` are
    /// kinds of single events, `runs` kinds that last for some hundred events.
    pub(crate) fn lay_out(random: &mut Random, share: f64, points: &[&'static str], runs: &[&'static str]) -> Self {
        let mut kinds = vec![None; BLOCK_EVENTS];
        let mut laid = Vec::new();
        let each = share / (points.len() + runs.len()) as f64;
        // Each kind that lasts has its own part of the block, so that two never overlap.
        let part = BLOCK_EVENTS / runs.len().max(1);
        let expected = each * BLOCK_EVENTS as f64;
        let length = (RUN_EVENTS as f64).max(expected).min(part as f64);
        for (index, kind) in runs.iter().enumerate() {
            let happens = random.chance(expected / length);
            let start = index * part + random.below(part - length as usize + 1);
            if happens {
                let run = start..start + length as usize;
                kinds[run.clone()].fill(Some(*kind));
                laid.push((*kind, run));
            }
        }
        let elsewhere = 1.0 - each * runs.len() as f64;
        let chance = each * points.len() as f64 / elsewhere;
        for kind in &mut kinds {
            if kind.is_none() && !points.is_empty() && random.chance(chance) {
                *kind = Some(points[random.below(points.len())]);
            }
        }
        Self { kinds, runs: laid }
    }
}
