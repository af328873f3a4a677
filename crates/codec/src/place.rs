//! The place of an error in a schema: the fields on the way to it.
//!
//! `apache-avro` says what it refuses and not where. The field is the first without which it refuses nothing.

use apache_avro::{Error, Schema, error::Details};
use serde_json::Value;

use crate::CodecError;

/// An error of a schema, behind the fields on the way to its place.
pub(crate) fn error(path: &[String], message: impl std::fmt::Display) -> CodecError {
    let message = match path {
        [] => message.to_string(),
        path => format!("field `{}`: {message}", path.join(".")),
    };
    CodecError::Schema { message }
}

/// What `apache-avro` refuses of a schema, and where.
pub(crate) fn of(json: &Value, refused: &Error) -> CodecError {
    error(&path(json.clone()), words(json, refused))
}

fn words(json: &Value, refused: &Error) -> String {
    match refused.details() {
        Details::ParsePrimitive(name) | Details::ParsePrimitiveSimilar(name, _) => {
            format!("unknown type `{}`", as_written(json, name))
        }
        Details::GetNestedUnion => "a union cannot stand in a union; write its branches once".into(),
        Details::GetArrayItemsField => "an array needs `items`".into(),
        Details::GetMapValuesField => "a map needs `values`".into(),
        Details::GetNameField => "a record, enum or fixed needs a `name`".into(),
        other => other.to_string(),
    }
}

/// A name as the schema has it: `apache-avro` puts the namespace around it in front.
fn as_written<'a>(json: &Value, name: &'a str) -> &'a str {
    match json.to_string().contains(&format!("\"{name}\"")) {
        true => name,
        false => name.rsplit('.').next().unwrap_or(name),
    }
}

/// The names of the fields on the way to the first that is refused.
fn path(mut schema: Value) -> Vec<String> {
    let mut path = Vec::new();
    let mut at = String::new();
    while let Some((index, name)) = culprit(&mut schema, &at) {
        path.push(name);
        let field = format!("{at}/fields/{index}/type");
        let mut inner = Vec::new();
        records(schema.pointer(&field), field, &mut inner);
        match inner.into_iter().find(|record| is_within(&schema, record)) {
            Some(record) => at = record,
            None => break,
        }
    }
    path
}

/// Leaves of a record's fields those up to the first that is refused; none where it is not a field.
fn culprit(schema: &mut Value, record: &str) -> Option<(usize, String)> {
    let pointer = format!("{record}/fields");
    let fields = schema.pointer(&pointer)?.as_array()?.clone();
    for index in 0..=fields.len() {
        *schema.pointer_mut(&pointer)? = Value::Array(fields[..index].to_vec());
        if Schema::parse(schema).is_err() {
            let index = index.checked_sub(1)?;
            return Some((index, fields[index].get("name")?.as_str()?.to_owned()));
        }
    }
    None
}

/// Whether a record without its fields is not refused.
fn is_within(schema: &Value, record: &str) -> bool {
    let mut emptied = schema.clone();
    let fields = emptied.pointer_mut(&format!("{record}/fields"));
    fields.is_some_and(|fields| {
        *fields = Value::Array(Vec::new());
        true
    }) && Schema::parse(&emptied).is_ok()
}

/// The pointers of the outermost records within a type.
fn records(json: Option<&Value>, pointer: String, found: &mut Vec<String>) {
    match json {
        Some(Value::Array(branches)) => {
            for (index, branch) in branches.iter().enumerate() {
                records(Some(branch), format!("{pointer}/{index}"), found);
            }
        }
        Some(Value::Object(object)) if object.contains_key("fields") => found.push(pointer),
        Some(Value::Object(object)) => {
            for key in ["type", "items", "values"] {
                records(object.get(key), format!("{pointer}/{key}"), found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(name: &str, fields: Value) -> Value {
        json!({ "type": "record", "name": name, "fields": fields })
    }

    #[test]
    fn the_first_field_that_is_refused_is_named_however_deep() {
        let wrong = json!({ "name": "c", "type": "wat" });
        let deep = record("Deep", json!([{ "name": "b", "type": "int" }, wrong]));
        let listed = json!({ "type": "array", "items": ["null", deep] });
        let schema = record(
            "r",
            json!([
                { "name": "first", "type": record("Fine", json!([{ "name": "x", "type": "int" }])) },
                { "name": "a", "type": listed },
                { "name": "later", "type": "what" },
            ]),
        );
        let refused = Schema::parse(&schema).unwrap_err();
        assert_eq!(of(&schema, &refused).to_string(), "field `a.c`: unknown type `wat`");
    }

    #[test]
    fn of_several_records_within_a_field_the_one_at_fault_is_gone_into() {
        let fine = record("Fine", json!([{ "name": "b", "type": "int" }]));
        let wrong = record("Wrong", json!([{ "name": "b", "type": "int" }, { "name": "c", "type": "wat" }]));
        for branches in [json!([fine, wrong]), json!([wrong, fine])] {
            let schema = record("r", json!([{ "name": "a", "type": branches }]));
            let refused = Schema::parse(&schema).unwrap_err();
            assert_eq!(of(&schema, &refused).to_string(), "field `a.c`: unknown type `wat`");
        }
    }

    #[test]
    fn what_is_not_a_fields_fault_has_no_place() {
        let schema = json!({ "type": "record", "fields": [{ "name": "a", "type": "int" }] });
        let refused = Schema::parse(&schema).unwrap_err();
        assert_eq!(of(&schema, &refused).to_string(), "a record, enum or fixed needs a `name`");
    }
}
