//! Aggregates: what follows from them, and what is said where they are wrong.

use arrow::datatypes::DataType;
use stream::Windows;

use crate::fixture::{errors, load, with};

/// The good definition with these aggregates.
fn aggregate(text: &str) -> String {
    with("  store:\n", &format!("  aggregate:\n{text}  store:\n"))
}

#[test]
fn aggregates_share_a_table() {
    let text = aggregate(
        "    - { name: rates, window: 1m, lateness: 10s, group_by: [detector_id], select: { events: count(*), mean: avg(pt) } }\n    \
         - { name: kinds, window: 1h, slide: 10m, group_by: [particle_type], select: { events: count(*), found: sum(anomalous) } }\n    \
         - { name: visits, session: 30m, group_by: [detector_id, particle_type], select: { events: count(*) } }\n    \
         - { name: all, select: { most: max(energy_gev) / 1000 } }\n",
    );
    let stream = load(&text).unwrap_or_else(|errors| panic!("{errors}"));
    let list = &stream.aggregates.list;
    assert_eq!(list[0].windows, Windows::Sliding { length: 60_000_000, slide: 60_000_000 });
    assert_eq!(list[1].windows, Windows::Sliding { length: 3_600_000_000, slide: 600_000_000 });
    assert_eq!((list[2].windows, list[3].windows), (Windows::Session { gap: 1_800_000_000 }, Windows::Whole));
    assert_eq!(list.iter().map(|aggregate| aggregate.keyed).collect::<Vec<_>>(), [true, false, true, false]);
    assert_eq!((list[0].lateness, list[1].lateness), (10_000_000, 60_000_000));
    let names: Vec<&str> = stream.aggregates.schema.fields().iter().map(|field| field.name().as_str()).collect();
    let expected = [
        "aggregate",
        "window_start",
        "window_end",
        "final",
        "detector_id",
        "events",
        "mean",
        "particle_type",
        "found",
        "most",
    ];
    assert_eq!(names, expected);
    assert_eq!(*stream.aggregates.schema.field_with_name("found").unwrap().data_type(), DataType::Int64);
    assert!(stream.aggregates_schema().unwrap().avro().contains("HitAggregates"));
    assert!(stream.late_schema().unwrap().avro().contains("late_by_seconds"));
    assert_eq!(stream.max_ahead().map(|length| length.as_secs()), Some(3600));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (wrong, said) in [
        (
            "{ name: a, window: 1m, select: { n: count(*), x: \"avg(ptt)\" } }",
            "column `ptt` does not exist; did you mean `pt`?",
        ),
        ("{ name: a, window: 1m, group_by: [detectr_id], select: { n: count(*) } }", "did you mean `detector_id`?"),
        ("{ name: a, window: 1m, group_by: [pt], select: { n: count(*) } }", "whose values make no groups"),
        ("{ name: a, session: 1m, select: { n: count(*) } }", "add `detector_id` to `group_by`"),
        ("{ name: a, window: 1m, session: 1m, group_by: [detector_id], select: { n: count(*) } }", "not both"),
        ("{ name: a, slide: 1m, select: { n: count(*) } }", "`slide` goes with `window`"),
        ("{ name: a, window: 1m, slide: 1h, select: { n: count(*) } }", "no longer than `window`"),
        ("{ name: a, window: 1x, select: { n: count(*) } }", "`window` cannot be `1x`"),
        ("{ name: a, window: 0s, select: { n: count(*) } }", "longer than 0"),
        ("{ name: a, window: 1m, select: { final: count(*) } }", "one of those that every aggregate has"),
        ("{ name: a, window: 1m, select: { n: pt } }", "has no aggregate"),
        (
            "{ name: a, window: 1m, select: { detector_id: count(*) }, group_by: [detector_id] }",
            "is a column of `group_by`",
        ),
        ("{ name: a, windw: 1m, select: { n: count(*) } }", "did you mean `window`?"),
        ("{ name: a, window: 1m, select: {} }", "at least 1 entry"),
    ] {
        let errors = errors(&aggregate(&format!("    - {wrong}\n")));
        assert!(errors.contains(said), "{wrong}\n{errors}");
        assert!(errors.lines().count() == 1, "{wrong}\n{errors}");
    }
    let twice = "    - { name: a, window: 1m, select: { n: count(*) } }\n    - { name: a, window: 1h, select: { n: avg(pt) } }\n";
    let errors = errors(&aggregate(twice));
    assert!(
        errors.contains("another aggregate `a`") && errors.contains("a number here, but a whole number"),
        "{errors}"
    );
}

#[test]
fn expectations_are_checked_and_change_no_result() {
    let expect = "  expect:\n    dead_letters: 0.01\n    columns: { pt: { nulls: 0.1, min: 0 }, particle_type: { distinct_max: 9 } }\n  store:\n";
    let stream = load(&with("  store:\n", expect)).unwrap();
    assert_eq!(stream.fingerprints.definition, load(&with("ln(pt)", "ln(pt)")).unwrap().fingerprints.definition);
    let wrong =
        with("  store:\n", "  expect: { columns: { ptt: { nulls: 0 }, particle_type: { min: 1 } } }\n  store:\n");
    let errors = errors(&wrong);
    assert!(errors.contains("did you mean `pt`?") && errors.contains("`min` is for numbers"), "{errors}");
}

#[test]
fn an_aggregate_as_a_table_has_its_groups_and_what_is_selected() {
    let text = aggregate(
        "    - { name: a, window: 1m, group_by: [particle_type], select: { n: count(*), most: max(pt) } }\n    - { name: b, select: { n: count(*) } }\n",
    );
    let columns = load(&text).unwrap().aggregates.columns();
    let of = |name: &str| columns[name].iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!((columns.len(), of("a"), of("b")), (2, vec!["particle_type", "n", "most"], vec!["n"]));
}

#[test]
fn windows_have_bounds_to_their_length_and_overlap() {
    let of = |window: &str| errors(&aggregate(&format!("    - {{ name: a, {window}, select: {{ n: count(*) }} }}\n")));
    for good in ["window: 64s, slide: 1s", "window: 1m, slide: 1m", "window: 366d", "window: 65s, slide: 2s"] {
        assert_eq!(of(good), "", "{good}");
    }
    for (wrong, said) in [
        ("window: 65s, slide: 1s", "at least 1/64 of it"),
        ("window: 127s, slide: 1s", "at least 1/64 of it"),
        ("window: 129s, slide: 2s", "at least 1/64 of it"),
        ("window: 367d", "no longer than a year"),
        ("window: 1500ns", "a whole number of microseconds"),
    ] {
        assert!(of(wrong).contains(said), "{wrong}: {}", of(wrong));
    }
}
