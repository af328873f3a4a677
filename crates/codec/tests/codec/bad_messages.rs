//! A table of bad messages, each with the reason that a person reads.

use codec::{CodecError, Decoder, Limits, Rejected, ValueSchema};

use crate::wire::long;

const SCHEMA: &str = r#"{
    "type": "record", "name": "event", "fields": [
        {"name": "id", "type": "string"},
        {"name": "flag", "type": "boolean"},
        {"name": "kind", "type": {"type": "enum", "name": "kind", "symbols": ["a", "b", "c"]}},
        {"name": "note", "type": ["null", "string"]},
        {"name": "count", "type": "int"},
        {"name": "hits", "type": {"type": "array", "items": {"type": "record", "name": "hit", "fields": [
            {"name": "charge", "type": ["null", "double"]}
        ]}}},
        {"name": "tags", "type": {"type": "map", "values": "long"}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 3, "scale": 1}}
    ]
}"#;

/// A good body, with parts that can be exchanged.
#[derive(Clone)]
struct Body {
    id: Vec<u8>,
    flag: Vec<u8>,
    kind: Vec<u8>,
    note: Vec<u8>,
    count: Vec<u8>,
    hits: Vec<u8>,
    tags: Vec<u8>,
    price: Vec<u8>,
}

fn number(value: i64) -> Vec<u8> {
    let mut out = Vec::new();
    long(value, &mut out);
    out
}

fn numbers(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|value| number(*value)).collect()
}

fn good() -> Body {
    Body {
        id: vec![4, b'e', b'1'],
        flag: vec![1],
        kind: vec![2],
        note: vec![0],
        count: number(7),
        hits: numbers(&[2, 0, 0, 0]),
        tags: vec![0],
        price: vec![2, 0x15],
    }
}

impl Body {
    fn message(&self) -> Vec<u8> {
        let header = vec![0, 0, 0, 0, 9];
        [
            header,
            self.id.clone(),
            self.flag.clone(),
            self.kind.clone(),
            self.note.clone(),
            self.count.clone(),
            self.hits.clone(),
            self.tags.clone(),
            self.price.clone(),
        ]
        .concat()
    }
}

fn decoder(limits: Limits) -> Decoder {
    let mut decoder = Decoder::new(ValueSchema::parse(SCHEMA).unwrap(), limits).unwrap();
    decoder.add_writer(9, SCHEMA).unwrap();
    decoder
}

/// What is wrong, the message, and the reason.
fn table() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let good = good();
    let with = |change: &dyn Fn(&mut Body)| {
        let mut body = good.clone();
        change(&mut body);
        body.message()
    };
    let whole = good.message();
    vec![
        ("empty", vec![], "empty message"),
        ("three bytes", vec![0, 0, 0], "message of 3 bytes, shorter than its header of 5 bytes"),
        (
            "JSON",
            b"{\"id\": 1}".to_vec(),
            "no framed Avro: the message begins with byte 0x7b, not with the magic byte 0",
        ),
        ("header only", vec![0, 0, 0, 0, 9], "field `id`: the message ends within a value (string), 0 bytes are left"),
        ("too long", vec![0; 2000], "message of 2000 bytes, but the limit is 1024"),
        (
            "cut in a row",
            whole[..whole.len() - 1].to_vec(),
            "field `price`: bytes has a length of 1, but only 0 bytes are left",
        ),
        ("left over", [whole, vec![1, 2]].concat(), "2 bytes are left over after the row"),
        (
            "giant text",
            with(&|body| body.id = number(1 << 40)),
            "field `id`: string has a length of 1099511627776, but only 11 bytes are left",
        ),
        ("negative length", with(&|body| body.id = number(-5)), "field `id`: string has the negative length -5"),
        (
            "bad UTF-8",
            with(&|body| body.id = vec![4, b'e', 0xff]),
            "field `id`: string is not UTF-8 from its byte 1 on",
        ),
        ("boolean 7", with(&|body| body.flag = vec![7]), "field `flag`: byte 7 is not a boolean, which is 0 or 1"),
        (
            "enum 3",
            with(&|body| body.kind = number(3)),
            "field `kind`: enum index 3, but there are 3 symbols, from 0 on",
        ),
        (
            "enum -1",
            with(&|body| body.kind = number(-1)),
            "field `kind`: enum index -1, but there are 3 symbols, from 0 on",
        ),
        ("branch 2", with(&|body| body.note = number(2)), "field `note`: union branch 2, but there are two, 0 and 1"),
        ("large int", with(&|body| body.count = number(1 << 31)), "field `count`: 2147483648 does not fit an int"),
        ("endless int", with(&|body| body.count = vec![0xff; 11]), "field `count`: int has more than 64 bits"),
        (
            "giant array",
            with(&|body| body.hits = number(1 << 60)),
            "field `hits`: array of 1152921504606846976 items, but only 3 bytes are left",
        ),
        (
            "smallest count",
            with(&|body| body.hits = numbers(&[i64::MIN, 0])),
            "field `hits`: array of 9223372036854775808 items, but only 3 bytes are left",
        ),
        (
            "giant block",
            with(&|body| body.hits = numbers(&[-1, 1 << 50])),
            "field `hits`: block has a length of 1125899906842624, but only 3 bytes are left",
        ),
        (
            "wrong block size",
            with(&|body| body.hits = numbers(&[-1, 2, 0, 0])),
            "field `hits`: a block of the array does not take as many bytes as it says",
        ),
        (
            "bad item",
            with(&|body| body.hits = numbers(&[1, 5])),
            "field `hits.charge`: union branch 5, but there are two, 0 and 1",
        ),
        ("bad key", with(&|body| body.tags = vec![2, 2, 0xc0]), "field `tags`: string is not UTF-8 from its byte 0 on"),
        ("four digits", with(&|body| body.price = vec![4, 0x03, 0xe8]), "field `price`: decimal of more than 3 digits"),
    ]
}

#[test]
fn each_bad_message_has_its_reason_and_costs_no_other() {
    let mut decoder = decoder(Limits { message_bytes_max: 1024, ..Limits::default() });
    let good = good().message();
    for (name, bad, reason) in table() {
        let decoded = decoder.decode(&[&good, &good, &bad, &good]).unwrap();
        assert_eq!(decoded.rejected, [Rejected { message: 2, reason: reason.into() }], "{name}");
        assert_eq!((decoded.messages, decoded.unknown), (vec![0, 1, 3], vec![]), "{name}");
        let alone = decoder.decode(&[&good, &good, &good]).unwrap();
        assert_eq!(decoded.rows, alone.rows, "{name}");
    }
    let all: Vec<Vec<u8>> = table().into_iter().map(|(_, bad, _)| bad).collect();
    let all: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
    let decoded = decoder.decode(&all).unwrap();
    assert_eq!((decoded.rejected.len(), decoded.rows.num_rows()), (all.len(), 0));
}

#[test]
fn every_truncation_is_rejected() {
    let mut decoder = decoder(Limits::default());
    let good = good().message();
    let cut: Vec<&[u8]> = (0..good.len()).map(|end| &good[..end]).collect();
    let decoded = decoder.decode(&cut).unwrap();
    assert_eq!(decoded.rejected.len(), good.len());
}

#[test]
fn an_unknown_id_is_a_question_and_no_fault() {
    let mut decoder = decoder(Limits::default());
    let good = good().message();
    let mut other = good.clone();
    other[1..5].copy_from_slice(&0xdead_beef_u32.to_be_bytes());
    let decoded = decoder.decode(&[&other, &good]).unwrap();
    assert_eq!((decoded.unknown, decoded.messages, decoded.rejected), (vec![(0, 0xdead_beef)], vec![1], vec![]));
    decoder.add_writer(0xdead_beef, SCHEMA).unwrap();
    let decoded = decoder.decode(&[&other, &good]).unwrap();
    assert_eq!((decoded.unknown, decoded.messages), (vec![], vec![0, 1]));
}

/// A null takes one byte in the message and sixteen columns in the batch.
#[test]
fn a_small_message_cannot_take_much_memory() {
    let fields: Vec<String> = (0..16).map(|index| format!(r#"{{"name": "c{index}", "type": "double"}}"#)).collect();
    let schema = format!(
        r#"{{"type": "record", "name": "r", "fields": [{{"name": "items", "type": {{"type": "array", "items":
            ["null", {{"type": "record", "name": "wide", "fields": [{}]}}]}}}}]}}"#,
        fields.join(",")
    );
    let schema = ValueSchema::parse(&schema).unwrap();
    let mut decoder = Decoder::new(schema.clone(), Limits { message_bytes_max: 100_000, ..Limits::default() }).unwrap();
    decoder.add_writer(9, schema.avro()).unwrap();
    let nulls = |count: usize| [vec![0, 0, 0, 0, 9], number(count as i64), vec![0; count + 1]].concat();
    let (few, many) = (nulls(5_000), nulls(90_000));
    let decoded = decoder.decode(&[&few, &many]).unwrap();
    assert_eq!(decoded.messages, [0]);
    assert_eq!(decoded.rejected[0].reason, "field `items`: array would take more memory than a message may");
}

#[test]
fn too_many_messages_at_once_are_refused_as_a_whole() {
    let mut decoder = decoder(Limits { batch_rows_max: 2, ..Limits::default() });
    let good = good().message();
    assert!(decoder.decode(&[&good, &good]).is_ok());
    let error = decoder.decode(&[&good, &good, &good]).unwrap_err();
    let message = "3 messages at once, but the limit is 2; cut them smaller".into();
    assert_eq!(error, CodecError::Decode { message });
}

#[test]
fn a_message_of_just_the_limit_is_read() {
    let good = good().message();
    let read = |limit: usize| {
        let mut decoder = decoder(Limits { message_bytes_max: limit, ..Limits::default() });
        decoder.decode(&[&good]).unwrap().messages
    };
    assert_eq!((read(good.len()), read(good.len() - 1)), (vec![0], vec![]));
}

#[test]
fn a_gibibyte_at_once_is_read_and_not_a_byte_more() {
    let mut decoder = decoder(Limits::default());
    let wrong = vec![1; 1 << 20];
    let mut messages = vec![wrong.as_slice(); 1024];
    assert_eq!(decoder.decode(&messages).unwrap().rejected.len(), 1024);
    messages.push(&wrong[..1]);
    let message = "1073741825 bytes at once, but the limit is 1073741824; cut them smaller".into();
    assert_eq!(decoder.decode(&messages).unwrap_err(), CodecError::Decode { message });
}

#[test]
fn a_decoder_knows_1024_writers_and_no_more() {
    let schema = r#"{"type": "record", "name": "r", "fields": [{"name": "a", "type": "int"}]}"#;
    let mut decoder = Decoder::new(ValueSchema::parse(schema).unwrap(), Limits::default()).unwrap();
    for id in 0..1024 {
        decoder.add_writer(id, schema).unwrap();
    }
    // One that is known is replaced.
    assert!(decoder.add_writer(7, schema).is_ok());
    let error = decoder.add_writer(1024, schema).unwrap_err().to_string();
    assert_eq!(error, "schema 1024 cannot be read as `r`: more than 1024 schemas in one stream");
}
