//! How result files are written.

use stream::{PartitionBy, ResultFormat, Stream};

/// How result files are written.
#[derive(Debug, Clone, PartialEq)]
pub struct WriterOptions {
    /// The format of the tables. Dead letters and aggregates are Parquet always: bytes and
    /// lists must come back as they were.
    pub format: ResultFormat,
    /// Folders by event time.
    pub partition_by: PartitionBy,
    /// The column with the event time: a timestamp, a date, or text in ISO 8601.
    pub time: Option<String>,
    /// The column that identifies a row, which Parquet lays out as values that never repeat.
    pub id: Option<String>,
    /// Rows of a Parquet row group. A writer holds one row group, compressed, in memory.
    pub row_group_rows: usize,
    /// The stream's name, for the files' metadata.
    pub stream: String,
    /// The fingerprint of its definition, for the files' metadata.
    pub fingerprint: String,
}

impl WriterOptions {
    /// As the definition of `stream` has it.
    pub fn of(stream: &Stream) -> Self {
        let spec = &stream.definition.spec;
        Self {
            format: spec.store.files.format,
            partition_by: spec.store.files.partition_by,
            time: Some(spec.time.clone()),
            id: Some(spec.id.clone()),
            stream: stream.name().to_owned(),
            fingerprint: stream.fingerprints.definition.clone(),
            ..Self::default()
        }
    }
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            format: ResultFormat::Parquet,
            partition_by: PartitionBy::None,
            time: None,
            id: None,
            row_group_rows: 131_072,
            stream: String::new(),
            fingerprint: String::new(),
        }
    }
}
