//! Evaluation that keeps rows apart: a row that fails takes no other row with it.
//!
//! A kernel fails for a whole batch. The batch is then halved until the failing rows stand alone. What a row gives is
//! therefore what it gives on its own, whichever rows came with it.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, RecordBatch, new_null_array},
    compute::{cast, concat},
    datatypes::DataType,
    error::ArrowError,
};
use datafusion_common::{DataFusionError, Result};
use datafusion_physical_expr::PhysicalExpr;

use crate::parse::lower_first;

/// Letters of a reason; a value that cannot be cast may be a megabyte long.
const REASON_CHARS_MAX: usize = 300;

/// One value a row of `batch`, null for a row that fails, and the failed rows with their reasons, in order.
/// At most `2 n` evaluations for `n` rows.
///
/// # Errors
/// Where the values of different rows have different types, which no row is to blame for.
pub(crate) fn evaluate(
    expression: &Arc<dyn PhysicalExpr>,
    batch: &RecordBatch,
    data_type: &DataType,
) -> Result<(ArrayRef, Vec<(usize, String)>)> {
    match evaluate_all(expression, batch, data_type) {
        Ok(values) => Ok((values, Vec::new())),
        Err(error) => {
            let mut isolation = Isolation { expression, data_type, pieces: Vec::new(), failed: Vec::new() };
            isolation.split(batch, 0, &error);
            let pieces: Vec<&dyn Array> = isolation.pieces.iter().map(AsRef::as_ref).collect();
            Ok((concat(&pieces)?, isolation.failed))
        }
    }
}

fn evaluate_all(expression: &Arc<dyn PhysicalExpr>, batch: &RecordBatch, data_type: &DataType) -> Result<ArrayRef> {
    let values = expression.evaluate(batch)?.into_array(batch.num_rows())?;
    if values.data_type() == data_type { Ok(values) } else { Ok(cast(&values, data_type)?) }
}

struct Isolation<'a> {
    expression: &'a Arc<dyn PhysicalExpr>,
    data_type: &'a DataType,
    /// Values of the rows so far, in order.
    pieces: Vec<ArrayRef>,
    failed: Vec<(usize, String)>,
}

impl Isolation<'_> {
    /// Halves a batch that failed with `error`; its first row is `offset` of the whole.
    fn split(&mut self, batch: &RecordBatch, offset: usize, error: &DataFusionError) {
        let rows = batch.num_rows();
        if rows <= 1 {
            self.pieces.push(new_null_array(self.data_type, rows));
            self.failed.extend((rows == 1).then(|| (offset, reason(error))));
            return;
        }
        let half = rows / 2;
        for (start, length) in [(0, half), (half, rows - half)] {
            let part = batch.slice(start, length);
            match evaluate_all(self.expression, &part, self.data_type) {
                Ok(values) => self.pieces.push(values),
                Err(error) => self.split(&part, offset + start, &error),
            }
        }
    }
}

/// What a kernel or the planner says, as one line in lower case.
pub(crate) fn reason(error: &DataFusionError) -> String {
    let root = error.find_root();
    let text = match root {
        DataFusionError::ArrowError(error, _) => match error.as_ref() {
            ArrowError::DivideByZero => "division by zero".to_owned(),
            ArrowError::CastError(text)
            | ArrowError::ComputeError(text)
            | ArrowError::ParseError(text)
            | ArrowError::InvalidArgumentError(text)
            | ArrowError::ArithmeticOverflow(text) => text.clone(),
            other => other.to_string(),
        },
        DataFusionError::Plan(text)
        | DataFusionError::Execution(text)
        | DataFusionError::NotImplemented(text)
        | DataFusionError::Internal(text) => text.clone(),
        other => other.strip_backtrace(),
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = lower_first(line.trim_end_matches('.'));
    match line.char_indices().nth(REASON_CHARS_MAX) {
        Some((end, _)) => format!("{} ...", &line[..end]),
        None => line,
    }
}
