//! Batch boundaries never matter, and a row that fails takes no other row with it.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray},
    compute::concat,
    datatypes::Int64Type,
    row::{RowConverter, SortField},
};
use expr::Expression;
use proptest::{prelude::*, sample::select};

type Row = (Option<i64>, i64, Option<f64>, Option<&'static str>, Option<bool>);

/// Expressions whose kernels fail for some rows, guard themselves, or short-circuit.
const EXPRESSIONS: [&str; 22] = [
    "i / j",
    "i % j + 1",
    "i * j",
    "i + 9223372036854775800",
    "CAST(s AS BIGINT)",
    "CAST(s AS BIGINT) / j",
    "CAST(x AS INT)",
    "j <> 0 AND i / j > 1",
    "flag AND 10 / j > 1",
    "flag OR 10 / j > 1",
    "i / j > 1 AND flag",
    "j = 0 OR 100 / j > i",
    "CASE WHEN j > 0 THEN 10 / j WHEN flag THEN CAST(s AS BIGINT) ELSE i / j END",
    "CASE i WHEN 1 THEN 10 / j WHEN j THEN 2 END",
    "coalesce(i, 10 / j)",
    "nullif(i, j) / j",
    "s LIKE '1%' AND CAST(s AS DOUBLE) > 5",
    "x / j + sqrt(x)",
    "azimuth(x, j) + pseudorapidity(x, i, j)",
    "invariant_mass_ptetaphim(x, j, i, 0.1, 5, 1, 2, 0.1)",
    "upper(s) || coalesce(s, '-')",
    "to_timestamp(s)",
];

fn row() -> impl Strategy<Value = Row> {
    (
        proptest::option::of(select(vec![0, 1, -1, 7, 100, i64::MAX, i64::MIN])),
        select(vec![0, 0, 0, 1, 2, -1, 13, i64::MAX, i64::MIN]),
        proptest::option::of(select(vec![0.0, -0.0, 1.5, -3.25, 1e300, f64::NAN, f64::INFINITY])),
        proptest::option::of(select(vec!["12", "1", "abc", "", "2025-01-01", "9999999999999999999"])),
        proptest::option::of(any::<bool>()),
    )
}

fn batch(rows: &[Row]) -> RecordBatch {
    let column = |array: Arc<dyn Array>| array;
    RecordBatch::try_from_iter_with_nullable([
        ("i", column(Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>())), true),
        ("j", column(Arc::new(rows.iter().map(|row| Some(row.1)).collect::<Int64Array>())), false),
        ("x", column(Arc::new(rows.iter().map(|row| row.2).collect::<Float64Array>())), true),
        ("s", column(Arc::new(rows.iter().map(|row| row.3).collect::<StringArray>())), true),
        ("flag", column(Arc::new(rows.iter().map(|row| row.4).collect::<BooleanArray>())), true),
    ])
    .unwrap()
}

/// The values as bytes, NaNs and signs of zero included, so that equal means equal.
fn bytes(values: &ArrayRef) -> Vec<Vec<u8>> {
    let converter = RowConverter::new(vec![SortField::new(values.data_type().clone())]).unwrap();
    let rows = converter.convert_columns(std::slice::from_ref(values)).unwrap();
    rows.iter().map(|row| row.as_ref().to_vec()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_cut_gives_the_same_values_and_failures(
        rows in proptest::collection::vec(row(), 1..60),
        cuts in proptest::collection::vec(1usize..20, 60),
    ) {
        let whole = batch(&rows);
        for sql in EXPRESSIONS {
            let expression = Expression::compile(sql, whole.schema_ref()).unwrap();
            let expected = expression.evaluate(&whole).unwrap();
            for sizes in [&cuts[..], &[1; 60]] {
                let (mut start, mut values, mut failed) = (0, Vec::new(), Vec::new());
                for size in sizes {
                    let part = whole.slice(start, (*size).min(rows.len() - start));
                    let evaluated = expression.evaluate(&part).unwrap();
                    failed.extend(evaluated.failed.into_iter().map(|(row, reason)| (row + start, reason)));
                    values.push(evaluated.values);
                    start += part.num_rows();
                }
                prop_assert_eq!(start, rows.len());
                let values = concat(&values.iter().map(AsRef::as_ref).collect::<Vec<_>>()).unwrap();
                prop_assert_eq!(bytes(&values), bytes(&expected.values), "{}", sql);
                prop_assert_eq!(&failed, &expected.failed, "{}", sql);
            }
        }
    }
}

#[test]
fn failing_rows_are_named_and_the_others_have_their_values() {
    let rows: Vec<Row> =
        [(6, 2), (1, 0), (9, 3), (i64::MIN, -1), (4, 4)].map(|(i, j)| (Some(i), j, None, None, None)).to_vec();
    let batch = batch(&rows);
    let evaluated = Expression::compile("i / j", batch.schema_ref()).unwrap().evaluate(&batch).unwrap();
    let values: Vec<Option<i64>> = evaluated.values.as_primitive::<Int64Type>().iter().collect();
    assert_eq!(values, [Some(3), None, Some(3), None, Some(1)]);
    assert_eq!(evaluated.failed[0], (1, "division by zero".to_owned()));
    assert_eq!(evaluated.failed[1].0, 3);
    assert!(evaluated.failed[1].1.contains("verflow"), "{}", evaluated.failed[1].1);
    assert_eq!(evaluated.failed.len(), 2);
}

#[test]
fn null_and_failure_do_not_match() {
    let rows: Vec<Row> =
        [(Some(6), 2), (Some(1), 0), (None, 3), (Some(1), 4)].map(|(i, j)| (i, j, None, None, None)).to_vec();
    let batch = batch(&rows);
    let (matched, failed) =
        Expression::compile_boolean("i / j > 1", batch.schema_ref()).unwrap().matches(&batch).unwrap();
    assert_eq!(matched, BooleanArray::from(vec![true, false, false, false]));
    assert_eq!(failed, [(1, "division by zero".to_owned())]);
}

#[test]
fn an_empty_batch_and_a_long_reason_do_no_harm() {
    let none = batch(&[]);
    let evaluated = Expression::compile("1 + 1", none.schema_ref()).unwrap().evaluate(&none).unwrap();
    assert_eq!((evaluated.values.len(), evaluated.failed.len()), (0, 0));
    let long = RecordBatch::try_from_iter([("s", Arc::new(StringArray::from(vec!["ä".repeat(100_000)])) as ArrayRef)])
        .unwrap();
    let evaluated = Expression::compile_float("CAST(s AS DOUBLE)", long.schema_ref()).unwrap().evaluate(&long).unwrap();
    assert!(evaluated.failed[0].1.len() < 1000);
}
