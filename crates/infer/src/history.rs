//! Features from the rows of a stream that there is already.

use arrow::array::RecordBatch;

use crate::{InferError, features, plan, typed_table};

/// Which columns of a stream have a role.
#[derive(Debug, Clone, Copy)]
pub struct Roles<'a> {
    /// Identifies an event.
    pub id: &'a str,
    /// Partitions the stream.
    pub key: &'a str,
    /// The event's time.
    pub time: &'a str,
}

/// The features that the rows of a stream suggest, each with its reason: columns that vary as measurements do, long tails as
/// logarithms, and texts of few values by their frequency. Of the rows the first [`crate::ROWS_MAX`] are looked at.
///
/// # Errors
/// Where the rows have no column that can be named.
pub fn features_of(rows: &RecordBatch, roles: Roles<'_>) -> Result<Vec<(String, String)>, InferError> {
    let mut table = typed_table::read(rows)?;
    let mut plan = plan::plan(&mut table)?;
    (plan.id, plan.key, plan.time) = (roles.id.to_owned(), roles.key.to_owned(), roles.time.to_owned());
    features::choose(&mut plan, &table);
    Ok(plan.features)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};

    use super::*;

    #[test]
    fn numbers_that_vary_and_texts_of_few_values_are_features() {
        let rows = 2_000i64;
        let texts = |text: fn(i64) -> String| Arc::new(StringArray::from_iter_values((0..rows).map(text))) as ArrayRef;
        let heavy = (0..rows).map(|row| ((row * 7919 % 1000) as f64 / 100.0).exp());
        let batch = RecordBatch::try_from_iter([
            ("id", texts(|row| format!("r{row}"))),
            ("host", texts(|row| format!("h{}", row % 4))),
            ("at", Arc::new(Int64Array::from_iter_values(0..rows)) as ArrayRef),
            ("latency", Arc::new(Float64Array::from_iter_values(heavy)) as ArrayRef),
            ("method", texts(|row| if row % 97 == 0 { "PUT" } else { "GET" }.to_owned())),
            ("rack", texts(|row| format!("rack {}", row % 4))),
            ("note", texts(|row| format!("row {row} of many"))),
            ("status", Arc::new(Int64Array::from_iter_values((0..rows).map(|row| 200 + row % 3))) as ArrayRef),
        ])
        .unwrap();
        let found = features_of(&batch, Roles { id: "id", key: "host", time: "at" }).unwrap();
        let features: Vec<&str> = found.iter().map(|(sql, _)| sql.as_str()).collect();
        // `rack` follows from the key, and no note comes twice.
        assert_eq!(features, ["ln(latency)", "frequency(method)", "frequency(status)"]);
    }
}
