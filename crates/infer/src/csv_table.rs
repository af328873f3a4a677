//! CSV with a header line, cut as the file source cuts it.

use csv::{ByteRecord, ReaderBuilder, Terminator};
use stream::CsvOptions;

use crate::{
    InferError, dialect,
    sample::Spread,
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
            &bytes[..bytes.iter().rposition(|byte| *byte == end).unwrap_or(bytes.len())]
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
    let spread = Spread::over(whole.iter().filter(|byte| **byte == dialect.line_end).count());
    let (mut odd, mut seen) = (Odd::default(), 0);
    while records.read_byte_record(&mut record).map_err(|error| no_csv(&error))? {
        if is_passed_over(&record, &table) {
            continue;
        }
        seen += 1;
        if spread.takes(seen - 1) {
            add(&mut record, &mut table, &mut odd, dialect.line_end);
        }
    }
    if table.rows == 0 && odd.first.is_some() {
        return Err(InferError::sample(odd.alone(table.columns.len())));
    }
    table.notes.extend(spread.note(seen));
    table.notes.extend(odd.notes(table.columns.len()));
    check_header(&table)?;
    check_blanks(&table)?;
    Ok(table)
}

/// Whether a record is a blank line or a comment. `""` is neither where there is a single column: its value is missing.
fn is_passed_over(record: &ByteRecord, table: &Table) -> bool {
    let alone = table.columns.len() == 1 && record.iter().all(<[u8]>::is_empty);
    let is_blank = record.len() == 1 && record[0].trim_ascii().is_empty() && !alone;
    is_blank || table.csv.comment.as_ref().is_some_and(|comment| record[0].starts_with(comment.as_bytes()))
}

/// Adds a record to the table, or to what is odd.
fn add(record: &mut ByteRecord, table: &mut Table, odd: &mut Odd, line_end: u8) {
    let last = record.len() - 1;
    if table.csv.trailing_separator && record.len() == table.columns.len() + 1 && record[last].trim_ascii().is_empty() {
        record.truncate(last);
    }
    if odd.takes(record, table.columns.len()) {
        return;
    }
    for (column, cell) in table.columns.iter_mut().zip(&*record) {
        // A carriage return before the line's end is not the last cell's.
        let cell = cell.strip_suffix(b"\r").filter(|_| line_end == b'\n').unwrap_or(cell);
        column.cells.push(match std::str::from_utf8(cell) {
            Ok(text) if !text.is_empty() => Cell::Text(text.to_owned()),
            _ => Cell::Missing,
        });
    }
    table.rows += 1;
}

/// What makes UTF-8 of text in the encoding that spreadsheets use where nothing says another.
const TO_UTF8: &str = "if it is in Windows-1252: `iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW`";

/// Records that are not rows.
#[derive(Default)]
struct Odd {
    /// Of another encoding.
    encoded: usize,
    /// Of another number of fields.
    cut: usize,
    /// How many fields the first of the latter has, and its beginning.
    first: Option<(usize, String)>,
}

impl Odd {
    /// Counts a record if it is one.
    fn takes(&mut self, record: &ByteRecord, fields: usize) -> bool {
        let is_encoded = record.iter().any(|cell| std::str::from_utf8(cell).is_err());
        let is_odd = is_encoded || record.len() != fields;
        if is_odd {
            let cells: Vec<_> = record.iter().map(String::from_utf8_lossy).collect();
            let text = cells.join(" | ").chars().take(80).collect();
            self.first.get_or_insert((record.len(), text));
            self.encoded += usize::from(is_encoded);
            self.cut += usize::from(!is_encoded);
        }
        is_odd
    }

    /// Why there are no rows.
    fn alone(&self, fields: usize) -> String {
        let (found, text) = self.first.clone().unwrap_or_default();
        match self.encoded > 0 {
            true => format!("no row of the sample is text in UTF-8; {TO_UTF8}"),
            false => format!(
                "no row of the sample has the {fields} fields of the header; the first has {found}: {text}. Quotes are \" \
                 and are doubled within a field; write the file so"
            ),
        }
    }

    fn notes(&self, fields: usize) -> Vec<String> {
        let mut notes = Vec::new();
        if self.encoded > 0 {
            notes.push(format!(
                "{} records of the sample are not UTF-8; they will be dead letters; {TO_UTF8}",
                self.encoded
            ));
        }
        if self.cut > 0 {
            notes.push(format!(
                "{} records of the sample do not have the {fields} fields of the header; they will be dead letters",
                self.cut
            ));
        }
        notes
    }
}

/// Refuses a file whose first line is a row: a time above times, or numbers where names should be.
fn check_header(table: &Table) -> Result<(), InferError> {
    let names = || table.columns.iter().map(|column| column.name.as_str());
    let is_row = |column: &Column| {
        times::is_time(&column.name) && column.texts().next().is_some() && column.texts().all(times::is_time)
    };
    let numbers = names().filter(|name| float(name).is_some()).count();
    let headless = table.columns.iter().any(is_row) || numbers > 1 && numbers * 2 >= table.columns.len();
    match headless {
        true => Err(no_names(names())),
        false => Ok(()),
    }
}

/// Refuses a table whose columns are aligned with blanks: it would be one column.
fn check_blanks(table: &Table) -> Result<(), InferError> {
    let [column] = table.columns.as_slice() else { return Ok(()) };
    let fields = column.name.split_whitespace().count();
    let rows: Vec<Vec<&str>> = column.texts().map(|text| text.split_whitespace().collect()).collect();
    let is_value = |cell: &&str| float(cell).is_some() || times::is_time(cell);
    let is_aligned =
        fields > 1 && rows.iter().all(|cells| cells.len() == fields) && rows.iter().flatten().any(is_value);
    match is_aligned {
        true => Err(InferError::sample(
            "its columns are aligned with blanks, which is not read; convert it: `python3 -c 'import pandas; \
             pandas.read_csv(\"x.txt\", sep=\"\\\\s+\", comment=\"#\").to_csv(\"x.csv\", index=False)'`",
        )),
        false => Ok(()),
    }
}

fn no_names<'a>(names: impl Iterator<Item = &'a str>) -> InferError {
    let line = names.collect::<Vec<_>>().join(",").chars().take(80).collect::<String>();
    InferError::sample(format!(
        "the first line holds values and no names: {line}; put a header line with the columns' names above it, without a # \
         before them"
    ))
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
        let text = text.ok_or_else(|| {
            InferError::sample(format!("the sample is not CSV: its header line is not UTF-8 text; {TO_UTF8}"))
        })?;
        names.push(text.trim().to_owned());
    }
    if names.len() > COLUMNS_MAX {
        let message = format!("the header has {} columns; at most {COLUMNS_MAX} are possible", names.len());
        return Err(InferError::sample(message));
    }
    if names.iter().all(|name| float(name).is_some() || times::is_time(name) || name.is_empty()) {
        return Err(no_names(names.iter().map(String::as_str)));
    }
    Ok(names)
}

#[cfg(test)]
mod tests;
