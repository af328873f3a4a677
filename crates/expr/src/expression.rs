//! One compiled expression.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions},
    datatypes::{DataType, Schema},
};

use crate::{
    ExprError, isolate,
    plan::{Plan, Target, plan},
};

/// A SQL expression, compiled against a schema. Cheap to clone.
///
/// Column names are as the schema has them, upper and lower case alike, and need quotes only where they are not words;
/// function names may be in any case. Fields of records are `position.x` or `position['x']`.
#[derive(Debug, Clone)]
pub struct Expression {
    sql: Arc<str>,
    plan: Arc<Plan>,
}

/// What an expression gives for a batch.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// One value a row; null where the row failed.
    pub values: ArrayRef,
    /// Rows for which it cannot be computed (an integer divided by zero, a cast of `abc` to a number), in order,
    /// each with its reason.
    pub failed: Vec<(usize, String)>,
}

impl Expression {
    /// Compiles `sql` against `schema`. Column names are taken as written, upper and lower case alike.
    ///
    /// # Errors
    /// Everything that can be wrong before a row is seen, down to a constant that cannot be computed.
    pub fn compile(sql: &str, schema: &Schema) -> Result<Self, ExprError> {
        Self::compile_as(sql, schema, Target::Any)
    }

    /// The same, where the result must be a boolean.
    ///
    /// # Errors
    /// As `compile`, and `Type` where it is none.
    pub fn compile_boolean(sql: &str, schema: &Schema) -> Result<Self, ExprError> {
        Self::compile_as(sql, schema, Target::Boolean)
    }

    /// The same, where the result must be numeric, and is cast to float64.
    ///
    /// # Errors
    /// As `compile`, and `Type` where it is none.
    pub fn compile_float(sql: &str, schema: &Schema) -> Result<Self, ExprError> {
        Self::compile_as(sql, schema, Target::Float)
    }

    fn compile_as(sql: &str, schema: &Schema, target: Target) -> Result<Self, ExprError> {
        Ok(Self { sql: sql.into(), plan: Arc::new(plan(sql, schema, target)?) })
    }

    /// The SQL as written.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The type of its values.
    pub fn data_type(&self) -> &DataType {
        &self.plan.data_type
    }

    /// Whether its values can be null. True as well where a row can fail, since a failed row's value is null.
    pub fn nullable(&self) -> bool {
        self.plan.nullable
    }

    /// The columns it names, in the order of the schema.
    pub fn columns(&self) -> &[String] {
        &self.plan.columns
    }

    /// One value a row, and the rows that failed. `batch` must have the columns it was compiled against; it may have
    /// more.
    ///
    /// # Errors
    /// `Evaluate` where a column is missing or has another type, never for a row's values.
    pub fn evaluate(&self, batch: &RecordBatch) -> Result<Evaluated, ExprError> {
        let input = self.input(batch)?;
        let (values, failed) = isolate::evaluate(&self.plan.physical, &input, &self.plan.data_type)
            .map_err(|error| ExprError::Evaluate { message: isolate::reason(&error) })?;
        Ok(Evaluated { values, failed })
    }

    /// For a boolean expression: one true or false a row (null and failure count as false), and the rows that failed.
    ///
    /// # Errors
    /// As `evaluate`, and where it is not a boolean expression.
    pub fn matches(&self, batch: &RecordBatch) -> Result<(BooleanArray, Vec<(usize, String)>), ExprError> {
        let Evaluated { values, failed } = self.evaluate(batch)?;
        let Some(values) = values.as_boolean_opt() else {
            let message = format!("the check must be true or false, but `{}` is {}", self.sql, self.data_type());
            return Err(ExprError::Evaluate { message });
        };
        let decided = match values.logical_nulls() {
            Some(nulls) => values.values() & nulls.inner(),
            None => values.values().clone(),
        };
        Ok((BooleanArray::new(decided, None), failed))
    }

    /// The columns it reads, and no others.
    fn input(&self, batch: &RecordBatch) -> Result<RecordBatch, ExprError> {
        let schema = batch.schema_ref();
        let columns = self
            .plan
            .indices
            .iter()
            .zip(self.plan.input.fields())
            .map(|(&index, field)| match schema.fields().get(index) {
                Some(found) if found.name() == field.name() => Ok(batch.column(index).clone()),
                _ => batch.column_by_name(field.name()).cloned().ok_or_else(|| ExprError::Evaluate {
                    message: format!(
                        "`{}` needs the column `{}`, which the batch does not have",
                        self.sql,
                        field.name()
                    ),
                }),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(self.plan.input.clone(), columns, &options)
            .map_err(|error| ExprError::Evaluate { message: format!("`{}`: {error}", self.sql) })
    }
}
