//! Whether a topic that another program writes can fill the schema.

use arrow::datatypes::Schema;
use codec::FileSchema;
use indexmap::IndexMap;
use regex::Regex;
use serde_json::Value as Json;

use crate::{
    FileReader, MessageFormat, Messages, SourceSecurity, Start, Topics,
    messages::{self, Known, Wrong},
    node::Node,
    report::Report,
};

/// Checks `kafka` of the stream called `stream`, and plans how its messages are read; `None` where something is reported.
pub(super) fn check(
    kafka: &Node,
    stream: Option<&str>,
    schema: Option<&Schema>,
    files: &dyn FileReader,
    report: &mut Report<'_>,
) -> Option<Messages> {
    check_topics(kafka, stream, report);
    check_settings(kafka, report);
    let format = kafka.get("format").and_then(Node::typed::<MessageFormat>)?;
    let described = read_schema(kafka, format, files, report);
    let known = known(kafka, format, described.as_ref(), report)?;
    let derive: IndexMap<String, String> = kafka.get("derive").and_then(Node::typed).unwrap_or_default();
    let input = schema?;
    check_derived(kafka, input, report);
    match messages::plan(input, &known, &derive) {
        Ok((read, parts, derived)) => {
            let columns = kafka.get("columns").map(Node::entries).unwrap_or_default();
            let columns = columns.iter().map(|entry| entry.name.clone()).collect();
            Some(Messages { read, parts, derived, schema: described, columns })
        }
        Err(wrong) => {
            for (name, wrong) in wrong {
                explain(kafka, &name, wrong, report);
            }
            None
        }
    }
}

fn explain(kafka: &Node, name: &str, wrong: Wrong, report: &mut Report<'_>) {
    let derived = kafka.get("derive").and_then(|derive| derive.get(name));
    match wrong {
        Wrong::Sql(message, suggestion) => report.add(derived.unwrap_or(kafka).at, message, suggestion),
        Wrong::Missing(name) => {
            let at = kafka.get("columns").or_else(|| kafka.get("schema")).unwrap_or(kafka).at;
            let suggestion = "derive it, or allow null for it in the schema".to_owned();
            report.add(at, format!("no message has the column `{name}`"), Some(suggestion));
        }
    }
}

/// Exactly one of three ways to name topics, and none of the stream's own.
fn check_topics(kafka: &Node, stream: Option<&str>, report: &mut Report<'_>) {
    let ways: Vec<&str> = ["topic", "topics", "pattern"].into_iter().filter(|way| kafka.get(way).is_some()).collect();
    if ways.len() != 1 {
        let found = if ways.is_empty() { "none" } else { "several" };
        let message = format!("`kafka` needs exactly one of `topic`, `topics` and `pattern`, and has {found}");
        report.add(kafka.at, message, None);
    }
    if let Some(node) = kafka.get("topics").filter(|topics| topics.items().is_empty()) {
        report.add(node.at, "`topics` names no topic", Some("name one, or write `topic`".to_owned()));
    }
    let mut pattern = None;
    if let Some(node) = kafka.get("pattern")
        && let Some(text) = node.text()
    {
        match Regex::new(&format!("^(?:{text})$")) {
            Ok(compiled) => pattern = Some((node, compiled)),
            Err(_) => {
                let suggestion = "a regular expression is written `measurements\\..*`".to_owned();
                report.add(node.at, format!("`pattern` cannot be `{text}`"), Some(suggestion));
            }
        }
    }
    let Some(stream) = stream.filter(|_| kafka.get("cluster").is_none()) else { return };
    let own = Topics::of(stream);
    let own = own.all();
    let named = kafka.get("topics").map(Node::items).unwrap_or_default();
    for node in kafka.get("topic").into_iter().chain(named) {
        if let Some(name) = node.text().filter(|name| own.iter().any(|own| own == name)) {
            let suggestion = "call the stream otherwise: its own topics are named after it".to_owned();
            report.add(node.at, format!("`{name}` is one of the topics that the stream writes"), Some(suggestion));
        }
    }
    if let Some((node, pattern)) = pattern
        && let Some(name) = own.iter().find(|name| pattern.is_match(name))
    {
        let suggestion = "name the topics more narrowly, or call the stream otherwise".to_owned();
        let message = format!("`pattern` matches `{name}`, which the stream itself writes");
        report.add(node.at, message, Some(suggestion));
    }
}

fn check_settings(kafka: &Node, report: &mut Report<'_>) {
    if let Some(node) = kafka.get("start")
        && let Some(text) = node.text()
        && Start::parse(text).is_none()
    {
        let suggestion = "possible: `earliest`, `latest`, or a time as in `2025-01-31T12:00:00Z`".to_owned();
        report.add(node.at, format!("`start` cannot be `{text}`"), Some(suggestion));
    }
    let format = kafka.get("format").and_then(Node::text);
    for (setting, wanted) in [("csv", "csv"), ("json", "json")] {
        if let Some(node) = kafka.get(setting).filter(|_| format.is_some_and(|format| format != wanted)) {
            let message = format!("`{setting}` has an effect with the format `{wanted}` only");
            report.add(node.at, message, Some("remove it".to_owned()));
        }
    }
    let Some(cluster) = kafka.get("cluster") else { return };
    let security = cluster.get("security").and_then(Node::typed::<SourceSecurity>).unwrap_or_default();
    for field in ["username", "password_file"] {
        match cluster.entry(field) {
            None if security.is_sasl() => {
                let message = format!("`cluster` lacks the field `{field}`, which its `security` needs");
                report.add(cluster.at, message, None);
            }
            Some(entry) if !security.is_sasl() => {
                let suggestion = "set `security: sasl-tls` or `sasl-plaintext`, or remove it".to_owned();
                report.add(entry.at, format!("`{field}` does nothing without a password in use"), Some(suggestion));
            }
            _ => {}
        }
    }
}

/// The Avro schema of the messages; `None` where none is named, or something is reported.
fn read_schema(
    kafka: &Node,
    format: MessageFormat,
    files: &dyn FileReader,
    report: &mut Report<'_>,
) -> Option<FileSchema> {
    let Some(node) = kafka.get("schema") else {
        if format == MessageFormat::Avro {
            let suggestion = "plain Avro does not say how it was written: name the writer's schema, or choose \
                              `confluent-avro` or `avro-container`";
            report.add(kafka.at, "`kafka` lacks the field `schema`", Some(suggestion.to_owned()));
        }
        return None;
    };
    if !format.is_avro() {
        let suggestion = "remove it, or type the columns in `columns`".to_owned();
        let message = format!("`schema` has no effect with the format `{}`", format.name());
        report.add(node.at, message, Some(suggestion));
        return None;
    }
    let path = node.text()?;
    let parsed = files
        .read(path)
        .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not text in UTF-8".to_owned()))
        .and_then(|text| FileSchema::parse(&text).map_err(|error| error.to_string()));
    match parsed {
        Ok(schema) => Some(schema),
        Err(reason) => {
            report.add(node.at, format!("the schema `{path}` cannot be used: {reason}"), None);
            None
        }
    }
}

/// The columns that the messages are known to have.
fn known(kafka: &Node, format: MessageFormat, schema: Option<&FileSchema>, report: &mut Report<'_>) -> Option<Known> {
    let node = kafka.get("columns");
    if let Some(node) = node.filter(|_| format.is_avro()) {
        let suggestion = "remove it: `schema` names the columns".to_owned();
        report.add(node.at, "`columns` has no effect with Avro", Some(suggestion));
        return None;
    }
    if format.is_avro() {
        let fields = schema.map(|schema| schema.arrow().fields().to_vec()).unwrap_or_default();
        return Some(Known { all: schema.is_some(), fields });
    }
    let columns: IndexMap<String, Json> = node.and_then(Node::typed).unwrap_or_default();
    if format == MessageFormat::Csv && columns.is_empty() {
        let suggestion = "name each column with its type, in the order of the line: `{ id: string, x: double }`";
        report.add(kafka.at, "`kafka` lacks the field `columns`: a message has no header", Some(suggestion.to_owned()));
        return None;
    }
    match messages::typed(&columns) {
        Ok(fields) => Some(Known { fields, all: format == MessageFormat::Csv }),
        Err(wrong) => {
            for (name, reason) in wrong {
                let at = node.and_then(|columns| columns.get(&name)).unwrap_or(kafka).at;
                let suggestion = "an Avro type is `string`, `double`, `long`, `boolean`, or a mapping".to_owned();
                report.add(at, format!("the type of `{name}` cannot be used: {reason}"), Some(suggestion));
            }
            None
        }
    }
}

/// Derived columns must be the schema's.
fn check_derived(kafka: &Node, schema: &Schema, report: &mut Report<'_>) {
    for entry in kafka.get("derive").map(Node::entries).unwrap_or_default() {
        super::derivable::check(&entry.name, entry.at, schema, report);
    }
}
