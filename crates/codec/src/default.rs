//! Defaults of a schema as Avro binary, so that they are read like any value.
//!
//! The forms are those of the Avro specification's table "Field default values": bytes and fixed are strings whose
//! code points are the bytes. A default of a union may fit either branch.

use serde_json::Value;

use crate::avro::{Kind, NullBranch, Site};

/// The default in Avro binary.
///
/// # Errors
/// Says why it does not fit the type.
pub(crate) fn encode(site: &Site, value: &Value) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    put(site, value, &mut out)?;
    Ok(out)
}

fn put(site: &Site, value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
    match (site.null, value) {
        (Some(null), Value::Null) => {
            long(i64::from(null.index()), out);
            Ok(())
        }
        (Some(null), _) => {
            long(i64::from(null == NullBranch::First), out);
            put_kind(&site.kind, value, out)
        }
        (None, _) => put_kind(&site.kind, value, out),
    }
}

fn put_kind(kind: &Kind, value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
    let misfit = || format!("{value} is not of type {}", kind.label());
    match (kind, value) {
        (Kind::Null, Value::Null) => {}
        (Kind::Boolean, Value::Bool(value)) => out.push(u8::from(*value)),
        (Kind::Int(_), Value::Number(number)) => {
            let value = number.as_i64().and_then(|value| i32::try_from(value).ok()).ok_or_else(misfit)?;
            long(i64::from(value), out);
        }
        (Kind::Long(_), Value::Number(number)) => long(number.as_i64().ok_or_else(misfit)?, out),
        (Kind::Float, _) => out.extend((float(value).ok_or_else(misfit)? as f32).to_le_bytes()),
        (Kind::Double, _) => out.extend(float(value).ok_or_else(misfit)?.to_le_bytes()),
        (Kind::String { .. }, Value::String(text)) => prefixed(text.as_bytes(), out),
        (Kind::Bytes | Kind::Decimal(_), Value::String(text)) => prefixed(&points(text).ok_or_else(misfit)?, out),
        (Kind::Fixed(fixed), Value::String(text)) => {
            out.extend(points(text).filter(|bytes| bytes.len() == fixed.size).ok_or_else(misfit)?);
        }
        (Kind::Enum(symbols), Value::String(text)) => {
            let index = symbols.symbols.iter().position(|symbol| symbol == text).ok_or_else(misfit)?;
            long(index as i64, out);
        }
        (Kind::Array(items), Value::Array(values)) => {
            block(values.len(), out);
            values.iter().try_for_each(|value| put(items, value, out))?;
            out.push(0);
        }
        (Kind::Map(values), Value::Object(entries)) => {
            block(entries.len(), out);
            for (key, value) in entries {
                prefixed(key.as_bytes(), out);
                put(values, value, out)?;
            }
            out.push(0);
        }
        (Kind::Record(record), Value::Object(entries)) => {
            for field in &record.fields {
                let value = entries.get(&field.name).or(field.default.as_ref());
                let value = value.ok_or_else(|| format!("field `{}` is missing", field.name))?;
                put(&field.site, value, out)?;
            }
        }
        _ => return Err(misfit()),
    }
    Ok(())
}

/// A number, or one of the names that JSON has none for.
fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" | "INF" => Some(f64::INFINITY),
            "-Infinity" | "-INF" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

/// The code points of a text as bytes.
fn points(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|point| u8::try_from(u32::from(point)).ok()).collect()
}

fn block(count: usize, out: &mut Vec<u8>) {
    if count > 0 {
        long(count as i64, out);
    }
}

fn prefixed(bytes: &[u8], out: &mut Vec<u8>) {
    long(bytes.len() as i64, out);
    out.extend_from_slice(bytes);
}

/// Zigzag, then seven bits a byte, lowest first.
pub(crate) fn long(value: i64, out: &mut Vec<u8>) {
    let mut zigzag = ((value << 1) ^ (value >> 63)) as u64;
    while zigzag >= 0x80 {
        out.push(zigzag as u8 | 0x80);
        zigzag >>= 7;
    }
    out.push(zigzag as u8);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::parse;

    fn encoded(kind: Value, default: Value) -> Vec<u8> {
        let field = json!({ "name": "a", "type": kind });
        encode(&parse::parse_field(&field).unwrap().site, &default).unwrap()
    }

    #[test]
    fn a_default_is_written_as_any_value() {
        let list = json!({ "type": "array", "items": "int" });
        let map = json!({ "type": "map", "values": "boolean" });
        let record = json!({ "type": "record", "name": "r", "fields": [
            { "name": "x", "type": "long" }, { "name": "y", "type": "string", "default": "é" }] });
        for (kind, default, bytes) in [
            (list.clone(), json!([]), vec![0]),
            (list, json!([1, -1]), vec![4, 2, 1, 0]),
            (map.clone(), json!({}), vec![0]),
            (map, json!({ "k": true }), vec![2, 2, b'k', 1, 0]),
            (record, json!({ "x": 64 }), vec![0x80, 1, 4, 0xc3, 0xa9]),
            (json!(["null", "int"]), Value::Null, vec![0]),
            (json!(["null", "int"]), json!(3), vec![2, 6]),
            (json!(["int", "null"]), Value::Null, vec![2]),
            (json!(["int", "null"]), json!(3), vec![0, 6]),
            (json!("bytes"), json!("\u{ff}"), vec![2, 0xff]),
            (json!({ "type": "enum", "name": "e", "symbols": ["a", "b"] }), json!("b"), vec![2]),
        ] {
            assert_eq!(encoded(kind.clone(), default.clone()), bytes, "{default} of {kind}");
        }
    }

    #[test]
    fn numbers_that_json_does_not_have_are_written_as_names() {
        for (name, number) in [
            ("INF", f64::INFINITY),
            ("Infinity", f64::INFINITY),
            ("-INF", f64::NEG_INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("NaN", f64::NAN),
        ] {
            assert_eq!(encoded(json!("double"), json!(name)), number.to_le_bytes(), "{name}");
            assert_eq!(encoded(json!("float"), json!(name)), (number as f32).to_le_bytes(), "{name}");
        }
        let site = Site::required(Kind::Double);
        assert_eq!(encode(&site, &json!("inf")), Err("\"inf\" is not of type double".to_owned()));
    }
}
