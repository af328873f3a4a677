//! The states of one aggregate function, one a group and window: updated by rows, merged, written down, and finished.
//!
//! All but the sketches are exact, and none depends on how rows are cut into batches.

mod count;
mod distinct;
mod ends;
mod extremes;
mod histogram;
mod kind;
mod moments;
mod quantile;
mod sums;
mod top;

use std::fmt::Debug;

use arrow::{
    array::{Array, ArrayRef, BooleanArray, StringArray},
    buffer::NullBuffer,
    compute::cast,
    datatypes::DataType,
};
use expr::{AggregateCall, AggregateFunction};

use self::{
    count::Count,
    distinct::Distinct,
    ends::Ends,
    extremes::Extremes,
    histogram::Histogram,
    kind::{Float, Int, Kind, Text},
    moments::Moments,
    quantile::Quantile,
    sums::{FloatSum, IntSum},
    top::Top,
};
use crate::{WindowError, bytes::Reader};

/// Rows and the slots they go to.
pub(crate) struct Input<'a> {
    /// Rows of the batch, ascending.
    pub(crate) rows: &'a [u32],
    /// The slot of each.
    pub(crate) slots: &'a [u32],
    /// One value a row of the batch; `None` where the function takes none.
    pub(crate) values: Option<&'a ArrayRef>,
    /// One event time a row of the batch.
    pub(crate) times: &'a [i64],
    /// One id a row of the batch.
    pub(crate) ids: &'a StringArray,
}

/// The states of one aggregate function by slot.
pub(crate) trait Accumulators: Send + Sync + Debug {
    /// Makes room for so many slots, new ones empty.
    fn resize(&mut self, slots: usize);

    /// Empties a slot.
    fn clear(&mut self, slot: u32);

    /// Adds rows to their slots.
    fn update(&mut self, input: &Input<'_>) -> Result<(), WindowError>;

    /// Writes a slot's state down.
    fn encode(&mut self, slot: u32, out: &mut Vec<u8>) -> Result<(), WindowError>;

    /// Adds a state that was written down to a slot.
    fn merge(&mut self, slot: u32, reader: &mut Reader<'_>) -> Result<(), WindowError>;

    /// The results of slots, in their order.
    fn finish(&mut self, slots: &[u32]) -> Result<ArrayRef, WindowError>;
}

/// An aggregate function that keeps a state of its own type.
pub(crate) trait Function: Send + Sync + Debug {
    /// The state of a group.
    type State: Default + Send + Sync + Debug;
    /// The values of a batch.
    type Values;

    fn values(&self, values: Option<&ArrayRef>) -> Result<Self::Values, WindowError>;

    /// Adds a row that is not null.
    fn add(&self, state: &mut Self::State, values: &Self::Values, row: usize, input: &Input<'_>);

    fn encode(&self, state: &Self::State, out: &mut Vec<u8>);

    fn merge(&self, state: &mut Self::State, reader: &mut Reader<'_>) -> Result<(), WindowError>;

    fn finish<'a>(&'a self, states: &mut dyn Iterator<Item = &'a Self::State>) -> Result<ArrayRef, WindowError>;
}

/// The states of a [`Function`].
#[derive(Debug)]
struct States<F: Function> {
    function: F,
    states: Vec<F::State>,
}

impl<F: Function> Accumulators for States<F> {
    fn resize(&mut self, slots: usize) {
        self.states.resize_with(slots, F::State::default);
    }

    fn clear(&mut self, slot: u32) {
        self.states[slot as usize] = F::State::default();
    }

    fn update(&mut self, input: &Input<'_>) -> Result<(), WindowError> {
        let values = self.function.values(input.values)?;
        let nulls = input.values.and_then(|values| values.logical_nulls());
        let nulls = nulls.filter(|nulls: &NullBuffer| nulls.null_count() > 0);
        for (row, slot) in input.rows.iter().zip(input.slots) {
            let row = *row as usize;
            if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
                self.function.add(&mut self.states[*slot as usize], &values, row, input);
            }
        }
        Ok(())
    }

    fn encode(&mut self, slot: u32, out: &mut Vec<u8>) -> Result<(), WindowError> {
        self.function.encode(&self.states[slot as usize], out);
        Ok(())
    }

    fn merge(&mut self, slot: u32, reader: &mut Reader<'_>) -> Result<(), WindowError> {
        self.function.merge(&mut self.states[slot as usize], reader)
    }

    fn finish(&mut self, slots: &[u32]) -> Result<ArrayRef, WindowError> {
        self.function.finish(&mut slots.iter().map(|slot| &self.states[*slot as usize]))
    }
}

fn states<F: Function + 'static>(function: F) -> Box<dyn Accumulators> {
    Box::new(States { function, states: Vec::new() })
}

/// The states for a call.
pub(crate) fn accumulators(call: &AggregateCall) -> Result<Box<dyn Accumulators>, WindowError> {
    accumulators_of(call.function, call.argument.as_ref().map_or(&DataType::Null, |argument| argument.data_type()))
}

/// The states for a function over values of a type.
pub(crate) fn accumulators_of(
    function: AggregateFunction,
    of: &DataType,
) -> Result<Box<dyn Accumulators>, WindowError> {
    let of = plain_type(of).clone();
    let whole = of.is_integer() || of == DataType::Boolean;
    Ok(match function {
        AggregateFunction::Count => states(Count),
        AggregateFunction::Sum if whole => states(IntSum { mean: false }),
        AggregateFunction::Sum => states(FloatSum { mean: false }),
        AggregateFunction::Avg if whole => states(IntSum { mean: true }),
        AggregateFunction::Avg => states(FloatSum { mean: true }),
        AggregateFunction::Variance { sample } => states(Moments { sample, root: false }),
        AggregateFunction::Deviation { sample } => states(Moments { sample, root: true }),
        AggregateFunction::Min => by_kind(of, false, Choice::Extremes),
        AggregateFunction::Max => by_kind(of, true, Choice::Extremes),
        AggregateFunction::First => by_kind(of, false, Choice::Ends),
        AggregateFunction::Last => by_kind(of, true, Choice::Ends),
        AggregateFunction::ApproxDistinct => Box::new(Distinct::new(&of)?),
        AggregateFunction::ApproxPercentile(share) => states(Quantile { share }),
        AggregateFunction::TopK(count) => states(Top { count: count as usize }),
        AggregateFunction::Histogram { low, high, bins } => states(Histogram { low, high, bins: bins as usize }),
    })
}

/// What is kept of the values: the smallest or largest one, or the one at the earliest or latest time.
#[derive(Clone, Copy)]
enum Choice {
    Extremes,
    Ends,
}

fn by_kind(of: DataType, largest: bool, choice: Choice) -> Box<dyn Accumulators> {
    match &of {
        DataType::Utf8 => of_kind::<Text>(of, largest, choice),
        of_float if of_float.is_floating() => of_kind::<Float>(of, largest, choice),
        _ => of_kind::<Int>(of, largest, choice),
    }
}

fn of_kind<K: Kind + 'static>(data_type: DataType, largest: bool, choice: Choice) -> Box<dyn Accumulators> {
    match choice {
        Choice::Extremes => states(Extremes::<K>::new(data_type, largest)),
        Choice::Ends => states(Ends::<K>::new(data_type, largest)),
    }
}

/// The type without a dictionary around it.
pub(crate) fn plain_type(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::Dictionary(_, values) => values,
        other => other,
    }
}

/// The values without a dictionary around them.
pub(crate) fn plain(values: &ArrayRef) -> Result<ArrayRef, WindowError> {
    Ok(cast(values, plain_type(values.data_type()))?)
}

/// The rows and slots that a filter lets through.
pub(crate) fn filtered(filter: &BooleanArray, rows: &[u32], slots: &[u32]) -> (Vec<u32>, Vec<u32>) {
    rows.iter().zip(slots).filter(|(row, _)| filter.value(**row as usize)).map(|(row, slot)| (*row, *slot)).unzip()
}
