//! Avro schemas from JSON. `apache-avro` reads them, and `adapt` takes from what it read what a stream can have.
//!
//! What it lets pass although it is wrong, `precheck` finds before; what it refuses, it refuses without a place, which
//! `place` adds.

use apache_avro::Schema;
use serde_json::{Value, json};

use crate::{
    CodecError,
    adapt::Adapter,
    avro::{Field, Kind, Record},
    place,
    precheck::Precheck,
};

/// Reads a schema that must be a record.
pub(crate) fn parse(text: &str) -> Result<Record, CodecError> {
    let json = json(text)?;
    if json.as_object().and_then(|object| object.get("type")).and_then(Value::as_str) != Some("record") {
        let message = "the schema must be a record: {\"type\": \"record\", \"name\": ..., \"fields\": [...]}";
        return Err(CodecError::Schema { message: message.into() });
    }
    record(json, false)
}

/// Reads a writer's schema, which may have what columns cannot hold: any union, types that contain themselves, records
/// without fields, defaults that do not fit, and a record at the top without a name, as Polars writes it.
pub(crate) fn parse_writer(text: &str) -> Result<Record, CodecError> {
    let mut json = json(text)?;
    if let Some(name) = json.get_mut("name").filter(|name| *name == "") {
        *name = Value::from("Rows");
    }
    record(json, true)
}

/// Reads a record's field, as `emit` writes it.
pub(crate) fn parse_field(field: &Value) -> Result<Field, CodecError> {
    let mut record = record(json!({ "type": "record", "name": "field", "fields": [field] }), false)?;
    Ok(record.fields.remove(0))
}

fn json(text: &str) -> Result<Value, CodecError> {
    serde_json::from_str(text)
        .map_err(|error| CodecError::Schema { message: format!("the schema is not JSON: {error}") })
}

/// `any` keeps what columns cannot hold, instead of refusing it.
fn record(mut json: Value, any: bool) -> Result<Record, CodecError> {
    Precheck::new(any).check(&mut json)?;
    let schema = Schema::parse(&json).map_err(|error| place::of(&json, &error))?;
    match Adapter::new(any).kind(&schema)? {
        Kind::Record(record) => Ok(record),
        other => Err(CodecError::Schema { message: format!("the schema must be a record, found {}", other.label()) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full_names(record: &Record) -> Vec<String> {
        let names = record.fields.iter().filter_map(|field| match &field.site.kind {
            Kind::Fixed(fixed) => Some(fixed.named.name.full()),
            _ => None,
        });
        names.collect()
    }

    #[test]
    fn a_name_is_of_the_namespace_around_it_unless_it_says_another() {
        let fixed = |written: &str| json!({ "name": "x", "type": serde_json::from_str::<Value>(written).unwrap() });
        let mut fields: Vec<Value> = [
            r#"{"type": "fixed", "name": "F", "size": 4}"#,
            r#"{"type": "fixed", "name": "other.G", "namespace": "lab", "size": 4}"#,
            r#"{"type": "fixed", "name": "H", "namespace": "", "size": 4}"#,
            r#""F""#,
            r#""other.G""#,
        ]
        .map(fixed)
        .into();
        for (index, field) in fields.iter_mut().enumerate() {
            field["name"] = json!(format!("x{index}"));
        }
        let schema = json!({ "type": "record", "name": "R", "namespace": "lab", "fields": fields });
        let record = parse(&schema.to_string()).unwrap();
        assert_eq!(full_names(&record), ["lab.F", "other.G", "H", "lab.F", "other.G"]);
        // What is written down of it is read as the same.
        let written = crate::emit::record(&record).unwrap();
        assert_eq!(full_names(&parse(&written.to_string()).unwrap()), full_names(&record));
    }

    #[test]
    fn what_the_library_passes_over_is_found_before() {
        let refused = |fields: &str| {
            let schema = format!(r#"{{"type": "record", "name": "r", "fields": [{fields}]}}"#);
            parse(&schema).unwrap_err().to_string()
        };
        assert_eq!(refused("3"), "field 0 must be an object, found 3");
        let fixed = r#"{"name": "a", "type": {"type": "fixed", "name": "f", "size": 2}, "default": "long"}"#;
        assert_eq!(refused(fixed), "field `a`: the default does not fit: \"long\" is not of type fixed `f` of 2 bytes");
        let symbol = r#"{"type": "enum", "name": "e", "symbols": ["x"], "default": "y"}"#;
        assert_eq!(
            refused(&format!(r#"{{"name": "a", "type": {symbol}}}"#)),
            "field `a`: the default `y` of enum `e` is none of its symbols"
        );
        let twice = r#"{"name": "a", "type": {"type": "fixed", "name": "f", "size": 2}},
            {"name": "b", "type": {"type": "fixed", "name": "f", "size": 3}}"#;
        assert_eq!(refused(twice), "field `b`: type `f` is defined twice");
        let taken = r#"{"name": "a", "type": {"type": "fixed", "name": "int", "size": 2}}"#;
        assert!(refused(taken).contains("cannot be named `int`"), "{}", refused(taken));
    }
}
