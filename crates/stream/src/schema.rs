//! The JSON Schema of the definition, generated from its types.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::Value as Json;

use crate::StreamDefinition;

/// The schema that editors complete by and that the reader itself checks by.
pub(crate) static SCHEMA: LazyLock<Json> = LazyLock::new(|| {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<StreamDefinition>().to_value()
});

/// The JSON Schema (draft 2020-12) of the stream definition, for editors, indented and without a line end.
pub fn json_schema() -> String {
    format!("{:#}", *SCHEMA)
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn every_field_of_the_schema_says_what_it_is() {
        fn undescribed(path: &str, schema: &Json, found: &mut Vec<String>) {
            for (name, field) in schema["properties"].as_object().into_iter().flatten() {
                if field.get("description").is_none() {
                    found.push(format!("{path}.{name}"));
                }
            }
        }
        let mut found = Vec::new();
        undescribed("", &SCHEMA, &mut found);
        for (name, definition) in SCHEMA["$defs"].as_object().unwrap() {
            undescribed(name, definition, &mut found);
        }
        assert_eq!(found, Vec::<String>::new());
    }
}
