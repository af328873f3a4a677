//! How many rows, or values that are not null.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};

use super::{Function, Input};
use crate::{WindowError, bytes::Reader};

/// How many rows, or values that are not null.
#[derive(Debug)]
pub(super) struct Count;

impl Function for Count {
    type State = i64;
    type Values = ();

    fn values(&self, _values: Option<&ArrayRef>) -> Result<(), WindowError> {
        Ok(())
    }

    fn add(&self, state: &mut i64, _values: &(), _row: usize, _input: &Input<'_>) {
        *state += 1;
    }

    fn encode(&self, state: &i64, out: &mut Vec<u8>) {
        out.extend_from_slice(&state.to_le_bytes());
    }

    fn merge(&self, state: &mut i64, reader: &mut Reader<'_>) -> Result<(), WindowError> {
        *state += reader.i64()?;
        Ok(())
    }

    fn finish<'a>(&'a self, states: &mut dyn Iterator<Item = &'a i64>) -> Result<ArrayRef, WindowError> {
        Ok(Arc::new(states.map(|count| Some(*count)).collect::<Int64Array>()))
    }
}
