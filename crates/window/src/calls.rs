//! All aggregate functions of one aggregate: what is computed of rows, and what is selected of that.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray};
use stream::WindowedAggregate;

use crate::{
    WindowError,
    accumulate::{Accumulators, Input, accumulators, filtered, plain},
    bytes::Reader,
};

/// The accumulators of one aggregate, call by call.
#[derive(Debug)]
pub(crate) struct Calls {
    aggregate: Arc<WindowedAggregate>,
    accumulators: Vec<Box<dyn Accumulators>>,
    slots: usize,
}

/// The arguments and filters of a batch, call by call.
#[derive(Default)]
pub(crate) struct Arguments {
    values: Vec<(Option<ArrayRef>, Option<BooleanArray>)>,
    /// Rows for which one cannot be computed, with the reason.
    pub(crate) failed: Vec<(usize, String)>,
}

impl Calls {
    pub(crate) fn new(aggregate: &Arc<WindowedAggregate>) -> Result<Self, WindowError> {
        let calls = aggregate.select.iter().flat_map(|(_, aggregation)| aggregation.calls());
        let accumulators = calls.map(accumulators).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { aggregate: aggregate.clone(), accumulators, slots: 0 })
    }

    /// Evaluates what the calls take of a batch.
    pub(crate) fn arguments(&self, batch: &RecordBatch) -> Result<Arguments, WindowError> {
        let in_context = |source| WindowError::Expression { aggregate: self.aggregate.name.clone(), source };
        let mut arguments = Arguments::default();
        for call in self.aggregate.select.iter().flat_map(|(_, aggregation)| aggregation.calls()) {
            let values = match &call.argument {
                None => None,
                Some(argument) => {
                    let evaluated = argument.evaluate(batch).map_err(in_context)?;
                    arguments.failed.extend(evaluated.failed);
                    Some(plain(&evaluated.values)?)
                }
            };
            let filter = match &call.filter {
                None => None,
                Some(filter) => {
                    let (matches, failed) = filter.matches(batch).map_err(in_context)?;
                    arguments.failed.extend(failed);
                    Some(matches)
                }
            };
            arguments.values.push((values, filter));
        }
        arguments.failed.sort_by_key(|(row, _)| *row);
        arguments.failed.dedup_by_key(|(row, _)| *row);
        Ok(arguments)
    }

    /// Makes room for so many slots.
    pub(crate) fn resize(&mut self, slots: usize) {
        self.slots = self.slots.max(slots);
        self.accumulators.iter_mut().for_each(|accumulators| accumulators.resize(self.slots));
    }

    pub(crate) fn clear(&mut self, slot: u32) {
        self.accumulators.iter_mut().for_each(|accumulators| accumulators.clear(slot));
    }

    /// Adds rows to slots.
    pub(crate) fn update(
        &mut self,
        arguments: &Arguments,
        rows: &[u32],
        slots: &[u32],
        times: &[i64],
        ids: &StringArray,
    ) -> Result<(), WindowError> {
        for (accumulators, (values, filter)) in self.accumulators.iter_mut().zip(&arguments.values) {
            let values = values.as_ref();
            match filter {
                None => accumulators.update(&Input { rows, slots, values, times, ids })?,
                Some(filter) => {
                    let (rows, slots) = filtered(filter, rows, slots);
                    accumulators.update(&Input { rows: &rows, slots: &slots, values, times, ids })?;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn encode(&mut self, slot: u32, out: &mut Vec<u8>) -> Result<(), WindowError> {
        self.accumulators.iter_mut().try_for_each(|accumulators| accumulators.encode(slot, out))
    }

    /// Adds what `encode` has written to a slot.
    pub(crate) fn merge(&mut self, slot: u32, state: &[u8]) -> Result<(), WindowError> {
        let mut reader = Reader(state);
        self.accumulators.iter_mut().try_for_each(|accumulators| accumulators.merge(slot, &mut reader))?;
        match reader.0.is_empty() {
            true => Ok(()),
            false => Err(WindowError::State("there is more than its aggregate has")),
        }
    }

    /// The selected columns of slots.
    pub(crate) fn finish(&mut self, slots: &[u32]) -> Result<Vec<ArrayRef>, WindowError> {
        let mut results = Vec::with_capacity(self.accumulators.len());
        for accumulators in &mut self.accumulators {
            results.push(accumulators.finish(slots)?);
        }
        let mut first = 0;
        let mut columns = Vec::with_capacity(self.aggregate.select.len());
        for (_, aggregation) in &self.aggregate.select {
            let end = first + aggregation.calls().len();
            let column = aggregation.finish(&results[first..end], slots.len());
            columns.push(
                column.map_err(|source| WindowError::Expression { aggregate: self.aggregate.name.clone(), source })?,
            );
            first = end;
        }
        Ok(columns)
    }
}
