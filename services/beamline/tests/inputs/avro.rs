//! A small writer of Avro containers, independent of the program's own code: values as JSON, bytes as text.

use std::collections::HashMap;

use serde_json::Value;

/// A container of some rows, without compression, in blocks of so many rows.
pub(crate) fn container(schema: &Value, rows: &[Value], block: usize) -> Vec<u8> {
    let sync = [7_u8; 16];
    let mut out = b"Obj\x01".to_vec();
    long(2, &mut out);
    bytes(b"avro.schema", &mut out);
    bytes(schema.to_string().as_bytes(), &mut out);
    bytes(b"avro.codec", &mut out);
    bytes(b"null", &mut out);
    out.push(0);
    out.extend(sync);
    for rows in rows.chunks(block) {
        let mut body = Vec::new();
        for row in rows {
            let mut types = HashMap::new();
            put(schema, row, "", &mut types, &mut body);
        }
        long(rows.len() as i64, &mut out);
        long(body.len() as i64, &mut out);
        out.extend(body);
        out.extend(sync);
    }
    out
}

fn long(value: i64, out: &mut Vec<u8>) {
    let mut zigzag = ((value << 1) ^ (value >> 63)) as u64;
    while zigzag >= 0x80 {
        out.push(zigzag as u8 | 0x80);
        zigzag >>= 7;
    }
    out.push(zigzag as u8);
}

fn bytes(bytes: &[u8], out: &mut Vec<u8>) {
    long(bytes.len() as i64, out);
    out.extend(bytes);
}

/// Whether a value is one of a branch.
fn fits(branch: &Value, value: &Value) -> bool {
    match branch.as_str() {
        Some("null") => value.is_null(),
        Some("string" | "bytes") => value.is_string(),
        Some("int" | "long") => value.is_i64(),
        Some("float" | "double") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        _ if branch["type"] == "array" => value.is_array(),
        _ => value.is_object(),
    }
}

fn put<'a>(
    schema: &'a Value,
    value: &Value,
    namespace: &str,
    types: &mut HashMap<String, &'a Value>,
    out: &mut Vec<u8>,
) {
    match schema {
        Value::Array(branches) => {
            let index = branches.iter().position(|branch| fits(branch, value)).unwrap();
            long(index as i64, out);
            put(&branches[index], value, namespace, types, out);
        }
        Value::String(name) => match name.as_str() {
            "null" => {}
            "boolean" => out.push(u8::from(value.as_bool().unwrap())),
            "int" | "long" => long(value.as_i64().unwrap(), out),
            "float" => out.extend((value.as_f64().unwrap() as f32).to_le_bytes()),
            "double" => out.extend(value.as_f64().unwrap().to_le_bytes()),
            "string" | "bytes" => bytes(value.as_str().unwrap().as_bytes(), out),
            name => {
                let full = if name.contains('.') { name.to_owned() } else { format!("{namespace}.{name}") };
                let named = types[full.trim_start_matches('.')];
                put(named, value, namespace, types, out);
            }
        },
        Value::Object(object) => match object["type"].as_str() {
            Some("record") => {
                let name = object["name"].as_str().unwrap();
                let within = object.get("namespace").and_then(Value::as_str).unwrap_or(namespace);
                let full = if name.contains('.') { name.to_owned() } else { format!("{within}.{name}") };
                let within = full.rsplit_once('.').map_or("", |(namespace, _)| namespace).to_owned();
                types.insert(full.trim_start_matches('.').to_owned(), schema);
                for field in object["fields"].as_array().unwrap() {
                    put(&field["type"], &value[field["name"].as_str().unwrap()], &within, types, out);
                }
            }
            Some("array") => {
                let items = value.as_array().unwrap();
                if !items.is_empty() {
                    long(items.len() as i64, out);
                }
                // Types that only an empty array has are known to the reader as well.
                items.iter().for_each(|item| put(&object["items"], item, namespace, types, out));
                out.push(0);
            }
            _ => put(&object["type"], value, namespace, types, out),
        },
        other => panic!("{other}"),
    }
}
