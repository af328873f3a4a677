//! The JSON Schema of the definition, generated from its types.

use std::sync::LazyLock;

use serde_json::Value as Json;

use crate::{StreamDefinition, document::schema_of};

/// The schema that editors complete by and that the reader itself checks by.
pub(crate) static SCHEMA: LazyLock<Json> = LazyLock::new(schema_of::<StreamDefinition>);

/// The JSON Schema (draft 2020-12) of the stream definition, for editors, indented and without a line end.
pub fn json_schema() -> String {
    format!("{:#}", *SCHEMA)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice;

    /// Set `UPDATE_SCHEMA=1` to write the file anew.
    #[test]
    fn the_schema_in_the_repository_is_that_of_the_code() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/stream.schema.json");
        let generated = json_schema() + "\n";
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(path, &generated).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == generated,
            "schemas/stream.schema.json is out of date: run this test with UPDATE_SCHEMA=1"
        );
    }

    /// What a field lacks: a description; a default where it may be left out; an example where it has not fields, values
    /// or a switch of its own that say how it is written.
    fn lacks(name: &str, field: &Json, required: &Json) -> Vec<&'static str> {
        let is_required = required.as_array().is_some_and(|names| names.iter().any(|required| required == name));
        let says_how = |schema: &Json| {
            let kind = schema["type"].as_str();
            kind == Some("boolean")
                || ["properties", "oneOf", "anyOf", "enum", "const"].iter().any(|key| schema.get(key).is_some())
        };
        let choices = field["anyOf"].as_array().into_iter().flatten();
        let own = [field].into_iter().chain(choices).chain(field.get("items")).chain(field.get("additionalProperties"));
        let explained = own.into_iter().map(|schema| choice::resolve(&SCHEMA, schema)).any(says_how);
        let lacking = [
            ("description", field.get("description").is_none()),
            ("default", !is_required && field.get("default").is_none()),
            ("example", !explained && field.get("examples").is_none()),
        ];
        lacking.into_iter().filter(|(_, lacks)| *lacks).map(|(what, _)| what).collect()
    }

    #[test]
    fn every_field_of_the_schema_has_a_description_a_default_and_an_example() {
        let mut found = Vec::new();
        let objects = SCHEMA["$defs"].as_object().unwrap().iter().map(|(name, schema)| (name.as_str(), schema));
        for (object, schema) in objects.chain([("", &*SCHEMA)]) {
            for (name, field) in schema["properties"].as_object().into_iter().flatten() {
                found.extend(
                    lacks(name, field, &schema["required"]).into_iter().map(|what| format!("{object}.{name}: {what}")),
                );
            }
        }
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn a_field_that_lacks_something_is_found() {
        let bare = serde_json::json!({ "type": "string" });
        assert_eq!(lacks("bare", &bare, &Json::Null), ["description", "default", "example"]);
        assert_eq!(lacks("bare", &bare, &serde_json::json!(["bare"])), ["description", "example"]);
    }
}
