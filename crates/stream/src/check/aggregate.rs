//! The aggregates: their windows, groups and expressions, and whether their columns go together.

use std::{collections::BTreeMap, sync::Arc};

use arrow::datatypes::{DataType, Field, Schema};
use codec::ValueSchema;
use expr::{Aggregation, ExprError};

use crate::{
    Aggregates, Duration, WindowedAggregate, Windows,
    aggregates::late,
    columns,
    node::{Entry, Node, Position},
    report::Report,
    scope::{Scope, type_name},
};

/// The longest length of time: beyond it, times leave their range.
const LENGTH_MAX: std::time::Duration = std::time::Duration::from_secs(366 * 86_400);

/// Windows that one event can be in.
const OVERLAP_MAX: i64 = 64;

/// Checks `aggregate` over the scored columns and compiles it.
pub(super) fn check(spec: &Node, scope: &Scope, report: &mut Report<'_>) -> Aggregates {
    let nodes = spec.get("aggregate").map(Node::items).unwrap_or_default();
    let scored = scope.schema();
    check_max_ahead(spec, report);
    if nodes.is_empty() {
        return Aggregates::none(&scored);
    }
    if let Some(node) = spec.get("schema") {
        for name in columns::OF_LATE.iter().filter(|name| scope.field(name).is_some()) {
            let message = format!("there is a column `{name}`, which late events get");
            report.add(node.at, message, Some("rename it".to_owned()));
        }
    }
    let mut fields = Fields { list: columns::of_aggregates(), from: BTreeMap::new() };
    let mut seen: BTreeMap<&str, Position> = BTreeMap::new();
    let mut list = Vec::new();
    for node in nodes {
        let name = node.get("name").and_then(|name| Some((name.text()?, name.at)));
        if let Some((name, at)) = name
            && let Some(first) = seen.insert(name, at)
        {
            report.add(at, format!("there is another aggregate `{name}` in line {}", first.line), None);
        }
        let aggregate = check_one(node, spec, scope, &mut fields, report);
        list.extend(aggregate.map(Arc::new));
    }
    Aggregates { list, schema: Arc::new(Schema::new(fields.list)), late: late(&scored) }
}

/// The columns of all aggregates, and which of them each is from.
struct Fields {
    list: Vec<Field>,
    from: BTreeMap<String, String>,
}

impl Fields {
    /// Adds a column of `aggregate`; one that is there already must be of the same type.
    fn add(&mut self, aggregate: &str, name: &str, data_type: DataType, at: Position, report: &mut Report<'_>) {
        let suggestion = || Some("choose another name".to_owned());
        if columns::OF_AGGREGATES.contains(&name) {
            let message = format!("column `{name}` is one of those that every aggregate has");
            return report.add(at, message, suggestion());
        }
        let Some(known) = self.list.iter().find(|field| field.name() == name) else {
            let field = Field::new(name, data_type, true);
            if let Err(error) = ValueSchema::derive(&Schema::new(vec![field.clone()]), "Check", "") {
                return report.add(at, error.to_string(), None);
            }
            self.list.push(field);
            self.from.insert(name.to_owned(), aggregate.to_owned());
            return;
        };
        if *known.data_type() != data_type {
            let other = self.from.get(name).map_or("another aggregate", String::as_str);
            let message = format!(
                "column `{name}` is {} here, but {} in `{other}`, and they share a table",
                type_name(&data_type),
                type_name(known.data_type())
            );
            report.add(at, message, suggestion());
        }
    }
}

fn check_one(
    node: &Node,
    spec: &Node,
    scope: &Scope,
    fields: &mut Fields,
    report: &mut Report<'_>,
) -> Option<WindowedAggregate> {
    let name = node.get("name")?.text()?;
    let group_by = check_groups(name, node, scope, fields, report);
    let key = spec.get("key").and_then(Node::text);
    let keyed = key.is_some_and(|key| group_by.iter().any(|column| column == key));
    let windows = check_windows(node, keyed, key, report);
    let lateness = match node.get("lateness") {
        Some(lateness) => micros(lateness, "lateness", true, report),
        None => Some(node.typed::<crate::Aggregate>().map_or(0, |aggregate| aggregate.lateness.0.as_micros() as i64)),
    };
    let mut select = Vec::new();
    for Entry { name: column, at, value } in node.get("select").map(Node::entries).unwrap_or_default() {
        let Some(aggregation) = compile(value, scope, report) else { continue };
        if group_by.contains(column) {
            report.add(*at, format!("`{column}` is a column of `group_by`"), Some("choose another name".to_owned()));
        } else {
            fields.add(name, column, aggregation.data_type(), *at, report);
        }
        select.push((column.clone(), aggregation));
    }
    Some(WindowedAggregate { name: name.to_owned(), windows: windows?, lateness: lateness?, group_by, keyed, select })
}

fn check_groups(name: &str, node: &Node, scope: &Scope, fields: &mut Fields, report: &mut Report<'_>) -> Vec<String> {
    let mut group_by: Vec<String> = Vec::new();
    for column in node.get("group_by").map(Node::items).unwrap_or_default() {
        let Some(field) = scope.column(column, "group_by", report) else { continue };
        let data_type = match field.data_type() {
            DataType::Dictionary(_, values) => values.as_ref().clone(),
            other => other.clone(),
        };
        if group_by.contains(field.name()) {
            report.add(column.at, format!("`{}` stands here a second time", field.name()), None);
        } else if data_type.is_nested() || data_type.is_floating() {
            let message =
                format!("group_by: `{}` is {}, whose values make no groups", field.name(), type_name(&data_type));
            let suggestion =
                data_type.is_floating().then(|| "add a column with its whole part, or with bins".to_owned());
            report.add(column.at, message, suggestion);
        } else {
            group_by.push(field.name().clone());
            fields.add(name, field.name(), data_type, column.at, report);
        }
    }
    group_by
}

/// The windows that `window`, `slide` and `session` make together.
fn check_windows(node: &Node, keyed: bool, key: Option<&str>, report: &mut Report<'_>) -> Option<Windows> {
    let length = |name: &str, report: &mut Report<'_>| match node.get(name) {
        Some(node) => micros(node, name, false, report).map(Some),
        None => Some(None),
    };
    let (window, slide, session) = (length("window", report)?, length("slide", report)?, length("session", report)?);
    let place = |name: &str| node.entry(name).map_or(node.at, |entry| entry.at);
    match (window, slide, session) {
        (None, None, None) => Some(Windows::Whole),
        (Some(length), None, None) => Some(Windows::Sliding { length, slide: length }),
        (Some(length), Some(slide), None) if slide <= length && (length + slide - 1) / slide <= OVERLAP_MAX => {
            Some(Windows::Sliding { length, slide })
        }
        (Some(_), Some(_), None) => {
            let message = format!("`slide` must be no longer than `window`, and at least 1/{OVERLAP_MAX} of it");
            report.add(place("slide"), message, None);
            None
        }
        (None, None, Some(gap)) if keyed => Some(Windows::Session { gap }),
        (None, None, Some(_)) => {
            let key = key.unwrap_or("key");
            let message = "a session is one of the stream's key, so that its events are in one partition";
            report.add(place("session"), message, Some(format!("add `{key}` to `group_by`")));
            None
        }
        (None, Some(_), _) => {
            report.add(place("slide"), "`slide` goes with `window`", None);
            None
        }
        (Some(_), _, Some(_)) => {
            let message = "an aggregate has a `window` or a `session`, not both";
            report.add(place("session"), message, Some("make two aggregates of it".to_owned()));
            None
        }
    }
}

fn check_max_ahead(spec: &Node, report: &mut Report<'_>) {
    if let Some(node) = spec.get("max_ahead") {
        micros(node, "max_ahead", true, report);
    }
}

/// A length of time in microseconds; reports what is none.
pub(super) fn micros(node: &Node, name: &str, zero: bool, report: &mut Report<'_>) -> Option<i64> {
    if node.text().is_none() || report.has(node.at) {
        return None;
    }
    let message = match node.typed::<Duration>() {
        Some(Duration(length)) if length.is_zero() && !zero => format!("`{name}` must be longer than 0"),
        Some(Duration(length)) if length > LENGTH_MAX => format!("`{name}` must be no longer than a year"),
        Some(Duration(length)) if length.subsec_nanos() % 1000 != 0 => {
            format!("`{name}` must be a whole number of microseconds")
        }
        Some(Duration(length)) => return i64::try_from(length.as_micros()).ok(),
        None => {
            let message = format!("`{name}` cannot be `{}`", node.text().unwrap_or_default());
            report.add(node.at, message, Some("a length of time is written `10s`, `1m` or `1h 30m`".to_owned()));
            return None;
        }
    };
    report.add(node.at, message, None);
    None
}

/// Compiles the SQL of a selected column, as [`Scope::compile`] does for one of a row.
fn compile(node: &Node, scope: &Scope, report: &mut Report<'_>) -> Option<Aggregation> {
    let sql = node.text()?;
    let error: ExprError = match Aggregation::compile(sql, &scope.schema()) {
        Ok(aggregation) => return Some(aggregation),
        Err(error) => error,
    };
    scope.explain(node, &error, report);
    None
}
