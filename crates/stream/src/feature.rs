//! What the learned layers look at: numbers, how rare texts are, and texts as points.

use arrow::{datatypes::Schema, record_batch::RecordBatch};
use expr::{Evaluated, ExprError, Expression};

/// What a detector looks at.
#[derive(Debug, Clone)]
pub struct Feature {
    sql: String,
    kind: FeatureKind,
    expression: Expression,
}

/// How the layers see what a feature's expression gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeatureKind {
    /// A number as it is: `ln(pt)`.
    Number,
    /// How rare the value is for the key, in bits: `frequency(method)`.
    Frequency,
    /// A text as a number from 0 to below 1 that follows from it: `hash(method)`.
    Hash,
}

/// The kinds that are written as the only function of a feature.
const OF_TEXT: [(&str, FeatureKind); 2] = [("frequency", FeatureKind::Frequency), ("hash", FeatureKind::Hash)];

impl Feature {
    /// Compiles a feature against the enriched columns.
    ///
    /// # Errors
    /// As [`Expression::compile`], and where the values are of no type that such a feature can have.
    pub fn compile(sql: &str, schema: &Schema) -> Result<Self, ExprError> {
        let Some((kind, of)) = of_text(sql) else {
            let expression = Expression::compile_float(sql, schema).map_err(|error| alone(sql, error))?;
            return Ok(Self { sql: sql.to_owned(), kind: FeatureKind::Number, expression });
        };
        let expression = Expression::compile(of, schema)?;
        let found = expression.data_type();
        if crate::scope::is_category(found) {
            return Ok(Self { sql: sql.to_owned(), kind, expression });
        }
        let message = format!("`{sql}` takes text, true or false, or whole numbers, but `{of}` is {found}");
        Err(ExprError::Type { message })
    }

    /// The feature as it is written.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// What it is of: the SQL as it is written, for a text without `frequency` or `hash`.
    pub fn of(&self) -> &str {
        self.expression.sql()
    }

    /// How the layers see it.
    pub fn kind(&self) -> FeatureKind {
        self.kind
    }

    /// The columns it names, in the order of the schema.
    pub fn columns(&self) -> &[String] {
        self.expression.columns()
    }

    /// The values: float64 for a number, else what can be cast to text.
    ///
    /// # Errors
    /// As [`Expression::evaluate`].
    pub fn evaluate(&self, batch: &RecordBatch) -> Result<Evaluated, ExprError> {
        self.expression.evaluate(batch)
    }
}

/// The kind and the argument of a feature that is a text's.
fn of_text(sql: &str) -> Option<(FeatureKind, &str)> {
    OF_TEXT.into_iter().find_map(|(name, kind)| Some((kind, argument(sql, name)?)))
}

/// Whether a feature is written as the frequency of something.
pub(crate) fn is_frequency(sql: &str) -> bool {
    of_text(sql).is_some_and(|(kind, _)| kind == FeatureKind::Frequency)
}

/// The argument of a function where SQL is a call of it and nothing else: `x` of `ln(x)`.
pub fn argument<'a>(sql: &'a str, function: &str) -> Option<&'a str> {
    let sql = sql.trim();
    sql.get(..function.len()).filter(|start| start.eq_ignore_ascii_case(function))?;
    let rest = sql[function.len()..].trim_start().strip_prefix('(')?.strip_suffix(')')?;
    closed(rest).then(|| rest.trim())
}

/// Whether every bracket that is opened in a text is closed in it, and none before.
fn closed(text: &str) -> bool {
    let mut open = 0i32;
    text.chars().all(|character| {
        open += i32::from(character == '(') - i32::from(character == ')');
        open >= 0
    }) && open == 0
}

/// Where `frequency` or `hash` stands within an expression, which has no such function, that is what is wrong.
fn alone(sql: &str, error: ExprError) -> ExprError {
    let lower = sql.to_ascii_lowercase();
    match OF_TEXT.into_iter().find(|(name, _)| lower.contains(&format!("{name}("))) {
        Some((name, _)) => {
            ExprError::Type { message: format!("`{name}(...)` is a feature of its own and cannot be within `{sql}`") }
        }
        None => error,
    }
}
