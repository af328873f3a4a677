//! Quality rules, lookups, computed columns and the filter.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::RecordBatch,
    datatypes::{FieldRef, Schema},
};
use codec::ValueSchema;
use expr::{Expression, Lookup};

use crate::{
    FileReader, columns,
    node::{Entry, Node, Position},
    report::Report,
    scope::{Scope, computed, type_name},
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
            Some(expression) if is_new && is_storable(name, value, &expression, report) => {
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

/// Whether Avro has a type for the column.
fn is_storable(name: &str, node: &Node, expression: &Expression, report: &mut Report<'_>) -> bool {
    let schema = Schema::new(vec![computed(name, expression)]);
    match ValueSchema::derive(&schema, "Check", "") {
        Ok(_) => true,
        Err(error) => {
            let found = type_name(expression.data_type());
            report.add(node.at, format!("column `{name}` is {found}, which cannot be stored: {error}"), None);
            false
        }
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
    let column_nodes = node.get("columns").map(Node::items).unwrap_or_default();
    let new: Vec<&Node> = column_nodes
        .iter()
        .filter(|column| column.text().is_some_and(|name| check_new(name, column.at, scope, report)))
        .collect();
    let found = build_lookup(node, &new, raw, files, report);
    let fields: &[FieldRef] = found.as_ref().map(|(lookup, _)| lookup.fields()).unwrap_or_default();
    for name in new.iter().filter_map(|column| column.text()) {
        match fields.iter().find(|field| field.name() == name) {
            Some(field) if scope.field(name).is_none() => scope.push(field.clone()),
            Some(_) => {}
            None => scope.fail(name),
        }
    }
    found
}

/// Reads the table and builds the lookup, once everything it names is there.
fn build_lookup(
    node: &Node,
    columns: &[&Node],
    raw: &Scope,
    files: &dyn FileReader,
    report: &mut Report<'_>,
) -> Option<(Lookup, Vec<u8>)> {
    let on = node.get("on")?;
    let (stream_side, table_side) = match on.entries() {
        [entry] => (Node { at: entry.at, value: crate::node::Value::Text(entry.name.clone()) }, entry.value.clone()),
        _ => (on.clone(), on.clone()),
    };
    let stream_column = raw.column(&stream_side, "on", report).map(|field| field.name().clone());
    let table_node = node.get("table")?;
    let path = table_node.text()?;
    let bytes = files.read(path).map_err(|reason| format!("the table `{path}` cannot be read: {reason}"));
    let read = bytes.and_then(|bytes| match expr::read_table(path, &bytes) {
        Ok(table) => Ok((table, bytes)),
        Err(error) => Err(error.to_string()),
    });
    let (table, bytes) = read.map_err(|message| report.add(table_node.at, message, None)).ok()?;
    let schema = table.schema();
    let names = || schema.fields().iter().map(|field| field.name().as_str());
    let mut complete = true;
    for column in columns.iter().copied().chain([&table_side]) {
        let Some(name) = column.text() else { continue };
        if schema.field_with_name(name).is_err() {
            report.add(column.at, format!("the table has no column `{name}`"), Some(suggest(name, names())));
            complete = false;
        }
    }
    let (stream_column, table_column) = (stream_column?, table_side.text().filter(|_| complete)?);
    let columns: Vec<String> = columns.iter().filter_map(|column| column.text()).map(str::to_owned).collect();
    let built = Lookup::new(&table, &stream_column, table_column, &columns).and_then(|lookup| {
        // The types of both sides meet here for the first time.
        lookup.columns(&RecordBatch::new_empty(raw.schema()))?;
        Ok(lookup)
    });
    match built {
        Ok(lookup) => Some((lookup, bytes)),
        Err(error) => {
            report.add(table_node.at, error.to_string(), None);
            None
        }
    }
}
