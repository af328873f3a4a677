//! What `apache-avro` lets pass in a schema, or refuses in words that say too little.
//!
//! It passes over fields that are not objects, and over decimals whose digits make no sense; and it checks a default
//! against rules of its own (a text for bytes is taken as UTF-8, one for a fixed may have any length). Defaults are
//! therefore hidden from it here, and `default` checks them.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::{CodecError, decimal, names::check_name, place};

/// Where a field's default is hidden from `apache-avro`, which keeps attributes that it does not know.
pub(crate) const DEFAULT: &str = "beamline.default";

/// Walks a schema before `apache-avro` reads it.
pub(crate) struct Precheck {
    /// Whether what columns cannot hold is kept, and not refused.
    any: bool,
    /// The fields on the way here.
    path: Vec<String>,
}

impl Precheck {
    pub(crate) fn new(any: bool) -> Self {
        Self { any, path: Vec::new() }
    }

    /// Checks a type, and makes it one that `apache-avro` reads.
    pub(crate) fn check(&mut self, json: &mut Value) -> Result<(), CodecError> {
        match json {
            Value::Array(branches) => branches.iter_mut().try_for_each(|branch| self.check(branch)),
            Value::Object(object) => self.object(object),
            Value::String(_) => Ok(()),
            other => Err(self.error(format!("a type is a name or an object, found {other}"))),
        }
    }

    fn error(&self, message: impl std::fmt::Display) -> CodecError {
        place::error(&self.path, message)
    }

    fn object(&mut self, object: &mut Map<String, Value>) -> Result<(), CodecError> {
        // A logical type that makes no sense is passed over, as the specification has it.
        if object.get("logicalType").is_some_and(|logical| !logical.is_string()) {
            object.remove("logicalType");
        }
        let is_decimal = object.get("logicalType").is_some_and(|logical| logical == "decimal");
        let kind = match object.get_mut("type") {
            Some(Value::String(kind)) => kind.clone(),
            Some(inner) => return self.check(inner),
            None => {
                let found = Value::Object(object.clone());
                return Err(self.error(format!("a type needs a `type`, found {found}")));
            }
        };
        match kind.as_str() {
            "error" if self.any => {
                object.insert("type".into(), "record".into());
                self.fields(object)
            }
            "error" => Err(self.error("an `error` is for protocols; write `record`")),
            "record" => self.fields(object),
            "enum" => self.symbols(object),
            "array" => object.get_mut("items").map_or(Ok(()), |items| self.check(items)),
            "map" => object.get_mut("values").map_or(Ok(()), |values| self.check(values)),
            "bytes" | "fixed" if is_decimal && !self.any => {
                let size = object.get("size").and_then(Value::as_u64).map(|size| size as usize);
                decimal::attributes(object, size).map(|_| ()).map_err(|reason| self.error(reason))
            }
            _ => Ok(()),
        }
    }

    fn fields(&mut self, object: &mut Map<String, Value>) -> Result<(), CodecError> {
        let record = written_name(object);
        let Some(Value::Array(fields)) = object.get_mut("fields") else {
            return Err(self.error(format!("record `{record}` needs a list of `fields`")));
        };
        let mut names = HashSet::new();
        for (index, json) in fields.iter_mut().enumerate() {
            let Some(field) = json.as_object_mut() else {
                return Err(self.error(format!("field {index} must be an object, found {json}")));
            };
            let Some(name) = field.get("name").and_then(Value::as_str).map(str::to_owned) else {
                return Err(self.error(format!("field {index} needs a `name`")));
            };
            self.path.push(name.clone());
            self.field(&name, field)?;
            self.path.pop();
            if names.contains(&name) {
                return Err(self.error(format!("record `{record}` has two fields `{name}`")));
            }
            names.insert(name);
        }
        Ok(())
    }

    fn field(&mut self, name: &str, field: &mut Map<String, Value>) -> Result<(), CodecError> {
        check_name(name).map_err(|reason| self.error(reason))?;
        let Some(kind) = field.get_mut("type") else { return Err(self.error("a field needs a `type`")) };
        self.check(kind)?;
        if let Some(default) = field.remove("default") {
            field.insert(DEFAULT.into(), default);
        }
        Ok(())
    }

    fn symbols(&mut self, object: &mut Map<String, Value>) -> Result<(), CodecError> {
        let name = written_name(object);
        let symbols: &[Value] = object.get("symbols").and_then(Value::as_array).map_or(&[], Vec::as_slice);
        if symbols.is_empty() {
            return Err(self.error(format!("enum `{name}` needs a list of `symbols`")));
        }
        let mut known = HashSet::new();
        if let Some(twice) = symbols.iter().filter_map(Value::as_str).find(|symbol| !known.insert(*symbol)) {
            return Err(self.error(format!("enum `{name}` has the symbol `{twice}` twice")));
        }
        match object.get("default").and_then(Value::as_str) {
            // It is the reader's that counts.
            _ if self.any => {
                object.remove("default");
                Ok(())
            }
            Some(default) if !known.contains(default) => {
                Err(self.error(format!("the default `{default}` of enum `{name}` is none of its symbols")))
            }
            _ => Ok(()),
        }
    }
}

fn written_name(object: &Map<String, Value>) -> String {
    object.get("name").and_then(Value::as_str).unwrap_or_default().to_owned()
}
