//! Counts in bins of equal width, the last one open above: a bin has its lower edge and not its upper one.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Builder, ListBuilder};
use arrow::datatypes::{DataType, Field};

use super::{
    Function, Input,
    kind::{Float, Kind},
};
use crate::{WindowError, bytes::Reader};

/// Counts in bins of equal width, with one below them and one above.
#[derive(Debug)]
pub(super) struct Histogram {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) bins: usize,
}

impl Histogram {
    /// The bin of a value: 0 is below all, and the last is above; `None` for what is not a number.
    fn bin(&self, value: f64) -> Option<usize> {
        match value {
            value if value.is_nan() => None,
            value if value < self.low => Some(0),
            value if value >= self.high => Some(self.bins + 1),
            value => {
                let bin = ((value - self.low) / (self.high - self.low) * self.bins as f64) as usize;
                Some(1 + bin.min(self.bins - 1))
            }
        }
    }
}

impl Function for Histogram {
    /// Empty until the first value.
    type State = Vec<u64>;
    type Values = Float64Array;

    fn values(&self, values: Option<&ArrayRef>) -> Result<Float64Array, WindowError> {
        values.map_or_else(|| Ok(Float64Array::from(Vec::<f64>::new())), Float::array)
    }

    fn add(&self, state: &mut Vec<u64>, values: &Float64Array, row: usize, _input: &Input<'_>) {
        if let Some(bin) = self.bin(values.value(row)) {
            state.resize(self.bins + 2, 0);
            state[bin] += 1;
        }
    }

    fn encode(&self, state: &Vec<u64>, out: &mut Vec<u8>) {
        out.extend_from_slice(&(state.len() as u32).to_le_bytes());
        state.iter().for_each(|count| out.extend_from_slice(&count.to_le_bytes()));
    }

    fn merge(&self, state: &mut Vec<u64>, reader: &mut Reader<'_>) -> Result<(), WindowError> {
        let length = reader.u32()? as usize;
        if length == 0 {
            return Ok(());
        }
        if length != self.bins + 2 {
            return Err(WindowError::State("a histogram has other bins"));
        }
        state.resize(length, 0);
        for count in state {
            *count += reader.u64()?;
        }
        Ok(())
    }

    fn finish<'a>(&'a self, states: &mut dyn Iterator<Item = &'a Vec<u64>>) -> Result<ArrayRef, WindowError> {
        let item = Field::new("item", DataType::Int64, false);
        let mut lists = ListBuilder::new(Int64Builder::new()).with_field(item);
        for state in states {
            for bin in 0..self.bins + 2 {
                lists.values().append_value(state.get(bin).map_or(0, |count| *count as i64));
            }
            lists.append(true);
        }
        Ok(Arc::new(lists.finish()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_belongs_to_the_bin_above() {
        let histogram = Histogram { low: 0.0, high: 10.0, bins: 10 };
        let bins = [-0.1, 0.0, 0.999, 1.0, 9.999_999_999_999_999, 10.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
        let expected = [Some(0), Some(1), Some(1), Some(2), Some(10), Some(11), Some(11), Some(0), None];
        assert_eq!(bins.map(|value| histogram.bin(value)), expected);
    }
}
