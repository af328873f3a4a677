//! Schemas that a stream cannot have, and columns that no schema can have.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, DictionaryArray, Int16Array, LargeStringArray, RecordBatch, StringArray, UInt64Array},
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
