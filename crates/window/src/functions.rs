//! The aggregates of definitions that DataFusion does not have, for queries: `histogram` and `top_k`, over the same states
//! as in windows.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, StringArray},
    datatypes::{DataType, Field, FieldRef},
};
use datafusion_common::{DataFusionError, Result, ScalarValue, exec_err, plan_err};
use datafusion_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility,
    function::{AccumulatorArgs, StateFieldsArgs},
};
use datafusion_functions_aggregate::{
    first_last::{first_value_udaf, last_value_udaf},
    variance::var_samp_udaf,
};
use datafusion_physical_expr::{PhysicalExpr, expressions::Literal};
use expr::AggregateFunction;

use crate::{
    WindowError,
    accumulate::{Accumulators, Input, accumulators_of, plain, plain_type},
    bytes::Reader,
};

/// `histogram(values, low, high, bins)` and `top_k(values, count)`, and the names that definitions have beside DataFusion's:
/// `variance`, `first`, `last`. In a query the last two have no order but the one that they are given, as in
/// `first(price ORDER BY timestamp)`.
pub fn query_functions() -> Vec<AggregateUDF> {
    vec![
        AggregateUDF::from(Stateful::new("histogram", &[0, 1, 1])),
        AggregateUDF::from(Stateful::new("top_k", &[1])),
        var_samp_udaf().as_ref().clone().with_aliases(["variance"]),
        first_value_udaf().as_ref().clone().with_aliases(["first"]),
        last_value_udaf().as_ref().clone().with_aliases(["last"]),
    ]
}

/// A function of definitions, by its name there; its parameters stand behind its values.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Stateful {
    name: &'static str,
    /// Parameters that it may have: as many as it takes, and what is asked before those of a call are known does not depend on
    /// them.
    example: &'static [u32],
    signature: Signature,
}

impl Stateful {
    fn new(name: &'static str, example: &'static [u32]) -> Self {
        Self { name, example, signature: Signature::user_defined(Volatility::Immutable) }
    }

    /// The function with these parameters.
    fn of(&self, parameters: &[f64]) -> Result<AggregateFunction> {
        AggregateFunction::of(self.name, parameters).map_err(|error| DataFusionError::Plan(error.to_string()))
    }

    /// The function with parameters that it may have.
    fn any(&self) -> Result<AggregateFunction> {
        self.of(&self.example.iter().copied().map(f64::from).collect::<Vec<_>>())
    }

    /// The function that a call's constants make of it.
    fn function(&self, parameters: &[Arc<dyn PhysicalExpr>]) -> Result<AggregateFunction> {
        let mut numbers = Vec::with_capacity(parameters.len());
        for parameter in parameters {
            let literal = parameter.downcast_ref::<Literal>().map(Literal::value);
            match literal {
                Some(ScalarValue::Float64(Some(number))) => numbers.push(*number),
                _ => return plan_err!("`{}` takes numbers behind its values, not `{parameter}`", self.name),
            }
        }
        self.of(&numbers)
    }
}

impl AggregateUDFImpl for Stateful {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let Some((of, parameters)) = types.split_first() else {
            return plan_err!("`{}` lacks what it is to aggregate", self.name);
        };
        if parameters.len() != self.example.len() {
            // So many parameters it never has, and says how it is written.
            return self.of(&vec![0.0; parameters.len()]).map(|_| Vec::new());
        }
        let of = match (plain_type(of), self.any()?.takes_text()) {
            (DataType::Utf8View | DataType::LargeUtf8 | DataType::Null, true) => DataType::Utf8,
            (number, false) if number.is_numeric() || *number == DataType::Null => DataType::Float64,
            (plain, true) if !plain.is_nested() => plain.clone(),
            (other, _) => return plan_err!("`{}` cannot take values of type {other}", self.name),
        };
        if let Some(other) = parameters.iter().find(|parameter| !parameter.is_numeric()) {
            return plan_err!("`{}` takes numbers behind its values, not {other}", self.name);
        }
        Ok([vec![of], vec![DataType::Float64; parameters.len()]].concat())
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(self.any()?.data_type(&DataType::Null))
    }

    fn is_nullable(&self) -> bool {
        self.any().is_ok_and(AggregateFunction::nullable)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format!("{}[state]", args.name), DataType::Binary, true))])
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let (Some((_, parameters)), Some(of)) = (args.exprs.split_first(), args.expr_fields.first()) else {
            return plan_err!("`{}` lacks what it is to aggregate", self.name);
        };
        if args.is_distinct {
            return plan_err!("`{}(DISTINCT ...)` has no meaning", self.name);
        }
        let mut states = accumulators_of(self.function(parameters)?, of.data_type()).map_err(failed)?;
        states.resize(1);
        Ok(Box::new(OneGroup { states, bytes: 0 }))
    }
}

/// The state of one group of a query.
#[derive(Debug)]
struct OneGroup {
    states: Box<dyn Accumulators>,
    /// Bytes of the state when it was last written down.
    bytes: usize,
}

fn failed(error: WindowError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

impl Accumulator for OneGroup {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let Some(of) = values.first() else { return exec_err!("there are no values to aggregate") };
        let of = plain(of).map_err(failed)?;
        let rows: Vec<u32> = (0..of.len() as u32).collect();
        let slots = vec![0; rows.len()];
        let ids = StringArray::new_null(0);
        let input = Input { rows: &rows, slots: &slots, values: Some(&of), times: &[], ids: &ids };
        self.states.update(&input).map_err(failed)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&self.states.finish(&[0]).map_err(failed)?, 0)
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.bytes
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let mut state = Vec::new();
        self.states.encode(0, &mut state).map_err(failed)?;
        self.bytes = state.len();
        Ok(vec![ScalarValue::Binary(Some(state))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(states) = states.first() else { return exec_err!("there are no states to merge") };
        for state in states.as_binary::<i32>().iter().flatten() {
            self.states.merge(0, &mut Reader(state)).map_err(failed)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
