//! A second, plain implementation of Avro's binary encoding, for values as trees: what the codec is held against.

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Datum {
    /// Null without a union.
    Nothing,
    Boolean(bool),
    /// int, long and enum.
    Number(i64),
    Float(u32),
    Double(u64),
    /// bytes, string and decimal.
    Prefixed(Vec<u8>),
    Fixed(Vec<u8>),
    /// A union's branch and its value.
    Branch(i64, Box<Datum>),
    Record(Vec<Datum>),
    Array(Vec<Datum>),
    Map(Vec<(String, Datum)>),
}

/// How the items of arrays and maps are cut into blocks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Blocks {
    /// All in one.
    One,
    /// Each in its own, with its size in bytes.
    EachWithSize,
}

/// The message with its header.
pub(crate) fn framed(id: u32, datum: &Datum, blocks: Blocks) -> Vec<u8> {
    let mut out = vec![0];
    out.extend(id.to_be_bytes());
    put(datum, blocks, &mut out);
    out
}

/// Zigzag, then seven bits a byte.
pub(crate) fn long(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    loop {
        let last = rest < 0x80;
        out.push((rest & 0x7f) as u8 | if last { 0 } else { 0x80 });
        if last {
            return;
        }
        rest >>= 7;
    }
}

fn put(datum: &Datum, blocks: Blocks, out: &mut Vec<u8>) {
    match datum {
        Datum::Nothing => {}
        Datum::Boolean(value) => out.push(u8::from(*value)),
        Datum::Number(value) => long(*value, out),
        Datum::Float(bits) => out.extend(bits.to_le_bytes()),
        Datum::Double(bits) => out.extend(bits.to_le_bytes()),
        Datum::Prefixed(bytes) => {
            long(bytes.len() as i64, out);
            out.extend(bytes);
        }
        Datum::Fixed(bytes) => out.extend(bytes),
        Datum::Branch(index, value) => {
            long(*index, out);
            put(value, blocks, out);
        }
        Datum::Record(fields) => fields.iter().for_each(|field| put(field, blocks, out)),
        Datum::Array(items) => {
            let items = items.iter().map(|item| {
                let mut bytes = Vec::new();
                put(item, blocks, &mut bytes);
                bytes
            });
            put_blocks(items.collect(), blocks, out);
        }
        Datum::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| {
                let mut bytes = Vec::new();
                put(&Datum::Prefixed(key.as_bytes().into()), blocks, &mut bytes);
                put(value, blocks, &mut bytes);
                bytes
            });
            put_blocks(entries.collect(), blocks, out);
        }
    }
}

fn put_blocks(items: Vec<Vec<u8>>, blocks: Blocks, out: &mut Vec<u8>) {
    match blocks {
        Blocks::One if !items.is_empty() => {
            long(items.len() as i64, out);
            out.extend(items.concat());
        }
        Blocks::One => {}
        Blocks::EachWithSize => {
            for item in items {
                long(-1, out);
                long(item.len() as i64, out);
                out.extend(item);
            }
        }
    }
    out.push(0);
}
