//! How Parquet files are written: what is compressed, what has a dictionary, what the file says of itself.

use std::{error::Error, fs::File};

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Schema, SchemaRef},
};
use parquet::{
    arrow::{ArrowWriter, arrow_writer::ArrowWriterOptions},
    basic::{Compression, ZstdLevel},
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder},
    },
    schema::types::ColumnPath,
};

use super::part::RowFile;
use crate::WriterOptions;

/// Who wrote a file.
const CREATED_BY: &str = concat!("beamline ", env!("CARGO_PKG_VERSION"));
/// The keys of what a file says of itself.
const STREAM: &str = "beamline.stream";
const FINGERPRINT: &str = "beamline.fingerprint";

/// A Parquet file that rows are written to.
pub(super) struct ParquetFile {
    writer: ArrowWriter<File>,
    /// The same file: the writer gives its own back only by way of an error that has forgotten its kind.
    file: File,
}

impl ParquetFile {
    pub(super) fn new(file: File, schema: SchemaRef, options: &WriterOptions) -> Result<Self, Box<dyn Error>> {
        let properties = file_properties(&schema, options)?;
        let options = ArrowWriterOptions::new().with_properties(properties);
        let same = file.try_clone()?;
        Ok(Self { writer: ArrowWriter::try_new_with_options(file, schema, options)?, file: same })
    }
}

impl RowFile for ParquetFile {
    fn write(&mut self, rows: &RecordBatch) -> Result<(), Box<dyn Error>> {
        Ok(self.writer.write(rows)?)
    }

    fn buffered_bytes(&self) -> usize {
        self.writer.memory_size()
    }

    fn finish(mut self: Box<Self>) -> Result<File, Box<dyn Error>> {
        self.writer.finish()?;
        Ok(self.file)
    }
}

/// The properties of a table's file.
pub(crate) fn file_properties(schema: &Schema, options: &WriterOptions) -> Result<WriterProperties, Box<dyn Error>> {
    let said = vec![
        KeyValue::new(STREAM.to_owned(), options.stream.clone()),
        KeyValue::new(FINGERPRINT.to_owned(), options.fingerprint.clone()),
    ];
    Ok(columns(schema)?
        .set_max_row_group_row_count(Some(options.row_group_rows))
        .set_key_value_metadata(Some(said))
        .build())
}

/// The properties of a file made from others, which says of itself what `said` has of the first of them.
pub(crate) fn inherited_properties(
    schema: &Schema,
    said: Option<&Vec<KeyValue>>,
) -> Result<WriterProperties, Box<dyn Error>> {
    let ours = said.into_iter().flatten().filter(|said| [STREAM, FINGERPRINT].contains(&said.key.as_str()));
    let row_group_rows = WriterOptions::default().row_group_rows;
    Ok(columns(schema)?
        .set_max_row_group_row_count(Some(row_group_rows))
        .set_key_value_metadata(Some(ours.cloned().collect()))
        .build())
}

/// What is chosen by column. Floating-point numbers hardly ever repeat: a dictionary of them is built in vain.
fn columns(schema: &Schema) -> Result<WriterPropertiesBuilder, Box<dyn Error>> {
    let mut builder = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_statistics_enabled(EnabledStatistics::Page);
    for field in schema.fields() {
        if matches!(field.data_type(), DataType::Float64 | DataType::Float32 | DataType::Timestamp(..)) {
            builder = builder.set_column_dictionary_enabled(ColumnPath::new(vec![field.name().clone()]), false);
        }
    }
    Ok(builder)
}
