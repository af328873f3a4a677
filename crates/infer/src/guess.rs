//! The type of a column, from its cells and its name.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use crate::{
    json_table::cell,
    names::{self, MEASURED, TIMES, WHOLE, has_word},
    table::{Cell, Column, float, is_digits, whole},
    times,
};

/// From so many rows on, a column that was whole in each of them is taken to stay so.
const WHOLE_ROWS: usize = 1_000;

/// Beyond it a float does not hold every whole number.
const EXACT: u64 = 1 << 53;

/// How people write that a number is missing.
const MARKERS: [&str; 13] = ["NA", "N/A", "n/a", "na", "null", "NULL", "Null", "None", "none", "-", "--", "?", "#N/A"];

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
    /// Numbers, and these words where one is missing.
    Marked(BTreeSet<String>),
    Text,
    /// An object or list, as Avro has it.
    Nested(Json),
    /// Values of types that no column holds together.
    Mixed,
}

/// The type of a column of CSV.
pub(crate) fn of_csv(column: &Column) -> Kind {
    let texts = || column.texts();
    if texts().next().is_none() {
        return Kind::Text;
    }
    if texts().all(|text| matches!(text.to_ascii_lowercase().trim(), "true" | "false")) {
        return Kind::Boolean;
    }
    if has_word(&column.name, &TIMES) && times::epoch_digits(texts()).is_some() {
        return Kind::Time;
    }
    if texts().all(|text| whole(text).is_some()) {
        return of_whole(column);
    }
    let is_float = |text: &str| float(text).is_some() && (!is_digits(text) || whole(text).is_some());
    if texts().all(is_float) {
        return Kind::Double;
    }
    if texts().all(times::is_iso) {
        return Kind::Time;
    }
    let marked: BTreeSet<String> = texts().filter(|text| is_marker(text)).map(|text| text.trim().to_owned()).collect();
    if !marked.is_empty()
        && texts().any(|text| !is_marker(text))
        && texts().filter(|text| !is_marker(text)).all(is_float)
    {
        return Kind::Marked(marked);
    }
    Kind::Text
}

fn is_marker(text: &str) -> bool {
    text.trim().is_empty() || MARKERS.contains(&text.trim())
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

/// The type of a column of JSON.
pub(crate) fn of_json(column: &Column) -> Kind {
    let mut there = column.cells.iter().filter(|cell| **cell != Cell::Missing);
    match there.clone().next() {
        None => Kind::Text,
        Some(Cell::Bool(_)) if there.all(|cell| matches!(cell, Cell::Bool(_))) => Kind::Boolean,
        Some(Cell::Number(_)) if there.all(|cell| matches!(cell, Cell::Number(_))) => {
            if has_word(&column.name, &TIMES)
                && let Some(digits) = times::epoch_digits(column.texts())
            {
                return Kind::Epoch(digits);
            }
            match column.texts().all(|text| whole(text).is_some()) {
                true => of_whole(column),
                false => Kind::Double,
            }
        }
        Some(Cell::Text(_)) if there.all(|cell| matches!(cell, Cell::Text(_))) => {
            match column.texts().all(times::is_iso) {
                true => Kind::Time,
                false => Kind::Text,
            }
        }
        Some(Cell::Nested(_)) => {
            let mut values = Vec::new();
            for cell in there {
                let Cell::Nested(value) = cell else { return Kind::Mixed };
                values.push(value);
            }
            nested(&column.name, &values, 0).map_or(Kind::Mixed, Kind::Nested)
        }
        _ => Kind::Mixed,
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
    let column = Column { name: name.to_owned(), cells: values.iter().map(|value| cell(value)).collect(), field: None };
    match of_json(&column) {
        Kind::Boolean => Some(json!("boolean")),
        Kind::Long | Kind::Epoch(13 | 16 | 19) => Some(json!("long")),
        Kind::Double | Kind::Epoch(_) => Some(json!("double")),
        Kind::Text | Kind::Time => Some(json!("string")),
        _ => None,
    }
}
