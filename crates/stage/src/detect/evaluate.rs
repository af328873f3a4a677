//! What rules and features give for the rows of a batch.

use arrow::{
    array::{AsArray, BooleanArray, RecordBatch},
    compute::cast,
    datatypes::{DataType, Float64Type},
};
use detect::{hashed, hashed_unit};
use stream::FeatureKind;

use super::Detect;
use crate::{DeadLetterKind, Outputs, Rows, StageError, rows::Failure};

impl Detect {
    /// Evaluates rules and features; rows for which one fails become dead letters, and the others are given back.
    pub(super) fn evaluate(
        &mut self,
        mut rows: Rows,
        out: &mut Outputs,
    ) -> Result<(Rows, Vec<BooleanArray>), StageError> {
        let mut failed: Vec<(usize, String, String)> = Vec::new();
        let rules = self.rules(&rows.batch, &mut failed)?;
        self.evaluate_features(&rows.batch, &mut failed)?;
        if failed.is_empty() {
            return Ok((rows, rules));
        }
        let failures = failed.into_iter().map(|(row, rule, reason)| {
            let rows = vec![(row, reason)];
            Failure { kind: DeadLetterKind::Expression, rule, rows }
        });
        rows = rows.move_to_dead_letters(failures.collect(), self.stream.input.arrow().fields().len(), out)?;
        let rules = self.rules(&rows.batch, &mut Vec::new())?;
        self.evaluate_features(&rows.batch, &mut Vec::new())?;
        Ok((rows, rules))
    }

    fn rules(
        &self,
        batch: &RecordBatch,
        failed: &mut Vec<(usize, String, String)>,
    ) -> Result<Vec<BooleanArray>, StageError> {
        let mut rules = Vec::with_capacity(self.stream.rules.len());
        for (name, when) in &self.stream.rules {
            let (matches, bad) = when.matches(batch).map_err(|source| in_context(name, source))?;
            failed.extend(bad.into_iter().map(|(row, reason)| (row, name.clone(), reason)));
            rules.push(matches);
        }
        Ok(rules)
    }

    /// Fills `self.features`: row by row, NaN for what is missing; and `self.texts`.
    fn evaluate_features(
        &mut self,
        batch: &RecordBatch,
        failed: &mut Vec<(usize, String, String)>,
    ) -> Result<(), StageError> {
        let width = self.stream.features.len();
        self.features.clear();
        self.features.resize(batch.num_rows() * width, f64::NAN);
        self.texts.clear();
        for (index, feature) in self.stream.features.iter().enumerate() {
            let evaluated = feature.evaluate(batch).map_err(|source| in_context(feature.sql(), source))?;
            let mut set = |row: usize, value: Option<f64>| {
                if let Some(value) = value {
                    self.features[row * width + index] = value;
                }
            };
            let number = match feature.kind() {
                FeatureKind::Number => None,
                FeatureKind::Frequency => Some(hashed as fn(&str) -> f64),
                FeatureKind::Hash => Some(hashed_unit as fn(&str) -> f64),
            };
            self.texts.push(match number {
                None => {
                    let values = evaluated.values.as_primitive::<Float64Type>().iter();
                    values.enumerate().for_each(|(row, value)| set(row, value));
                    None
                }
                Some(number) => {
                    let texts = cast(&evaluated.values, &DataType::Utf8)?.as_string::<i32>().clone();
                    texts.iter().enumerate().for_each(|(row, text)| set(row, text.map(number)));
                    Some(texts)
                }
            });
            failed.extend(evaluated.failed.into_iter().map(|(row, reason)| (row, feature.sql().to_owned(), reason)));
        }
        Ok(())
    }
}

fn in_context(context: &str, source: expr::ExprError) -> StageError {
    StageError::Expression { context: context.to_owned(), source }
}
