//! Schemas that a stream cannot have, and columns that no schema can have.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, DictionaryArray, Int16Array, LargeStringArray, RecordBatch, StringArray, StructArray, UInt64Array,
    },
    datatypes::{DataType, Field, Int8Type, IntervalUnit, Schema, TimeUnit},
};
use codec::{CodecError, Encoder, ValueSchema};

use crate::roundtrip::{decode_all, decoder};

fn refused(fields: &str) -> String {
    let schema = format!(r#"{{"type": "record", "name": "r", "fields": [{fields}]}}"#);
    match ValueSchema::parse(&schema) {
        Err(CodecError::Schema { message }) => message,
        other => panic!("{schema} gives {other:?}"),
    }
}

#[test]
fn bad_schemas_say_what_is_wrong() {
    let field = |kind: &str| refused(&format!(r#"{{"name": "a", "type": {kind}}}"#));
    assert!(ValueSchema::parse("{").unwrap_err().to_string().starts_with("the schema is not JSON: "));
    let not_a_record = "the schema must be a record: {\"type\": \"record\", \"name\": ..., \"fields\": [...]}";
    assert_eq!(ValueSchema::parse("\"string\"").unwrap_err().to_string(), not_a_record);
    assert_eq!(refused(""), "record `r` has no fields");
    assert_eq!(
        refused(r#"{"name": "a", "type": "int"}, {"name": "a", "type": "long"}"#),
        "record `r` has two fields `a`"
    );
    assert_eq!(
        refused(r#"{"name": "a b", "type": "int"}"#),
        "field `a b`: `a b` is not an Avro name: use letters, digits and `_`, and begin with no digit"
    );
    assert_eq!(refused(r#"{"name": "a"}"#), "field `a`: a field needs a `type`");
    assert_eq!(refused(r#"{"type": "int"}"#), "field 0 needs a `name`");
    assert_eq!(field(r#""flaot""#), "field `a`: unknown type `flaot`");
    assert_eq!(
        field(r#"["null", "int", "string"]"#),
        "field `a`: a union must be null and one other type, found 3 branches: \
        [\"null\",\"int\",\"string\"]; split it into several fields"
    );
    assert_eq!(
        field(r#"["null", ["null", "int"]]"#),
        "field `a`: a union cannot stand in a union; write its branches once"
    );
    assert_eq!(field(r#"["null", "r"]"#), "field `a`: type `r` contains itself, which columns cannot hold");
    assert_eq!(
        field(r#"{"type": "array", "items": "null"}"#),
        "field `a`: the items of an array must take bytes, and null takes none"
    );
    assert_eq!(
        field(r#"{"type": "fixed", "name": "f", "size": 0}"#),
        "field `a`: fixed `f` needs a `size` from 1 to 4096"
    );
    assert_eq!(
        field(r#"{"type": "enum", "name": "e", "symbols": ["x", "x"]}"#),
        "field `a`: enum `e` has the symbol `x` twice"
    );
    assert_eq!(
        field(r#"{"type": "bytes", "logicalType": "decimal", "precision": 2, "scale": 3}"#),
        "field `a`: a decimal's `scale` (3) must not exceed its `precision` (2)"
    );
    assert_eq!(
        field(r#"{"type": "fixed", "name": "f", "size": 4, "logicalType": "decimal", "precision": 10}"#),
        "field `a`: a decimal of 10 digits does not fit 4 bytes, which hold 9"
    );
    assert_eq!(
        refused(r#"{"name": "a", "type": "int", "default": "x"}"#),
        "field `a`: the default does not fit: \"x\" is not of type int"
    );
    let nested = r#"{"type": "record", "name": "n", "fields": [{"name": "b", "type": "wat"}]}"#;
    assert_eq!(field(nested), "field `a.b`: unknown type `wat`");
}

/// Each type holds the one before twice: 2^40 columns, from a text of 5 kB.
#[test]
fn a_schema_cannot_grow_without_bound() {
    let mut fields = vec![
        r#"{"name": "a0", "type": {"type": "record", "name": "t0", "fields": [{"name": "x", "type": "int"}]}}"#
            .to_owned(),
    ];
    for index in 1..30 {
        let before = index - 1;
        fields.push(format!(
            r#"{{"name": "a{index}", "type": {{"type": "record", "name": "t{index}", "fields":
                [{{"name": "x", "type": "t{before}"}}, {{"name": "y", "type": "t{before}"}}]}}}}"#
        ));
    }
    assert!(refused(&fields.join(",")).ends_with("the schema has more than 16384 types"));
    let deep = (0..40).fold("\"int\"".to_owned(), |inner, _| format!(r#"{{"type": "array", "items": {inner}}}"#));
    assert!(refused(&format!(r#"{{"name": "a", "type": {deep}}}"#)).ends_with("types are nested more than 32 deep"));
}

#[test]
fn columns_without_a_counterpart_are_named() {
    let refused = |name: &str, data_type: DataType| {
        let schema = Schema::new(vec![Field::new(name, data_type, false)]);
        ValueSchema::derive(&schema, "r", "").unwrap_err().to_string()
    };
    assert_eq!(
        refused("a", DataType::Interval(IntervalUnit::DayTime)),
        "column `a`: Interval(DayTime) cannot be written as Avro; cast it to another type"
    );
    assert_eq!(
        refused("a", DataType::Time64(TimeUnit::Nanosecond)),
        "column `a`: Time64(ns) cannot be written as Avro; cast it to another type"
    );
    assert_eq!(
        refused("a", DataType::Decimal128(5, -2)),
        "column `a`: a decimal's scale must be from 0 to its 5 digits, found -2; cast it"
    );
    assert!(refused("max(x)", DataType::Int32).starts_with("column `max(x)`: `max(x)` is not an Avro name"));
    assert_eq!(ValueSchema::derive(&Schema::empty(), "r", "").unwrap_err().to_string(), "record `r` has no columns");
}

/// Rows come from CSV, SQL and the like, whose types are near but not the same.
#[test]
fn rows_of_neighbouring_types_are_written_too() {
    let schema = r#"{"type": "record", "name": "r", "fields": [
        {"name": "e", "type": {"type": "enum", "name": "kind", "symbols": ["muon", "pion"]}},
        {"name": "n", "type": ["null", "long"]}, {"name": "s", "type": "string"}]}"#;
    let schema = ValueSchema::parse(schema).unwrap();
    let batch = |kinds: ArrayRef, numbers: ArrayRef| {
        let texts = Arc::new(LargeStringArray::from(vec!["x", "y"]));
        RecordBatch::try_from_iter([("s", texts as ArrayRef), ("n", numbers), ("e", kinds)]).unwrap()
    };
    let dictionary: DictionaryArray<Int8Type> = ["pion", "muon"].into_iter().collect();
    let kinds: ArrayRef = Arc::new(dictionary);
    let numbers: ArrayRef = Arc::new(Int16Array::from(vec![Some(5), None]));
    let mut encoder = Encoder::new(schema.clone(), 1).unwrap();
    let framed = encoder.encode(&batch(kinds.clone(), numbers)).unwrap();
    let messages: Vec<Vec<u8>> = (0..2).map(|row| framed.message(row).to_vec()).collect();
    assert_eq!(messages[0], [0, 0, 0, 0, 1, 2, 2, 10, 2, b'x']);
    assert_eq!(decode_all(&mut decoder(&schema, 1), &messages).schema_ref(), schema.arrow());

    let large: ArrayRef = Arc::new(UInt64Array::from(vec![1, u64::MAX]));
    let error = encoder.encode(&batch(kinds, large.clone())).unwrap_err().to_string();
    assert!(error.starts_with("cannot encode: column `n`: ") && error.contains("18446744073709551615"), "{error}");
    let kinds: ArrayRef = Arc::new(StringArray::from(vec!["muon", "boson"]));
    let error = encoder.encode(&batch(kinds, large.clone())).unwrap_err().to_string();
    assert_eq!(
        error,
        "cannot encode: column `e`: row 1 is `boson`, which is none of the enum's symbols [\"muon\", \"pion\"]"
    );
    let kinds: ArrayRef = Arc::new(StringArray::from(vec![Some("muon"), None]));
    let error = encoder.encode(&batch(kinds.clone(), large.clone())).unwrap_err().to_string();
    assert_eq!(error, "cannot encode: column `e`: row 1 is null, which the schema does not allow");
    let without = RecordBatch::try_from_iter([("s", kinds)]).unwrap();
    assert_eq!(encoder.encode(&without).unwrap_err().to_string(), "cannot encode: column `e` is missing");
}

#[test]
fn sizes_at_their_limits_are_allowed() {
    let fixed = |size: usize| format!(r#"{{"name": "a", "type": {{"type": "fixed", "name": "f", "size": {size}}}}}"#);
    let schema =
        |fields: &str| ValueSchema::parse(&format!(r#"{{"type": "record", "name": "r", "fields": [{fields}]}}"#));
    assert_eq!(schema(&fixed(4096)).unwrap().arrow().field(0).data_type(), &DataType::FixedSizeBinary(4096));
    assert_eq!(refused(&fixed(4097)), "field `a`: fixed `f` needs a `size` from 1 to 4096");
    let nothing = r#"{"type": "record", "name": "n", "fields": [{"name": "x", "type": "null"}]}"#;
    assert_eq!(
        refused(&format!(r#"{{"name": "a", "type": {{"type": "array", "items": {nothing}}}}}"#)),
        "field `a`: the items of an array must take bytes, and null takes none"
    );
    let some =
        r#"{"type": "record", "name": "n", "fields": [{"name": "x", "type": "null"}, {"name": "y", "type": "int"}]}"#;
    assert!(schema(&format!(r#"{{"name": "a", "type": {{"type": "array", "items": {some}}}}}"#)).is_ok());
    assert_eq!(
        refused(r#"{"name": "a", "type": {"type": "map", "values": {"type": "record", "name": "n", "fields": [3]}}}"#),
        "field `a`: field 0 must be an object, found 3"
    );
    assert_eq!(
        refused(r#"{"name": "a", "type": {"type": "error", "name": "n", "fields": []}}"#),
        "field `a`: an `error` is for protocols; write `record`"
    );
}

#[test]
fn columns_at_the_edge_of_a_counterpart() {
    let derived = |data_type: DataType| {
        let schema = Schema::new(vec![Field::new("a", data_type, false)]);
        ValueSchema::derive(&schema, "r", "").map(|schema| schema.arrow().field(0).data_type().clone())
    };
    let reason = |data_type: DataType| derived(data_type).unwrap_err().to_string();
    assert_eq!(derived(DataType::FixedSizeBinary(1)), Ok(DataType::FixedSizeBinary(1)));
    assert_eq!(
        reason(DataType::FixedSizeBinary(0)),
        "column `a`: fixed-size binary of no bytes cannot be written as Avro"
    );
    assert_eq!(derived(DataType::Decimal128(5, 5)), Ok(DataType::Decimal128(5, 5)));
    assert!(reason(DataType::Decimal128(5, 6)).contains("a decimal's scale must be from 0 to its 5 digits, found 6"));
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    let map = |fields: Vec<Field>| {
        DataType::Map(Arc::new(Field::new("entries", DataType::Struct(fields.into()), false)), false)
    };
    assert!(matches!(derived(map(vec![text("key"), text("value")])), Ok(DataType::Map(..))));
    assert!(reason(map(vec![text("key")])).ends_with("cannot be written as Avro"));
    assert!(reason(map(vec![text("key"), text("value"), text("more")])).starts_with("column `a`: a map of Struct("));
}

/// Inside a namespace nothing could refer to a type without one.
#[test]
fn types_without_a_namespace_come_into_the_derived_one() {
    let schema = r#"{"type": "record", "name": "r", "fields": [
        {"name": "e", "type": {"type": "enum", "name": "kind", "symbols": ["x"]}},
        {"name": "f", "type": {"type": "array", "items": {"type": "fixed", "name": "four", "size": 4}}},
        {"name": "m", "type": {"type": "map", "values": {"type": "record", "name": "inner", "fields": [
            {"name": "k", "type": {"type": "enum", "name": "deep", "symbols": ["y"]}}]}}},
        {"name": "own", "type": {"type": "fixed", "name": "two", "namespace": "other", "size": 2}}]}"#;
    let schema = ValueSchema::parse(schema).unwrap();
    let derived = ValueSchema::derive(schema.arrow(), "derived", "lab").unwrap();
    let namespaces: Vec<&str> =
        derived.avro().lines().filter(|line| line.contains("namespace")).map(str::trim).collect();
    assert_eq!(namespaces, [r#""namespace": "lab","#, r#""namespace": "other","#], "{}", derived.avro());
}

/// An enum's dictionary that is not the schema's list of symbols, wherever the enum stands.
#[test]
fn symbols_within_other_types_are_brought_to_the_schemas() {
    let symbols =
        |name: &str, symbols: &str| format!(r#"{{"type": "enum", "name": "{name}", "symbols": [{symbols}]}}"#);
    let schema = |list: &str| {
        let fields = format!(
            r#"{{"name": "l", "type": {{"type": "array", "items": {}}}}},
            {{"name": "m", "type": {{"type": "map", "values": {}}}}},
            {{"name": "r", "type": {{"type": "record", "name": "inner", "fields": [{{"name": "e", "type": {}}}]}}}}"#,
            symbols("e1", list),
            symbols("e2", list),
            symbols("e3", list)
        );
        ValueSchema::parse(&format!(r#"{{"type": "record", "name": "r0", "fields": [{fields}]}}"#)).unwrap()
    };
    let (first, second) = (schema(r#""a", "b""#), schema(r#""b", "a""#));
    // The list [b], the map {k: b}, the record of b, in the order of the first.
    let message = vec![0, 0, 0, 0, 1, 2, 2, 0, 2, 2, b'k', 2, 0, 2];
    let rows = decode_all(&mut decoder(&first, 1), &[message]);
    let framed = Encoder::new(second, 1).unwrap().encode(&rows).unwrap();
    assert_eq!(framed.message(0), [0, 0, 0, 0, 1, 2, 0, 0, 2, 2, b'k', 0, 0, 0].as_slice());
}

#[test]
fn no_rows_are_no_messages() {
    let schema =
        ValueSchema::parse(r#"{"type": "record", "name": "r", "fields": [{"name": "a", "type": "string"}]}"#).unwrap();
    let mut encoder = Encoder::new(schema.clone(), 7).unwrap();
    let rows = RecordBatch::try_from_iter([("a", Arc::new(StringArray::from(vec!["x"])) as ArrayRef)]).unwrap();
    let framed = encoder.encode(&rows).unwrap();
    assert!(!framed.is_empty() && framed.len() == 1);
    assert!(encoder.encode(&rows.slice(0, 0)).unwrap().is_empty());
    assert!(format!("{encoder:?}").starts_with("Encoder { schema: ValueSchema {"), "{encoder:?}");
    assert!(format!("{encoder:?}").contains("id: 7"), "{encoder:?}");
}

#[test]
fn a_column_that_cannot_be_cast_says_so_in_words_of_the_schema() {
    let schema = r#"{"type": "record", "name": "r", "fields": [{"name": "a", "type": "long"}]}"#;
    let mut encoder = Encoder::new(ValueSchema::parse(schema).unwrap(), 1).unwrap();
    let values: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let field = Arc::new(Field::new("x", DataType::Utf8, false));
    let records: ArrayRef = Arc::new(StructArray::from(vec![(field, values)]));
    let error = encoder.encode(&RecordBatch::try_from_iter([("a", records)]).unwrap()).unwrap_err().to_string();
    assert_eq!(error, "cannot encode: column `a`: Struct(\"x\": non-null Utf8) cannot be written as long");
}
