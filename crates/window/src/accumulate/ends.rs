//! The value at the earliest or the latest event time. Of equal times the id decides, so that the answer does not
//! depend on which of them came first. Nulls are passed over.

use std::{cmp::Ordering, marker::PhantomData};

use arrow::{
    array::{ArrayRef, new_empty_array},
    datatypes::DataType,
};

use super::{Function, Input, kind::Kind};
use crate::{
    WindowError,
    bytes::{Reader, put_bytes},
};

/// The value at the earliest or the latest event time.
#[derive(Debug)]
pub(super) struct Ends<K> {
    data_type: DataType,
    /// What a better place is to the one there is.
    better: Ordering,
    kind: PhantomData<K>,
}

/// A value and where it stands.
#[derive(Debug)]
pub(super) struct End<V> {
    time: i64,
    id: Box<str>,
    value: V,
}

impl<K> Ends<K> {
    pub(super) fn new(data_type: DataType, last: bool) -> Self {
        let better = if last { Ordering::Greater } else { Ordering::Less };
        Self { data_type, better, kind: PhantomData }
    }
}

impl<K: Kind> Function for Ends<K> {
    type State = Option<End<K::Value>>;
    type Values = K::Array;

    fn values(&self, values: Option<&ArrayRef>) -> Result<K::Array, WindowError> {
        values.map_or_else(|| K::array(&new_empty_array(&self.data_type)), K::array)
    }

    fn add(&self, state: &mut Self::State, values: &K::Array, row: usize, input: &Input<'_>) {
        let (time, id) = (input.times[row], input.ids.value(row));
        if state.as_ref().is_none_or(|end| (time, id).cmp(&(end.time, &end.id)) == self.better) {
            *state = Some(End { time, id: id.into(), value: K::value(values, row) });
        }
    }

    fn encode(&self, state: &Self::State, out: &mut Vec<u8>) {
        out.push(u8::from(state.is_some()));
        if let Some(end) = state {
            out.extend_from_slice(&end.time.to_le_bytes());
            put_bytes(out, end.id.as_bytes());
            K::encode(&end.value, out);
        }
    }

    fn merge(&self, state: &mut Self::State, reader: &mut Reader<'_>) -> Result<(), WindowError> {
        if reader.u8()? == 0 {
            return Ok(());
        }
        let other = End { time: reader.i64()?, id: reader.text()?.into(), value: K::decode(reader)? };
        if state.as_ref().is_none_or(|end| (other.time, &other.id).cmp(&(end.time, &end.id)) == self.better) {
            *state = Some(other);
        }
        Ok(())
    }

    fn finish<'a>(&'a self, states: &mut dyn Iterator<Item = &'a Self::State>) -> Result<ArrayRef, WindowError> {
        K::build(states.map(|end| end.as_ref().map(|end| &end.value)).collect(), &self.data_type)
    }
}
