//! Quality rules, lookups, computed columns and the filter.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{array::RecordBatch, datatypes::Schema};
use codec::ValueSchema;
use expr::Expression;
use lookup::Lookup;

use super::is_misspelt;
use crate::{
    FileReader, columns,
    node::{Entry, Node, Position, Value},
    report::Report,
    scope::{Scope, computed},
    suggestion::suggest,
};

/// What is added to each event, compiled.
pub(super) struct Enrichment {
    pub(super) quality: Vec<(String, Expression)>,
    pub(super) lookups: Vec<Arc<Lookup>>,
    pub(super) tables: Vec<Vec<u8>>,
    pub(super) columns: Vec<(String, Expression)>,
    pub(super) filter: Option<Expression>,
    /// The enriched columns.
    pub(super) scope: Scope,
}

/// Checks `quality` and `enrich` over the raw columns.
pub(super) fn check(spec: &Node, raw: &Scope, files: &dyn FileReader, report: &mut Report<'_>) -> Enrichment {
    let enrich = spec.get("enrich");
    let lookup_nodes = enrich.and_then(|enrich| enrich.get("lookups")).map(Node::items).unwrap_or_default();
    let column_entries = enrich.and_then(|enrich| enrich.get("columns")).map(Node::entries).unwrap_or_default();

    let mut scope = raw.clone();
    if is_misspelt(spec, "enrich") || enrich.is_some_and(is_unreadable) {
        scope.open();
    }
    let looked_up = lookup_nodes.iter().filter_map(|lookup| lookup.get("columns")).flat_map(Node::items);
    looked_up.filter_map(Node::text).for_each(|name| scope.announce(name));
    column_entries.iter().for_each(|Entry { name, .. }| scope.announce(name));

    let quality = named_rules(spec.get("quality"), "check", &scope, report);
    let (mut lookups, mut tables) = (Vec::new(), Vec::new());
    for node in lookup_nodes {
        if let Some((lookup, table)) = check_lookup(node, raw, &mut scope, files, report) {
            lookups.push(Arc::new(lookup));
            tables.push(table);
        }
    }
    let columns = check_columns(column_entries, &mut scope, report);
    let filter = enrich
        .and_then(|enrich| enrich.get("filter"))
        .and_then(|node| scope.compile(node, Expression::compile_boolean, report));
    Enrichment { quality, lookups, tables, columns, filter, scope }
}

/// Whether columns may be missing because their sections cannot be read, which the check of the structure has reported.
fn is_unreadable(enrich: &Node) -> bool {
    let is_list = |node: &Node| matches!(node.value, Value::List(_));
    let is_map = |node: &Node| matches!(node.value, Value::Map(_));
    !is_map(enrich)
        || is_misspelt(enrich, "columns")
        || is_misspelt(enrich, "lookups")
        || enrich.get("columns").is_some_and(|columns| !is_map(columns))
        || enrich.get("lookups").is_some_and(|lookups| !is_list(lookups) || !lookups.items().iter().all(is_map))
}

/// Compiles a list of rules, each with a name of its own and a condition in the field `condition`.
pub(super) fn named_rules(
    rules: Option<&Node>,
    condition: &str,
    scope: &Scope,
    report: &mut Report<'_>,
) -> Vec<(String, Expression)> {
    let mut seen: BTreeMap<&str, Position> = BTreeMap::new();
    let mut compiled = Vec::new();
    for rule in rules.map(Node::items).unwrap_or_default() {
        let name = rule.get("name").and_then(|name| Some((name.text()?, name.at)));
        if let Some((name, at)) = name
            && let Some(first) = seen.insert(name, at)
        {
            report.add(at, format!("there is another rule `{name}` in line {}", first.line), None);
        }
        let condition = rule.get(condition);
        let expression = condition.and_then(|node| scope.compile(node, Expression::compile_boolean, report));
        compiled.extend(name.zip(expression).map(|((name, _), expression)| (name.to_owned(), expression)));
    }
    compiled
}

fn check_columns(entries: &[Entry], scope: &mut Scope, report: &mut Report<'_>) -> Vec<(String, Expression)> {
    let mut compiled = Vec::new();
    for Entry { name, at, value } in entries {
        let expression = scope.compile(value, Expression::compile, report);
        let is_new = check_new(name, *at, scope, report);
        match expression {
            Some(expression) if is_new && is_storable(name, *at, value, &expression, report) => {
                scope.push(computed(name, &expression));
                compiled.push((name.clone(), expression));
            }
            _ if is_new => scope.fail(name),
            _ => {}
        }
    }
    compiled
}

/// Whether a column can be called so: nothing else is.
fn check_new(name: &str, at: Position, scope: &Scope, report: &mut Report<'_>) -> bool {
    let message = if columns::RESERVED.contains(&name) {
        format!("column `{name}` is one of those that the detector adds")
    } else if scope.field(name).is_some() {
        format!("there is a column `{name}` already")
    } else {
        return true;
    };
    report.add(at, message, Some("choose another name".to_owned()));
    false
}

/// Whether Avro has a type for the column. Its name has been checked with the structure.
fn is_storable(name: &str, at: Position, node: &Node, expression: &Expression, report: &mut Report<'_>) -> bool {
    let schema = Schema::new(vec![computed(name, expression)]);
    match ValueSchema::derive(&schema, "Check", "") {
        Err(error) if !report.has(at) => {
            report.add(node.at, error.to_string(), None);
            false
        }
        _ => true,
    }
}

/// Checks a lookup and adds its columns; they count as failed where that is not possible.
fn check_lookup(
    node: &Node,
    raw: &Scope,
    scope: &mut Scope,
    files: &dyn FileReader,
    report: &mut Report<'_>,
) -> Option<(Lookup, Vec<u8>)> {
    let listed = node.get("columns").map(Node::items).unwrap_or_default();
    let mut wanted: Vec<&Node> = Vec::new();
    for column in listed {
        let Some(name) = column.text() else { continue };
        if wanted.iter().any(|other| other.text() == Some(name)) {
            report.add(column.at, format!("`{name}` stands here a second time"), None);
        } else if check_new(name, column.at, scope, report) {
            wanted.push(column);
        }
    }
    let table = read_table(node, files, report);
    let lookup = table.as_ref().and_then(|(table, _)| build_lookup(node, table, &wanted, raw, report));
    match (&lookup, &table) {
        (Some(lookup), _) => lookup.fields().iter().for_each(|field| scope.push(field.clone())),
        // Whichever column was meant: its use is not an error of its own.
        (None, Some((table, _))) => {
            let schema = table.schema();
            let names = schema.fields().iter().map(|field| field.name().as_str());
            names.filter(|name| raw.field(name).is_none()).for_each(|name| scope.fail(name));
        }
        (None, None) if listed.is_empty() => scope.open(),
        (None, None) => {}
    }
    if lookup.is_none() {
        wanted.iter().filter_map(|column| column.text()).for_each(|name| scope.fail(name));
    }
    lookup.zip(table.map(|(_, bytes)| bytes))
}

/// Reads the lookup's table.
fn read_table(node: &Node, files: &dyn FileReader, report: &mut Report<'_>) -> Option<(RecordBatch, Vec<u8>)> {
    let node = node.get("table")?;
    let path = node.text()?;
    let bytes = match files.read(path) {
        Ok(bytes) => bytes,
        Err(reason) => {
            report.add(node.at, format!("the table `{path}` cannot be read: {reason}"), None);
            return None;
        }
    };
    match lookup::read_table(path, &bytes) {
        Ok(table) => Some((table, bytes)),
        Err(error) => {
            report.add(node.at, error.to_string(), None);
            None
        }
    }
}

/// Builds the lookup, once everything it names is there.
fn build_lookup(
    node: &Node,
    table: &RecordBatch,
    columns: &[&Node],
    raw: &Scope,
    report: &mut Report<'_>,
) -> Option<Lookup> {
    let on = node.get("on")?;
    let (stream_side, table_side) = match on.entries() {
        [entry] => (Node { at: entry.at, value: Value::Text(entry.name.clone()) }, &entry.value),
        _ => (on.clone(), on),
    };
    let stream_column = raw.column(&stream_side, "on", report);
    let schema = table.schema();
    let names = || schema.fields().iter().map(|field| field.name().as_str());
    for column in columns.iter().copied().chain([table_side]) {
        if let Some(name) = column.text()
            && schema.field_with_name(name).is_err()
            && !report.has(column.at)
        {
            report.add(column.at, format!("the table has no column `{name}`"), Some(suggest(name, names())));
        }
    }
    let columns: Vec<String> = columns.iter().filter_map(|column| column.text()).map(str::to_owned).collect();
    if columns.is_empty() || columns.iter().any(|name| schema.field_with_name(name).is_err()) {
        return None;
    }
    let (stream_column, table_column) = (stream_column?, table_side.text()?);
    schema.field_with_name(table_column).ok()?;
    let built = Lookup::new(table, stream_column.name(), table_column, &columns).and_then(|lookup| {
        lookup.check(&raw.schema())?;
        Ok(lookup)
    });
    built.map_err(|error| report.add(on.at, error.to_string(), None)).ok()
}
