//! `apache-avro` as an oracle: it reads what the codec writes, the codec reads what it writes, and both say the same of
//! whether one schema reads another, but where the difference stands here with its reason.

use std::collections::BTreeMap;

use apache_avro::{
    Schema,
    reader::datum::GenericDatumReader,
    schema_compatibility::{Compatibility, SchemaCompatibility},
    types::Value,
    writer::datum::GenericDatumWriter,
};
use codec::{Decoder, Encoder, Limits, ValueSchema};
use proptest::prelude::*;

use crate::{
    generate::stream,
    roundtrip::{decode_all, decoder, encode_all, messages},
    wire::Blocks,
};

const ID: u32 = 7;
/// The bytes before Avro's: a zero and the id.
const HEADER: usize = 5;

/// The schema as the oracle takes it: a `uuid` on a string is any text to us, and must be a UUID to it.
fn oracle(schema: &str) -> Schema {
    let schema = schema.replace(r#""logicalType":"uuid","type":"string""#, r#""type":"string""#);
    Schema::parse_str(&schema.replace(r#""type":"string","logicalType":"uuid""#, r#""type":"string""#)).unwrap()
}

fn read(schema: &Schema, message: &[u8]) -> Value {
    let mut rest = &message[HEADER..];
    let value = GenericDatumReader::builder(schema).build().unwrap().read_value(&mut rest).unwrap();
    assert!(rest.is_empty(), "{} bytes are left", rest.len());
    value
}

fn write(schema: &Schema, value: Value) -> Vec<u8> {
    let mut message = vec![0];
    message.extend(ID.to_be_bytes());
    message.extend(GenericDatumWriter::builder(schema).build().unwrap().write_value_to_vec(value).unwrap());
    message
}

/// A value as text: entries of maps in order, for the oracle's have none, and NaN like NaN.
fn shown(value: &Value) -> String {
    let all = |values: &[Value]| values.iter().map(shown).collect::<Vec<_>>().join(", ");
    match value {
        Value::Map(entries) => {
            let sorted: BTreeMap<&String, String> = entries.iter().map(|(key, value)| (key, shown(value))).collect();
            format!("{sorted:?}")
        }
        Value::Array(items) => format!("[{}]", all(items)),
        Value::Union(branch, value) => format!("{branch}: {}", shown(value)),
        Value::Record(fields) => {
            fields.iter().map(|(name, value)| format!("{name} = {}", shown(value))).collect::<Vec<_>>().join("; ")
        }
        plain => format!("{plain:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn each_reads_what_the_other_writes((schema, rows) in stream(1..6)) {
        let theirs = oracle(&schema);
        let schema = ValueSchema::parse(&schema).unwrap();
        let batch = decode_all(&mut decoder(&schema, ID), &messages(&rows, Blocks::One));
        let mut encoder = Encoder::new(schema.clone(), ID).unwrap();
        let values: Vec<Value> = encode_all(&mut encoder, &batch).iter().map(|message| read(&theirs, message)).collect();
        let written: Vec<Vec<u8>> = values.iter().map(|value| write(&theirs, value.clone())).collect();
        let again = decode_all(&mut decoder(&schema, ID), &written);
        let reread: Vec<Value> = encode_all(&mut encoder, &again).iter().map(|message| read(&theirs, message)).collect();
        let [values, reread] = [values, reread].map(|values| values.iter().map(shown).collect::<Vec<_>>());
        prop_assert_eq!(values, reread);
        if !schema.avro().contains("\"map\"") {
            prop_assert_eq!(again, batch);
        }
    }
}

/// A field of each type that a stream can have.
const TYPES: [(&str, &str); 26] = [
    ("boolean", r#""boolean""#),
    ("int", r#""int""#),
    ("date", r#"{"type": "int", "logicalType": "date"}"#),
    ("time-millis", r#"{"type": "int", "logicalType": "time-millis"}"#),
    ("long", r#""long""#),
    ("time-micros", r#"{"type": "long", "logicalType": "time-micros"}"#),
    ("timestamp-millis", r#"{"type": "long", "logicalType": "timestamp-millis"}"#),
    ("timestamp-micros", r#"{"type": "long", "logicalType": "timestamp-micros"}"#),
    ("timestamp-nanos", r#"{"type": "long", "logicalType": "timestamp-nanos"}"#),
    ("local-timestamp-millis", r#"{"type": "long", "logicalType": "local-timestamp-millis"}"#),
    ("local-timestamp-micros", r#"{"type": "long", "logicalType": "local-timestamp-micros"}"#),
    ("float", r#""float""#),
    ("double", r#""double""#),
    ("bytes", r#""bytes""#),
    ("string", r#""string""#),
    ("uuid", r#"{"type": "string", "logicalType": "uuid"}"#),
    ("decimal(4, 2)", r#"{"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}"#),
    ("decimal(6, 2)", r#"{"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2}"#),
    ("fixed(12)", r#"{"type": "fixed", "name": "f", "size": 12}"#),
    ("fixed(16)", r#"{"type": "fixed", "name": "f", "size": 16}"#),
    ("duration", r#"{"type": "fixed", "name": "f", "size": 12, "logicalType": "duration"}"#),
    ("enum of a, b", r#"{"type": "enum", "name": "e", "symbols": ["a", "b"]}"#),
    ("enum of b, c", r#"{"type": "enum", "name": "e", "symbols": ["b", "c"]}"#),
    ("int or null", r#"["null", "int"]"#),
    ("array of int", r#"{"type": "array", "items": "int"}"#),
    ("map of int", r#"{"type": "map", "values": "int"}"#),
];

/// Where the oracle lets a schema read another, and the codec is right not to.
fn is_wrongly_allowed(writer: &str, reader: &str) -> bool {
    let is_time = |name: &str| ["date", "time", "local"].iter().any(|word| name.starts_with(word));
    let is_text = |name: &str| matches!(name, "string" | "uuid");
    let is_decimal = |name: &str| name.starts_with("decimal");
    // The number would be read as it is, and be another time: milliseconds are not microseconds.
    (is_time(writer) && is_time(reader) && writer != reader)
        // A text is not a number in two's complement, nor is such a number a text.
        || (is_text(writer) && is_decimal(reader))
        || (is_decimal(writer) && is_text(reader))
}

#[test]
fn whether_a_schema_reads_another_differs_only_for_a_reason() {
    let record =
        |kind: &str| format!(r#"{{"type": "record", "name": "r", "fields": [{{"name": "a", "type": {kind}}}]}}"#);
    let mut allowed = 0;
    for (writer_name, writer) in TYPES {
        for (reader_name, reader) in TYPES {
            let (writer, reader) = (record(writer), record(reader));
            let parse = |schema: &str| ValueSchema::parse(schema).unwrap();
            let ours = parse(&reader).obstacles(&parse(&writer)).is_empty();
            let [theirs_writer, theirs_reader] = [&writer, &reader].map(|schema| Schema::parse_str(schema).unwrap());
            let theirs = SchemaCompatibility::can_read(&theirs_writer, &theirs_reader) == Ok(Compatibility::Full);
            let expected = theirs && !is_wrongly_allowed(writer_name, reader_name);
            assert_eq!(ours, expected, "{writer_name} read as {reader_name}");
            allowed += usize::from(ours);
        }
    }
    assert!(allowed > TYPES.len(), "each reads itself, and some read others: {allowed}");
    assert!(is_wrongly_allowed("timestamp-millis", "timestamp-micros"));
}

/// What a reader makes of the default of a field that the writer lacks: the codec, and the oracle.
fn defaults(kind: &str, default: &str) -> (String, String) {
    let record =
        |more: &str| format!(r#"{{"type": "record", "name": "r", "fields": [{{"name": "a", "type": "int"}}{more}]}}"#);
    let writer = record("");
    let reader = record(&format!(r#", {{"name": "b", "type": {kind}, "default": {default}}}"#));
    let (theirs_writer, theirs_reader) = (Schema::parse_str(&writer).unwrap(), Schema::parse_str(&reader).unwrap());
    let message = write(&theirs_writer, Value::Record(vec![("a".into(), Value::Int(3))]));

    let schema = ValueSchema::parse(&reader).unwrap();
    let mut decoder = Decoder::new(schema.clone(), Limits::default()).unwrap();
    decoder.add_writer(ID, &writer).unwrap();
    let rows = decode_all(&mut decoder, std::slice::from_ref(&message));
    let ours = read(&theirs_reader, &encode_all(&mut Encoder::new(schema, ID).unwrap(), &rows)[0]);
    let theirs = GenericDatumReader::builder(&theirs_writer).reader_schema(&theirs_reader).build().unwrap();
    let theirs = theirs.read_value(&mut &message[HEADER..]).unwrap();
    (shown(&ours), shown(&theirs))
}

#[test]
fn defaults_are_read_alike() {
    for (kind, default) in [
        (r#""boolean""#, "true"),
        (r#""int""#, "-5"),
        (r#""long""#, "1099511627776"),
        (r#"{"type": "long", "logicalType": "timestamp-millis"}"#, "5"),
        (r#""float""#, "0.5"),
        (r#""double""#, "1"),
        (r#""double""#, r#""NaN""#),
        (r#""double""#, r#""-INF""#),
        (r#""string""#, r#""é""#),
        (r#""bytes""#, r#""abc""#),
        (r#"{"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}"#, r#""\u00ff\u0001""#),
        (r#"{"type": "fixed", "name": "f", "size": 4}"#, r#""abcd""#),
        (r#"{"type": "enum", "name": "e", "symbols": ["a", "b"]}"#, r#""b""#),
        (r#"["null", "int"]"#, "null"),
        (r#"["int", "null"]"#, "7"),
        (r#"{"type": "array", "items": ["null", "int"]}"#, "[1, null, 3]"),
        (r#"{"type": "map", "values": "int"}"#, r#"{"one": 1, "two": 2}"#),
        (r#"{"type": "record", "name": "n", "fields": [{"name": "x", "type": "int"}]}"#, r#"{"x": 4}"#),
    ] {
        let (ours, theirs) = defaults(kind, default);
        assert_eq!(ours, theirs, "{default} of {kind}");
    }
}

/// The specification's table "Field default values" has the codec's reading of these.
#[test]
fn defaults_that_the_oracle_reads_otherwise() {
    // The code points of a text for bytes are the bytes; the oracle takes it as UTF-8.
    let (ours, theirs) = defaults(r#""bytes""#, r#""\u00ff""#);
    assert_eq!((ours.as_str(), theirs.as_str()), ("a = Int(3); b = Bytes([255])", "a = Int(3); b = Bytes([195, 191])"));
    // A default may fit any branch of a union (1.12); the oracle takes null where null comes first.
    let (ours, theirs) = defaults(r#"["null", "int"]"#, "7");
    assert_eq!((ours.as_str(), theirs.as_str()), ("a = Int(3); b = 1: Int(7)", "a = Int(3); b = 0: Null"));
}
