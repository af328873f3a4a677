//! Rows of files: the columns that a file's schema becomes, and what is read into the columns that are wanted.

use arrow::{
    array::AsArray,
    compute,
    datatypes::{DataType, Field, Int64Type, Schema},
};
use codec::{DecodedRows, FileSchema, RowDecoder, Rows};

use crate::wire::{Blocks, Datum, framed};

fn file(fields: &str) -> FileSchema {
    FileSchema::parse(&format!(r#"{{"type": "record", "name": "row", "fields": [{fields}]}}"#)).unwrap()
}

fn field(kind: &str) -> FileSchema {
    file(&format!(r#"{{"name": "a", "type": {kind}}}"#))
}

/// Rows as they stand in a file.
fn bytes(rows: &[Datum]) -> Vec<u8> {
    rows.iter().flat_map(|row| framed(0, &Datum::Record(vec![row.clone()]), Blocks::One).split_off(5)).collect()
}

fn wanted(data_type: DataType, null: bool) -> Schema {
    Schema::new(vec![Field::new("a", data_type, null)])
}

fn decode(file: &FileSchema, wanted: &Schema, rows: &[Datum]) -> DecodedRows {
    let bytes = bytes(rows);
    RowDecoder::new(file, wanted).unwrap().decode(&[Rows { bytes: &bytes, count: rows.len() }]).unwrap()
}

/// The values of the only column as text, `-` for a null.
fn texts(decoded: &DecodedRows) -> Vec<String> {
    let column = compute::cast(decoded.rows.column(0), &DataType::Utf8).unwrap();
    column.as_string::<i32>().iter().map(|text| text.unwrap_or("-").to_owned()).collect()
}

fn text(value: &str) -> Datum {
    Datum::Prefixed(value.as_bytes().to_vec())
}

fn branch(index: i64, value: Datum) -> Datum {
    Datum::Branch(index, Box::new(value))
}

const ID: [u8; 16] = [0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 1, 2, 3, 4, 5, 6, 7, 8];

#[test]
fn text_takes_any_plain_value() {
    let symbols = r#"{"type": "enum", "name": "e", "symbols": ["x", "y"]}"#;
    let uuid = r#"{"type": "fixed", "name": "u", "size": 16, "logicalType": "uuid"}"#;
    for (kind, value, wanted_text) in [
        (r#""boolean""#, Datum::Boolean(true), "true"),
        (r#""int""#, Datum::Number(-3), "-3"),
        (r#""long""#, Datum::Number(1 << 40), "1099511627776"),
        (r#""float""#, Datum::Float(1.5_f32.to_bits()), "1.5"),
        (r#""double""#, Datum::Double((-0.25_f64).to_bits()), "-0.25"),
        (symbols, Datum::Number(1), "y"),
        (uuid, Datum::Fixed(ID.to_vec()), "12345678-9abc-def0-0102-030405060708"),
        (r#""string""#, text("z"), "z"),
    ] {
        let decoded = decode(&field(kind), &wanted(DataType::Utf8, false), &[value]);
        assert_eq!(texts(&decoded), [wanted_text], "{kind}");
        assert_eq!(decoded.rows.schema().field(0).data_type(), &DataType::Utf8);
    }
    // Sixteen bytes that are not said to be a uuid are not one, a date is not a number, and stay what they are.
    let plain = r#"{"type": "fixed", "name": "u", "size": 16}"#;
    let decoder = RowDecoder::new(&field(plain), &wanted(DataType::Utf8, false)).unwrap();
    assert_eq!(decoder.arrow().field(0).data_type(), &DataType::FixedSizeBinary(16));
    let date = r#"{"type": "int", "logicalType": "date"}"#;
    let decoder = RowDecoder::new(&field(date), &wanted(DataType::Utf8, false)).unwrap();
    assert_eq!(decoder.arrow().field(0).data_type(), &DataType::Date32);
}

#[test]
fn a_union_is_read_as_what_holds_its_branches() {
    let several = field(r#"["null", "int", "string", "boolean"]"#);
    let rows = [
        branch(1, Datum::Number(5)),
        branch(0, Datum::Nothing),
        branch(2, text("x")),
        branch(3, Datum::Boolean(false)),
    ];
    let decoded = decode(&several, several.arrow(), &rows);
    assert_eq!(
        (texts(&decoded), decoded.rejected.len()),
        (vec!["5".into(), "-".into(), "x".into(), "false".into()], 0)
    );
    // Where another type is wanted only the branches that fit are read, and the row of another is rejected.
    let decoded = decode(&several, &wanted(DataType::Int64, true), &rows);
    assert_eq!((texts(&decoded), decoded.indexes), (vec!["5".to_owned(), "-".to_owned()], vec![0, 1]));
    let rejected: Vec<(u64, &str)> = decoded.rejected.iter().map(|(row, _, reason)| (*row, reason.as_str())).collect();
    let reason =
        |branch: u8| format!("field `a`: branch {branch} of the union, which the reader's schema does not have");
    assert_eq!(rejected, [(2, reason(2).as_str()), (3, reason(3).as_str())]);
    assert_eq!(decoded.rejected[0].1, [4, 2, b'x']);
    // Nulls are never lost: the column has them where the file does.
    let decoder = RowDecoder::new(&several, &wanted(DataType::Int64, false)).unwrap();
    assert!(decoder.arrow().field(0).is_nullable());
    let decoder = RowDecoder::new(&field(r#"["int", "null"]"#), &wanted(DataType::Int64, false)).unwrap();
    assert!(decoder.arrow().field(0).is_nullable());
    let decoder = RowDecoder::new(&field(r#""int""#), &wanted(DataType::Int64, false)).unwrap();
    assert!(!decoder.arrow().field(0).is_nullable());
    let decoder = RowDecoder::new(&field(r#"["int", "long"]"#), &wanted(DataType::Int64, false)).unwrap();
    assert!(!decoder.arrow().field(0).is_nullable());
}

#[test]
fn a_type_that_cannot_be_read_as_wanted_stays_the_files_own() {
    let number = field(r#""double""#);
    let decoded = decode(&number, &wanted(DataType::Int64, false), &[Datum::Double(2.5_f64.to_bits())]);
    assert_eq!(texts(&decoded), ["2.5"]);
    // One that has no column of its own cannot.
    for (kind, reason) in [
        (r#"["string", "bytes", {"type": "array", "items": "int"}]"#, "column `a`: string cannot be read as long"),
        (r#"["null", "string", "bytes"]"#, "column `a`: string cannot be read as long"),
    ] {
        let error = RowDecoder::new(&field(kind), &wanted(DataType::Int64, true)).unwrap_err();
        assert_eq!(error.to_string(), reason, "{kind}");
    }
    // Only the column of that name stands in.
    let two = file(r#"{"name": "b", "type": "boolean"}, {"name": "a", "type": "double"}"#);
    let decoder = RowDecoder::new(&two, &wanted(DataType::Int64, false)).unwrap();
    assert_eq!(decoder.arrow().field(0).data_type(), &DataType::Float64);
}

#[test]
fn what_is_too_large_or_odd_for_a_column_is_left_out() {
    let fixed = |size: usize| field(&format!(r#"{{"type": "fixed", "name": "f", "size": {size}}}"#));
    assert_eq!(fixed(4096).left_out(), Vec::<String>::new());
    assert_eq!(fixed(4097).left_out(), ["`a` (fixed `f` of 4097 bytes)"]);
    assert!(fixed(4097).arrow().fields().is_empty());
    // A decimal of more digits than there are columns for stays bytes.
    let wide = r#"{"type": "bytes", "logicalType": "decimal", "precision": 100, "scale": 2}"#;
    assert_eq!(field(wide).arrow().field(0).data_type(), &DataType::Binary);
    let wide = r#"{"type": "fixed", "name": "f", "size": 2, "logicalType": "decimal", "precision": 3, "scale": 2}"#;
    assert_eq!(field(wide).arrow().field(0).data_type(), &DataType::Decimal128(3, 2));
}

#[test]
fn each_row_is_taken_from_behind_the_one_before() {
    let strings = field(r#""string""#);
    let schema = wanted(DataType::Utf8, false);
    let good = |name: &str| bytes(&[text(name)]);
    let bad = bytes(&[Datum::Prefixed(vec![b'q', 0xff])]);
    let (one, two) =
        ([good("one"), bad.clone(), good("three")].concat(), [good("4"), good("five"), vec![9, 9]].concat());
    let mut decoder = RowDecoder::new(&strings, &schema).unwrap();
    assert!(decoder.takes_bytes());
    let pieces = [Rows { bytes: &one, count: 3 }, Rows { bytes: &two, count: 2 }];
    let decoded = decoder.decode(&pieces).unwrap();
    assert_eq!(texts(&decoded), ["one", "three", "4", "five"]);
    assert_eq!((decoded.indexes, decoded.taken), (vec![0, 2, 3, 4], vec![one.len(), two.len() - 2]));
    let reason = "field `a`: string is not UTF-8 from its byte 1 on".to_owned();
    assert_eq!((decoded.rejected, decoded.failure), (vec![(1, bad, reason)], None));
    // Where a row's end cannot be found, those before it are given.
    let cut = [good("one"), vec![20, b'x']].concat();
    let decoded = decoder.decode(&[Rows { bytes: &cut, count: 3 }, Rows { bytes: &one, count: 3 }]).unwrap();
    assert_eq!((texts(&decoded), decoded.taken), (vec!["one".to_owned()], vec![good("one").len()]));
    assert_eq!(decoded.failure.unwrap(), "field `a`: string has a length of 10, but only 1 bytes are left");
    // A column that is not wanted is passed over, and checked.
    let mut decoder = RowDecoder::new(
        &file(r#"{"name": "b", "type": "string"}, {"name": "a", "type": "int"}"#),
        &wanted(DataType::Int64, false),
    )
    .unwrap();
    let rows = [vec![2, b'x', 4], vec![2, 0xff, 6], vec![0, 8]].concat();
    let decoded = decoder.decode(&[Rows { bytes: &rows, count: 3 }]).unwrap();
    assert_eq!(decoded.rows.column(0).as_primitive::<Int64Type>().values(), &[2, 4]);
    assert_eq!((decoded.indexes, decoded.rejected.len(), decoded.failure), (vec![0, 2], 1, None));
}

#[test]
fn rows_without_bytes_are_told() {
    let nothing =
        file(r#"{"name": "a", "type": "null"}, {"name": "b", "type": {"type": "record", "name": "e", "fields": []}}"#);
    assert!(!RowDecoder::new(&nothing, nothing.arrow()).unwrap().takes_bytes());
    let decoded = RowDecoder::new(&nothing, nothing.arrow()).unwrap().decode(&[Rows { bytes: &[], count: 3 }]).unwrap();
    assert_eq!((decoded.rows.num_rows(), decoded.taken), (3, vec![0]));
}
