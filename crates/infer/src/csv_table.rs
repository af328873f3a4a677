//! CSV with a header line, cut as the file source cuts it.

use csv::{ByteRecord, ReaderBuilder, Terminator};
use stream::CsvOptions;

use crate::{
    InferError, ROWS_MAX, dialect,
    table::{Cell, Column, Table, float},
    times,
};

/// Columns that a file may have.
const COLUMNS_MAX: usize = 2_000;

pub(crate) fn read(bytes: &[u8], complete: bool) -> Result<Table, InferError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let whole = match complete {
        true => bytes,
        // What stands behind the last line's end is half a record.
        false => {
            let end = line_end_of(bytes);
            &bytes[..bytes.iter().rposition(|byte| *byte == end).map_or(bytes.len(), |end| end + 1)]
        }
    };
    let guess = dialect::guess(whole);
    let dialect = guess.dialect();
    let mut table = Table { csv: guess.options, settings: guess.settings, ..Table::default() };
    let mut records = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(dialect.separator)
        .terminator(Terminator::Any(dialect.line_end))
        .from_reader(behind(whole, &table.csv, dialect.line_end));
    let mut record = ByteRecord::new();
    let more = records.read_byte_record(&mut record).map_err(|error| no_csv(&error))?;
    if !more {
        return Err(InferError::sample("the sample is empty; a CSV file begins with a header line"));
    }
    let mut names = header(&record)?;
    if table.csv.trailing_separator && names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    table.columns = names.into_iter().map(|name| Column { name, ..Column::default() }).collect();
    let mut odd = 0;
    while table.rows < ROWS_MAX && records.read_byte_record(&mut record).map_err(|error| no_csv(&error))? {
        // A blank line is no record; but `""` is one where there is a single column, and its value is missing.
        let alone = table.columns.len() == 1 && record.iter().all(<[u8]>::is_empty);
        if record.len() == 1 && record[0].trim_ascii().is_empty() && !alone {
            continue;
        }
        if table.csv.comment.as_ref().is_some_and(|comment| record[0].starts_with(comment.as_bytes())) {
            continue;
        }
        let last = record.len() - 1;
        if table.csv.trailing_separator
            && record.len() == table.columns.len() + 1
            && record[last].trim_ascii().is_empty()
        {
            record.truncate(last);
        }
        if record.len() != table.columns.len() || record.iter().any(|cell| std::str::from_utf8(cell).is_err()) {
            odd += 1;
            continue;
        }
        for (column, cell) in table.columns.iter_mut().zip(&record) {
            // A carriage return before the line's end is not the last cell's.
            let cell = cell.strip_suffix(b"\r").filter(|_| dialect.line_end == b'\n').unwrap_or(cell);
            column.cells.push(match std::str::from_utf8(cell) {
                Ok(text) if !text.is_empty() => Cell::Text(text.to_owned()),
                _ => Cell::Missing,
            });
        }
        table.rows += 1;
    }
    if odd > 0 {
        let fields = table.columns.len();
        table.notes.push(format!(
            "{odd} records of the sample are not UTF-8 or do not have the {fields} fields of the header; they will be dead letters"
        ));
    }
    Ok(table)
}

/// The byte that lines end with.
fn line_end_of(bytes: &[u8]) -> u8 {
    if bytes.contains(&b'\n') { b'\n' } else { b'\r' }
}

/// The text behind the lines that stand before the header.
fn behind<'a>(text: &'a [u8], options: &CsvOptions, line_end: u8) -> &'a [u8] {
    let (mut rest, mut left) = (text, options.skip_lines);
    while left > 0 {
        let Some(end) = rest.iter().position(|byte| *byte == line_end) else { return &[] };
        left -= u32::from(!rest[..end].trim_ascii().is_empty());
        rest = &rest[end + 1..];
    }
    rest
}

fn no_csv(error: &csv::Error) -> InferError {
    InferError::sample(format!("the sample cannot be read as CSV: {error}"))
}

fn header(record: &ByteRecord) -> Result<Vec<String>, InferError> {
    let mut names = Vec::with_capacity(record.len());
    for cell in record {
        let text = std::str::from_utf8(cell).ok().filter(|text| !text.contains('\0'));
        let text = text.ok_or_else(|| InferError::sample("the sample is no CSV: its header line is no UTF-8 text"))?;
        names.push(text.trim().to_owned());
    }
    if names.len() > COLUMNS_MAX {
        let message = format!("the header has {} columns; at most {COLUMNS_MAX} are possible", names.len());
        return Err(InferError::sample(message));
    }
    if names.iter().all(|name| float(name).is_some() || times::is_time(name) || name.is_empty()) {
        return Err(InferError::sample(format!(
            "the first line holds values and no names: {}; put a header line with the columns' names above it",
            names.join(",").chars().take(80).collect::<String>()
        )));
    }
    Ok(names)
}
