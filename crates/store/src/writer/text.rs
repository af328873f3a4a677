//! CSV and JSON Lines files of rows.

use std::{
    error::Error,
    fs::File,
    io::{BufWriter, IntoInnerError, Write},
    sync::Arc,
};

use arrow::{
    array::{ArrayRef, RecordBatch},
    csv,
    datatypes::{DataType, Field, FieldRef, Schema, SchemaRef},
    error::ArrowError,
    json::{self, writer::LineDelimited},
};

use super::row_file::RowFile;

/// A CSV file with a header line. Null is empty, times are ISO 8601, nested values are JSON text, bytes are hexadecimal.
pub(crate) struct CsvFile<W: Write> {
    out: W,
    schema: SchemaRef,
    header: bool,
}

impl<W: Write> CsvFile<W> {
    pub(crate) fn new(out: W, schema: &Schema) -> Self {
        let fields: Vec<FieldRef> = schema.fields().iter().map(flat).collect();
        Self { out, schema: Arc::new(Schema::new(fields)), header: true }
    }

    pub(crate) fn write_rows(&mut self, rows: &RecordBatch) -> Result<(), ArrowError> {
        let columns = rows.columns().iter().map(flattened).collect::<Result<Vec<_>, _>>()?;
        // Laid out in memory first: the layout's own errors of writing have forgotten their kind.
        let mut text = Vec::new();
        let header = std::mem::take(&mut self.header);
        let mut writer = csv::WriterBuilder::new().with_header(header).build(&mut text);
        writer.write(&RecordBatch::try_new(self.schema.clone(), columns)?)?;
        drop(writer);
        Ok(self.out.write_all(&text)?)
    }
}

impl RowFile for CsvFile<File> {
    fn write(&mut self, rows: &RecordBatch) -> Result<(), Box<dyn Error>> {
        Ok(self.write_rows(rows)?)
    }

    fn buffered_bytes(&self) -> usize {
        0
    }

    fn finish(self: Box<Self>) -> Result<File, Box<dyn Error>> {
        Ok(self.out)
    }
}

/// A file with one JSON object a line; a null is left out, as is a number that is none.
pub(crate) struct JsonFile {
    writer: json::Writer<BufWriter<File>, LineDelimited>,
}

impl JsonFile {
    pub(crate) fn new(file: File) -> Self {
        Self { writer: json::WriterBuilder::new().build(BufWriter::new(file)) }
    }
}

impl RowFile for JsonFile {
    fn write(&mut self, rows: &RecordBatch) -> Result<(), Box<dyn Error>> {
        Ok(self.writer.write(rows)?)
    }

    fn buffered_bytes(&self) -> usize {
        0
    }

    fn finish(mut self: Box<Self>) -> Result<File, Box<dyn Error>> {
        self.writer.finish()?;
        Ok(self.writer.into_inner().into_inner().map_err(IntoInnerError::into_error)?)
    }
}

/// The field as CSV has it: text where the type is nested, for which CSV has no form.
pub(crate) fn flat(field: &FieldRef) -> FieldRef {
    match field.data_type().is_nested() {
        true => Arc::new(Field::new(field.name(), DataType::Utf8, true)),
        false => field.clone(),
    }
}

fn flattened(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    if column.data_type().is_nested() { orc::json_text(column) } else { Ok(column.clone()) }
}
