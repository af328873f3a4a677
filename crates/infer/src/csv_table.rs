//! CSV with a header line, cut as the file source cuts it.

use csv::{ByteRecord, ReaderBuilder};

use crate::{
    InferError, ROWS_MAX,
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
        false => &bytes[..bytes.iter().rposition(|byte| *byte == b'\n').map_or(bytes.len(), |end| end + 1)],
    };
    let mut table = Table::default();
    let text = skip_comments(whole, &mut table.notes);
    let mut records = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
    let mut record = ByteRecord::new();
    let more = records.read_byte_record(&mut record).map_err(|error| no_csv(&error))?;
    if !more {
        return Err(InferError::sample("the sample is empty; a CSV file begins with a header line"));
    }
    let names = header(&record)?;
    table.columns = names.into_iter().map(|name| Column { name, ..Column::default() }).collect();
    let mut odd = 0;
    while table.rows < ROWS_MAX && records.read_byte_record(&mut record).map_err(|error| no_csv(&error))? {
        // A blank line is no record; but `""` is one where there is a single column, and its value is missing.
        let alone = table.columns.len() == 1 && record.iter().all(<[u8]>::is_empty);
        if record.len() == 1 && record[0].trim_ascii().is_empty() && !alone {
            continue;
        }
        if record.len() != table.columns.len() || record.iter().any(|cell| std::str::from_utf8(cell).is_err()) {
            odd += 1;
            continue;
        }
        for (column, cell) in table.columns.iter_mut().zip(&record) {
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
            "{odd} records of the sample are no UTF-8 or do not have the {fields} fields of the header; they will be dead letters"
        ));
    }
    Ok(table)
}

fn no_csv(error: &csv::Error) -> InferError {
    InferError::sample(format!("the sample cannot be read as CSV: {error}"))
}

/// Leaves out lines before the header that begin with `#` and have another number of commas than what follows.
fn skip_comments<'a>(bytes: &'a [u8], notes: &mut Vec<String>) -> &'a [u8] {
    let (mut rest, mut comments) = (bytes, 0);
    while rest.first() == Some(&b'#') {
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { break };
        let (line, after) = (&rest[..end], &rest[end + 1..]);
        let next = after.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let commas = |line: &[u8]| line.iter().filter(|byte| **byte == b',').count();
        if next.first() != Some(&b'#') && commas(line) == commas(next) {
            break;
        }
        (rest, comments) = (after, comments + 1);
    }
    if comments > 0 {
        notes.push(format!(
            "the file begins with {comments} comment line(s), which a replay would take for its header; take them out \
             first, as with `sed 1,{comments}d`"
        ));
    }
    rest
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
    if let [only] = names.as_slice()
        && let Some(other) = [';', '\t', '|'].into_iter().find(|other| only.contains(*other))
    {
        return Err(InferError::sample(format!(
            "the header has no comma, but {other:?}; a stream reads comma-separated values, so convert the file first"
        )));
    }
    if names.iter().all(|name| float(name).is_some() || times::is_iso(name) || name.is_empty()) {
        return Err(InferError::sample(format!(
            "the first line holds values and no names: {}; put a header line with the columns' names above it",
            names.join(",").chars().take(80).collect::<String>()
        )));
    }
    Ok(names)
}
