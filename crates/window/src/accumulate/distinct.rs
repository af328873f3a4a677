//! About how many different values: DataFusion's HyperLogLog, whose standard error is 0.8 %. It does not depend on the
//! order of the rows, so that it is the same over any number of partitions.

use std::{fmt, sync::Arc};

use arrow::{
    array::{ArrayRef, AsArray, Int64Array, UInt32Array},
    compute::{cast, take},
    datatypes::{DataType, Field, Float64Type, Schema},
};
use datafusion_common::ScalarValue;
use datafusion_expr::{Accumulator, AggregateUDF, function::AccumulatorArgs};
use datafusion_functions_aggregate::approx_distinct::approx_distinct_udaf;
use datafusion_physical_expr::{PhysicalExpr, expressions::Column};

use super::{Accumulators, Input, kind::whole};
use crate::{
    WindowError,
    bytes::{Reader, put_bytes},
};

/// About how many different values.
pub(super) struct Distinct {
    function: Arc<AggregateUDF>,
    /// Text, or 64-bit whole numbers, which everything else becomes.
    of: DataType,
    float: bool,
    states: Vec<Option<Box<dyn Accumulator>>>,
}

impl fmt::Debug for Distinct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Distinct").field("of", &self.of).field("slots", &self.states.len()).finish_non_exhaustive()
    }
}

impl Distinct {
    pub(super) fn new(of: &DataType) -> Result<Self, WindowError> {
        let stored = if *of == DataType::Utf8 { DataType::Utf8 } else { DataType::Int64 };
        let distinct =
            Self { function: approx_distinct_udaf(), of: stored, float: of.is_floating(), states: Vec::new() };
        distinct.fresh()?;
        Ok(distinct)
    }

    fn fresh(&self) -> Result<Box<dyn Accumulator>, WindowError> {
        let field = Arc::new(Field::new("value", self.of.clone(), true));
        let schema = Schema::new(vec![field.clone()]);
        let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new("value", 0));
        let arguments = AccumulatorArgs {
            return_field: Arc::new(Field::new("distinct", DataType::UInt64, false)),
            schema: &schema,
            ignore_nulls: false,
            order_bys: &[],
            is_reversed: false,
            name: "distinct",
            is_distinct: false,
            exprs: &[column],
            expr_fields: &[field],
        };
        Ok(self.function.accumulator(arguments)?)
    }

    fn state(&mut self, slot: u32) -> Result<&mut Box<dyn Accumulator>, WindowError> {
        let fresh = match self.states[slot as usize] {
            Some(_) => None,
            None => Some(self.fresh()?),
        };
        let state = &mut self.states[slot as usize];
        Ok(match (state, fresh) {
            (Some(state), _) => state,
            (empty, Some(fresh)) => empty.insert(fresh),
            (None, None) => return Err(WindowError::State("a slot is lost")),
        })
    }

    fn values(&self, values: &ArrayRef) -> Result<ArrayRef, WindowError> {
        if self.of == DataType::Utf8 {
            return Ok(cast(values, &DataType::Utf8)?);
        }
        if !self.float {
            return Ok(Arc::new(whole(values)?));
        }
        // By their bits: one zero, and one thing that is not a number.
        let bits = |value: f64| match value {
            value if value.is_nan() => f64::NAN.to_bits() as i64,
            value => (value + 0.0).to_bits() as i64,
        };
        let values = cast(values, &DataType::Float64)?;
        let values = values.as_primitive::<Float64Type>();
        Ok(Arc::new(values.iter().map(|value| value.map(bits)).collect::<Int64Array>()))
    }
}

impl Accumulators for Distinct {
    fn resize(&mut self, slots: usize) {
        self.states.resize_with(slots, || None);
    }

    fn clear(&mut self, slot: u32) {
        self.states[slot as usize] = None;
    }

    fn update(&mut self, input: &Input<'_>) -> Result<(), WindowError> {
        let Some(values) = input.values else { return Ok(()) };
        let values = self.values(values)?;
        let mut order: Vec<(u32, u32)> = input.slots.iter().copied().zip(input.rows.iter().copied()).collect();
        order.sort_unstable();
        for rows in order.chunk_by(|a, b| a.0 == b.0) {
            let indices = UInt32Array::from_iter_values(rows.iter().map(|(_, row)| *row));
            let values = take(&values, &indices, None)?;
            self.state(rows[0].0)?.update_batch(&[values])?;
        }
        Ok(())
    }

    fn encode(&mut self, slot: u32, out: &mut Vec<u8>) -> Result<(), WindowError> {
        let state = self.state(slot)?.state()?;
        match state.as_slice() {
            [ScalarValue::Binary(Some(bytes))] => put_bytes(out, bytes),
            _ => return Err(WindowError::State("a sketch has another layout")),
        }
        Ok(())
    }

    fn merge(&mut self, slot: u32, reader: &mut Reader<'_>) -> Result<(), WindowError> {
        let bytes = ScalarValue::Binary(Some(reader.bytes()?.to_vec())).to_array()?;
        Ok(self.state(slot)?.merge_batch(&[bytes])?)
    }

    fn finish(&mut self, slots: &[u32]) -> Result<ArrayRef, WindowError> {
        let mut counts = Vec::with_capacity(slots.len());
        for slot in slots {
            counts.push(match self.state(*slot)?.evaluate()? {
                ScalarValue::UInt64(Some(count)) => count as i64,
                _ => return Err(WindowError::State("a sketch has another layout")),
            });
        }
        Ok(Arc::new(Int64Array::from(counts)))
    }
}
