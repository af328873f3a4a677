//! The type of a column, from its cells and its name.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};
use text::is_marker;

use crate::{
    json_table::cell,
    names::{self, MEASURED, TIMES, WHOLE, has_word},
    table::{Cell, Column, float, is_digits, whole},
    times::{self, Days},
};

/// From so many rows on, a column that was whole in each of them is taken to stay so.
const WHOLE_ROWS: usize = 1_000;

/// Beyond it a float does not hold every whole number.
const EXACT: u64 = 1 << 53;

/// Objects within objects.
const NESTING_MAX: usize = 8;

/// What a column holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Boolean,
    Long,
    Double,
    /// A time that the source reads by itself.
    Time,
    /// A time as a number since 1970 that SQL must read: how many digits stand before its point.
    Epoch(usize),
    /// Days as astronomers count them.
    Days(Days),
    Text,
    /// An object or list, as Avro has it.
    Nested(Json),
    /// Why no column holds the values.
    Mixed(String),
}

/// The type of a column of CSV, and the markers in it that say that a value is missing.
pub(crate) fn of_csv(column: &Column, decimal_comma: bool) -> (Kind, BTreeSet<String>) {
    let is_missing = |text: &&str| text.trim().is_empty() || is_marker(text);
    let markers: BTreeSet<String> = column.texts().filter(is_missing).map(|text| text.trim().to_owned()).collect();
    let texts = || column.texts().filter(|text| !is_missing(text));
    let kind = of_texts(column, texts, decimal_comma);
    match kind {
        Kind::Text => (kind, BTreeSet::new()),
        kind => (kind, markers),
    }
}

fn of_texts<'a, I: Iterator<Item = &'a str>>(column: &'a Column, texts: impl Fn() -> I, decimal_comma: bool) -> Kind {
    if texts().next().is_none() {
        return Kind::Text;
    }
    if texts().all(|text| matches!(text.to_ascii_lowercase().trim(), "true" | "false")) {
        return Kind::Boolean;
    }
    if has_word(&column.name, &TIMES) && texts().all(times::is_epoch) {
        return Kind::Time;
    }
    let number = |text: &str| match decimal_comma {
        true => text::float_with_comma(text.as_bytes()),
        false => float(text),
    };
    let numbers: Vec<f64> = texts().map_while(number).collect();
    if numbers.len() == texts().count()
        && let Some(days) = times::days_of(&column.name, &numbers)
    {
        return Kind::Days(days);
    }
    if texts().all(|text| whole(text).is_some()) {
        return of_whole(column);
    }
    let is_float = |text: &str| number(text).is_some() && (!is_digits(text) || whole(text).is_some());
    if texts().all(is_float) {
        return Kind::Double;
    }
    if texts().all(times::is_time) {
        return Kind::Time;
    }
    Kind::Text
}

fn of_whole(column: &Column) -> Kind {
    let large = column.texts().filter_map(whole).any(|number| number.unsigned_abs() > EXACT);
    let rows = column.texts().count();
    let measured = has_word(&column.name, &MEASURED);
    match large || !measured && (has_word(&column.name, &WHOLE) || rows >= WHOLE_ROWS) {
        true => Kind::Long,
        false => Kind::Double,
    }
}

/// The type of a column of JSON, and whether its text takes what is not text as it is written.
pub(crate) fn of_json(column: &Column) -> (Kind, bool) {
    let there = || column.cells.iter().filter(|cell| **cell != Cell::Missing);
    let all = |fits: &dyn Fn(&Cell) -> bool| there().all(fits);
    let is_number = |cell: &Cell| matches!(cell, Cell::Number(_));
    let is_nan = |cell: &Cell| matches!(cell, Cell::Text(text) if float(text).is_some_and(|value| !value.is_finite()));
    if there().next().is_none() {
        return (Kind::Text, false);
    }
    if all(&|cell| matches!(cell, Cell::Bool(_))) {
        return (Kind::Boolean, false);
    }
    if there().any(is_number) && all(&|cell| is_number(cell) || is_nan(cell)) {
        return of_json_numbers(column);
    }
    if all(&|cell| matches!(cell, Cell::Text(_))) {
        let is_time = |text: &str| times::is_time(text) || has_word(&column.name, &TIMES) && times::is_epoch(text);
        return (if column.texts().all(is_time) { Kind::Time } else { Kind::Text }, false);
    }
    if all(&|cell| matches!(cell, Cell::Nested(_))) {
        let values: Vec<&Json> =
            there().filter_map(|cell| if let Cell::Nested(value) = cell { Some(value) } else { None }).collect();
        let is_unnamed =
            |value: &&Json| value.as_object().is_some_and(|object| !object.keys().any(|key| names::is_legal(key)));
        let why = match values.iter().all(is_unnamed) {
            true => "the names within it cannot stand in a schema",
            false => "its values have no type in common",
        };
        let mixed = || Kind::Mixed(why.to_owned());
        return (nested(&column.name, &values, 0).map_or_else(mixed, Kind::Nested), false);
    }
    match there().any(|cell| matches!(cell, Cell::Nested(_))) {
        true => {
            (Kind::Mixed("its values have no type in common: there are objects or lists among them".to_owned()), false)
        }
        false => (Kind::Text, true),
    }
}

fn of_json_numbers(column: &Column) -> (Kind, bool) {
    if has_word(&column.name, &TIMES)
        && let Some(digits) = times::epoch_digits(column.texts())
    {
        return (Kind::Epoch(digits), false);
    }
    if let Some(days) = times::days_of(&column.name, &column.numbers()) {
        return (Kind::Days(days), false);
    }
    if column.texts().all(|text| whole(text).is_some()) {
        return (of_whole(column), false);
    }
    // Beyond 64 bits a number would lose digits.
    match column.texts().any(|text| is_digits(text) && whole(text).is_none()) {
        true => (Kind::Text, true),
        false => (Kind::Double, false),
    }
}

/// The Avro type of some objects or lists, `None` where they have none in common.
fn nested(path: &str, values: &[&Json], depth: usize) -> Option<Json> {
    if depth == NESTING_MAX {
        return None;
    }
    if values.iter().all(|value| value.is_object()) {
        let mut names: Vec<&String> = Vec::new();
        for name in values.iter().flat_map(|value| value.as_object().into_iter().flat_map(Map::keys)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let fields: Vec<Json> = names
            .into_iter()
            .filter(|name| names::is_legal(name))
            .filter_map(|name| {
                let inner: Vec<&Json> = values.iter().filter_map(|value| value.get(name)).collect();
                let kind = within(&format!("{path}_{name}"), name, &inner, depth)?;
                Some(json!({ "name": name, "type": ["null", kind], "default": null }))
            })
            .collect();
        let name = names::legal(&format!("{path}_record"), &[]);
        return (!fields.is_empty()).then(|| json!({ "type": "record", "name": name, "fields": fields }));
    }
    let lists: Option<Vec<&Vec<Json>>> = values.iter().map(|value| value.as_array()).collect();
    let items: Vec<&Json> = lists?.into_iter().flatten().collect();
    let kind = within(&format!("{path}_item"), "item", &items, depth)?;
    Some(json!({ "type": "array", "items": ["null", kind] }))
}

fn within(path: &str, name: &str, values: &[&Json], depth: usize) -> Option<Json> {
    let values: Vec<&Json> = values.iter().copied().filter(|value| !value.is_null()).collect();
    if !values.is_empty() && values.iter().all(|value| value.is_object() || value.is_array()) {
        return nested(path, &values, depth + 1);
    }
    let cells = values.iter().map(|value| cell(value)).collect();
    let column = Column { name: name.to_owned(), cells, ..Column::default() };
    let (kind, as_written) = of_json(&column);
    if as_written {
        return None;
    }
    match kind {
        Kind::Boolean => Some(json!("boolean")),
        Kind::Long | Kind::Epoch(13 | 16 | 19) => Some(json!("long")),
        Kind::Double | Kind::Epoch(_) | Kind::Days(_) => Some(json!("double")),
        Kind::Text | Kind::Time => Some(json!("string")),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
