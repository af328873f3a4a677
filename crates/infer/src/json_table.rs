//! JSON objects, one a line or in one array, as columns in the order in which their names first appear.

use std::collections::HashMap;

use serde_json::{Deserializer, Value as Json};

use crate::{
    InferError, ROWS_MAX,
    table::{Cell, Column, Table},
};

pub(crate) fn read(bytes: &[u8], complete: bool) -> Result<Table, InferError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut table = Table::default();
    let objects = match bytes.trim_ascii_start().first() {
        Some(b'[') => array(bytes, complete, &mut table.notes)?,
        _ => lines(bytes, complete, &mut table.notes)?,
    };
    table.rows = objects.len();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (row, object) in objects.iter().enumerate() {
        for (name, value) in object.as_object().into_iter().flatten() {
            let place = *places.entry(name.clone()).or_insert_with(|| {
                table.columns.push(Column { name: name.clone(), ..Column::default() });
                table.columns.len() - 1
            });
            let column = &mut table.columns[place];
            column.cells.resize(row, Cell::Missing);
            column.cells.push(cell(value));
        }
    }
    table.columns.iter_mut().for_each(|column| column.cells.resize(objects.len(), Cell::Missing));
    table.objects = Some(objects);
    Ok(table)
}

pub(crate) fn cell(value: &Json) -> Cell {
    match value {
        Json::Null => Cell::Missing,
        Json::Bool(value) => Cell::Bool(*value),
        Json::Number(number) => Cell::Number(number.to_string()),
        Json::String(text) => Cell::Text(text.clone()),
        nested => Cell::Nested(nested.clone()),
    }
}

fn lines(bytes: &[u8], complete: bool, notes: &mut Vec<String>) -> Result<Vec<Json>, InferError> {
    let end = match complete {
        true => bytes.len(),
        false => bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(bytes.len()),
    };
    let (mut objects, mut odd) = (Vec::new(), 0);
    for line in bytes[..end].split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        if objects.len() == ROWS_MAX {
            break;
        }
        match serde_json::from_slice::<Json>(line) {
            Ok(object) if object.is_object() => objects.push(object),
            _ => odd += 1,
        }
    }
    if objects.is_empty() && odd > 0 {
        return Err(InferError::sample("no line of the sample is a JSON object; a stream reads one object a line"));
    }
    if odd > 0 {
        notes.push(format!("{odd} lines of the sample are no JSON objects; they will be dead letters"));
    }
    Ok(objects)
}

fn array(bytes: &[u8], complete: bool, notes: &mut Vec<String>) -> Result<Vec<Json>, InferError> {
    let no_array = |error: &dyn std::fmt::Display| InferError::sample(format!("the sample is no JSON: {error}"));
    let mut objects = Vec::new();
    if complete {
        match serde_json::from_slice::<Json>(bytes).map_err(|error| no_array(&error))? {
            Json::Array(items) => objects = items,
            _ => return Err(no_array(&"an array of objects is expected")),
        }
    } else {
        let mut rest = &bytes.trim_ascii_start()[1..];
        while objects.len() < ROWS_MAX {
            let mut values = Deserializer::from_slice(rest).into_iter::<Json>();
            // The last one may be cut in the middle.
            let Some(Ok(value)) = values.next() else { break };
            let after = rest[values.byte_offset()..].trim_ascii_start();
            objects.push(value);
            let Some(next) = after.strip_prefix(b",") else { break };
            rest = next;
        }
    }
    objects.truncate(ROWS_MAX);
    if !objects.iter().all(Json::is_object) {
        return Err(no_array(&"the array holds something else than objects"));
    }
    notes.push(
        "the file is one JSON array, and a replay reads one object a line; write it so first, as with `jq -c '.[]'`"
            .to_owned(),
    );
    Ok(objects)
}
