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

#[cfg(test)]
mod tests {
    use super::*;

    fn read_as(format: FileFormat, text: &str, complete: bool) -> Table {
        read(text.as_bytes(), format, complete).unwrap()
    }

    /// The columns, each with its cells as they are shown.
    fn cells(table: &Table) -> Vec<(&str, String)> {
        let show = |cell: &Cell| match cell {
            Cell::Missing => "-".to_owned(),
            Cell::Text(text) => format!("'{text}'"),
            Cell::Number(number) => number.clone(),
            Cell::Bool(value) => value.to_string(),
            Cell::Nested(json) => json.to_string(),
        };
        let columns = table.columns.iter();
        columns
            .map(|column| (column.name.as_str(), column.cells.iter().map(show).collect::<Vec<_>>().join(" ")))
            .collect()
    }

    #[test]
    fn objects_become_columns_in_the_order_of_their_names() {
        let lines = "\u{feff}{\"b\": 1, \"a\": \"x\"}\n\n{\"a\": null, \"c\": [1]}\r\n  \n{\"b\": true}\n";
        let wanted =
            [("b", "1 - true"), ("a", "'x' - -"), ("c", "- [1] -")].map(|(name, cells)| (name, cells.to_owned()));
        let table = read_as(FileFormat::Jsonl, lines, true);
        assert_eq!((cells(&table), table.rows, table.notes.len()), (wanted.to_vec(), 3, 0));
        let array = "[{\"b\": 1, \"a\": \"x\"}, {\"a\": null, \"c\": [1]},\n{\"b\":\n true}]";
        assert_eq!(cells(&read_as(FileFormat::Json, array, true)), wanted);
        let behind = "{\"b\": 1, \"a\": \"x\"} {\"a\": null, \"c\": [1]}\n{\"b\": true}";
        assert_eq!(cells(&read_as(FileFormat::Json, behind, true)), wanted);
    }

    #[test]
    fn half_an_object_at_the_end_of_a_sample_is_not_a_row() {
        for format in [FileFormat::Jsonl, FileFormat::Json] {
            assert_eq!(read_as(format, "{\"a\": 1}\n{\"a\": 2}\n{\"a\"", false).rows, 2, "{format:?}");
        }
        assert_eq!(read_as(FileFormat::Jsonl, "{\"a\": 1}\n{\"a\": 2}", false).rows, 1, "it may go on");
        assert_eq!(read_as(FileFormat::Jsonl, "{\"a\": 1}\n{\"a\": 2}", true).rows, 2);
        assert_eq!(read_as(FileFormat::Jsonl, "{\"a\": 1}", false).rows, 1);
    }

    #[test]
    fn what_is_not_an_object_is_counted() {
        let table = read_as(FileFormat::Jsonl, "{\"a\": 1}\n3\nnonsense\n{\"a\": 1e999}\n", true);
        assert_eq!((table.rows, table.json.nan), (1, false));
        assert!(table.notes[0].starts_with("3 of the sample's 4 records are not JSON objects"), "{:?}", table.notes);
        let message = |text: &str| read(text.as_bytes(), FileFormat::Jsonl, true).unwrap_err().to_string();
        assert!(message("3\n").contains("nothing in the sample is a JSON object"));
        assert_eq!(read_as(FileFormat::Jsonl, "", true).rows, 0);
    }

    #[test]
    fn numbers_as_python_writes_them_set_nan() {
        let table = read_as(FileFormat::Jsonl, "{\"a\": NaN}\n{\"a\": -Infinity}\n{\"a\": 1.5}\n", true);
        assert_eq!((table.rows, table.json.nan, table.settings[0].0.as_str()), (3, true, "nan: true"));
        let table = read_as(FileFormat::Jsonl, "{\"a\": 1.5}\n", true);
        assert_eq!((table.json.nan, table.settings.len()), (false, 0));
    }

    #[test]
    fn rows_within_the_only_object_are_pointed_at() {
        let note = |text: &str| read_as(FileFormat::Json, text, true).notes.first().cloned();
        let found = note("{\"ok\": true, \"data\": [{\"a\": 1}, {\"a\": 2}]}").unwrap();
        assert!(
            found.starts_with(
                "the file is one object with 2 objects in `data`; where those are the rows: `jq -c '.[\"data\"][]'"
            ),
            "{found}"
        );
        for text in [
            "{\"data\": [{\"a\": 1}]}",
            "{\"data\": [{\"a\": 1}, 2]}",
            "{\"data\": {}}",
            "{\"d\": [{}, {}]} {\"d\": [{}, {}]}",
        ] {
            assert_eq!(note(text), None, "{text}");
        }
    }

    #[test]
    fn not_more_rows_are_looked_at_than_are_needed() {
        let objects = "{\"a\": 1}\n".repeat(ROWS_MAX + 5);
        assert_eq!(read_as(FileFormat::Json, &objects, true).rows, ROWS_MAX);
        let table = read_as(FileFormat::Jsonl, &"{\"a\": 1}\n".repeat(20_000), true);
        assert_eq!(table.notes, [format!("{} rows were looked at, of 20000 in that part of the file", table.rows)]);
    }
}
