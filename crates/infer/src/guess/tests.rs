//! The types that cells have.

use super::*;

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn column(name: &str, cells: Vec<Cell>) -> Column {
    Column { name: name.to_owned(), cells, ..Column::default() }
}

fn csv(name: &str, cells: &str) -> Kind {
    of_csv(&column(name, cells.split('|').map(text).collect()), false).0
}

fn json_of(name: &str, cells: &str) -> (Kind, bool) {
    let values: Vec<Json> = serde_json::from_str(cells).unwrap();
    of_json(&column(name, values.iter().map(cell).collect()))
}

#[test]
fn a_column_of_csv_is_what_all_its_cells_are() {
    for (name, cells, kind) in [
        ("x", "true|False| TRUE ", Kind::Boolean),
        ("x", "true|1", Kind::Text),
        ("x", "1|2.5|1e3", Kind::Double),
        ("x", "1|2", Kind::Double),
        ("n", "1|2", Kind::Long),
        ("value", "1|2", Kind::Double),
        ("value", "1|9007199254740993", Kind::Long),
        ("x", "1|9007199254740992", Kind::Double),
        ("id", "007|1", Kind::Text),
        ("x", "99999999999999999999|1", Kind::Text),
        ("x", "1|NA| - ", Kind::Double),
        ("x", "NA|-", Kind::Text),
        ("x", "NA|word", Kind::Text),
        ("x", "2025-01-01|2025-01-01T00:00:00Z", Kind::Time),
        ("time", "1700000000|1700000001", Kind::Time),
        ("x", "1700000000|1700000001", Kind::Double),
        ("time", "1700000000|word", Kind::Text),
        ("x", "word|1", Kind::Text),
    ] {
        assert_eq!(csv(name, cells), kind, "{name}: {cells}");
    }
    assert!(matches!(csv("mjd", "60000|60001.5"), Kind::Days(days) if days.named && !days.julian));
    assert_eq!(csv("mjd", "60000|word"), Kind::Text);
    // A comma for a point.
    let comma = |cells: &str| of_csv(&column("x", cells.split('|').map(text).collect()), true).0;
    assert_eq!((comma("1,5|2"), comma("1,5|1.5")), (Kind::Double, Kind::Text));
}

#[test]
fn markers_are_missing_values_but_among_texts() {
    let found = |cells: &str| of_csv(&column("x", cells.split('|').map(text).collect()), false).1;
    assert_eq!(found("1| NA |-|NA"), BTreeSet::from(["NA".to_owned(), "-".to_owned()]));
    assert_eq!(found("1|  "), BTreeSet::from([String::new()]));
    assert_eq!(found("word|NA"), BTreeSet::new());
    assert_eq!(found("1|2"), BTreeSet::new());
}

#[test]
fn a_column_that_was_whole_for_long_stays_so() {
    let kind = |name: &str, rows: usize| of_csv(&column(name, vec![text("1"); rows]), false).0;
    assert_eq!((kind("x", 999), kind("x", 1_000), kind("price", 1_000)), (Kind::Double, Kind::Long, Kind::Double));
}

#[test]
fn a_column_of_json_is_what_all_its_values_are() {
    for (name, values, kind) in [
        ("x", "[null, null]", (Kind::Text, false)),
        ("x", "[true, null, false]", (Kind::Boolean, false)),
        ("x", "[1.5, null, 2]", (Kind::Double, false)),
        ("n", "[1, 2]", (Kind::Long, false)),
        ("x", "[1.5, \"NaN\"]", (Kind::Double, false)),
        ("x", "[\"NaN\"]", (Kind::Text, false)),
        ("x", "[1.5, \"2\"]", (Kind::Text, true)),
        ("x", "[true, 1]", (Kind::Text, true)),
        ("x", "[18446744073709551615]", (Kind::Text, true)),
        ("ts", "[1700000000123]", (Kind::Epoch(13), false)),
        ("x", "[1700000000123]", (Kind::Double, false)),
        ("x", "[\"2025-01-01\", \"2025-01-02\"]", (Kind::Time, false)),
        ("x", "[\"2025-01-01\", \"word\"]", (Kind::Text, false)),
        ("time", "[\"1700000000\"]", (Kind::Time, false)),
        ("x", "[\"1700000000\"]", (Kind::Text, false)),
        (
            "x",
            "[{}, 1]",
            (Kind::Mixed("its values have no type in common: there are objects or lists among them".into()), false),
        ),
        ("x", "[{}]", (Kind::Mixed("the names within it cannot stand in a schema".into()), false)),
        ("x", "[{\"@a\": 1}]", (Kind::Mixed("the names within it cannot stand in a schema".into()), false)),
        ("x", "[{\"a\": [1, \"b\"]}]", (Kind::Mixed("its values have no type in common".into()), false)),
        ("x", "[{\"a\": 1}, [1]]", (Kind::Mixed("its values have no type in common".into()), false)),
        ("x", "[[1, \"b\"]]", (Kind::Mixed("its values have no type in common".into()), false)),
    ] {
        assert_eq!(json_of(name, values), kind, "{name}: {values}");
    }
    assert!(matches!(json_of("mjd", "[60000.5]").0, Kind::Days(_)));
}

#[test]
fn objects_and_lists_become_records_and_arrays() {
    let values = r#"[{"a": 1.5, "@b": 1, "t": "2025-01-01", "l": [{"n": 3, "ok": true}, null]},
            {"a": null, "ts": 1700000000123, "s": 1700000000.5, "m": [1, "x"], "d": {"mjd": 60000.5}}]"#;
    let maybe = |kind: Json| json!(["null", kind]);
    let field = |name: &str, kind: Json| json!({ "name": name, "type": maybe(kind), "default": null });
    let record = |name: &str, fields: Json| json!({ "type": "record", "name": name, "fields": fields });
    let item = record("o_l_item_record", json!([field("n", json!("long")), field("ok", json!("boolean"))]));
    let wanted = record(
        "o_record",
        json!([
            field("a", json!("double")),
            field("t", json!("string")),
            field("l", json!({ "type": "array", "items": maybe(item) })),
            field("ts", json!("long")),
            field("s", json!("double")),
            field("d", record("o_d_record", json!([field("mjd", json!("double"))]))),
        ]),
    );
    assert_eq!(json_of("o", values), (Kind::Nested(wanted), false));
    let list = json!({ "type": "array", "items": maybe(json!("string")) });
    assert_eq!(json_of("o", r#"[["a"], []]"#), (Kind::Nested(list.clone()), false));
    assert_eq!(json_of("o", r#"[[], [null]]"#), (Kind::Nested(list), false));
}

#[test]
fn objects_are_eight_deep_at_most() {
    let deep = |depth: usize| (0..depth).fold("1.5".to_owned(), |inner, _| format!("{{\"a\": {inner}}}"));
    assert!(matches!(json_of("o", &format!("[{}]", deep(8))).0, Kind::Nested(_)));
    let Kind::Nested(cut) = json_of("o", &format!("[{{\"b\": 1.5, \"a\": {}}}]", deep(8))).0 else {
        panic!("no record")
    };
    assert_eq!(cut["fields"].as_array().map(Vec::len), Some(1), "{cut}");
}
