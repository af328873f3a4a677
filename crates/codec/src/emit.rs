//! Avro schemas to JSON, always the same text for the same schema.
//!
//! A named type is written in full where it first stands and by its full name after that.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::avro::{Decimal, Enum, Field, Fixed, FixedLogical, Kind, Named, NullBranch, Record, Site};

/// A record as a schema.
///
/// # Errors
/// Where two different types have the same name.
pub(crate) fn record(record: &Record) -> Result<Value, String> {
    let mut emitter = Emitter::default();
    let json = emitter.record(record, "");
    emitter.conflict.map_or(Ok(json), Err)
}

/// A field on its own, as it stands in a column's metadata.
pub(crate) fn field(field: &Field) -> Value {
    Emitter::default().field(field, "")
}

/// A record as a schema with nothing in it but what decides the bytes: the form for the encoder. Names are replaced by
/// `t0`, `t1` and so on, each type in full wherever it stands, so that no rule about names matters.
pub(crate) fn bare(record: &Record) -> Value {
    Emitter { style: Style::Bare, ..Emitter::default() }.record(record, "")
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Style {
    #[default]
    Full,
    Bare,
}

#[derive(Default)]
struct Emitter<'a> {
    style: Style,
    /// What stands under a name already.
    written: HashMap<String, &'a Kind>,
    /// How many names `Style::Bare` has given.
    names: usize,
    conflict: Option<String>,
}

impl<'a> Emitter<'a> {
    fn site(&mut self, site: &'a Site, namespace: &str) -> Value {
        let kind = self.kind(&site.kind, namespace);
        match site.null {
            None => kind,
            Some(NullBranch::First) => json!(["null", kind]),
            Some(NullBranch::Second) => json!([kind, "null"]),
        }
    }

    fn kind(&mut self, kind: &'a Kind, namespace: &str) -> Value {
        match kind {
            Kind::Null => json!("null"),
            Kind::Boolean => json!("boolean"),
            Kind::Int(logical) => with_logical("int", logical.name()),
            Kind::Long(logical) => with_logical("long", logical.name()),
            Kind::Float => json!("float"),
            Kind::Double => json!("double"),
            Kind::Bytes => json!("bytes"),
            Kind::Decimal(decimal) => {
                let mut object = object("bytes");
                put_decimal(&mut object, *decimal);
                Value::Object(object)
            }
            Kind::String { uuid: true } if self.style == Style::Full => with_logical("string", Some("uuid")),
            Kind::String { .. } => json!("string"),
            Kind::Union(branches) => branches.iter().map(|branch| self.kind(branch, namespace)).collect(),
            Kind::Again(name) => json!(name),
            Kind::Array(items) => json!({ "type": "array", "items": self.site(items, namespace) }),
            Kind::Map(values) => json!({ "type": "map", "values": self.site(values, namespace) }),
            Kind::Record(Record { named, .. }) | Kind::Enum(Enum { named, .. }) | Kind::Fixed(Fixed { named, .. }) => {
                match self.style == Style::Full && self.is_written(named, kind) {
                    true => json!(named.name.full()),
                    false => self.named_kind(kind, namespace),
                }
            }
        }
    }

    fn is_written(&mut self, named: &Named, kind: &'a Kind) -> bool {
        let full = named.name.full();
        let Some(other) = self.written.get(&full) else {
            self.written.insert(full, kind);
            return false;
        };
        if *other != kind {
            self.conflict.get_or_insert_with(|| format!("two different types are named `{full}`"));
        }
        true
    }

    fn named_kind(&mut self, kind: &'a Kind, namespace: &str) -> Value {
        match kind {
            Kind::Record(record) => self.record(record, namespace),
            Kind::Enum(symbols) => {
                let mut object = self.named("enum", &symbols.named, namespace);
                object.insert("symbols".into(), json!(symbols.symbols));
                if let Some(default) = symbols.default.as_ref().filter(|_| self.style == Style::Full) {
                    object.insert("default".into(), json!(default));
                }
                Value::Object(object)
            }
            Kind::Fixed(fixed) => {
                let mut object = self.named("fixed", &fixed.named, namespace);
                object.insert("size".into(), json!(fixed.size));
                match (fixed.logical, self.style) {
                    (FixedLogical::Decimal(decimal), _) => put_decimal(&mut object, decimal),
                    (FixedLogical::Uuid, Style::Full) => put(&mut object, "logicalType", json!("uuid")),
                    (FixedLogical::Duration, Style::Full) => put(&mut object, "logicalType", json!("duration")),
                    _ => {}
                }
                Value::Object(object)
            }
            other => self.kind(other, namespace),
        }
    }

    fn record(&mut self, record: &'a Record, namespace: &str) -> Value {
        let mut object = self.named("record", &record.named, namespace);
        let within = &record.named.name.namespace;
        let fields = record.fields.iter().map(|field| self.field(field, within)).collect();
        object.insert("fields".into(), Value::Array(fields));
        Value::Object(object)
    }

    fn field(&mut self, field: &'a Field, namespace: &str) -> Value {
        let mut object = Map::new();
        put(&mut object, "name", json!(field.name));
        let site = self.site(&field.site, namespace);
        put(&mut object, "type", site);
        if self.style == Style::Full {
            if let Some(doc) = &field.doc {
                put(&mut object, "doc", json!(doc));
            }
            if let Some(default) = &field.default {
                put(&mut object, "default", default.clone());
            }
            if !field.aliases.is_empty() {
                put(&mut object, "aliases", json!(field.aliases));
            }
        }
        Value::Object(object)
    }

    /// The beginning of a named type. The namespace is written where it is not that of the type around it.
    fn named(&mut self, kind: &str, named: &Named, namespace: &str) -> Map<String, Value> {
        let mut object = object(kind);
        if self.style == Style::Bare {
            put(&mut object, "name", json!(format!("t{}", self.names)));
            self.names += 1;
            return object;
        }
        put(&mut object, "name", json!(named.name.name));
        if named.name.namespace != namespace {
            put(&mut object, "namespace", json!(named.name.namespace));
        }
        if let Some(doc) = &named.doc {
            put(&mut object, "doc", json!(doc));
        }
        if !named.aliases.is_empty() {
            put(&mut object, "aliases", json!(named.aliases));
        }
        object
    }
}

fn object(kind: &str) -> Map<String, Value> {
    Map::from_iter([("type".to_owned(), json!(kind))])
}

fn put(object: &mut Map<String, Value>, key: &str, value: Value) {
    object.insert(key.to_owned(), value);
}

fn put_decimal(object: &mut Map<String, Value>, decimal: Decimal) {
    put(object, "logicalType", json!("decimal"));
    put(object, "precision", json!(decimal.precision));
    put(object, "scale", json!(decimal.scale));
}

fn with_logical(kind: &str, logical: Option<&str>) -> Value {
    match logical {
        None => json!(kind),
        Some(logical) => json!({ "type": kind, "logicalType": logical }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    const SCHEMA: &str = r#"{"type": "record", "name": "lab.r", "doc": "all", "fields": [
        {"name": "u", "type": {"type": "string", "logicalType": "uuid"}, "doc": "one", "aliases": ["v"]},
        {"name": "e", "type": ["null", {"type": "enum", "name": "e", "symbols": ["a"], "default": "a"}], "default": null},
        {"name": "f", "type": {"type": "fixed", "name": "other.f", "size": 16, "logicalType": "uuid"}},
        {"name": "again", "type": {"type": "array", "items": "e"}}]}"#;

    /// For the encoder no name matters, and no two types may have the same.
    #[test]
    fn the_bare_form_has_only_what_decides_the_bytes() {
        let wanted = json!({ "type": "record", "name": "t0", "fields": [
            { "name": "u", "type": "string" },
            { "name": "e", "type": ["null", { "type": "enum", "name": "t1", "symbols": ["a"] }] },
            { "name": "f", "type": { "type": "fixed", "name": "t2", "size": 16 } },
            { "name": "again", "type": { "type": "array", "items": { "type": "enum", "name": "t3", "symbols": ["a"] } } }] });
        assert_eq!(bare(&parse::parse(SCHEMA).unwrap()), wanted);
    }

    #[test]
    fn the_full_form_is_the_schema_with_each_type_written_once() {
        let read = parse::parse(SCHEMA).unwrap();
        let wanted = json!({ "type": "record", "name": "r", "namespace": "lab", "doc": "all", "fields": [
            { "name": "u", "type": { "type": "string", "logicalType": "uuid" }, "doc": "one", "aliases": ["v"] },
            { "name": "e", "type": ["null", { "type": "enum", "name": "e", "symbols": ["a"], "default": "a" }], "default": null },
            { "name": "f", "type": { "type": "fixed", "name": "f", "namespace": "other", "size": 16, "logicalType": "uuid" } },
            { "name": "again", "type": { "type": "array", "items": "lab.e" } }] });
        assert_eq!(record(&read).unwrap(), wanted);
    }

    #[test]
    fn two_types_of_one_name_are_a_conflict() {
        let fixed = |size: usize| {
            let field = json!({ "name": "a", "type": { "type": "fixed", "name": "f", "size": size } });
            parse::parse_field(&field).unwrap()
        };
        let mut read = parse::parse(SCHEMA).unwrap();
        read.fields = vec![fixed(4), fixed(4)];
        assert!(record(&read).is_ok());
        read.fields.push(fixed(5));
        assert_eq!(record(&read), Err("two different types are named `f`".to_owned()));
    }
}
