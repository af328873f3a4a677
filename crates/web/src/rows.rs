//! Rows of a query as a page takes them.

use std::io::Write;

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use axum::http::StatusCode;
use live::{Column, Kind, cells as values};
use parquet::{arrow::ArrowWriter, errors::ParquetError};
use serde_json::Value;

use crate::problem::Problem;

/// What a text in a CSV begins with that a spreadsheet takes for a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// The columns of an answer.
pub(crate) fn columns(schema: &SchemaRef) -> Vec<Column> {
    schema.fields().iter().map(|field| live::column(field)).collect()
}

/// The cells of all rows.
pub(crate) fn cells(batches: &[RecordBatch]) -> Vec<Vec<Value>> {
    let of = |batch: &RecordBatch, row: usize| batch.columns().iter().map(|column| values::cell(column, row)).collect();
    batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| of(batch, row))).collect()
}

/// CSV with a header line. A text that a spreadsheet would take for a formula has an apostrophe before it.
pub(crate) fn csv(schema: &SchemaRef, batches: &[RecordBatch]) -> Vec<u8> {
    let columns = columns(schema);
    let mut text = Vec::new();
    line(&mut text, columns.iter().map(|column| safe(&column.name)));
    for batch in batches {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().zip(&columns).map(|(array, column)| {
                let cell = match values::cell(array, row) {
                    Value::Null => String::new(),
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                match column.kind {
                    Kind::Text | Kind::Nested | Kind::Bytes => safe(&cell),
                    _ => cell,
                }
            });
            line(&mut text, cells);
        }
    }
    text
}

/// A Parquet file.
pub(crate) fn parquet(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Vec<u8>, Problem> {
    let failed =
        |error: ParquetError| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "not-written", error.to_string());
    let mut writer = ArrowWriter::try_new(Vec::new(), schema.clone(), None).map_err(failed)?;
    for batch in batches {
        writer.write(batch).map_err(failed)?;
    }
    writer.into_inner().map_err(failed)
}

fn safe(text: &str) -> String {
    match text.starts_with(FORMULA) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

fn line(out: &mut Vec<u8>, cells: impl Iterator<Item = String>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let quoted = cell.contains(['"', ',', '\n', '\r']);
        // Writing to memory does not fail.
        let _ = match quoted {
            true => write!(out, "\"{}\"", cell.replace('"', "\"\"")),
            false => out.write_all(cell.as_bytes()),
        };
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::{ArrayRef, Float64Array, StringArray},
        datatypes::{DataType, Field, Schema},
    };

    use super::*;

    #[test]
    fn a_text_is_never_a_formula_and_a_number_stays_one() {
        let schema: SchemaRef = Arc::new(Schema::new(vec![
            Field::new("=name", DataType::Utf8, true),
            Field::new("value", DataType::Float64, true),
        ]));
        let texts = ["=HYPERLINK(\"http://x\")", "+1", "-1", "@a", "\ta", "plain, \"quoted\""];
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(texts.to_vec())),
            Arc::new(Float64Array::from(vec![Some(-1.5), None, Some(f64::NAN), Some(2.0), Some(1e300), Some(0.1)])),
        ];
        let batch = RecordBatch::try_new(schema.clone(), columns).unwrap();
        let text = String::from_utf8(csv(&schema, &[batch])).unwrap();
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(lines[0], "'=name,value");
        assert_eq!(lines[1], "\"'=HYPERLINK(\"\"http://x\"\")\",-1.5");
        assert_eq!(lines[2], "'+1,");
        assert_eq!(lines[3], "'-1,NaN");
        assert_eq!(lines[6], "\"plain, \"\"quoted\"\"\",0.1");
    }
}
