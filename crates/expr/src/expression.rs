//! One compiled expression.

use std::sync::Arc;

use arrow::{array::{ArrayRef, BooleanArray, RecordBatch}, datatypes::{DataType, Schema}};
use datafusion_expr::ScalarUDF;

use crate::ExprError;

/// A SQL expression, compiled against a schema.
#[derive(Debug, Clone)]
pub struct Expression {
    sql: String,
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
    pub fn compile(sql: &str, schema: &Schema) -> Result<Self, ExprError> {
        let _ = schema;
        Ok(Self { sql: sql.into() })
    }

    /// The same, where the result must be a boolean.
    pub fn compile_boolean(sql: &str, schema: &Schema) -> Result<Self, ExprError> {
        Self::compile(sql, schema)
    }

    /// The same, where the result must be numeric, and is cast to float64.
    pub fn compile_float(sql: &str, schema: &Schema) -> Result<Self, ExprError> {
        Self::compile(sql, schema)
    }

    /// The SQL as written.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The type of its values.
    pub fn data_type(&self) -> &DataType {
        &DataType::Float64
    }

    /// Whether its values can be null; true as well where a row can fail.
    pub fn nullable(&self) -> bool {
        true
    }

    /// The columns it reads, in the order of the schema.
    pub fn columns(&self) -> &[String] {
        &[]
    }

    /// One value a row, and the rows that failed.
    pub fn evaluate(&self, batch: &RecordBatch) -> Result<Evaluated, ExprError> {
        let _ = batch;
        Err(ExprError::Evaluate { message: "not yet".into() })
    }

    /// For a boolean expression: one true or false a row (null and failure count as false), and the rows that failed.
    pub fn matches(&self, batch: &RecordBatch) -> Result<(BooleanArray, Vec<(usize, String)>), ExprError> {
        let _ = batch;
        Err(ExprError::Evaluate { message: "not yet".into() })
    }
}

/// The functions of the field, for expressions here and for queries over the results.
pub fn functions() -> Vec<Arc<ScalarUDF>> {
    Vec::new()
}
