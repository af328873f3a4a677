//! How the messages of a topic are written, by what a sample of them looks like; and the sample as rows or text, for a
//! definition to be guessed from.

use std::collections::{BTreeMap, BTreeSet};

use arrow::{array::RecordBatch, compute};
use codec::{FileSchema, RowDecoder, Rows};
use stream::MessageFormat;
use text::{Piece, Splitter, next_value};

use super::{
    container,
    framing::{FRAME_BYTES, framed, unframed},
};
use crate::{Content, SourceError};

/// What stands between the cells of a line, the likelier first.
const SEPARATORS: [u8; 4] = *b",;\t|";
/// The first bytes of an Avro object container.
const CONTAINER: &[u8] = b"Obj\x01";
/// Fields of a message of Protobuf at most that are looked at.
const PROTOBUF_FIELDS_MAX: usize = 10_000;

/// How messages are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recognized {
    /// As JSON objects; whether Confluent's five bytes stand before some.
    Json(bool),
    /// As lines of CSV: the separator and how many cells.
    Csv(char, usize),
    /// As plain Avro of the schema that was given.
    Avro,
    /// As Avro behind Confluent's five bytes, with these schemas; the one of the newest message comes last.
    ConfluentAvro(Vec<u32>),
    /// As an Avro object container each, the newest with this schema.
    AvroContainer(String),
}

impl Recognized {
    /// How a definition names it.
    pub fn format(&self) -> MessageFormat {
        match self {
            Self::Json(_) => MessageFormat::Json,
            Self::Csv(..) => MessageFormat::Csv,
            Self::Avro => MessageFormat::Avro,
            Self::ConfluentAvro(_) => MessageFormat::ConfluentAvro,
            Self::AvroContainer(_) => MessageFormat::AvroContainer,
        }
    }
}

/// How most of these messages are written. `schema` is the one that was given for plain Avro.
///
/// # Errors
/// Where there are none, or they are written in a way that is not read: the message names it, where it is known, and says
/// what helps.
pub fn recognize(values: &[&[u8]], schema: Option<&FileSchema>) -> Result<Recognized, SourceError> {
    if values.is_empty() {
        return Err(SourceError::input("the topic has no message with a value; give it some first"));
    }
    let most = |is: &dyn Fn(&[u8]) -> bool| values.iter().filter(|value| is(value)).count() * 2 > values.len();
    if most(&|value| value.starts_with(CONTAINER)) {
        let newest = values.iter().rev().find_map(|value| container::record(value).ok());
        let (text, _) =
            newest.ok_or_else(|| SourceError::input("the messages are Avro containers that are damaged"))?;
        return Ok(Recognized::AvroContainer(text));
    }
    if most(&|value| is_json(unframed(value))) {
        return Ok(Recognized::Json(most(&|value| value.first() == Some(&0))));
    }
    if let Some(schema) = schema {
        return match most(&|value| avro_rows(&[value], schema).is_ok_and(|rows| rows.num_rows() == 1)) {
            true => Ok(Recognized::Avro),
            false => Err(SourceError::input(
                "most messages are not plain Avro of the schema that was given; give the schema they were written with, or \
                 leave --schema out where they begin with Confluent's five bytes",
            )),
        };
    }
    if most(&|value| value.len() > FRAME_BYTES && value[0] == 0) {
        return Ok(Recognized::ConfluentAvro(ids(values)));
    }
    if let Some((separator, cells)) = lines(values) {
        return Ok(Recognized::Csv(char::from(separator), cells));
    }
    Err(SourceError::input(if most(&is_protobuf) {
        "the messages look like Protobuf, which is not read: have their program write JSON, with \
         `google.protobuf.json_format.MessageToJson(message)` in Python or `JsonFormat.printer().print(message)` in Java"
    } else {
        "the messages are not JSON objects, lines of CSV, Avro behind Confluent's five bytes or Avro containers; for plain \
         Avro give the schema that they were written with: --schema FILE"
    }))
}

/// The schema ids that messages begin with, the newest message's last.
fn ids(values: &[&[u8]]) -> Vec<u32> {
    let id = |value: &[u8]| value.first_chunk::<FRAME_BYTES>().map(|[_, id @ ..]| u32::from_be_bytes(*id));
    let (mut seen, mut ids) = (BTreeSet::new(), Vec::new());
    for id in values.iter().rev().filter_map(|value| id(value)) {
        if seen.insert(id) {
            ids.push(id);
        }
    }
    ids.reverse();
    ids
}

fn is_json(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    value.first() == Some(&b'{') && next_value(value, true) == Piece::Value(0, value.len())
}

/// The separator that gives the most messages the same number of cells, more than one.
fn lines(values: &[&[u8]]) -> Option<(u8, usize)> {
    let is_line = |value: &&[u8]| {
        std::str::from_utf8(value).is_ok_and(|text| {
            !text.trim_end().is_empty() && !text.trim_end().chars().any(|letter| letter.is_control() && letter != '\t')
        })
    };
    let texts: Vec<&[u8]> = values.iter().copied().filter(is_line).collect();
    let of = |separator: u8| {
        let mut splitter = Splitter::new(separator);
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for text in &texts {
            *counts.entry(splitter.split(text.trim_ascii_end()).len()).or_default() += 1;
        }
        let (cells, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
        (cells > 1 && count * 2 > values.len()).then_some((count, cells, separator))
    };
    // Of equal ones the last counts, which is the likeliest.
    let best = SEPARATORS.into_iter().rev().filter_map(of).max_by_key(|(count, cells, _)| (*count, *cells))?;
    Some((best.2, best.1))
}

/// Whether bytes are fields of Protobuf from their beginning to their end
/// (<https://protobuf.dev/programming-guides/encoding/>).
fn is_protobuf(mut bytes: &[u8]) -> bool {
    fn varint(bytes: &mut &[u8]) -> Option<u64> {
        let mut value = 0_u64;
        for index in 0..10 {
            let (byte, rest) = bytes.split_first()?;
            *bytes = rest;
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
    let mut field = || -> Option<()> {
        let tag = varint(&mut bytes)?;
        let number = tag >> 3;
        let skipped = match tag & 7 {
            0 => varint(&mut bytes).map(|_| 0)?,
            1 => 8,
            2 => usize::try_from(varint(&mut bytes)?).ok()?,
            5 => 4,
            _ => return None,
        };
        bytes = bytes.get(skipped..)?;
        (1..1 << 29).contains(&number).then_some(())
    };
    let mut fields = 0;
    while fields < PROTOBUF_FIELDS_MAX {
        match field() {
            Some(()) => fields += 1,
            None => break,
        }
    }
    fields > 0 && bytes.is_empty()
}

/// A sample as a definition is guessed from. `schema` is what Avro was written with.
///
/// # Errors
/// Where no message can be read.
pub fn sample_of(values: &[&[u8]], how: &Recognized, schema: Option<&FileSchema>) -> Result<Content, SourceError> {
    match how {
        Recognized::Json(_) => Ok(Content::Text(on_lines(values.iter().map(|value| unframed(value))))),
        Recognized::Csv(separator, cells) => {
            let header = (1..=*cells).map(|cell| format!("column_{cell}")).collect::<Vec<_>>();
            let header = header.join(&separator.to_string());
            let values = values.iter().map(|value| value.trim_ascii_end());
            Ok(Content::Text(on_lines(std::iter::once(header.as_bytes()).chain(values))))
        }
        Recognized::Avro | Recognized::ConfluentAvro(_) | Recognized::AvroContainer(_) => {
            let schema = schema.ok_or_else(|| SourceError::input("the schema of the messages is not known"))?;
            let bodies: Vec<Vec<u8>> = values.iter().filter_map(|value| body(value, how)).collect();
            let bodies: Vec<&[u8]> = bodies.iter().map(Vec::as_slice).collect();
            Ok(Content::Rows(avro_rows(&bodies, schema)?))
        }
    }
}

fn on_lines<'v>(values: impl Iterator<Item = &'v [u8]>) -> Vec<u8> {
    let mut text = Vec::new();
    for value in values {
        text.extend_from_slice(value);
        text.push(b'\n');
    }
    text
}

/// The record in a message that was written with the newest schema.
fn body(value: &[u8], how: &Recognized) -> Option<Vec<u8>> {
    match how {
        Recognized::ConfluentAvro(ids) => {
            let (id, body) = framed(value).ok()?;
            (ids.last() == Some(&id)).then(|| body.to_vec())
        }
        Recognized::AvroContainer(newest) => {
            let (schema, record) = container::record(value).ok()?;
            (schema == *newest).then_some(record)
        }
        _ => Some(value.to_vec()),
    }
}

/// The rows of those messages that are a whole record of the schema.
fn avro_rows(values: &[&[u8]], schema: &FileSchema) -> Result<RecordBatch, SourceError> {
    let refused = |error: codec::CodecError| SourceError::input(error.to_string());
    let mut decoder = RowDecoder::new(schema, schema.arrow()).map_err(refused)?;
    let mut batches = Vec::new();
    for value in values {
        let decoded = decoder.decode(&[Rows { bytes: value, count: 1 }]).map_err(refused)?;
        if decoded.rows.num_rows() == 1 && decoded.taken == [value.len()] {
            // The metadata say what the columns are in Avro.
            batches.push(RecordBatch::try_new(schema.arrow().clone(), decoded.rows.columns().to_vec())?);
        }
    }
    Ok(compute::concat_batches(schema.arrow(), &batches)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(values: &[&[u8]]) -> Result<Recognized, String> {
        recognize(values, None).map_err(|error| error.to_string())
    }

    #[test]
    fn the_format_is_what_most_messages_have() {
        assert_eq!(found(&[b"{\"a\": 1}", b" {\"a\":\n 2}", b"x"]), Ok(Recognized::Json(false)));
        assert_eq!(found(&[b"\0\0\0\0\x07{\"a\": 1}"]), Ok(Recognized::Json(true)));
        assert_eq!(found(&[b"\0\0\0\0\x07\x02a", b"\0\0\0\0\x09\x02a"]), Ok(Recognized::ConfluentAvro(vec![7, 9])));
        assert_eq!(found(&[b"a;1,5;x\n", b"b;2,5;y", b"\"c;d\";3;z"]), Ok(Recognized::Csv(';', 3)));
        assert!(found(&[]).unwrap_err().contains("no message"));
        assert!(found(&[b"plain text"]).unwrap_err().contains("--schema FILE"));
    }

    #[test]
    fn protobuf_is_refused_by_name() {
        // A field of text and one of a number.
        let error = found(&[b"\x0a\x03abc\x10\x96\x01", b"\x0a\x01z\x10\x05"]).unwrap_err();
        assert!(error.contains("Protobuf") && error.contains("MessageToJson"), "{error}");
    }

    #[test]
    fn plain_avro_is_known_by_the_schema_that_is_given() {
        let schema = r#"{"type": "record", "name": "R", "fields": [{"name": "x", "type": "double"}]}"#;
        let schema = FileSchema::parse(schema).unwrap();
        let values = [1.5_f64.to_le_bytes(), 2.5_f64.to_le_bytes()];
        let values: Vec<&[u8]> = values.iter().map(<[u8; 8]>::as_slice).collect();
        let how = recognize(&values, Some(&schema)).unwrap();
        assert_eq!(how, Recognized::Avro);
        let Content::Rows(rows) = sample_of(&values, &how, Some(&schema)).unwrap() else { panic!("no rows") };
        assert_eq!(rows.num_rows(), 2);
        assert!(recognize(&[b"nine byte"], Some(&schema)).unwrap_err().to_string().contains("written with"));
    }
}
