//! What columns a file has and of which types, for the expressions of derived columns.
//!
//! Parquet and Avro say it themselves. In CSV and JSON Lines the types follow from the first [`SAMPLE_RECORDS`] records
//! of the first file: whole numbers, numbers, booleans, else text. A later record that does not fit is rejected.

use std::{fs::File, sync::Arc};

use arrow::{
    datatypes::{DataType, Field, FieldRef, Fields},
    json::reader::infer_json_schema_from_iterator,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use stream::FileFormat;

use super::{InputFile, avro, csv, input};
use crate::{
    SourceError,
    cells::{boolean, float, integer},
    csv_fields::Splitter,
    csv_rows::header_names,
    records::{Record, RecordReader},
};

/// How many records are looked at.
const SAMPLE_RECORDS: usize = 10_000;

/// The columns of a file.
pub(crate) fn columns(file: &InputFile) -> Result<Fields, SourceError> {
    match file.format {
        FileFormat::Csv => csv_columns(file),
        FileFormat::Jsonl => jsonl_columns(file),
        FileFormat::Avro => Ok(avro::schema(file)?.fields().clone()),
        FileFormat::Parquet => {
            let on_disk = File::open(&file.path).map_err(|error| SourceError::io("read", &file.path, error))?;
            let reader = ParquetRecordBatchReaderBuilder::try_new(on_disk);
            let reader = reader.map_err(|error| super::damaged(&file.path, "", &error))?;
            Ok(reader.schema().fields().clone())
        }
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
    fn with(self, cell: &[u8]) -> Self {
        if cell.is_empty() || self == Self::Text {
            return self;
        }
        let fits_integer = matches!(self, Self::Unknown | Self::Integer) && !cell.contains(&b'.');
        if fits_integer && integer(cell).is_some() {
            Self::Integer
        } else if matches!(self, Self::Unknown | Self::Integer | Self::Float) && float(cell).is_some() {
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

fn csv_columns(file: &InputFile) -> Result<Fields, SourceError> {
    let mut records = RecordReader::new(input::open(file, 0)?.bytes, 0, true);
    let header = csv::header(file, &mut records)?;
    let names = header_names(&file.name(), &header)?;
    let mut kinds = vec![Kind::Unknown; names.len()];
    let mut splitter = Splitter::new();
    for _ in 0..SAMPLE_RECORDS {
        // A failure comes up again when the file is read.
        let Ok(Some(record)) = records.next() else { break };
        let Record::Whole(record) = record else { continue };
        let fields = splitter.split(record);
        if fields.len() == kinds.len() {
            kinds.iter_mut().zip(fields.iter()).for_each(|(kind, cell)| *kind = kind.with(cell));
        }
    }
    let field = |(name, kind): (String, Kind)| -> FieldRef { Arc::new(Field::new(name, kind.data_type(), true)) };
    Ok(names.into_iter().zip(kinds).map(field).collect())
}

fn jsonl_columns(file: &InputFile) -> Result<Fields, SourceError> {
    let mut records = RecordReader::new(input::open(file, 0)?.bytes, 0, false);
    let mut values = Vec::new();
    for _ in 0..SAMPLE_RECORDS {
        let Ok(Some(record)) = records.next() else { break };
        let Record::Whole(record) = record else { continue };
        let value = serde_json::from_slice::<serde_json::Value>(record);
        values.extend(value.ok().filter(serde_json::Value::is_object).map(Ok));
    }
    let schema = infer_json_schema_from_iterator(values.into_iter());
    let schema = schema.map_err(|error| {
        SourceError::input(format!("the columns of {} are not the same type throughout: {error}", file.name()))
    })?;
    Ok(schema.fields().clone())
}
