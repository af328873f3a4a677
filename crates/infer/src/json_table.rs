//! JSON objects as columns in the order in which their names first appear.

use std::collections::HashMap;

use serde_json::Value as Json;
use stream::FileFormat;
use text::{Piece, next_value, rewritten};

use crate::{
    InferError, ROWS_MAX,
    names::shown,
    sample::Spread,
    table::{Cell, Column, Table},
};

pub(crate) fn read(bytes: &[u8], format: FileFormat, complete: bool) -> Result<Table, InferError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut table = Table::default();
    let texts = match format {
        FileFormat::Json => values(bytes, complete),
        _ => lines(bytes, complete),
    };
    let objects = objects(&texts, &mut table)?;
    table.rows = objects.len();
    table.notes.extend(objects.first().filter(|_| objects.len() == 1).and_then(within));
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

/// What helps where the only object of a file has the rows within it, as the answers of services have.
fn within(object: &Json) -> Option<String> {
    let is_rows =
        |value: &Json| value.as_array().is_some_and(|items| items.len() > 1 && items.iter().all(Json::is_object));
    let (name, rows) = object.as_object()?.iter().find(|(_, value)| is_rows(value))?;
    let count = rows.as_array().map_or(0, Vec::len);
    Some(format!(
        "the file is one object with {count} objects in {}; where those are the rows: `jq -c '.[\"{name}\"][]' FILE > \
         rows.jsonl`",
        shown(name)
    ))
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

/// One object a line.
fn lines(bytes: &[u8], complete: bool) -> Vec<&[u8]> {
    let end = match complete {
        true => bytes.len(),
        false => bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(bytes.len()),
    };
    bytes[..end].split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).collect()
}

/// Objects in an array, behind one another, or on several lines each.
fn values(bytes: &[u8], complete: bool) -> Vec<&[u8]> {
    let (mut rest, mut found) = (bytes, Vec::new());
    while found.len() < ROWS_MAX {
        match next_value(rest, complete) {
            Piece::Value(start, end) | Piece::Other(start, end) => {
                found.push(&rest[start..end]);
                rest = &rest[end..];
            }
            Piece::Unfinished(_) | Piece::Nothing => break,
        }
    }
    found
}

fn objects(texts: &[&[u8]], table: &mut Table) -> Result<Vec<Json>, InferError> {
    let (mut objects, mut odd) = (Vec::new(), 0);
    let spread = Spread::over(texts.len());
    table.notes.extend(spread.note(texts.len()));
    for (_, text) in texts.iter().enumerate().filter(|(row, _)| spread.takes(*row)) {
        let object = serde_json::from_slice::<Json>(text).ok().or_else(|| {
            let object = serde_json::from_slice(&rewritten(text, true, |_, _| None)?).ok()?;
            table.json.nan = true;
            Some(object)
        });
        match object.filter(Json::is_object) {
            Some(object) => objects.push(object),
            None => odd += 1,
        }
    }
    if objects.is_empty() && odd > 0 {
        return Err(InferError::sample("nothing in the sample is a JSON object; a stream reads objects"));
    }
    if odd > 0 {
        table.notes.push(format!(
            "{odd} of the sample's {} records are not JSON objects, or have a number beyond the range of a double; they \
             will be dead letters",
            texts.len()
        ));
    }
    if table.json.nan {
        table
            .settings
            .push(("nan: true".to_owned(), "NaN and infinities stand in the file as Python writes them".to_owned()));
    }
    Ok(objects)
}
