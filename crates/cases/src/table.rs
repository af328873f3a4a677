//! A table of results as rows of JSON, which is what the expectations are written in.

use arrow::{
    array::{Array, AsArray, RecordBatch, StringArray},
    compute,
    datatypes::{DataType, Int64Type, Schema, TimeUnit},
    json::writer::{LineDelimited, WriterBuilder},
};
use serde_json::Value as Json;

use crate::{CasesError, Row};

/// Rows of results.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// What the rows are, as messages call them.
    pub name: String,
    /// The columns, in their order.
    pub columns: Vec<String>,
    /// Which of them are times.
    pub times: Vec<String>,
    /// The rows.
    pub rows: Vec<Row>,
}

impl Table {
    /// An empty table.
    pub(crate) fn new(name: &str, schema: &Schema) -> Self {
        let is_time = |data_type: &DataType| matches!(data_type, DataType::Timestamp(..));
        let times = schema.fields().iter().filter(|field| is_time(field.data_type()));
        Self {
            name: name.to_owned(),
            times: times.map(|field| field.name().clone()).collect(),
            columns: schema.fields().iter().map(|field| field.name().clone()).collect(),
            rows: Vec::new(),
        }
    }

    /// Appends the rows of a batch.
    pub(crate) fn extend(&mut self, batch: &RecordBatch) -> Result<(), CasesError> {
        let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(Vec::new());
        writer.write(batch)?;
        writer.finish()?;
        for line in writer.into_inner().split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            self.rows.push(serde_json::from_slice(line)?);
        }
        Ok(())
    }

    /// Whether a column's value is what is expected of it: equal, or within the tolerance where both are numbers, or the
    /// same moment where the column is a time.
    pub(crate) fn agrees(&self, column: &str, expected: &Json, actual: &Json, tolerance: f64) -> bool {
        if let (Json::String(expected), Json::String(actual)) = (expected, actual)
            && self.times.iter().any(|time| time == column)
        {
            return expected == actual || moment(expected).is_some_and(|time| moment(actual) == Some(time));
        }
        agree(expected, actual, tolerance)
    }
}

fn agree(expected: &Json, actual: &Json, tolerance: f64) -> bool {
    match (expected, actual) {
        (Json::Number(expected), Json::Number(actual)) => {
            // Whole numbers beyond 2^53 are told apart too.
            let whole =
                |number: &serde_json::Number| number.as_i64().map(i128::from).or(number.as_u64().map(i128::from));
            if let (Some(expected), Some(actual)) = (whole(expected), whole(actual)) {
                return expected == actual;
            }
            let (Some(expected), Some(actual)) = (expected.as_f64(), actual.as_f64()) else { return false };
            (expected - actual).abs() <= tolerance * expected.abs().max(actual.abs()).max(1.0)
        }
        (Json::Array(expected), Json::Array(actual)) => {
            expected.len() == actual.len() && expected.iter().zip(actual).all(|(a, b)| agree(a, b, tolerance))
        }
        (Json::Object(expected), Json::Object(actual)) => {
            expected.iter().all(|(name, value)| agree(value, actual.get(name).unwrap_or(&Json::Null), tolerance))
        }
        (expected, actual) => expected == actual,
    }
}

/// A time in ISO 8601 in microseconds since 1970; without a zone it is UTC.
fn moment(text: &str) -> Option<i64> {
    let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let time = compute::cast(&StringArray::from(vec![text]), &micros).ok()?;
    let time = compute::cast(&time, &DataType::Int64).ok()?;
    time.is_valid(0).then(|| time.as_primitive::<Int64Type>().value(0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_agree_within_the_tolerance_and_whole_ones_exactly() {
        assert!(agree(&json!(100.0), &json!(100.000_000_1), 1e-8));
        assert!(!agree(&json!(100.0), &json!(100.000_01), 1e-8));
        assert!(agree(&json!(0.0), &json!(5e-9), 1e-8));
        assert!(agree(&json!(20), &json!(20.0), 1e-8), "YAML's 20 is a float's 20.0");
        assert!(!agree(&json!(9_007_199_254_740_993_i64), &json!(9_007_199_254_740_992_i64), 1e-8));
        assert!(!agree(&json!("1"), &json!(1), 1e-8));
        assert!(!agree(&json!([1, 2]), &json!([1]), 1e-8));
    }

    #[test]
    fn times_agree_however_they_are_written() {
        let table = Table { times: vec!["at".to_owned()], ..Table::default() };
        let (expected, actual) = (json!("2025-01-01 01:00:00.500+01:00"), json!("2025-01-01T00:00:00.500Z"));
        assert!(table.agrees("at", &expected, &actual, 1e-9));
        assert!(!table.agrees("at", &json!("2025-01-01T00:00:01Z"), &actual, 1e-9));
        assert!(!table.agrees("text", &expected, &actual, 1e-9), "a column of text is not a time");
    }
}
