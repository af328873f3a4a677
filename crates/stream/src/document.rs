//! YAML documents of other types than a definition, read and checked in the same way.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

use crate::{Diagnostics, START, report::Report, structure::Structure, yaml};

/// Reads a YAML document of type `T`: it is checked against the type's JSON Schema, so that everything that is wrong is
/// reported at once with its place. `name` is how errors call the file, `what` how they call the document.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file.
pub fn read_document<T: DeserializeOwned + JsonSchema>(name: &str, text: &str, what: &str) -> Result<T, Diagnostics> {
    let mut report = Report::new(name, text);
    let schema = schema_of::<T>();
    let document = yaml::parse(text, &mut report);
    if let Some(document) = &document {
        Structure::new(&schema, &mut report).check_document(document, what);
    }
    let Some(document) = document.filter(|_| report.is_empty()) else { return Err(report.finish()) };
    serde_json::from_value(document.json()).map_err(|error| {
        report.add(START, format!("{what} cannot be read: {error}"), None);
        report.finish()
    })
}

/// The JSON Schema (draft 2020-12) of a type, with the default of every field that may be left out.
pub(crate) fn schema_of<T: JsonSchema>() -> Json {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value();
    add_defaults(&mut schema);
    if let Some(definitions) = schema.get_mut("$defs").and_then(Json::as_object_mut) {
        definitions.values_mut().for_each(add_defaults);
    }
    schema
}

/// Adds what the generator leaves out: that a list, a mapping or a choice that is not there is empty.
fn add_defaults(object: &mut Json) {
    let required = object.get("required").cloned().unwrap_or_default();
    let required: Vec<&str> = required.as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    let Some(properties) = object.get_mut("properties").and_then(Json::as_object_mut) else { return };
    for (name, property) in properties.iter_mut() {
        if required.contains(&name.as_str()) {
            continue;
        }
        let Some(fields) = property.as_object_mut().filter(|fields| !fields.contains_key("default")) else { continue };
        let is = |name: &str| match fields.get("type") {
            Some(Json::String(only)) => only == name,
            Some(Json::Array(several)) => several.iter().any(|one| one == name),
            _ => false,
        };
        let empty = match () {
            () if is("null") || fields.contains_key("anyOf") => Json::Null,
            () if is("array") => Json::Array(Vec::new()),
            // What a mapping of its own lacks, each of its fields has.
            () if is("object") || fields.contains_key("$ref") => Json::Object(Map::new()),
            () => continue,
        };
        fields.insert("default".to_owned(), empty);
    }
}

/// The JSON Schema of a document's type, for editors, indented and without a line end.
pub fn document_schema<T: JsonSchema>() -> String {
    format!("{:#}", schema_of::<T>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_list_a_mapping_or_a_choice_that_is_not_there_is_empty() {
        let mut object = json!({
            "required": ["must"],
            "properties": {
                "must": { "type": "array" },
                "list": { "type": "array" },
                "mapping": { "type": "object" },
                "own": { "$ref": "#/$defs/Own" },
                "maybe": { "type": ["string", "null"] },
                "choice": { "anyOf": [] },
                "text": { "type": "string" },
                "known": { "type": "array", "default": [1] },
            }
        });
        add_defaults(&mut object);
        let defaults = object["properties"].as_object().unwrap().iter();
        let defaults: Vec<_> =
            defaults.map(|(name, property)| (name.as_str(), property.get("default").cloned())).collect();
        let expected = [
            ("must", None),
            ("list", Some(json!([]))),
            ("mapping", Some(json!({}))),
            ("own", Some(json!({}))),
            ("maybe", Some(Json::Null)),
            ("choice", Some(Json::Null)),
            ("text", None),
            ("known", Some(json!([1]))),
        ];
        assert_eq!(defaults, expected);
    }
}
