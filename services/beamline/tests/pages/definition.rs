//! Every field of a stream definition, as Markdown, from the JSON Schema.

use std::fmt::Write;

use serde_json::Value as Json;

const HEAD: &str = "\
# Every field of a definition

After reading this page you can write any stream definition, and know what each field does when you leave it out.

A definition is one YAML file. `beamline check-config` checks it as a whole, and an editor completes it where the file
begins with

```yaml
# yaml-language-server: $schema=https://raw.githubusercontent.com/beamline/beamline/main/schemas/stream.schema.json
```

(or the path of `schemas/stream.schema.json`). A test compares this page with the program (`make docs-pages` writes it).
Fields without a default have to be there.
";

pub(crate) fn page() -> String {
    let schema: Json = serde_json::from_str(&stream::json_schema()).unwrap();
    let mut text = HEAD.to_owned();
    let mut sections = vec![("The document".to_owned(), schema.clone())];
    let mut done: Vec<String> = Vec::new();
    while !sections.is_empty() {
        let (title, object) = sections.remove(0);
        if done.contains(&title) {
            continue;
        }
        let below = section(&mut text, &schema, &title, &object);
        done.push(title);
        // What lies below a field comes before what follows it.
        sections.splice(0..0, below);
    }
    text
}

fn resolve<'s>(root: &'s Json, schema: &'s Json) -> &'s Json {
    match schema["$ref"].as_str().and_then(|path| path.strip_prefix('#')) {
        Some(path) => resolve(root, root.pointer(path).unwrap()),
        None => schema,
    }
}

/// Writes an object's fields as a table; gives the objects below it with their titles.
fn section(text: &mut String, root: &Json, title: &str, object: &Json) -> Vec<(String, Json)> {
    let quoted = if title.contains(' ') { title.to_owned() } else { format!("`{title}`") };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\n## {quoted}\n");
    if let Some(description) = object["description"].as_str() {
        let _ = writeln!(text, "{}\n", one_line(description));
    }
    text.push_str("| field | type | default | meaning |\n|---|---|---|---|\n");
    let required: Vec<&str> = object["required"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    let mut below = Vec::new();
    for (name, field) in object["properties"].as_object().unwrap() {
        let path = if title.contains(' ') { name.clone() } else { format!("{title}.{name}") };
        let default = match &field["default"] {
            _ if required.contains(&name.as_str()) => "—".to_owned(),
            Json::Null => "none".to_owned(),
            Json::Object(fields) if !fields.is_empty() => "its fields'".to_owned(),
            value => format!("`{value}`"),
        };
        let mut meaning = one_line(field["description"].as_str().unwrap());
        if let Some(example) = field["examples"].as_array().and_then(|examples| examples.first()) {
            let _ = write!(meaning, " Example: `{}`.", written(example));
        }
        let (kind, objects) = kind(root, field, &path);
        let _ = writeln!(text, "| `{name}` | {kind} | {default} | {} |", meaning.replace('|', "\\|"));
        below.extend(objects);
    }
    below
}

/// A field's type in words, and the objects that it has, with their titles.
fn kind(root: &Json, field: &Json, path: &str) -> (String, Vec<(String, Json)>) {
    let schema = resolve(root, field);
    if schema["title"].as_str() == Some("Duration")
        || field["$ref"].as_str().is_some_and(|name| name.ends_with("/Duration"))
    {
        return ("length of time".to_owned(), Vec::new());
    }
    if schema["properties"].is_object() {
        return (format!("[mapping](#{})", anchor(path)), vec![(path.to_owned(), schema.clone())]);
    }
    let branches = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array());
    if let Some(branches) = branches {
        return choice(root, branches, path);
    }
    if let Some(values) = words(schema) {
        return (values, Vec::new());
    }
    let types: Vec<&str> = match &schema["type"] {
        Json::String(one) => vec![one],
        several => several.as_array().into_iter().flatten().filter_map(Json::as_str).collect(),
    };
    let only: Vec<&str> = types.into_iter().filter(|name| *name != "null").collect();
    match only.as_slice() {
        ["array"] => {
            let (of, objects) = kind(root, &schema["items"], &format!("{path}[]"));
            (format!("list of {of}"), objects)
        }
        ["object"] => {
            let (of, objects) = kind(root, &schema["additionalProperties"], &format!("{path}.NAME"));
            (format!("names, each with {of}"), objects)
        }
        names => (names.join(" or "), Vec::new()),
    }
}

fn choice(root: &Json, branches: &[Json], path: &str) -> (String, Vec<(String, Json)>) {
    let (mut kinds, mut objects) = (Vec::new(), Vec::new());
    for branch in branches.iter().filter(|branch| branch["type"] != "null") {
        let tagged = branch["required"].as_array().filter(|names| names.len() == 1 && branch["type"] == "object");
        let tag = tagged.and_then(|names| names[0].as_str());
        match tag.filter(|tag| branch["properties"][tag].is_object()) {
            Some(tag) => {
                let below = format!("{path}.{tag}");
                let (_, of) = kind(root, &branch["properties"][tag], &below);
                kinds.push(format!("[`{tag}`](#{})", anchor(&below)));
                objects.extend(of);
            }
            None => {
                let (name, of) = kind(root, branch, path);
                kinds.push(name);
                objects.extend(of);
            }
        }
    }
    (kinds.join(" or "), objects)
}

/// The words that a schema lists.
fn words(schema: &Json) -> Option<String> {
    let values = match (&schema["const"], &schema["enum"]) {
        (Json::String(only), _) => vec![only.as_str()],
        (_, Json::Array(values)) => values.iter().filter_map(Json::as_str).collect(),
        _ => return None,
    };
    Some(values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(" or "))
}

/// A heading's anchor, as mdBook and GitHub make it.
fn anchor(path: &str) -> String {
    path.to_lowercase().chars().filter(|letter| letter.is_alphanumeric() || "-_".contains(*letter)).collect()
}

/// A value as YAML has it in one line.
fn written(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        Json::Object(fields) => {
            let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}: {}", quoted(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        value => value.to_string(),
    }
}

/// Text within a mapping is quoted, for SQL has commas and brackets.
fn quoted(value: &Json) -> String {
    if value.is_string() { value.to_string() } else { written(value) }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
