//! What a JSON Schema offers where it offers a choice.

use serde_json::Value as Json;

/// What a schema offers.
pub(crate) enum Choice<'s> {
    /// One of some words.
    Values(Vec<&'s str>),
    /// A mapping with one field out of these, each with the schema of its value.
    Tags(Vec<(&'s str, &'s Json)>),
    /// Null or this.
    Optional(&'s Json),
    /// Values of several types.
    Shapes(Vec<&'s Json>),
    /// No choice.
    None,
}

/// What `schema`, which must be resolved, offers.
pub(crate) fn of<'s>(root: &'s Json, schema: &'s Json) -> Choice<'s> {
    if let Some(values) = values(schema) {
        return Choice::Values(values);
    }
    let Some(all) = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Json::as_array) else {
        return Choice::None;
    };
    let branches = all.iter().map(|branch| resolve(root, branch)).filter(|branch| !is_null(branch));
    let branches: Vec<&Json> = branches.collect();
    if let [branch] = branches.as_slice()
        && all.len() > 1
    {
        return Choice::Optional(branch);
    }
    if let Some(values) = branches.iter().map(|branch| values(branch)).collect::<Option<Vec<_>>>() {
        return Choice::Values(values.concat());
    }
    match branches.iter().map(|branch| tag(branch)).collect::<Option<Vec<_>>>() {
        Some(tags) => Choice::Tags(tags),
        None => Choice::Shapes(branches),
    }
}

fn is_null(schema: &Json) -> bool {
    schema.get("type").and_then(Json::as_str) == Some("null")
}

/// Follows references within the document.
pub(crate) fn resolve<'s>(root: &'s Json, mut schema: &'s Json) -> &'s Json {
    while let Some(target) = schema.get("$ref").and_then(Json::as_str).and_then(|path| path.strip_prefix('#')) {
        match root.pointer(target) {
            Some(found) => schema = found,
            None => break,
        }
    }
    schema
}

/// The words a schema lists.
fn values(schema: &Json) -> Option<Vec<&str>> {
    match (schema.get("const"), schema.get("enum")) {
        (Some(value), _) => value.as_str().map(|value| vec![value]),
        (_, Some(values)) => values.as_array()?.iter().map(Json::as_str).collect(),
        _ => None,
    }
}

/// The one field of a mapping that has nothing else.
fn tag(schema: &Json) -> Option<(&str, &Json)> {
    let [name] = schema.get("required")?.as_array()?.as_slice() else { return None };
    let properties = schema.get("properties")?.as_object()?;
    match (properties.len(), schema.get("additionalProperties")) {
        (1, Some(Json::Bool(false))) => Some((name.as_str()?, properties.get(name.as_str()?)?)),
        _ => None,
    }
}
