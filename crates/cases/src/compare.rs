//! What is expected against what came.

use serde_json::Value as Json;

use crate::{Case, CasesError, Outcome, Row, Table};

/// One thing in which a case and the stream disagree.
#[derive(Debug, Clone, PartialEq)]
pub enum Difference {
    /// A row that came is not what is expected.
    Changed {
        /// Of which table.
        table: String,
        /// Which of the expected rows, from 1.
        number: usize,
        /// The columns that disagree: name, expected value, actual value.
        columns: Vec<(String, Json, Json)>,
    },
    /// A row is expected that did not come.
    Missing {
        /// Of which table.
        table: String,
        /// Which of the expected rows, from 1.
        number: usize,
        /// The columns that are expected.
        expected: Row,
    },
    /// A row came that is not expected.
    Unexpected {
        /// Of which table.
        table: String,
        /// All of it.
        actual: Row,
    },
    /// The filter dropped another number of events.
    Filtered {
        /// How many it should.
        expected: u64,
        /// How many it did.
        actual: u64,
    },
}

/// Compares what a case expects with what came. Nothing is compared that the case does not name.
///
/// # Errors
/// Where the case expects nothing, or names a column or an aggregate that is not there.
pub fn compare(case: &Case, outcome: &Outcome, tolerance: f64) -> Result<Vec<Difference>, CasesError> {
    let mut differences = Vec::new();
    let mut compared = case.filtered.is_some();
    let tables = [
        (&case.rows, &outcome.rows),
        (&case.dead_letters, &outcome.dead_letters),
        (&case.anomalies, &outcome.anomalies),
        (&case.late, &outcome.late),
    ];
    for (expected, actual) in tables {
        if let Some(expected) = expected {
            compared = true;
            differences.extend(rows(case, expected, actual, tolerance)?);
        }
    }
    if let Some(expected) = case.filtered.filter(|expected| *expected != outcome.filtered) {
        differences.push(Difference::Filtered { expected, actual: outcome.filtered });
    }
    for (name, expected) in &case.windows {
        compared = true;
        let actual = outcome.windows.get(name).ok_or_else(|| CasesError::Aggregate {
            case: case.name.clone(),
            aggregate: name.clone(),
            known: outcome.windows.keys().cloned().collect(),
        })?;
        differences.extend(rows(case, expected, actual, tolerance)?);
    }
    if compared { Ok(differences) } else { Err(CasesError::Empty { case: case.name.clone() }) }
}

/// Compares rows in any order: first each expected row takes the first free row that agrees, then each that is left the
/// free row that agrees with it in most columns, so that the difference is as small as it can be.
fn rows(case: &Case, expected: &[Row], actual: &Table, tolerance: f64) -> Result<Vec<Difference>, CasesError> {
    if let Some(column) = expected.iter().flat_map(Row::keys).find(|name| !actual.columns.contains(name)) {
        return Err(CasesError::Column {
            case: case.name.clone(),
            table: actual.name.clone(),
            column: column.clone(),
            known: actual.columns.clone(),
        });
    }
    let disagreeing = |wanted: &Row, row: &Row| -> Vec<(String, Json, Json)> {
        let value = |column: &str| row.get(column).unwrap_or(&Json::Null).clone();
        let pairs = wanted.iter().map(|(column, wanted)| (column.clone(), wanted.clone(), value(column)));
        pairs.filter(|(column, wanted, value)| !actual.agrees(column, wanted, value, tolerance)).collect()
    };
    let mut free: Vec<&Row> = actual.rows.iter().collect();
    let mut left = Vec::new();
    for (index, wanted) in expected.iter().enumerate() {
        match free.iter().position(|row| disagreeing(wanted, row).is_empty()) {
            Some(found) => {
                free.remove(found);
            }
            None => left.push((index + 1, wanted)),
        }
    }
    let table = actual.name.clone();
    let mut differences = Vec::new();
    for (number, wanted) in left {
        let nearest =
            free.iter().map(|row| disagreeing(wanted, row)).enumerate().min_by_key(|(_, columns)| columns.len());
        match nearest.filter(|(_, columns)| columns.len() < wanted.len().max(2)) {
            Some((found, columns)) => {
                free.remove(found);
                differences.push(Difference::Changed { table: table.clone(), number, columns });
            }
            None => differences.push(Difference::Missing { table: table.clone(), number, expected: wanted.clone() }),
        }
    }
    let unexpected = free.into_iter().map(|row| Difference::Unexpected { table: table.clone(), actual: row.clone() });
    differences.extend(unexpected);
    Ok(differences)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(value: Json) -> Row {
        value.as_object().unwrap().clone()
    }

    fn table(rows: &[Json]) -> Table {
        let columns = ["id", "x", "y"].map(str::to_owned).to_vec();
        Table { name: "rows".into(), columns, times: Vec::new(), rows: rows.iter().cloned().map(row).collect() }
    }

    fn differences(expected: &[Json], actual: &[Json]) -> Vec<Difference> {
        let expected: Vec<Row> = expected.iter().cloned().map(row).collect();
        rows(&Case::default(), &expected, &table(actual), 1e-9).unwrap()
    }

    #[test]
    fn only_named_columns_count_and_the_order_does_not() {
        let actual = [json!({ "id": "a", "x": 1.5, "y": null }), json!({ "id": "b", "x": 2.5, "y": 7 })];
        assert_eq!(differences(&[json!({ "id": "b", "x": 2.5 }), json!({ "id": "a", "y": null })], &actual), []);
    }

    #[test]
    fn a_changed_row_is_paired_with_the_one_that_it_is_nearest_to() {
        let actual = [json!({ "id": "a", "x": 1.5, "y": 1 }), json!({ "id": "b", "x": 2.5, "y": 7 })];
        let changed = differences(&[json!({ "id": "b", "x": 2.6, "y": 7 }), json!({ "id": "a", "x": 1.5 })], &actual);
        let columns = vec![("x".to_owned(), json!(2.6), json!(2.5))];
        assert_eq!(changed, [Difference::Changed { table: "rows".into(), number: 1, columns }]);
    }

    #[test]
    fn rows_too_many_and_too_few_are_differences() {
        let actual = [json!({ "id": "a", "x": 1.5, "y": 1 })];
        let missing = row(json!({ "id": "c", "x": 9.5 }));
        assert_eq!(
            differences(&[json!({ "id": "a" }), Json::Object(missing.clone())], &actual),
            [Difference::Missing { table: "rows".into(), number: 2, expected: missing }]
        );
        assert_eq!(
            differences(&[], &actual),
            [Difference::Unexpected { table: "rows".into(), actual: row(actual[0].clone()) }]
        );
    }

    #[test]
    fn an_unknown_column_is_an_error_that_lists_the_known_ones() {
        let expected = [row(json!({ "z": 1 }))];
        let error = rows(&Case { name: "one".into(), ..Case::default() }, &expected, &table(&[]), 1e-9).unwrap_err();
        assert_eq!(error.to_string(), "case `one`: rows have no column `z`; they have id, x, y");
    }
}
