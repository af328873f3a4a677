//! Sums and means. Whole numbers are summed in 128 bits, others without rounding.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array};

use super::{
    Function, Input,
    kind::{Float, Kind, whole},
};
use crate::{WindowError, bytes::Reader, exact::Exact};

/// The sum or mean of whole numbers; of true and false, how many or which share is true.
#[derive(Debug)]
pub(super) struct IntSum {
    pub(super) mean: bool,
}

impl Function for IntSum {
    /// The sum, and of how many.
    type State = (i128, u64);
    type Values = Int64Array;

    fn values(&self, values: Option<&ArrayRef>) -> Result<Int64Array, WindowError> {
        values.map_or_else(|| Ok(Int64Array::from(Vec::<i64>::new())), whole)
    }

    fn add(&self, (sum, count): &mut Self::State, values: &Int64Array, row: usize, _input: &Input<'_>) {
        *sum += i128::from(values.value(row));
        *count += 1;
    }

    fn encode(&self, (sum, count): &Self::State, out: &mut Vec<u8>) {
        out.extend_from_slice(&sum.to_le_bytes());
        out.extend_from_slice(&count.to_le_bytes());
    }

    fn merge(&self, (sum, count): &mut Self::State, reader: &mut Reader<'_>) -> Result<(), WindowError> {
        *sum += reader.i128()?;
        *count += reader.u64()?;
        Ok(())
    }

    /// A sum beyond 64 bits has no value, rather than a wrong one.
    fn finish<'a>(&'a self, states: &mut dyn Iterator<Item = &'a Self::State>) -> Result<ArrayRef, WindowError> {
        Ok(match self.mean {
            true => Arc::new(
                states.map(|(sum, count)| (*count > 0).then(|| *sum as f64 / *count as f64)).collect::<Float64Array>(),
            ),
            false => Arc::new(
                states.map(|(sum, count)| i64::try_from(*sum).ok().filter(|_| *count > 0)).collect::<Int64Array>(),
            ),
        })
    }
}

/// The sum or mean of floating-point numbers.
#[derive(Debug)]
pub(super) struct FloatSum {
    pub(super) mean: bool,
}

impl Function for FloatSum {
    /// The sum, and of how many.
    type State = (Exact, u64);
    type Values = Float64Array;

    fn values(&self, values: Option<&ArrayRef>) -> Result<Float64Array, WindowError> {
        values.map_or_else(|| Ok(Float64Array::from(Vec::<f64>::new())), Float::array)
    }

    fn add(&self, (sum, count): &mut Self::State, values: &Float64Array, row: usize, _input: &Input<'_>) {
        sum.add(values.value(row));
        *count += 1;
    }

    fn encode(&self, (sum, count): &Self::State, out: &mut Vec<u8>) {
        sum.encode(out);
        out.extend_from_slice(&count.to_le_bytes());
    }

    fn merge(&self, (sum, count): &mut Self::State, reader: &mut Reader<'_>) -> Result<(), WindowError> {
        sum.merge(&Exact::decode(reader)?);
        *count += reader.u64()?;
        Ok(())
    }

    fn finish<'a>(&'a self, states: &mut dyn Iterator<Item = &'a Self::State>) -> Result<ArrayRef, WindowError> {
        let value = |(sum, count): &Self::State| match (*count, self.mean) {
            (0, _) => None,
            (count, true) => Some(sum.round() / count as f64),
            (_, false) => Some(sum.round()),
        };
        Ok(Arc::new(states.map(value).collect::<Float64Array>()))
    }
}
