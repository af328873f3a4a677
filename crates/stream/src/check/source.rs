//! Where events come from: whether the source can fill the schema.

use arrow::datatypes::Schema;
use expr::{ExprError, Expression};

use super::derivable;
use crate::{
    FileReader, Messages, Profile,
    node::{Entry, Node},
    report::Report,
    scope::type_name,
    suggestion::{list, suggest},
};

/// Checks `source` of the stream called `stream` against the schema of the raw events, where that is known. Gives how
/// messages are read, where the source has any.
pub(super) fn check(
    spec: &Node,
    stream: Option<&str>,
    schema: Option<&Schema>,
    files: &dyn FileReader,
    report: &mut Report<'_>,
) -> Option<Messages> {
    let source = spec.get("source")?;
    if let Some(synthetic) = source.get("synthetic") {
        check_synthetic(spec, synthetic, schema, report);
    }
    if let Some(from) = source.get("files") {
        check_files(from, schema, report);
    }
    for name in ["files", "stdin", "kafka"] {
        if let Some(csv) = source.get(name).and_then(|source| source.get("csv")) {
            check_csv(csv, report);
        }
    }
    if let Some(node) = source.get("http").and_then(|http| http.get("listen"))
        && let Some(text) = node.text()
        && !text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
    {
        let suggestion = "it is written `host:port`, as in `127.0.0.1:8080`".to_owned();
        report.add(node.at, format!("`listen` cannot be `{text}`"), Some(suggestion));
    }
    if let Some(node) = source.get("stdin").and_then(|stdin| stdin.get("format"))
        && let Some(text @ ("parquet" | "orc" | "avro" | "arrow" | "fits")) = node.text()
    {
        let suggestion = "possible: `csv`, `jsonl`, `json`".to_owned();
        report.add(node.at, format!("`{text}` cannot be read from standard input"), Some(suggestion));
    }
    source.get("kafka").and_then(|kafka| super::kafka::check(kafka, stream, schema, files, report))
}

fn check_csv(csv: &Node, report: &mut Report<'_>) {
    let Some(node) = csv.get("separator") else { return };
    let Some(text) = node.text() else { return };
    let decimal_comma = csv.get("decimal_comma").and_then(Node::typed::<bool>) == Some(true);
    let wrong = match text.as_bytes() {
        [b'"' | b'\n' | b'\r'] => Some("a quote or line end cannot stand between fields"),
        [b','] if decimal_comma => Some("numbers have commas, so fields must have something else between them"),
        [byte] if byte.is_ascii() => None,
        _ => Some("it is one character of ASCII, as in `;` or `\"\\t\"`"),
    };
    if let Some(why) = wrong {
        report.add(node.at, format!("`separator` cannot be `{}`", text.escape_debug()), Some(why.to_owned()));
    }
}

fn check_synthetic(spec: &Node, synthetic: &Node, schema: Option<&Schema>, report: &mut Report<'_>) {
    if let Some(node) = synthetic.get("start")
        && let Some(text) = node.text()
        && times::parse(text.trim().as_bytes()).is_none()
    {
        let suggestion = "an instant is written `2025-01-31T12:00:00Z`".to_owned();
        report.add(node.at, format!("`start` cannot be `{text}`"), Some(suggestion));
    }
    let Some(node) = synthetic.get("profile") else { return };
    let Some(profile) = node.typed::<Profile>() else { return };
    let bounds = synthetic.get("fields").map(Node::entries).unwrap_or_default();
    // These three are filled whatever they are called.
    let roles: Vec<&str> = ["id", "key", "time"].iter().filter_map(|role| spec.get(role)?.text()).collect();
    check_bounds(bounds, profile, &roles, schema, report);
    let Some(schema) = schema else { return };
    let bounded = |name: &str| bounds.iter().any(|entry| entry.name == name);
    check_profile(node, profile, |name| roles.contains(&name) || bounded(name), schema, report);
}

/// The profile and the schema must have the same columns, as far as one needs them of the other. `is_filled` tells
/// which columns have values though they are none of the profile's.
fn check_profile(
    node: &Node,
    profile: Profile,
    is_filled: impl Fn(&str) -> bool,
    schema: &Schema,
    report: &mut Report<'_>,
) {
    let name = node.text().unwrap_or_default();
    let columns = profile.columns();
    let missing = columns.iter().filter(|column| column.required && schema.field_with_name(column.name).is_err());
    let missing: Vec<&str> = missing.map(|column| column.name).collect();
    for column in columns {
        let Ok(field) = schema.field_with_name(column.name) else { continue };
        if !column.class.accepts(field.data_type()) {
            let (wanted, found) = (column.class.avro(), type_name(field.data_type()));
            let message = format!("the profile `{name}` needs `{}` as {wanted}, but it is {found}", column.name);
            report.add(node.at, message, Some("change its type in the schema".to_owned()));
        }
    }
    if !missing.is_empty() {
        let message = format!("the profile `{name}` fills columns that the schema does not have: {}", list(missing));
        report.add(node.at, message, Some("add them to the schema, or choose another profile".to_owned()));
        return;
    }
    let is_known = |name: &str| is_filled(name) || columns.iter().any(|column| column.name == name);
    let unfilled = schema.fields().iter().filter(|field| !field.is_nullable() && !is_known(field.name()));
    let unfilled: Vec<&str> = unfilled.map(|field| field.name().as_str()).collect();
    if !unfilled.is_empty() {
        let message = format!("the profile `{name}` has no values for the columns {}", list(unfilled));
        report.add(node.at, message, Some("allow null for them in the schema, or choose another profile".to_owned()));
    }
}

/// Bounds are for numeric columns of the uniform profile.
fn check_bounds(bounds: &[Entry], profile: Profile, roles: &[&str], schema: Option<&Schema>, report: &mut Report<'_>) {
    if let Some(first) = bounds.first().filter(|_| profile != Profile::Uniform) {
        let message = "`fields` has an effect in the profile `uniform` only";
        return report.add(first.at, message, Some("remove it".to_owned()));
    }
    for Entry { name, at, value } in bounds {
        if let Some(schema) = schema {
            let numeric = schema.fields().iter().filter(|field| field.data_type().is_numeric());
            let names = numeric.map(|field| field.name().as_str()).filter(|name| !roles.contains(name));
            if !names.clone().any(|known| known == name) {
                let suggestion = suggest(name, names);
                report.add(*at, format!("the schema has no numeric column `{name}`"), Some(suggestion));
            }
        }
        if let Some([low, high]) = value.typed::<[f64; 2]>().filter(|[low, high]| low > high) {
            let message = format!("the lower bound {low} of `{name}` is above the upper bound {high}");
            report.add(value.at, message, Some(format!("write [{high}, {low}]")));
        }
    }
}

fn check_files(files: &Node, schema: Option<&Schema>, report: &mut Report<'_>) {
    for Entry { name, at, value } in files.get("derive").map(Node::entries).unwrap_or_default() {
        if let Some(schema) = schema {
            derivable::check(name, *at, schema, report);
        }
        // The files' columns are known only when they are opened; what is wrong whatever they are is known now.
        let compiled = value.text().map(|sql| Expression::compile(sql, &Schema::empty()));
        let Some(Err(error)) = compiled else { continue };
        if !matches!(error, ExprError::UnknownColumn { .. } | ExprError::Type { .. }) {
            report.add(value.at, error.to_string(), error.suggestion().map(str::to_owned));
        }
    }
}
