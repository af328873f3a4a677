//! The first step: quality rules, lookups, computed columns and the noise filter. It keeps no state.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    datatypes::{DataType, Field, Schema},
};
use stream::Stream;

use crate::{
    DeadLetterKind, Outputs, Rows, Stage, StageError,
    rows::{Failure, event_times},
};

/// Quality rules, lookups, computed columns and the noise filter.
#[derive(Debug)]
pub struct Enrich {
    stream: Arc<Stream>,
}

impl Enrich {
    /// The first step of `stream`.
    pub fn new(stream: Arc<Stream>) -> Self {
        Self { stream }
    }

    /// Id, key and time must be there, and the time must be one.
    fn check_identity(&self, rows: &Rows) -> Result<Vec<Failure>, StageError> {
        let spec = &self.stream.definition.spec;
        let mut failures = Vec::new();
        for (role, column) in [("id", &spec.id), ("key", &spec.key), ("time", &spec.time)] {
            let Some(values) = rows.batch.column_by_name(column) else { continue };
            let nulls = nulls(values.as_ref());
            if !nulls.is_empty() {
                let reason = format!("the {role} column `{column}` is null");
                let rows = nulls.into_iter().map(|row| (row, reason.clone())).collect();
                failures.push(Failure { kind: DeadLetterKind::Identity, rule: column.clone(), rows });
            }
            if role == "time" && values.data_type() == &DataType::Utf8 {
                failures.push(Failure {
                    kind: DeadLetterKind::Identity,
                    rule: column.clone(),
                    rows: unreadable_times(values, column)?,
                });
            }
        }
        Ok(failures)
    }

    /// The time must not be further ahead of the clock that took the event in than the stream allows: such an event
    /// would close windows before their time.
    fn check_clock(&self, rows: &Rows) -> Result<Vec<Failure>, StageError> {
        let column = &self.stream.definition.spec.time;
        let (Some(ahead_max), Some(ingested)) = (self.stream.max_ahead(), &rows.ingested) else {
            return Ok(Vec::new());
        };
        let ahead_max = ahead_max.as_micros() as i64;
        let times = event_times(rows.batch.column(rows.batch.schema_ref().index_of(column)?))?;
        let mut failed = Vec::new();
        for (row, (time, ingested)) in times.iter().zip(ingested.values()).enumerate() {
            let ahead = time.unwrap_or_default().saturating_sub(*ingested);
            if ahead > ahead_max {
                let (ahead, most) = (ahead as f64 / 1e6, ahead_max as f64 / 1e6);
                let reason = format!("`{column}` is {ahead} s ahead of the clock, and `max_ahead` allows {most} s");
                failed.push((row, reason));
            }
        }
        Ok(vec![Failure { kind: DeadLetterKind::Identity, rule: column.clone(), rows: failed }])
    }

    fn check_quality(&self, rows: &Rows) -> Result<Vec<Failure>, StageError> {
        let mut failures = Vec::new();
        for (name, check) in &self.stream.quality {
            let (good, failed) = check.matches(&rows.batch).map_err(in_context(name))?;
            if !failed.is_empty() {
                failures.push(Failure { kind: DeadLetterKind::Expression, rule: name.clone(), rows: failed });
            }
            if good.true_count() < good.len() {
                let reason = format!("not true: {}", check.sql());
                let rows = (0..good.len()).filter(|&row| !good.value(row)).map(|row| (row, reason.clone())).collect();
                failures.push(Failure { kind: DeadLetterKind::Quality, rule: name.clone(), rows });
            }
        }
        Ok(failures)
    }

    /// Adds the looked-up columns, then the computed ones in their order.
    fn add_columns(&self, mut rows: Rows, out: &mut Outputs) -> Result<Rows, StageError> {
        let mut fields = rows.batch.schema().fields().to_vec();
        let mut columns = rows.batch.columns().to_vec();
        for lookup in &self.stream.lookups {
            columns.extend(lookup.columns(&rows.batch)?);
            fields.extend(lookup.fields().iter().cloned());
        }
        if !self.stream.lookups.is_empty() {
            rows.batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
        }
        for (name, expression) in &self.stream.columns {
            let evaluated = expression.evaluate(&rows.batch).map_err(in_context(name))?;
            let field = self.stream.enriched.field_with_name(name)?.clone();
            rows.batch = with_column(&rows.batch, field, evaluated.values)?;
            if !evaluated.failed.is_empty() {
                let failure = Failure { kind: DeadLetterKind::Expression, rule: name.clone(), rows: evaluated.failed };
                rows = rows.move_to_dead_letters(vec![failure], self.raw(), out)?;
            }
        }
        rows.batch = rows.batch.with_schema(self.stream.enriched.clone())?;
        Ok(rows)
    }

    fn filter(&self, mut rows: Rows, out: &mut Outputs) -> Result<Rows, StageError> {
        let Some(filter) = &self.stream.filter else { return Ok(rows) };
        let (mut keep, failed) = filter.matches(&rows.batch).map_err(in_context("filter"))?;
        if !failed.is_empty() {
            let failure = Failure { kind: DeadLetterKind::Expression, rule: "filter".into(), rows: failed };
            rows = rows.move_to_dead_letters(vec![failure], self.raw(), out)?;
            keep = filter.matches(&rows.batch).map_err(in_context("filter"))?.0;
        }
        out.filtered += (keep.len() - keep.true_count()) as u64;
        rows.select(&keep)
    }

    /// How many columns a row comes with.
    fn raw(&self) -> usize {
        self.stream.input.arrow().fields().len()
    }
}

impl Stage for Enrich {
    fn process(&mut self, rows: Rows, out: &mut Outputs) -> Result<(), StageError> {
        let before = out.dead_letters.len();
        let failures = self.check_identity(&rows)?;
        let rows = rows.move_to_dead_letters(failures, self.raw(), out)?;
        let failures = self.check_clock(&rows)?;
        let rows = rows.move_to_dead_letters(failures, self.raw(), out)?;
        let failures = self.check_quality(&rows)?;
        let rows = rows.move_to_dead_letters(failures, self.raw(), out)?;
        let rows = self.add_columns(rows, out)?;
        let rows = self.filter(rows, out)?;
        // Rows become dead letters one step after the other; the order must be that of the rows, whatever the batch.
        out.dead_letters[before..].sort_by_key(|dead_letter| dead_letter.position);
        if !rows.is_empty() {
            out.rows.push(rows);
        }
        Ok(())
    }
}

fn in_context(context: &str) -> impl Fn(expr::ExprError) -> StageError + '_ {
    move |source| StageError::Expression { context: context.to_owned(), source }
}

fn nulls(values: &dyn Array) -> Vec<usize> {
    values.nulls().map_or_else(Vec::new, |nulls| (0..nulls.len()).filter(|&row| nulls.is_null(row)).collect())
}

/// Rows whose text is not a time in ISO 8601.
fn unreadable_times(values: &ArrayRef, column: &str) -> Result<Vec<(usize, String)>, StageError> {
    let times = event_times(values)?;
    let text = values.as_string::<i32>();
    let reason = |row| format!("`{column}` is not a time in ISO 8601: {:?}", text.value(row));
    Ok(nulls(&times).into_iter().filter(|&row| text.is_valid(row)).map(|row| (row, reason(row))).collect())
}

fn with_column(batch: &RecordBatch, field: Field, values: ArrayRef) -> Result<RecordBatch, StageError> {
    let mut fields = batch.schema().fields().to_vec();
    let mut columns = batch.columns().to_vec();
    fields.push(Arc::new(field));
    columns.push(values);
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}
