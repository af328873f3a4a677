//! CSV records to rows of a schema.

use std::io;

use arrow::{
    array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions},
    compute,
    datatypes::SchemaRef,
};

use stream::{CsvOptions, LineEnd};
use text::{Dialect, Splitter};

use crate::{
    SourceError,
    cells::{Cells, cells, type_name},
    columns::own_name,
    records::{Record, RecordReader},
};

/// Characters of a value that a reason shows at most.
const SHOWN_CHARS_MAX: usize = 80;

/// Builds rows from CSV records, columns found by the header's names.
pub(crate) struct CsvRows {
    schema: SchemaRef,
    /// Fields that the header has.
    fields: usize,
    /// Whether a record may have one more, which is empty.
    trailing: bool,
    missing: Vec<Vec<u8>>,
    columns: Vec<Column>,
    splitter: Splitter,
    /// For each record since the last `finish`, whether it is a row.
    good: Vec<bool>,
    bad: usize,
}

struct Column {
    /// Which field of a record; `None` where the header lacks it, and every row has null.
    field: Option<usize>,
    cells: Box<dyn Cells>,
    is_text: bool,
}

impl CsvRows {
    /// Rows of `schema`, found in `header`, of CSV that is written as `options` say. `required` says for each column
    /// whether the header must have it. `name` is how messages call the input.
    ///
    /// # Errors
    /// Where a column is missing, stands twice, or has a type that no cell can hold.
    pub(crate) fn new(
        name: &str,
        header: &[u8],
        schema: SchemaRef,
        required: &[bool],
        options: &CsvOptions,
    ) -> Result<Self, SourceError> {
        let dialect = dialect(options);
        let names = header_names(name, header, options)?;
        let mut columns = Vec::with_capacity(schema.fields().len());
        for (field, required) in schema.fields().iter().zip(required) {
            let mut found =
                names.iter().enumerate().filter(|(_, name)| *name == own_name(field)).map(|(index, _)| index);
            let index = found.next();
            if index.is_none() && *required {
                return Err(missing_column(name, own_name(field), &names));
            }
            if found.next().is_some() {
                let message = format!("{name} has two columns `{}`; rename one", field.name());
                return Err(SourceError::input(message));
            }
            let cells = cells(field, dialect.decimal).ok_or_else(|| {
                SourceError::input(format!(
                    "column `{}` has type {}, which CSV cannot hold",
                    field.name(),
                    field.data_type()
                ))
            })?;
            let is_text = field.data_type() == &arrow::datatypes::DataType::Utf8;
            columns.push(Column { field: index, cells, is_text });
        }
        Ok(Self {
            schema,
            fields: names.len(),
            trailing: options.trailing_separator,
            missing: options.missing.iter().map(|marker| marker.trim().as_bytes().to_vec()).collect(),
            columns,
            splitter: Splitter::new(dialect.separator),
            good: Vec::new(),
            bad: 0,
        })
    }

    /// Takes a record; an error says why it is not a row.
    pub(crate) fn push(&mut self, record: &[u8]) -> Result<(), String> {
        let pushed = self.push_cells(record);
        self.good.push(pushed.is_ok());
        self.bad += usize::from(pushed.is_err());
        pushed
    }

    fn push_cells(&mut self, record: &[u8]) -> Result<(), String> {
        let cells = self.splitter.split(record);
        let found = cells.len();
        let trailing = self.trailing && found == self.fields + 1 && cells.get(found - 1).is_empty();
        if found != self.fields && !trailing {
            self.columns.iter_mut().for_each(|column| column.cells.push_null());
            return Err(format!("{found} fields where the header has {}", self.fields));
        }
        let mut wrong = None;
        for (index, column) in self.columns.iter_mut().enumerate() {
            let cell = match column.field {
                Some(field) => cells.get(field),
                None => &[],
            };
            let missing = |cell: &[u8]| self.missing.iter().any(|marker| marker == cell.trim_ascii());
            let may_be_missing = !self.missing.is_empty() && !column.is_text;
            if cell.is_empty() || may_be_missing && missing(cell) {
                column.cells.push_null();
                if !self.schema.field(index).is_nullable() {
                    wrong.get_or_insert((index, cell));
                }
            } else if !column.cells.push(cell) {
                column.cells.push_null();
                wrong.get_or_insert((index, cell));
            }
        }
        match wrong {
            None => Ok(()),
            Some((index, cell)) => Err(reason(self.schema.field(index), cell)),
        }
    }

    /// The good rows since the last call, in order.
    pub(crate) fn finish(&mut self) -> Result<RecordBatch, SourceError> {
        let good = BooleanArray::from(std::mem::take(&mut self.good));
        let rows = good.len() - std::mem::take(&mut self.bad);
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.columns.len());
        for column in &mut self.columns {
            let built = column.cells.finish()?;
            columns.push(if rows < good.len() { compute::filter(&built, &good)? } else { built });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }
}

/// How CSV is cut that is written as `options` say.
pub(crate) fn dialect(options: &CsvOptions) -> Dialect {
    let separator = options.separator.as_ref().and_then(|separator| separator.bytes().next());
    Dialect {
        separator: separator.unwrap_or(b','),
        line_end: if options.line_end == LineEnd::Cr { b'\r' } else { b'\n' },
        decimal: if options.decimal_comma { b',' } else { b'.' },
    }
}

/// The header line of an input that stands at its beginning.
///
/// # Errors
/// Where there is none that can be read; `failed` says how an error of the system is told.
pub(crate) fn csv_header(
    records: &mut RecordReader,
    name: &str,
    options: &CsvOptions,
    failed: impl Fn(io::Error) -> SourceError,
) -> Result<Vec<u8>, SourceError> {
    let mut before = options.skip_lines;
    loop {
        match records.next().map_err(&failed)? {
            Some(_) if before > 0 => before -= 1,
            Some(Record::Whole(line)) if is_comment(line, options) => {}
            Some(Record::Whole(header)) => return Ok(header.to_vec()),
            Some(Record::Unreadable(_, reason)) => {
                return Err(SourceError::input(format!("{name} is not CSV: in its header, {reason}")));
            }
            None => return Err(SourceError::input(format!("{name} is empty; a CSV file begins with a header line"))),
        }
    }
}

/// Whether a line is passed over.
pub(crate) fn is_comment(line: &[u8], options: &CsvOptions) -> bool {
    options.comment.as_ref().is_some_and(|comment| line.starts_with(comment.as_bytes()))
}

/// The names in a header line.
pub(crate) fn header_names(name: &str, header: &[u8], options: &CsvOptions) -> Result<Vec<String>, SourceError> {
    let header = header.strip_prefix(b"\xef\xbb\xbf").unwrap_or(header);
    let mut splitter = Splitter::new(dialect(options).separator);
    let mut names = Vec::new();
    for cell in splitter.split(header).iter() {
        let text = std::str::from_utf8(cell);
        let text =
            text.map_err(|_| SourceError::input(format!("{name} is not CSV: its header line is not UTF-8 text")))?;
        if text.contains('\0') {
            return Err(SourceError::input(format!("{name} is not CSV: its header line has a zero byte")));
        }
        if text.contains('\r') && options.line_end == LineEnd::Lf {
            return Err(SourceError::input(format!(
                "{name} has carriage returns in its header; if its lines end with them, set `csv: {{ line_end: cr }}`"
            )));
        }
        names.push(text.trim().to_owned());
    }
    if options.trailing_separator && names.len() > 1 && names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    Ok(names)
}

/// An input that lacks a column.
pub(crate) fn missing_column(name: &str, column: &str, names: &[String]) -> SourceError {
    let names = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    SourceError::input(format!(
        "{name} has no column `{column}`; it has {names}. derive it, or make it nullable in the schema"
    ))
}

fn reason(field: &arrow::datatypes::Field, cell: &[u8]) -> String {
    if cell.is_empty() {
        return format!("column `{}` is empty", field.name());
    }
    let text = String::from_utf8_lossy(cell);
    let mut shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("column `{}`: {shown:?} is not {}", field.name(), type_name(field.data_type()))
}

#[cfg(test)]
mod tests {
    use arrow::{
        array::AsArray,
        datatypes::{DataType, Field, Float64Type, Int64Type, Schema, TimeUnit},
    };

    use std::sync::Arc;

    use super::*;

    fn rows(header: &str) -> CsvRows {
        let schema = Schema::new(vec![
            Field::new("id", DataType::Int64, false),
            Field::new("name", DataType::Utf8, true),
            Field::new("x", DataType::Float64, true),
            Field::new("ok", DataType::Boolean, true),
            Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())), true),
            Field::new("price", DataType::Decimal128(9, 2), true),
        ]);
        CsvRows::new(
            "t.csv",
            header.as_bytes(),
            Arc::new(schema),
            &[true, true, false, false, false, false],
            &CsvOptions::default(),
        )
        .unwrap()
    }

    #[test]
    fn cells_become_typed_columns_and_bad_rows_are_named() {
        let mut rows = rows("\u{feff}name,id,extra,x,ok,price");
        for record in ["a,1,,1.5,true,1.25", "\"b,\"\"q\"\"\",2,z,NaN,0,", ",3.0,,-inf,FALSE,2"] {
            rows.push(record.as_bytes()).unwrap();
        }
        let reason = |rows: &mut CsvRows, record: &[u8]| rows.push(record).unwrap_err();
        assert_eq!(reason(&mut rows, b"a,1"), "2 fields where the header has 6");
        assert_eq!(reason(&mut rows, b"a,,,1,1,"), "column `id` is empty");
        assert_eq!(reason(&mut rows, b"a,1.5,,1,1,"), "column `id`: \"1.5\" is not a whole number in range");
        assert_eq!(reason(&mut rows, b"a,4,,abc,1,"), "column `x`: \"abc\" is not a number");
        assert_eq!(reason(&mut rows, b"\xff,4,,1,1,"), "column `name`: \"\u{fffd}\" is not UTF-8 text");
        assert_eq!(reason(&mut rows, b"a,4,,1,yes,"), "column `ok`: \"yes\" is not a boolean");
        assert_eq!(reason(&mut rows, b"a,4,,1,1,x"), "column `price`: \"x\" is not a value of the column's type");
        rows.push(b"z,9,,,,").unwrap();
        let batch = rows.finish().unwrap();
        assert_eq!(batch.num_rows(), 4);
        assert_eq!(batch["id"].as_primitive::<Int64Type>().values(), &[1, 2, 3, 9]);
        let names: Vec<_> = batch["name"].as_string::<i32>().iter().collect();
        assert_eq!(names, [Some("a"), Some("b,\"q\""), None, Some("z")]);
        let x = batch["x"].as_primitive::<Float64Type>();
        assert!(x.value(0) == 1.5 && x.value(1).is_nan() && x.value(2) == f64::NEG_INFINITY);
        assert_eq!(batch["at"].null_count(), 4);
        assert_eq!(rows.finish().unwrap().num_rows(), 0);
    }

    #[test]
    fn a_missing_column_is_named_with_those_there_are() {
        let schema = Arc::new(Schema::new(vec![Field::new("energy", DataType::Float64, false)]));
        let error = CsvRows::new("a.csv", b"x,\"y\"", schema, &[true], &CsvOptions::default()).map(|_| ()).unwrap_err();
        assert!(error.is_input());
        assert!(error.to_string().starts_with("a.csv has no column `energy`; it has `x`, `y`"), "{error}");
    }
}
