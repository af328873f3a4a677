//! What the layers found in the rows of a batch, column by column.
//!
//! Rows wait here for their batch in an order that jumps between keys: whole [`Scores`], row by row, would take several times the memory.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Float64Array},
    buffer::{BooleanBuffer, NullBuffer},
};
use detect::{Layer, RowState, Scores};

const BURST: u32 = 1 << Layer::Burst as u32;

/// What was found in each row; nothing yet in rows that were not scored.
pub(super) struct RowScores {
    /// Of each layer that is on the scores, NaN where there is none.
    layers: Vec<(Layer, Vec<f64>)>,
    rarity: Vec<f64>,
    states: Vec<RowState>,
    alarms: Vec<u32>,
    /// What is expected of each feature that a value is expected of, NaN where nothing is.
    expected: Vec<Vec<f64>>,
}

impl RowScores {
    pub(super) fn unscored(rows: usize, layers: &[Layer], expecting: usize) -> Self {
        let nothing = || vec![f64::NAN; rows];
        Self {
            layers: layers.iter().map(|layer| (*layer, nothing())).collect(),
            rarity: nothing(),
            states: vec![RowState::NotScored; rows],
            alarms: vec![0; rows],
            expected: (0..expecting).map(|_| nothing()).collect(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rarity.len()
    }

    /// Enters what was found in a row by its key's state.
    pub(super) fn set(&mut self, row: usize, scores: &Scores) {
        for (layer, column) in &mut self.layers {
            column[row] = scores.scores[*layer as usize];
        }
        for (column, expected) in self.expected.iter_mut().zip(scores.expected) {
            column[row] = expected;
        }
        (self.rarity[row], self.states[row], self.alarms[row]) = (scores.rarity, scores.state, scores.alarms);
    }

    /// Adds what all keys together did at a row.
    pub(super) fn join(&mut self, row: usize, partition: &Scores) {
        let mut joined = Scores { rarity: self.rarity[row], alarms: self.alarms[row], ..Scores::default() };
        joined.join(partition);
        if let Some((_, column)) = self.layers.iter_mut().find(|(layer, _)| *layer == Layer::Burst) {
            column[row] = joined.scores[Layer::Burst as usize];
        }
        (self.rarity[row], self.alarms[row]) = (joined.rarity, joined.alarms);
    }

    pub(super) fn rarity(&self, row: usize) -> f64 {
        self.rarity[row]
    }

    pub(super) fn state(&self, row: usize) -> RowState {
        self.states[row]
    }

    pub(super) fn is_anomalous(&self, row: usize) -> bool {
        self.alarms[row] != 0
    }

    /// Whether a layer that looks at the row's key alone alarms.
    pub(super) fn is_anomalous_of_key(&self, row: usize) -> bool {
        self.alarms[row] & !BURST != 0
    }

    /// The layers that alarm.
    pub(super) fn alarmed(&self, row: usize) -> impl Iterator<Item = Layer> {
        let alarms = self.alarms[row];
        self.layers.iter().map(|(layer, _)| *layer).filter(move |layer| alarms & 1 << *layer as u32 != 0)
    }

    /// The layers' columns, in their order, then what is expected of each feature.
    pub(super) fn into_columns(self) -> (Vec<ArrayRef>, Vec<Vec<f64>>) {
        (self.layers.into_iter().map(|(_, scores)| column(scores)).collect(), self.expected)
    }
}

/// Numbers as a column, null where they are NaN.
fn column(numbers: Vec<f64>) -> ArrayRef {
    let there = BooleanBuffer::collect_bool(numbers.len(), |row| !numbers[row].is_nan());
    Arc::new(Float64Array::new(numbers.into(), Some(NullBuffer::new(there))))
}
