//! The most frequent values (Misra and Gries, 1982; merged as in Agarwal et al., 2013, doi:10.1145/2500128).
//!
//! As long as a group has no more than [`TRACKED_MAX`] different values, the counts are exact. Beyond that each count is
//! too low by at most the number of rows divided by `TRACKED_MAX + 1`, and no value more frequent than that is missing.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Int64Builder, ListBuilder, StringArray, StringBuilder, StructBuilder},
    datatypes::{DataType, Field, Fields},
};
use hashbrown::HashMap;

use super::{
    Function, Input,
    kind::{Kind, Text},
};
use crate::{
    WindowError,
    bytes::{Reader, put_bytes},
};

/// Values of a group whose counts are kept.
const TRACKED_MAX: usize = 1024;

/// The most frequent values.
#[derive(Debug)]
pub(super) struct Top {
    pub(super) count: usize,
}

type Counts = HashMap<Box<str>, u64>;

impl Function for Top {
    type State = Counts;
    type Values = StringArray;

    fn values(&self, values: Option<&ArrayRef>) -> Result<StringArray, WindowError> {
        values.map_or_else(|| Ok(StringArray::from(Vec::<&str>::new())), Text::array)
    }

    fn add(&self, state: &mut Counts, values: &StringArray, row: usize, _input: &Input<'_>) {
        let value = values.value(row);
        match state.get_mut(value) {
            Some(count) => *count += 1,
            None => {
                state.insert(value.into(), 1);
                shrink(state);
            }
        }
    }

    fn encode(&self, state: &Counts, out: &mut Vec<u8>) {
        out.extend_from_slice(&(state.len() as u32).to_le_bytes());
        for (value, count) in sorted(state) {
            put_bytes(out, value.as_bytes());
            out.extend_from_slice(&count.to_le_bytes());
        }
    }

    fn merge(&self, state: &mut Counts, reader: &mut Reader<'_>) -> Result<(), WindowError> {
        for _ in 0..reader.u32()? {
            let value = reader.text()?;
            let count = reader.u64()?;
            *state.entry(value.into()).or_insert(0) += count;
        }
        shrink(state);
        Ok(())
    }

    fn finish<'a>(&'a self, states: &mut dyn Iterator<Item = &'a Counts>) -> Result<ArrayRef, WindowError> {
        let fields =
            Fields::from(vec![Field::new("value", DataType::Utf8, false), Field::new("count", DataType::Int64, false)]);
        let item = Field::new("item", DataType::Struct(fields.clone()), false);
        let mut lists = ListBuilder::new(StructBuilder::from_fields(fields, 0)).with_field(item);
        for state in states {
            let entries = lists.values();
            for (value, count) in sorted(state).into_iter().take(self.count) {
                let missing = || WindowError::State("a column of the entries is missing");
                entries.field_builder::<StringBuilder>(0).ok_or_else(missing)?.append_value(value);
                entries.field_builder::<Int64Builder>(1).ok_or_else(missing)?.append_value(count as i64);
                entries.append(true);
            }
            lists.append(true);
        }
        Ok(Arc::new(lists.finish()))
    }
}

/// Takes so much from every count that no more than [`TRACKED_MAX`] remain.
fn shrink(state: &mut Counts) {
    if state.len() <= TRACKED_MAX {
        return;
    }
    let mut counts: Vec<u64> = state.values().copied().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let taken = counts[TRACKED_MAX];
    state.retain(|_, count| {
        *count = count.saturating_sub(taken);
        *count > 0
    });
}

/// The most frequent first, equally frequent ones by their text.
fn sorted(state: &Counts) -> Vec<(&str, u64)> {
    let mut entries: Vec<(&str, u64)> = state.iter().map(|(value, count)| (value.as_ref(), *count)).collect();
    entries.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frequent_value_is_found_among_very_many() {
        let (mut state, top) = (Counts::new(), Top { count: 1 });
        let input = Input { rows: &[], slots: &[], values: None, times: &[], ids: &StringArray::from(vec![""; 0]) };
        let rows = 20_000;
        for row in 0..rows {
            let value = if row % 10 == 0 { "often".to_owned() } else { row.to_string() };
            top.add(&mut state, &StringArray::from(vec![value]), 0, &input);
            assert!(state.len() <= TRACKED_MAX);
        }
        let (value, count) = sorted(&state)[0];
        assert_eq!(value, "often");
        assert!(count <= rows / 10 && count + rows / 1025 >= rows / 10, "{count}");
    }
}
