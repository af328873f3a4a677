//! The smallest or the largest value.

use std::{cmp::Ordering, marker::PhantomData};

use arrow::{
    array::{Array, ArrayRef, new_empty_array},
    datatypes::DataType,
};

use super::{Function, Input, kind::Kind};
use crate::{WindowError, bytes::Reader};

/// The smallest or the largest value.
#[derive(Debug)]
pub(super) struct Extremes<K> {
    data_type: DataType,
    /// What a better value is to the one there is.
    better: Ordering,
    kind: PhantomData<K>,
}

impl<K> Extremes<K> {
    pub(super) fn new(data_type: DataType, largest: bool) -> Self {
        let better = if largest { Ordering::Greater } else { Ordering::Less };
        Self { data_type, better, kind: PhantomData }
    }
}

impl<K: Kind> Function for Extremes<K> {
    type State = Option<K::Value>;
    type Values = K::Array;

    fn values(&self, values: Option<&ArrayRef>) -> Result<K::Array, WindowError> {
        values.map_or_else(|| K::array(&new_empty_array(&self.data_type)), K::array)
    }

    fn add(&self, state: &mut Self::State, values: &K::Array, row: usize, _input: &Input<'_>) {
        if state.as_ref().is_none_or(|best| K::compare(values, row, best) == self.better) {
            *state = Some(K::value(values, row));
        }
    }

    fn encode(&self, state: &Self::State, out: &mut Vec<u8>) {
        out.push(u8::from(state.is_some()));
        if let Some(value) = state {
            K::encode(value, out);
        }
    }

    fn merge(&self, state: &mut Self::State, reader: &mut Reader<'_>) -> Result<(), WindowError> {
        if reader.u8()? == 0 {
            return Ok(());
        }
        let other = K::decode(reader)?;
        if state.as_ref().is_none_or(|best| K::compare_values(&other, best) == self.better) {
            *state = Some(other);
        }
        Ok(())
    }

    fn finish<'a>(&'a self, states: &mut dyn Iterator<Item = &'a Self::State>) -> Result<ArrayRef, WindowError> {
        let array = K::build(states.map(Option::as_ref).collect(), &self.data_type)?;
        debug_assert_eq!(array.data_type(), &self.data_type);
        Ok(array)
    }
}
