//! Variance and standard deviation, from exact sums of the values and of their squares: neither the order of the rows
//! nor a mean that is large against the spread costs a digit.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};

use super::{
    Function, Input,
    kind::{Float, Kind},
};
use crate::{WindowError, bytes::Reader, exact::Exact};

/// Variance, or its square root.
#[derive(Debug)]
pub(super) struct Moments {
    pub(super) sample: bool,
    pub(super) root: bool,
}

/// The sums of a group.
#[derive(Debug, Default)]
pub(super) struct Sums {
    count: u64,
    values: Exact,
    squares: Exact,
}

impl Function for Moments {
    type State = Sums;
    type Values = Float64Array;

    fn values(&self, values: Option<&ArrayRef>) -> Result<Float64Array, WindowError> {
        values.map_or_else(|| Ok(Float64Array::from(Vec::<f64>::new())), Float::array)
    }

    fn add(&self, state: &mut Sums, values: &Float64Array, row: usize, _input: &Input<'_>) {
        let value = values.value(row);
        state.count += 1;
        state.values.add(value);
        state.squares.add_product(value, value);
    }

    fn encode(&self, state: &Sums, out: &mut Vec<u8>) {
        out.extend_from_slice(&state.count.to_le_bytes());
        state.values.encode(out);
        state.squares.encode(out);
    }

    fn merge(&self, state: &mut Sums, reader: &mut Reader<'_>) -> Result<(), WindowError> {
        state.count += reader.u64()?;
        state.values.merge(&Exact::decode(reader)?);
        state.squares.merge(&Exact::decode(reader)?);
        Ok(())
    }

    fn finish<'a>(&'a self, states: &mut dyn Iterator<Item = &'a Sums>) -> Result<ArrayRef, WindowError> {
        let value = |state: &Sums| {
            let divisor = if self.sample { state.count.saturating_sub(1) } else { state.count };
            let variance = (divisor > 0).then(|| squared_deviations(state) / divisor as f64)?;
            Some(if self.root { variance.sqrt() } else { variance })
        };
        Ok(Arc::new(states.map(value).collect::<Float64Array>()))
    }
}

/// The sum of (x - m)^2 with m the rounded mean, as the sum of x^2 - 2 m x + m^2 without rounding in between.
fn squared_deviations(state: &Sums) -> f64 {
    if state.values.is_special() {
        return f64::NAN;
    }
    let count = state.count as f64;
    let mean = state.values.round() / count;
    let mut sum = state.squares.clone();
    state.values.parts().into_iter().for_each(|part| sum.add_product(-2.0 * mean, part));
    let mut means = Exact::default();
    means.add_product(count, mean);
    means.parts().into_iter().for_each(|part| sum.add_product(part, mean));
    sum.round().max(0.0)
}
