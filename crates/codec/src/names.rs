//! Names in a schema, and the attributes that are made of them.

use serde_json::{Map, Value};

/// Avro's rule for names: a letter or `_`, then letters, digits and `_`.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let mut characters = name.chars();
    let first = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    match first && characters.all(|other| other.is_ascii_alphanumeric() || other == '_') {
        true => Ok(()),
        false => Err(format!("`{name}` is no Avro name: use letters, digits and `_`, and begin with no digit")),
    }
}

/// Names with dots between them, or nothing.
pub(crate) fn check_namespace(namespace: &str) -> Result<(), String> {
    match namespace {
        "" => Ok(()),
        _ => namespace.split('.').try_for_each(check_name),
    }
}

/// The `doc` of a field or type.
pub(crate) fn doc(object: &Map<String, Value>) -> Option<String> {
    object.get("doc").and_then(Value::as_str).map(str::to_owned)
}

/// A list of names; none where the key is missing.
pub(crate) fn texts(object: &Map<String, Value>, key: &str) -> Result<Vec<String>, String> {
    match object.get(key) {
        None => Ok(Vec::new()),
        Some(Value::Array(list)) => list
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(|| format!("`{key}` must be names, found {item}")))
            .collect(),
        Some(other) => Err(format!("`{key}` must be a list of names, found {other}")),
    }
}
