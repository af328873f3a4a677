//! How Parquet files are written: what is compressed, what has a dictionary, what the file says of itself.

use std::{error::Error, fs::File};

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Schema, SchemaRef},
};
use parquet::{
    arrow::{ArrowWriter, arrow_writer::ArrowWriterOptions},
    basic::{Compression, Encoding, ZstdLevel},
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder},
    },
    schema::types::ColumnPath,
};

use super::row_file::RowFile;
use crate::WriterOptions;

/// Who wrote a file.
const CREATED_BY: &str = concat!("beamline ", env!("CARGO_PKG_VERSION"));
/// The keys of what a file says of itself.
const STREAM: &str = "beamline.stream";
const FINGERPRINT: &str = "beamline.fingerprint";
const ID: &str = "beamline.id";
/// A dictionary that grows beyond this is given up: enough for ten thousand keys.
const DICTIONARY_BYTES_MAX: usize = 256 << 10;

/// A row group ends where its rows have so many encoded bytes, which are held until then.
const ROW_GROUP_BYTES_MAX: usize = 32 << 20;

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
        KeyValue::new(ID.to_owned(), options.id.clone()),
    ];
    Ok(columns(schema, options.id.as_deref())?
        .set_max_row_group_row_count(Some(options.row_group_rows))
        .set_key_value_metadata(Some(said))
        .build())
}

/// The properties of a file made from others, which says of itself what `said` has of the first of them.
pub(crate) fn inherited_properties(
    schema: &Schema,
    said: Option<&Vec<KeyValue>>,
) -> Result<WriterProperties, Box<dyn Error>> {
    let said = said.into_iter().flatten().filter(|said| [STREAM, FINGERPRINT, ID].contains(&said.key.as_str()));
    let said: Vec<KeyValue> = said.cloned().collect();
    let id = said.iter().find(|said| said.key == ID).and_then(|said| said.value.clone());
    Ok(columns(schema, id.as_deref())?
        .set_max_row_group_row_count(Some(WriterOptions::default().row_group_rows))
        .set_key_value_metadata(Some(said))
        .build())
}

/// What is chosen by column, measured by this crate's benchmark: less than half the time of zstd for everything, and
/// no more bytes.
///
/// - Floating-point numbers hardly ever repeat and hardly compress: no dictionary, and Snappy, which gives up quickly.
/// - Whole numbers and times go up or stay small: their differences are packed.
/// - The id is never the same twice: no dictionary, but it begins like the one before.
/// - Anything else has a dictionary while that is small, and zstd.
fn columns(schema: &Schema, id: Option<&str>) -> Result<WriterPropertiesBuilder, Box<dyn Error>> {
    let mut builder = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_dictionary_page_size_limit(DICTIONARY_BYTES_MAX)
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES_MAX))
        .set_statistics_enabled(EnabledStatistics::Page);
    for field in schema.fields() {
        let column = ColumnPath::new(vec![field.name().clone()]);
        let encoding = match field.data_type() {
            DataType::Float64 | DataType::Float32 => {
                builder = builder.set_column_compression(column.clone(), Compression::SNAPPY);
                Encoding::PLAIN
            }
            data_type if data_type.is_integer() => Encoding::DELTA_BINARY_PACKED,
            DataType::Timestamp(..) | DataType::Date32 | DataType::Time32(_) | DataType::Time64(_) => {
                Encoding::DELTA_BINARY_PACKED
            }
            DataType::Utf8 if id == Some(field.name()) => Encoding::DELTA_BYTE_ARRAY,
            _ => continue,
        };
        builder = builder.set_column_dictionary_enabled(column.clone(), false).set_column_encoding(column, encoding);
    }
    Ok(builder)
}
