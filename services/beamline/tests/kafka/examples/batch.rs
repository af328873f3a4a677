//! Whether results in one process are what one query over the raw events says.

use std::{collections::BTreeSet, path::Path};

use arrow::{
    array::{Array, AsArray, RecordBatch},
    compute::{cast, concat_batches},
    datatypes::{DataType, Float64Type},
    util::display::{ArrayFormatter, FormatOptions},
};
use store::{QueryOptions, Session};
use stream::{Stream, Windows};

use super::queries::Example;

/// Holds each aggregate against its query. Both have the rows in the order of their windows and groups.
pub(crate) fn check(example: &Example, stream: &Stream, raw: &Path, results: &Path) {
    let session = open(&[raw, results]);
    let name = stream.name().replace('-', "_");
    let found = if stream.definition.spec.detect.is_some() { format!("{name}.anomalies") } else { "raw".to_owned() };
    let with = format!(
        "WITH raw AS (SELECT * FROM raw.processed_data), found AS (SELECT {} FROM {found}), events AS ({})",
        stream.definition.spec.id, example.events
    );
    let listed: BTreeSet<&str> = example.aggregates.iter().map(|(name, _)| *name).collect();
    let defined: BTreeSet<&str> = stream.aggregates.list.iter().map(|aggregate| aggregate.name.as_str()).collect();
    assert_eq!(listed, defined, "{}", example.name);
    for (aggregate, query) in &example.aggregates {
        let defined = stream.aggregates.list.iter().find(|defined| defined.name == *aggregate).unwrap();
        let time = (defined.windows != Windows::Whole).then_some("window_start");
        let order: Vec<&str> = time.into_iter().chain(defined.group_by.iter().map(String::as_str)).collect();
        let order = order.join(", ");
        let wanted = rows(&session, &format!("{with} SELECT * FROM ({query}) ORDER BY {order}"));
        let ours = rows(&session, &format!("SELECT * FROM {name}.{aggregate} ORDER BY {order}"));
        let asked: BTreeSet<&str> = defined.select.iter().map(|(name, _)| name.as_str()).collect();
        let told: BTreeSet<String> = wanted.schema().fields().iter().map(|field| bound(field.name()).0).collect();
        assert!(asked.iter().all(|name| told.contains(*name)), "{aggregate}: {asked:?}, but {told:?}");
        assert_eq!(ours.num_rows(), wanted.num_rows(), "windows and groups of {aggregate} in {name}");
        assert!(ours.num_rows() > 1, "{aggregate} has windows or groups");
        compare(&format!("{name}.{aggregate}"), &ours, &wanted);
    }
}

/// The column that a column of a query is about, and whether it is its least or its most.
fn bound(column: &str) -> (String, Option<bool>) {
    match (column.strip_suffix("_least"), column.strip_suffix("_most")) {
        (Some(name), _) => (name.to_owned(), Some(false)),
        (_, Some(name)) => (name.to_owned(), Some(true)),
        _ => (column.to_owned(), None),
    }
}

fn compare(what: &str, ours: &RecordBatch, wanted: &RecordBatch) {
    let options = FormatOptions::default().with_null("-");
    for (field, limit) in wanted.schema().fields().iter().zip(wanted.columns()) {
        let (name, most) = bound(field.name());
        let column = ours.column_by_name(&name).unwrap();
        let Some(most) = most else {
            let text = |column| ArrayFormatter::try_new(column, &options).unwrap();
            let (found, limit) = (text(column.as_ref()), text(limit.as_ref()));
            for row in 0..ours.num_rows() {
                assert_eq!(found.value(row).to_string(), limit.value(row).to_string(), "{what}, {name}, row {row}");
            }
            continue;
        };
        let numbers = |column| cast(column, &DataType::Float64).unwrap().as_primitive::<Float64Type>().clone();
        let (found, limit) = (numbers(column), numbers(limit));
        for row in 0..ours.num_rows() {
            let value = |array: &arrow::array::Float64Array| array.is_valid(row).then(|| array.value(row));
            let good = match (value(&found), value(&limit)) {
                (Some(found), Some(limit)) => {
                    if most {
                        found <= limit
                    } else {
                        found >= limit
                    }
                }
                (found, limit) => found.is_none() && limit.is_none(),
            };
            let sign = if most { "at most" } else { "at least" };
            assert!(good, "{what}, {name}, row {row}: {:?}, but {sign} {:?}", value(&found), value(&limit));
        }
    }
}

/// Results to be asked.
pub(crate) fn open(folders: &[&Path]) -> Session {
    store::query::block_on(store::query::open(folders, &QueryOptions::default())).unwrap().unwrap()
}

/// All rows of an answer.
pub(crate) fn rows(session: &Session, sql: &str) -> RecordBatch {
    store::query::block_on(async {
        let mut answer = session.sql(sql).await.unwrap();
        let (schema, mut batches) = (answer.schema(), Vec::new());
        while let Some(batch) = answer.next().await.unwrap() {
            batches.push(batch);
        }
        concat_batches(&schema, &batches).unwrap()
    })
    .unwrap()
}
