//! Samples for the tests: what is guessed of a text, and what the SQL for its times gives.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray},
    compute,
    datatypes::DataType,
};
use expr::Expression;
use stream::FileFormat;

use crate::{
    InferError, csv_table,
    guess::Kind,
    json_table, plan,
    planned::{Plan, sql_name},
    roles,
    table::{Cell, Table},
};

/// Lines under a header (or under none), each made of its number.
pub(crate) fn lines(header: &str, count: usize, line: impl Fn(usize) -> String) -> String {
    let header = if header.is_empty() { String::new() } else { format!("{header}\n") };
    (0..count).fold(header, |text, row| text + &line(row) + "\n")
}

/// A table of CSV, or of objects where the text begins with one.
pub(crate) fn table(text: &str) -> Table {
    match text.starts_with('{') {
        true => json_table::read(text.as_bytes(), FileFormat::Jsonl, true).unwrap(),
        false => csv_table::read(text.as_bytes(), true).unwrap(),
    }
}

/// What is planned of a table, all roles given.
pub(crate) fn assigned(mut table: Table, no_time: bool) -> Result<(Plan, Table), InferError> {
    let plan = plan::plan(&mut table)?;
    let plan = roles::assign(plan, &mut table, no_time)?;
    Ok((plan, table))
}

pub(crate) fn plan_of(text: &str) -> Plan {
    assigned(table(text), false).unwrap().0
}

/// The names of a plan's features.
pub(crate) fn features_of(text: &str) -> Vec<String> {
    plan_of(text).features.into_iter().map(|(sql, _)| sql).collect()
}

/// The time of each row of a text of CSV as the plan says, `null` where there is none.
pub(crate) fn moments(text: &str) -> Vec<String> {
    let (plan, table) = assigned(table(text), false).unwrap();
    let time = plan.columns.iter().find(|column| column.name == plan.time).unwrap();
    let sql = time.derive.as_ref().map_or(&time.sql, |(sql, _)| sql);
    let columns = table.columns.iter().enumerate().map(|(origin, column)| {
        let texts = column.cells.iter().map(|cell| match cell {
            Cell::Text(text) | Cell::Number(text) => Some(text.trim()),
            _ => None,
        });
        let kind = plan.columns.iter().find(|planned| planned.origin == Some(origin)).map(|planned| &planned.kind);
        let values: ArrayRef = match kind {
            Some(Kind::Long | Kind::Epoch(_)) => {
                texts.map(|text| text?.parse().ok()).collect::<Int64Array>().into_array()
            }
            Some(Kind::Double | Kind::Days(_)) => {
                texts.map(|text| text?.parse().ok()).collect::<Float64Array>().into_array()
            }
            _ => texts.collect::<StringArray>().into_array(),
        };
        (sql_name(column), values)
    });
    let row: ArrayRef = Arc::new((1..=table.rows as i64).collect::<Int64Array>());
    let batch = RecordBatch::try_from_iter(columns.chain([("_row".to_owned(), row)])).unwrap();
    let found = Expression::compile(sql, batch.schema_ref()).unwrap().evaluate(&batch).unwrap();
    let texts = compute::cast(&found.values, &DataType::Utf8).unwrap();
    texts.as_string::<i32>().iter().map(|text| text.unwrap_or("null").to_owned()).collect()
}

trait IntoArray {
    fn into_array(self) -> ArrayRef;
}

impl<A: Array + 'static> IntoArray for A {
    fn into_array(self) -> ArrayRef {
        Arc::new(self)
    }
}
