//! What columns a file has and of which types, for the expressions of derived columns.
//!
//! Binary formats say it themselves. In CSV and JSON the types follow from the first [`SAMPLE_RECORDS`] records
//! of the first file: whole numbers, numbers, booleans, else text. A later record that does not fit is rejected.

use std::sync::Arc;

use arrow::{
    datatypes::{DataType, Field, FieldRef, Fields},
    json::reader::infer_json_schema_from_iterator,
};
use indexmap::IndexMap;
use serde_json::Value;
use stream::{CsvOptions, FileFormat, JsonOptions};
use text::{Splitter, boolean, float, float_with_comma, integer, rewritten};

use super::{InputFile, arrow_ipc, avro, csv, fits_table, input, json, orc_file, parquet};
use crate::{
    SourceError,
    csv_rows::{self, header_names},
    records::{Record, RecordReader},
};

/// How many records are looked at.
const SAMPLE_RECORDS: usize = 10_000;

/// The columns of a file.
pub(crate) fn columns(file: &InputFile, definition: &stream::Files) -> Result<Fields, SourceError> {
    match file.format {
        FileFormat::Csv => csv_columns(file, &definition.csv),
        FileFormat::Jsonl | FileFormat::Json => json_columns(file, definition.json),
        FileFormat::Arrow => Ok(arrow_ipc::schema(file)?.fields().clone()),
        FileFormat::Fits => Ok(fits_table::schema(file)?.fields().clone()),
        FileFormat::Avro => Ok(avro::schema(file)?.fields().clone()),
        FileFormat::Orc => Ok(orc_file::contents(file)?.0.fields().clone()),
        FileFormat::Parquet => Ok(parquet::builder(file)?.schema().fields().clone()),
    }
}

/// What all values of a column are so far.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Unknown,
    Boolean,
    Integer,
    Float,
    Text,
}

impl Kind {
    fn with(self, cell: &[u8], decimal: u8) -> Self {
        if cell.is_empty() || self == Self::Text {
            return self;
        }
        let number = if decimal == b',' { float_with_comma } else { float };
        let fits_integer = matches!(self, Self::Unknown | Self::Integer) && !cell.contains(&b'.');
        if text_keeps_more(cell) {
            Self::Text
        } else if fits_integer && integer(cell).is_some() {
            Self::Integer
        } else if matches!(self, Self::Unknown | Self::Integer | Self::Float) && number(cell).is_some() {
            Self::Float
        } else if matches!(self, Self::Unknown | Self::Boolean) && boolean(cell).is_some() {
            Self::Boolean
        } else {
            Self::Text
        }
    }

    fn data_type(self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::Integer => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Unknown | Self::Text => DataType::Utf8,
        }
    }
}

/// Whether digits begin with zeros, or are too many for a number to hold.
fn text_keeps_more(cell: &[u8]) -> bool {
    let cell = cell.trim_ascii();
    let digits = cell.strip_prefix(b"-").unwrap_or(cell);
    let all = digits.len() > 1 && digits.iter().all(u8::is_ascii_digit);
    all && (digits[0] == b'0' || integer(cell).is_none())
}

fn csv_columns(file: &InputFile, options: &CsvOptions) -> Result<Fields, SourceError> {
    let (mut records, _, header) = csv::open(file, options)?;
    let names = header_names(&file.name(), &header, options)?;
    let mut kinds = vec![Kind::Unknown; names.len()];
    let dialect = csv_rows::dialect(options);
    let mut splitter = Splitter::new(dialect.separator);
    let is_missing = |cell: &[u8]| options.missing.iter().any(|marker| marker.trim().as_bytes() == cell.trim_ascii());
    for _ in 0..SAMPLE_RECORDS {
        // A failure comes up again when the file is read.
        let Ok(Some(record)) = records.next() else { break };
        let Record::Whole(record) = record else { continue };
        let fields = splitter.split(record);
        let fits = fields.len() == kinds.len() || options.trailing_separator && fields.len() == kinds.len() + 1;
        if !fits || csv_rows::is_comment(record, options) {
            continue;
        }
        for (kind, cell) in kinds.iter_mut().zip(fields.iter()).filter(|(_, cell)| !is_missing(cell)) {
            *kind = kind.with(cell, dialect.decimal);
        }
    }
    let field = |(name, kind): (String, Kind)| -> FieldRef { Arc::new(Field::new(name, kind.data_type(), true)) };
    Ok(names.into_iter().zip(kinds).map(field).collect())
}

fn json_columns(file: &InputFile, options: JsonOptions) -> Result<Fields, SourceError> {
    let mut records = RecordReader::new(input::open(file, 0)?.bytes, 0, json::cut(file.format));
    let mut columns: IndexMap<String, Vec<Value>> = IndexMap::new();
    for _ in 0..SAMPLE_RECORDS {
        let Ok(Some(record)) = records.next() else { break };
        let Record::Whole(record) = record else { continue };
        let changed = if options.nan { rewritten(record, true, |_, _| None) } else { None };
        let Ok(Value::Object(object)) = serde_json::from_slice(changed.as_deref().unwrap_or(record)) else { continue };
        for (name, value) in object.into_iter().filter(|(_, value)| !value.is_null()) {
            columns.entry(name).or_default().push(value);
        }
    }
    let field = |(name, values): (String, Vec<Value>)| -> Option<FieldRef> {
        Some(Arc::new(Field::new(name, json_type(values, options)?, true)))
    };
    Ok(columns.into_iter().filter_map(field).collect())
}

/// The type that holds all values of a column; `None` where they have none in common.
fn json_type(values: Vec<Value>, options: JsonOptions) -> Option<DataType> {
    let all = |fits: &dyn Fn(&Value) -> bool| values.iter().all(fits);
    let is_nan =
        |value: &Value| options.nan && value.as_str().is_some_and(|text| text::float(text.as_bytes()).is_some());
    if all(&Value::is_boolean) {
        return Some(DataType::Boolean);
    }
    if all(&Value::is_i64) {
        return Some(DataType::Int64);
    }
    if all(&Value::is_string) {
        return Some(DataType::Utf8);
    }
    let is_exact = |value: &Value| value.is_i64() || value.is_f64() || !options.as_written;
    if all(&|value| value.is_number() && is_exact(value) || is_nan(value)) {
        return Some(DataType::Float64);
    }
    if options.as_written && all(&|value| !value.is_object() && !value.is_array()) {
        return Some(DataType::Utf8);
    }
    let objects: Vec<Value> = values.into_iter().map(|value| serde_json::json!({ "column": value })).collect();
    let schema = infer_json_schema_from_iterator(objects.into_iter().map(Ok)).ok()?;
    let found = schema.field_with_name("column").ok()?.data_type();
    found.is_nested().then(|| found.clone())
}
