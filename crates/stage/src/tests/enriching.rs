//! Quality, lookups, computed columns and the filter.

use super::*;
use crate::Enrich;

const GOOD: Option<&str> = Some("2025-01-01T00:00:00Z");

#[test]
fn a_row_without_id_key_or_time_is_a_dead_letter_as_it_came() {
    let stream = stream("");
    let mut given = rows(
        &stream,
        &[
            (Some("a"), GOOD, Some(1.0)),
            (None, GOOD, None),
            (Some("b"), None, Some(2.5)),
            (Some("c"), Some("soon"), None),
        ],
    );
    let mut columns = given.batch.columns().to_vec();
    columns[0] = Arc::new(StringArray::from(vec![None, Some("r1"), Some("r2"), Some("r3")]));
    given.batch = RecordBatch::try_new(given.batch.schema(), columns).unwrap();
    let out = taken(&mut Enrich::new(stream), given);
    assert!(out.rows.is_empty());
    assert_eq!(
        dead_letters(&out.dead_letters),
        [
            (10, "identity", "id", "the id column `id` is null"),
            (20, "identity", "sensor", "the key column `sensor` is null"),
            (30, "identity", "at", "the time column `at` is null"),
            (40, "identity", "at", "`at` is not a time in ISO 8601: \"soon\""),
        ]
    );
    let payload = std::str::from_utf8(&out.dead_letters[2].payload).unwrap();
    assert_eq!(payload, r#"{"id":"r2","sensor":"b","at":null,"value":2.5}"#);
}

#[test]
fn good_rows_pass_beside_bad_ones() {
    let stream = stream("");
    let out = taken(
        &mut Enrich::new(stream.clone()),
        rows(&stream, &[(Some("a"), GOOD, None), (None, GOOD, None), (Some("b"), GOOD, Some(2.0))]),
    );
    assert_eq!(texts(&batch(&out), "id"), [Some("r0".to_owned()), Some("r2".to_owned())]);
    assert_eq!((out.rows[0].len(), out.rows[0].is_empty(), out.dead_letters.len()), (2, false, 1));
    assert_eq!(out.rows[0].positions.values().as_ref(), [10, 30]);
    assert_eq!(out.rows[0].keys.iter().collect::<Vec<_>>(), [Some("a"), Some("b")]);
}

/// The clock that took an event in is beside the rows, and stays with them.
#[test]
fn a_time_ahead_of_the_clock_is_a_dead_letter_and_says_by_how_much() {
    let stream = stream("  max_ahead: 10s");
    let clock = 1_735_689_600 * SECOND;
    let mut given = timed(&stream, "a", &[(10 * SECOND, 1.0), (12 * SECOND + SECOND / 2, 2.0), (0, 3.0)]);
    given.ingested = Some(Int64Array::from(vec![clock, clock, clock - 10 * SECOND]));
    let out = taken(&mut Enrich::new(stream.clone()), given);
    assert_eq!(
        dead_letters(&out.dead_letters),
        [(20, "identity", "at", "`at` is 12.5 s ahead of the clock, and `max_ahead` allows 10 s")]
    );
    assert_eq!(out.rows[0].ingested.as_ref().unwrap().values().as_ref(), [clock, clock - 10 * SECOND]);
    let unknown = taken(&mut Enrich::new(stream.clone()), timed(&stream, "a", &[(1000 * SECOND, 1.0)]));
    assert_eq!((unknown.rows.len(), unknown.dead_letters.len()), (1, 0), "a clock that is not known doubts nothing");
}

#[test]
fn a_rule_of_quality_that_is_not_true_or_fails_is_named() {
    let stream = stream(
        "  quality:\n    - { name: present, check: \"value IS NOT NULL\" }\n    - { name: whole, check: \"10 / cast(value as bigint) > 1\" }",
    );
    let given = rows(
        &stream,
        &[
            (Some("a"), GOOD, Some(2.0)),
            (Some("a"), GOOD, None),
            (Some("a"), GOOD, Some(0.0)),
            (Some("a"), GOOD, Some(20.0)),
        ],
    );
    let out = taken(&mut Enrich::new(stream.clone()), given);
    let found = dead_letters(&out.dead_letters);
    assert_eq!(found[0], (20, "quality", "present", "not true: value IS NOT NULL"));
    assert_eq!((found[1].0, found[1].1, found[1].2), (30, "expression", "whole"));
    assert_eq!(found[2], (40, "quality", "whole", "not true: 10 / cast(value as bigint) > 1"));
    assert_eq!(numbers(&batch(&out), "value"), [Some(2.0)]);
    let all = taken(&mut Enrich::new(stream.clone()), rows(&stream, &[(Some("a"), GOOD, Some(3.0))]));
    assert!(all.dead_letters.is_empty() && all.rows.len() == 1);
}

#[test]
fn columns_are_looked_up_computed_and_filtered_by() {
    let stream = stream(
        "  enrich:\n    lookups:\n      - { table: sensors.csv, on: sensor, columns: [offset] }\n    columns:\n      \
         right: \"value - coalesce(offset, 0)\"\n      share: \"10 / cast(value as bigint)\"\n    \
         filter: \"right < 50 AND 10 / cast(right as bigint) > -100\"",
    );
    let given = rows(
        &stream,
        &[
            (Some("a"), GOOD, Some(2.0)),
            (Some("b"), GOOD, Some(0.0)),
            (Some("c"), GOOD, Some(90.0)),
            (Some("b"), GOOD, Some(-2.0)),
            (Some("c"), GOOD, Some(7.0)),
        ],
    );
    let out = taken(&mut Enrich::new(stream.clone()), given);
    let passed = batch(&out);
    assert_eq!(numbers(&passed, "right"), [Some(7.0)]);
    assert_eq!(out.filtered, 1);
    let found: Vec<(u64, &str, &str)> = out
        .dead_letters
        .iter()
        .map(|dead_letter| (dead_letter.position, dead_letter.kind.name(), dead_letter.rule.as_str()))
        .collect();
    assert_eq!(found.last(), Some(&(40, "expression", "filter")));
    assert!(found.contains(&(20, "expression", "share")), "{found:?}");
    let payload = std::str::from_utf8(&out.dead_letters[0].payload).unwrap();
    assert!(
        !payload.contains("right") && !payload.contains("offset"),
        "a dead letter has the columns it came with: {payload}"
    );
}

#[test]
fn a_row_as_json_has_its_nulls_and_so_many_columns() {
    let stream = stream("");
    let rows = rows(&stream, &[(Some("a"), None, Some(1.0)), (Some("b"), GOOD, None)]);
    let text = |row, raw| String::from_utf8(rows.json(row, raw).unwrap().to_vec()).unwrap();
    assert_eq!(text(0, 4), r#"{"id":"r0","sensor":"a","at":null,"value":1.0}"#);
    assert_eq!(text(1, 2), r#"{"id":"r1","sensor":"b"}"#);
    assert_eq!(text(1, 9), r#"{"id":"r1","sensor":"b","at":"2025-01-01T00:00:00Z","value":null}"#);
}
