//! Messages in every format become rows, and what is not one is rejected alone.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{array::AsArray, datatypes::Float64Type};
use stream::{FileReader, Source, Stream};

use super::*;

const DEFINITION: &str = r#"
apiVersion: beamline.dev/v1
kind: Stream
metadata: { name: sensors }
spec:
  schema: event.avsc
  id: id
  key: sensor
  time: time
  source:
    kafka:
      topic: theirs
"#;

const SCHEMA: &str = r#"{ "type": "record", "name": "Event", "fields": [
    { "name": "id", "type": "string" },
    { "name": "sensor", "type": "string" },
    { "name": "time", "type": { "type": "long", "logicalType": "timestamp-millis" } },
    { "name": "x", "type": ["null", "double"], "default": null } ] }"#;

const DERIVE: &str = r#"
      derive:
        id: "concat($topic, '-', CAST($partition AS VARCHAR), '-', CAST($offset AS VARCHAR))"
        sensor: "coalesce($key, $headers['sensor'])"
        time: "$timestamp"
"#;

struct Files(BTreeMap<&'static str, String>);

impl FileReader for Files {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.0.get(path).map(|text| text.clone().into_bytes()).ok_or_else(|| format!("no {path}"))
    }
}

struct Sent {
    key: Option<&'static [u8]>,
    value: Option<Vec<u8>>,
    offset: u64,
}

impl Message for Sent {
    fn topic(&self) -> &str {
        "theirs"
    }
    fn partition(&self) -> u32 {
        3
    }
    fn offset(&self) -> u64 {
        self.offset
    }
    fn timestamp(&self) -> Option<i64> {
        Some(1_700_000_000_000)
    }
    fn key(&self) -> Option<&[u8]> {
        self.key
    }
    fn header(&self, name: &str) -> Option<&[u8]> {
        (name == "sensor").then_some(b"from-header")
    }
    fn value(&self) -> Option<&[u8]> {
        self.value.as_deref()
    }
}

fn reader(settings: &str, message_schema: &str) -> MessageReader {
    let files = Files(BTreeMap::from([("event.avsc", SCHEMA.to_owned()), ("m.avsc", message_schema.to_owned())]));
    let stream =
        Stream::load("t", &format!("{DEFINITION}{settings}"), &files).unwrap_or_else(|error| panic!("{error}"));
    let Some(Source::Kafka(kafka)) = stream.definition.spec.source.clone() else { panic!("no topic") };
    MessageReader::new(&kafka, &Arc::new(stream)).unwrap()
}

fn sent(values: &[&[u8]]) -> Vec<Sent> {
    let value = |(offset, value): (usize, &&[u8])| Sent {
        key: Some(b"k"),
        value: Some(value.to_vec()),
        offset: 100 + offset as u64,
    };
    values.iter().enumerate().map(value).collect()
}

fn ids(read: &ReadMessages) -> Vec<String> {
    read.records.rows["id"].as_string::<i32>().iter().map(|id| id.unwrap().to_owned()).collect()
}

#[test]
fn json_with_and_without_five_bytes_and_its_message() {
    let mut reader = reader(&format!("      format: json{DERIVE}"), "");
    let mut messages = sent(&[b"{\"x\": 1.5}", b"\0\0\0\0\x07{\"x\": 2}", b"[1]", b"{\"x\": \"y\"}", b"{}"]);
    messages[1].key = None;
    messages[4].key = Some(b"\xff");
    messages.push(Sent { key: None, value: None, offset: 105 });
    let read = reader.read(&messages).unwrap();
    assert_eq!(ids(&read), ["theirs-3-100", "theirs-3-101"]);
    let sensors: Vec<_> = read.records.rows["sensor"].as_string::<i32>().iter().flatten().collect();
    assert_eq!(sensors, ["k", "from-header"]);
    assert_eq!(read.records.rows["x"].as_primitive::<Float64Type>().values(), &[1.5, 2.0]);
    let rejected: Vec<_> = read.records.rejected.iter().map(|one| (one.position, one.reason.as_str())).collect();
    assert_eq!(rejected[0].0, 2);
    assert_eq!(rejected[1], (3, "column `x`: \"y\" is not a number"));
    assert_eq!(rejected[2], (4, "`$key` is not text in UTF-8"));
    assert_eq!(rejected[3], (5, "the message has no value (a tombstone)"));
    assert_eq!(read.records.rejected[1].payload, "{\"x\": \"y\"}");
}

#[test]
fn tombstones_are_passed_over_where_the_definition_says_so() {
    let mut reader = reader(&format!("      format: json\n      tombstones: skip{DERIVE}"), "");
    let mut messages = sent(&[b"{}", b"{}"]);
    messages[0].value = None;
    let read = reader.read(&messages).unwrap();
    assert_eq!((&*read.skipped, ids(&read).len(), read.records.rejected.len()), ([0].as_slice(), 1, 0));
}

#[test]
fn lines_of_csv_have_the_columns_that_are_named() {
    let settings = "      format: csv\n      columns: { sensor: string, when: string, x: double, id: string }\n      \
                    derive: { time: \"CAST(when AS TIMESTAMP)\" }\n      csv: { separator: \";\" }";
    let mut reader = reader(settings, "");
    let messages = sent(&[
        b"a;2025-01-01T00:00:00Z;1.5;i1\r\n",
        b"a;b",
        b"a;2025-01-01T00:00:00Z;1;i\nb;c;2;j",
        b"\"a;b\";2025-01-01T00:00:00Z;;i2",
    ]);
    let read = reader.read(&messages).unwrap();
    assert_eq!(ids(&read), ["i1", "i2"]);
    let reasons: Vec<_> = read.records.rejected.iter().map(|one| one.reason.as_str()).collect();
    assert_eq!(reasons, ["2 fields where the header has 4", "several lines, and a message is one"]);
}

const WRITTEN: &str = r#"{ "type": "record", "name": "Theirs", "fields": [
    { "name": "x", "type": "double" }, { "name": "note", "type": "string" } ] }"#;

fn avro(x: f64, note: &str) -> Vec<u8> {
    [&x.to_le_bytes()[..], &[note.len() as u8 * 2], note.as_bytes()].concat()
}

/// Where a batch is cut changes nothing, and a message that cannot be read costs the others nothing.
#[test]
fn avro_messages_are_read_in_any_batches() {
    let plain = [
        avro(1.0, "a"),
        avro(2.0, "b")[..9].to_vec(),
        avro(3.0, "c"),
        [avro(4.0, "d"), vec![0]].concat(),
        Vec::new(),
        avro(5.0, "e"),
    ];
    let framed = |id: u32, body: &[u8]| [&[0][..], &id.to_be_bytes(), body].concat();
    let container = |body: &[u8]| {
        let text = WRITTEN.as_bytes();
        let length = |length: usize| {
            let zigzag = (length as u64) << 1;
            if zigzag < 128 { vec![zigzag as u8] } else { vec![zigzag as u8 | 0x80, (zigzag >> 7) as u8] }
        };
        let header =
            [b"Obj\x01".as_slice(), &length(1), &length(11), b"avro.schema", &length(text.len()), text, &[0], &[7; 16]];
        [&header.concat()[..], &length(1), &length(body.len()), body, &[7; 16]].concat()
    };
    let forms: [(&str, Vec<Vec<u8>>); 3] = [
        ("avro\n      schema: m.avsc", plain.to_vec()),
        ("confluent-avro", plain.iter().enumerate().map(|(index, body)| framed(1 + index as u32 % 2, body)).collect()),
        ("avro-container", plain.iter().map(|body| container(body)).collect()),
    ];
    for (format, values) in forms {
        let mut wanted = None;
        for size in [values.len(), 1, 2, 3] {
            let mut reader = reader(&format!("      format: {format}{DERIVE}"), WRITTEN);
            let messages = sent(&values.iter().map(Vec::as_slice).collect::<Vec<_>>());
            let (mut rows, mut bad) = (Vec::new(), Vec::new());
            for batch in messages.chunks(size) {
                for id in reader.unknown(batch) {
                    reader.learn(id, Ok(WRITTEN));
                }
                let read = reader.read(batch).unwrap();
                rows.extend(read.records.rows["x"].as_primitive::<Float64Type>().values().to_vec());
                bad.extend(
                    read.records.rejected.into_iter().map(|one| (batch[one.position as usize].offset, one.reason)),
                );
                let positions = read.records.positions.values().to_vec();
                let offsets: Vec<_> = positions.iter().map(|index| batch[*index as usize].offset.to_string()).collect();
                assert!(
                    read.records.rows["id"]
                        .as_string::<i32>()
                        .iter()
                        .flatten()
                        .zip(offsets)
                        .all(|(id, offset)| id.ends_with(&offset))
                );
            }
            assert_eq!(rows, [1.0, 3.0, 5.0], "{format} {bad:?}");
            assert_eq!(bad.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), [101, 103, 104], "{format}");
            assert_eq!(&bad, wanted.get_or_insert(bad.clone()), "{format} in batches of {size}");
        }
    }
}

#[test]
fn a_schema_that_is_not_there_or_does_not_fit_rejects_its_messages_only() {
    let mut reader = reader("      format: confluent-avro", "");
    let other = WRITTEN.replace("\"x\"", "\"y\"");
    let messages = sent(&[b"\0\0\0\0\x01rest", b"\0\0\0\0\x02rest", b"plain"]);
    assert_eq!(reader.unknown(&messages).into_iter().collect::<Vec<_>>(), [1, 2]);
    reader.learn(1, Ok(&other));
    reader.learn(2, Err("there is no schema with the id 2".to_owned()));
    let read = reader.read(&messages).unwrap();
    let reasons: Vec<_> = read.records.rejected.iter().map(|one| one.reason.as_str()).collect();
    assert_eq!((read.records.rows.num_rows(), reasons.len()), (0, 3));
    assert!(reasons[0].contains("no column `id`") && reasons[1].contains("the id 2"), "{reasons:?}");
    assert!(reasons[2].contains("Confluent's five bytes"));
}
