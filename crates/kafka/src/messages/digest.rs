//! Tells schemas apart by what the bytes of a message mean.
//!
//! Registries write a schema in their own way: without needless braces, with names spelled out, without what only people read.
//! So the digest is of what a reader of the bytes has to know, as in Avro's parsing canonical form, and of logical types, which
//! that form leaves out.

use serde_json::{Value as Json, json};

use crate::messages::size::sha256;

/// Letters of a digest.
pub(crate) const LETTERS: usize = 16;
/// How deep a schema is followed.
const DEPTH_MAX: usize = 64;
/// What makes other values of the bytes of a type.
const LOGICAL: [&str; 3] = ["logicalType", "precision", "scale"];
const PRIMITIVES: [&str; 8] = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];

/// Tells a schema from all whose messages mean something else.
pub(crate) fn digest_of(avro: &str) -> String {
    let text = serde_json::from_str::<Json>(avro).map(|schema| normal(&schema, "", DEPTH_MAX).to_string());
    let mut digest = sha256(text.as_deref().unwrap_or(avro).as_bytes());
    digest.truncate(LETTERS);
    digest
}

/// A schema without what its messages do not depend on. Names are in `namespace` unless they say otherwise.
fn normal(schema: &Json, namespace: &str, depth: usize) -> Json {
    let Some(depth) = depth.checked_sub(1) else { return Json::Null };
    let within = |schema: &Json, namespace: &str| normal(schema, namespace, depth);
    let (kind, of) = match schema {
        Json::String(name) => return full(name, namespace).into(),
        Json::Array(branches) => return branches.iter().map(|branch| within(branch, namespace)).collect(),
        Json::Object(of) => match of.get("type") {
            Some(Json::String(kind)) => (kind.as_str(), of),
            Some(nested) => return within(nested, namespace),
            None => return Json::Null,
        },
        _ => return Json::Null,
    };
    let text = |name: &str| of.get(name).and_then(Json::as_str).unwrap_or_default();
    let logical = LOGICAL.map(|name| of.get(name).cloned().unwrap_or_default());
    let name = || full(text("name"), if text("namespace").is_empty() { namespace } else { text("namespace") });
    match kind {
        "record" | "error" => {
            let name = name();
            let inner = name.rsplit_once('.').map_or("", |(namespace, _)| namespace);
            let fields = of.get("fields").and_then(Json::as_array).into_iter().flatten();
            let fields: Vec<Json> = fields.map(|field| json!([field["name"], within(&field["type"], inner)])).collect();
            json!(["record", name, fields])
        }
        "enum" => json!([kind, name(), of.get("symbols")]),
        "fixed" => json!([kind, name(), of.get("size"), logical]),
        "array" => json!([kind, within(&schema["items"], namespace)]),
        "map" => json!([kind, within(&schema["values"], namespace)]),
        _ if logical.iter().all(Json::is_null) => full(kind, namespace).into(),
        _ => json!([kind, logical]),
    }
}

fn full(name: &str, namespace: &str) -> String {
    match PRIMITIVES.contains(&name) || name.contains('.') || namespace.is_empty() {
        true => name.to_owned(),
        false => format!("{namespace}.{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r#"{
      "type": "record", "name": "Reading", "namespace": "lab", "doc": "For people.",
      "fields": [
        { "name": "id", "type": { "type": "string" }, "doc": "Which." },
        { "name": "time", "type": { "type": "long", "logicalType": "timestamp-micros" } },
        { "name": "kind", "type": { "type": "enum", "name": "Kind", "symbols": ["A", "B"] }, "default": "A" },
        { "name": "other", "type": ["null", "Kind"] },
        { "name": "tags", "type": { "type": "array", "items": { "type": "map", "values": "double" } } },
        { "name": "sum", "type": { "type": "fixed", "name": "Sum", "size": 8, "logicalType": "decimal", "precision": 9 } }
      ]
    }"#;

    #[test]
    fn a_schema_that_is_only_written_otherwise_is_the_same() {
        let other = r#"{"name":"lab.Reading","type":"record","fields":[
            {"type":"string","name":"id"},
            {"name":"time","type":{"logicalType":"timestamp-micros","type":"long"}},
            {"name":"kind","type":{"name":"lab.Kind","type":"enum","symbols":["A","B"]}},
            {"name":"other","type":["null","lab.Kind"]},
            {"name":"tags","type":{"type":"array","items":{"type":"map","values":{"type":"double"}}}},
            {"name":"sum","type":{"type":"fixed","name":"Sum","size":8,"precision":9,"logicalType":"decimal"}}]}"#;
        assert_eq!(digest_of(SCHEMA), digest_of(other));
    }

    #[test]
    fn a_schema_whose_bytes_mean_something_else_is_another() {
        let changes = [
            ("\"id\"", "\"key\""),
            ("\"string\"", "\"bytes\""),
            ("timestamp-micros", "timestamp-millis"),
            ("[\"A\", \"B\"]", "[\"B\", \"A\"]"),
            ("[\"null\", \"Kind\"]", "[\"Kind\", \"null\"]"),
            ("\"double\"", "\"float\""),
            ("\"size\": 8", "\"size\": 9"),
            ("\"precision\": 9", "\"precision\": 9, \"scale\": 2"),
            ("\"Reading\"", "\"Other\""),
        ];
        for (from, to) in changes {
            assert!(SCHEMA.contains(from), "{from}");
            assert_ne!(digest_of(SCHEMA), digest_of(&SCHEMA.replace(from, to)), "{from}");
        }
    }

    #[test]
    fn what_is_no_schema_has_a_digest_too() {
        let deep = format!("{}\"int\"{}", "[".repeat(100), "]".repeat(100));
        for text in ["", "{", "7", "{}", "[]", deep.as_str()] {
            assert_eq!(digest_of(text).len(), LETTERS, "{text}");
        }
    }
}
