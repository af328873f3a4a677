//! Writers' schemas that differ from the reader's.

use arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::{Float32Type, Float64Type, Int32Type, Int64Type},
};
use codec::{CodecError, Decoder, Limits, ValueSchema};

use crate::wire::{Blocks, Datum, framed};

fn record(fields: &str) -> String {
    format!(r#"{{"type": "record", "name": "event", "namespace": "lab", "fields": [{fields}]}}"#)
}

fn read(writer: &str, reader: &str, row: Vec<Datum>) -> Result<RecordBatch, String> {
    let mut decoder = Decoder::new(ValueSchema::parse(&record(reader)).unwrap(), Limits::default()).unwrap();
    decoder.add_writer(1, &record(writer)).map_err(|error| error.to_string())?;
    let message = framed(1, &Datum::Record(row), Blocks::One);
    let decoded = decoder.decode(&[&message]).unwrap();
    match decoded.rejected.first() {
        Some(rejected) => Err(rejected.reason.clone()),
        None => Ok(decoded.rows),
    }
}

fn text(value: &str) -> Datum {
    Datum::Prefixed(value.as_bytes().to_vec())
}

#[test]
fn fields_come_go_move_and_change_their_names() {
    let writer = r#"{"name": "a", "type": "int"}, {"name": "gone", "type": {"type": "map", "values": ["null", "string"]}},
        {"name": "old", "type": "string"}"#;
    let reader = r#"{"name": "new", "type": "string", "aliases": ["older", "old"]},
        {"name": "more", "type": {"type": "array", "items": "double"}, "default": [1.5, -2]},
        {"name": "maybe", "type": ["null", "long"], "default": null}, {"name": "a", "type": "int"}"#;
    let gone = Datum::Map(vec![("k".into(), Datum::Branch(1, Box::new(text("v"))))]);
    let rows = read(writer, reader, vec![Datum::Number(3), gone, text("x")]).unwrap();
    assert_eq!(rows.column(0).as_string::<i32>().value(0), "x");
    assert_eq!(rows.column(1).as_list::<i32>().value(0).as_primitive::<Float64Type>().values(), &[1.5, -2.0]);
    assert!(rows.column(2).is_null(0));
    assert_eq!(rows.column(3).as_primitive::<Int32Type>().value(0), 3);
}

#[test]
fn what_is_skipped_is_checked_all_the_same() {
    let writer = r#"{"name": "gone", "type": "string"}, {"name": "a", "type": "int"}"#;
    let reader = r#"{"name": "a", "type": "int"}"#;
    let error = read(writer, reader, vec![Datum::Prefixed(vec![0xff]), Datum::Number(1)]).unwrap_err();
    assert_eq!(error, "field `gone`: string is not UTF-8 from its byte 0 on");
}

#[test]
fn numbers_grow_and_texts_turn_to_bytes_and_back() {
    let one = |writer: &str, reader: &str, datum: Datum| {
        read(
            &format!(r#"{{"name": "a", "type": {writer}}}"#),
            &format!(r#"{{"name": "a", "type": {reader}}}"#),
            vec![datum],
        )
    };
    let long = one(r#""int""#, r#""long""#, Datum::Number(-5)).unwrap();
    assert_eq!(long.column(0).as_primitive::<Int64Type>().value(0), -5);
    for (writer, datum) in
        [("int", Datum::Number(7)), ("long", Datum::Number(7)), ("float", Datum::Float(7_f32.to_bits()))]
    {
        let double = one(&format!("\"{writer}\""), r#"["null", "double"]"#, datum).unwrap();
        assert_eq!(double.column(0).as_primitive::<Float64Type>().value(0), 7.0, "{writer}");
    }
    for writer in ["int", "long"] {
        let float = one(&format!("\"{writer}\""), r#""float""#, Datum::Number(-7)).unwrap();
        assert_eq!(float.column(0).as_primitive::<Float32Type>().value(0), -7.0, "{writer}");
    }
    assert_eq!(
        one(r#""string""#, r#""bytes""#, text("é")).unwrap().column(0).as_binary::<i32>().value(0),
        "é".as_bytes()
    );
    assert_eq!(one(r#""bytes""#, r#""string""#, text("é")).unwrap().column(0).as_string::<i32>().value(0), "é");
    let error = one(r#""bytes""#, r#""string""#, Datum::Prefixed(vec![b'a', 0xc3])).unwrap_err();
    assert_eq!(error, "field `a`: string is not UTF-8 from its byte 1 on");
    // A logical type may be added to the plain type.
    assert!(one(r#""long""#, r#"{"type": "long", "logicalType": "timestamp-micros"}"#, Datum::Number(1)).is_ok());
}

#[test]
fn null_may_be_added_and_taken_away() {
    let (plain, null) = (r#"{"name": "a", "type": "int"}"#, r#"{"name": "a", "type": ["int", "null"]}"#);
    assert!(read(plain, null, vec![Datum::Number(1)]).is_ok());
    assert!(read(null, plain, vec![Datum::Branch(0, Box::new(Datum::Number(1)))]).is_ok());
    let error = read(null, plain, vec![Datum::Branch(1, Box::new(Datum::Nothing))]).unwrap_err();
    assert_eq!(error, "field `a`: null, which the reader's schema does not have here");
    // What is always null has a place among nulls only.
    let always = r#"{"name": "a", "type": "null"}"#;
    assert!(read(always, null, vec![Datum::Nothing]).unwrap().column(0).is_null(0));
    assert_eq!(read(always, always, vec![Datum::Nothing]).unwrap().column(0).len(), 1);
    let error = read(always, plain, vec![]).unwrap_err();
    assert_eq!(error, "schema 1 cannot be read as `lab.event`: field `a`: null cannot be read as int");
}

#[test]
fn enums_are_matched_by_symbol() {
    let field = |symbols: &str, default: &str| {
        format!(r#"{{"name": "a", "type": {{"type": "enum", "name": "kind", "symbols": [{symbols}]{default}}}}}"#)
    };
    let writer = field(r#""muon", "pion", "kaon""#, "");
    let symbol = |reader: &str, index: i64| {
        read(&writer, reader, vec![Datum::Number(index)]).map(|rows| {
            let column = rows.column(0).as_dictionary::<Int32Type>();
            let symbols = column.values().as_string::<i32>();
            (symbols.value(column.keys().value(0) as usize).to_owned(), symbols.len())
        })
    };
    let strict = field(r#""other", "pion", "muon""#, "");
    assert_eq!(symbol(&strict, 0), Ok(("muon".into(), 3)));
    assert_eq!(symbol(&strict, 2), Err("field `a`: symbol `kaon`, which the reader's enum does not have".into()));
    let lenient = field(r#""other", "pion", "muon""#, r#", "default": "other""#);
    assert_eq!(symbol(&lenient, 2), Ok(("other".into(), 3)));
}

#[test]
fn schemas_that_never_fit_are_refused_with_the_field() {
    let cases = [
        (
            r#"{"name": "a", "type": "string"}"#,
            r#"{"name": "a", "type": "long"}"#,
            "field `a`: string cannot be read as long",
        ),
        (
            r#"{"name": "a", "type": "int"}"#,
            r#"{"name": "a", "type": "int"}, {"name": "b", "type": ["null", "int"]}"#,
            "field `b` is missing and has no default",
        ),
        (
            r#"{"name": "a", "type": {"type": "long", "logicalType": "timestamp-millis"}}"#,
            r#"{"name": "a", "type": {"type": "long", "logicalType": "timestamp-micros"}}"#,
            "field `a`: long (timestamp-millis) cannot be read as long (timestamp-micros)",
        ),
        (
            r#"{"name": "a", "type": {"type": "fixed", "name": "f", "size": 4}}"#,
            r#"{"name": "a", "type": {"type": "fixed", "name": "f", "size": 5}}"#,
            "field `a`: fixed `lab.f` of 4 bytes cannot be read as fixed `lab.f` of 5 bytes",
        ),
        (
            r#"{"name": "a", "type": "int"}"#,
            r#"{"name": "a", "type": "int"}, {"name": "b", "type": "int", "aliases": ["a"]}"#,
            "fields `a` and `b` would both be read from `a`",
        ),
        (
            r#"{"name": "r", "type": {"type": "record", "name": "n", "fields": [{"name": "x", "type": "double"}]}}"#,
            r#"{"name": "r", "type": {"type": "record", "name": "n", "fields": [{"name": "x", "type": "float"}]}}"#,
            "field `r`: field `x`: double cannot be read as float",
        ),
    ];
    let decimals = |scale: u8| {
        format!(
            r#"{{"name": "a", "type": {{"type": "fixed", "name": "f", "size": 4, "logicalType": "decimal", "precision": 5,
            "scale": {scale}}}}}"#
        )
    };
    let (one, two) = (decimals(1), decimals(2));
    let reason =
        "field `a`: fixed `lab.f` of 4 bytes cannot be read as fixed `lab.f` of 4 bytes: their decimals differ";
    let cases = cases.into_iter().chain([
        (one.as_str(), two.as_str(), reason),
        (
            r#"{"name": "a", "type": ["null", "int", "string"]}"#,
            r#"{"name": "a", "type": ["null", "int"]}"#,
            "field `a`: string cannot be read as int",
        ),
    ]);
    assert!(read(&one, &one, vec![Datum::Fixed(vec![0, 0, 0, 1])]).is_ok());
    let large = format!(
        r#"{{"name": "a", "type": "int"}}, {{"name": "b", "type": "string", "default": "{}"}}"#,
        "x".repeat(5000)
    );
    let reason = "field `b`: a default of 5002 bytes is too large to stand in every row";
    let cases = cases.chain([(r#"{"name": "a", "type": "int"}"#, large.as_str(), reason)]);
    for (writer, reader, reason) in cases {
        assert_eq!(
            read(writer, reader, vec![]).unwrap_err(),
            format!("schema 1 cannot be read as `lab.event`: {reason}")
        );
    }
    let reader = ValueSchema::parse(&record(r#"{"name": "a", "type": "int"}"#)).unwrap();
    let mut decoder = Decoder::new(reader, Limits::default()).unwrap();
    let other = r#"{"type": "record", "name": "click", "fields": [{"name": "a", "type": "int"}]}"#;
    let message = "the names `click` and `lab.event` differ; add the former to the reader's aliases".into();
    let error = CodecError::Resolution { id: 4, reader: "lab.event".into(), message };
    assert_eq!(decoder.add_writer(4, other), Err(error));
    // A namespace of the alias does not matter, and its name does.
    let alias = |alias: &str| {
        let reader = format!(
            r#"{{"type": "record", "name": "event", "aliases": ["{alias}"], "fields": [{{"name": "a", "type": "int"}}]}}"#
        );
        Decoder::new(ValueSchema::parse(&reader).unwrap(), Limits::default()).unwrap().add_writer(4, other)
    };
    assert!(alias("shop.click").is_ok() && alias("click").is_ok() && alias("shop.clock").is_err());
}

/// What a writer has beside what is read need not be what a column could hold, but it is passed over with the same checks.
#[test]
fn a_writer_may_have_what_no_column_holds() {
    let reader = ValueSchema::parse(&record(r#"{"name": "a", "type": "int"}"#)).unwrap();
    let decode = |fields: &str, mut row: Vec<Datum>| {
        let mut decoder = Decoder::new(reader.clone(), Limits::default()).unwrap();
        let fields = format!(r#"{fields}, {{"name": "a", "type": "int"}}"#);
        decoder.add_writer(1, &record(&fields)).map_err(|error| error.to_string())?;
        row.push(Datum::Number(7));
        let decoded = decoder.decode(&[&framed(1, &Datum::Record(row), Blocks::One)]).unwrap();
        match decoded.rejected.first() {
            Some(rejected) => Err(rejected.reason.clone()),
            None => Ok(decoded.rows.column(0).as_primitive::<Int32Type>().value(0)),
        }
    };
    // A union of three, an error, an enum and a field whose defaults do not fit, a large fixed, a decimal of too many digits.
    assert_eq!(
        decode(r#"{"name": "u", "type": ["int", "string", "null"]}"#, vec![Datum::Branch(1, Box::new(text("x")))]),
        Ok(7)
    );
    let error = r#"{"name": "e", "type": {"type": "error", "name": "err", "fields": [{"name": "x", "type": "int"}]}}"#;
    assert_eq!(decode(error, vec![Datum::Record(vec![Datum::Number(1)])]), Ok(7));
    let symbols = r#"{"name": "e", "type": {"type": "enum", "name": "kind", "symbols": ["x"], "default": "y"}}"#;
    assert_eq!(decode(symbols, vec![Datum::Number(0)]), Ok(7));
    assert_eq!(decode(r#"{"name": "d", "type": "int", "default": "x"}"#, vec![Datum::Number(0)]), Ok(7));
    let fixed = r#"{"name": "f", "type": {"type": "fixed", "name": "f", "size": 5000}}"#;
    assert_eq!(decode(fixed, vec![Datum::Fixed(vec![0; 5000])]), Ok(7));
    let decimal = r#"{"name": "d", "type": {"type": "bytes", "logicalType": "decimal", "precision": 100, "scale": 2}}"#;
    assert_eq!(decode(decimal, vec![Datum::Prefixed(vec![1])]), Ok(7));
    // A type within itself: directly, in lists, in maps, in unions of several.
    let node = |within: &str| {
        format!(
            r#"{{"name": "n", "type": {{"type": "record", "name": "node", "fields": [{{"name": "next", "type": {within}}}]}}}}"#
        )
    };
    let leaf = || Datum::Branch(0, Box::new(Datum::Nothing));
    let some = |branch: i64| Datum::Record(vec![Datum::Branch(branch, Box::new(Datum::Record(vec![leaf()])))]);
    assert_eq!(decode(&node(r#"["null", "node"]"#), vec![some(1)]), Ok(7));
    assert_eq!(decode(&node(r#"["null", "int", "node"]"#), vec![some(2)]), Ok(7));
    let empty = || Datum::Record(vec![Datum::Array(vec![])]);
    let list = Datum::Record(vec![Datum::Array(vec![empty(), empty()])]);
    assert_eq!(decode(&node(r#"{"type": "array", "items": "node"}"#), vec![list]), Ok(7));
    let empty = Datum::Record(vec![Datum::Map(vec![])]);
    let map = Datum::Record(vec![Datum::Map(vec![("k".into(), empty)])]);
    assert_eq!(decode(&node(r#"{"type": "map", "values": "node"}"#), vec![map]), Ok(7));
    // The record is found wherever it stands.
    let listed = r#"{"name": "n", "type": {"type": "array", "items": {"type": "record", "name": "node", "fields": [
        {"name": "next", "type": ["null", "node"]}]}}}"#;
    assert_eq!(decode(listed, vec![Datum::Array(vec![some(1)])]), Ok(7));
    let one_of = r#"{"name": "n", "type": ["int", "string", {"type": "record", "name": "node", "fields": [
        {"name": "next", "type": ["null", "node"]}]}]}"#;
    assert_eq!(decode(one_of, vec![Datum::Branch(2, Box::new(some(1)))]), Ok(7));
    // As deep as a stack allows.
    let deep = |count: usize| {
        (0..count).fold(Datum::Record(vec![leaf()]), |inner, _| Datum::Record(vec![Datum::Branch(1, Box::new(inner))]))
    };
    assert_eq!(decode(&node(r#"["null", "node"]"#), vec![deep(256)]), Ok(7));
    let reason = decode(&node(r#"["null", "node"]"#), vec![deep(257)]).unwrap_err();
    assert!(reason.ends_with("record `lab.node` is within itself more than 256 times"), "{reason}");
}

/// Messages of several writers give one batch in the order of the messages.
#[test]
fn writers_may_be_mixed() {
    let reader = r#"{"name": "a", "type": "long"}, {"name": "b", "type": "string", "default": "none"}"#;
    let mut decoder = Decoder::new(ValueSchema::parse(&record(reader)).unwrap(), Limits::default()).unwrap();
    decoder.add_writer(30, &record(r#"{"name": "a", "type": "int"}"#)).unwrap();
    decoder.add_writer(20, &record(r#"{"name": "b", "type": "string"}, {"name": "a", "type": "long"}"#)).unwrap();
    let messages: Vec<Vec<u8>> = (0..10)
        .map(|index| match index % 3 {
            0 => framed(30, &Datum::Record(vec![Datum::Number(index)]), Blocks::One),
            _ => framed(20, &Datum::Record(vec![text("some"), Datum::Number(index)]), Blocks::One),
        })
        .collect();
    let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    let rows = decoder.decode(&messages).unwrap().rows;
    assert_eq!(rows.column(0).as_primitive::<Int64Type>().values(), &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let names: Vec<&str> = rows.column(1).as_string::<i32>().iter().flatten().collect();
    assert_eq!(names, ["none", "some", "some", "none", "some", "some", "none", "some", "some", "none"]);
}
