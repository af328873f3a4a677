//! Parquet files.

use std::{fs::File, sync::Arc};

use arrow::datatypes::{Schema, SchemaRef};
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder},
    },
    basic::LogicalType,
    errors::ParquetError,
    file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData},
};

use super::{
    BATCH_BYTES_MAX, Chunk, FileReader, InputFile, damaged, fit,
    guarded::{Guarded, no_panic},
    held::Held,
    plan::Plan,
};
use crate::{RECORDS_MAX, SourceError, columns::own_name, csv_rows::missing_column};

/// Reads a Parquet file; its offsets are rows.
pub(crate) struct ParquetFile {
    file: InputFile,
    schema: SchemaRef,
    reader: Guarded<ParquetRecordBatchReader>,
    /// What is decoded and not yet given.
    held: Held,
    offset: u64,
    rows: u64,
}

/// Opens a file as Parquet.
pub(crate) fn builder(file: &InputFile) -> Result<ParquetRecordBatchReaderBuilder<File>, SourceError> {
    let on_disk = File::open(&file.path).map_err(|error| SourceError::io("read", &file.path, error))?;
    let opened = no_panic(|| ParquetRecordBatchReaderBuilder::try_new(on_disk)).map_err(ParquetError::from);
    opened.and_then(|opened| opened).map_err(|error| {
        SourceError::input(format!("{} cannot be read as Parquet: {error}; replace it with a whole file", file.name()))
    })
}

/// The columns of a file, of which those that Parquet calls uuids say so as Arrow's extension type does.
pub(crate) fn with_uuids(builder: &ParquetRecordBatchReaderBuilder<File>) -> SchemaRef {
    let types = builder.parquet_schema().root_schema().get_fields();
    let fields = builder.schema().fields().iter().zip(types).map(|(field, kind)| {
        let mut metadata = field.metadata().clone();
        if kind.get_basic_info().logical_type_ref() == Some(&LogicalType::Uuid) {
            metadata.insert("ARROW:extension:name".to_owned(), "arrow.uuid".to_owned());
        }
        field.as_ref().clone().with_metadata(metadata)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

impl ParquetFile {
    pub(crate) fn open(file: &InputFile, plan: &Plan, offset: u64) -> Result<Self, SourceError> {
        let builder = builder(file)?;
        let names: Vec<String> = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
        for (field, required) in plan.file_schema().fields().iter().zip(plan.required()) {
            if *required && !names.iter().any(|name| name == own_name(field)) {
                return Err(missing_column(&file.name(), own_name(field), &names));
            }
        }
        let wanted = names
            .iter()
            .enumerate()
            .filter(|(_, name)| plan.file_schema().fields().iter().any(|field| own_name(field) == *name));
        let mask = ProjectionMask::roots(builder.parquet_schema(), wanted.map(|(index, _)| index));
        let rows = builder.metadata().file_metadata().num_rows().max(0) as u64;
        // Whole row groups before the place are not even opened.
        let (mut skip, mut first) = (offset as usize, 0);
        for group in builder.metadata().row_groups() {
            let rows = group.num_rows().max(0) as usize;
            if skip < rows {
                break;
            }
            skip -= rows;
            first += 1;
        }
        let groups = (first..builder.metadata().num_row_groups()).collect();
        let batch = batch_rows(builder.metadata());
        let builder = builder.with_projection(mask).with_batch_size(batch).with_row_groups(groups);
        let reader = no_panic(|| builder.with_offset(skip).build());
        let reader = reader.map_err(|error| damaged(&file.path, "", &error))?;
        let reader = Guarded(reader.map_err(|error| damaged(&file.path, "", &error))?);
        Ok(Self { file: file.clone(), schema: plan.file_schema().clone(), reader, held: Held::default(), offset, rows })
    }
}

/// Rows that are decoded at a time: as many as are asked for at most, and fewer where they are large. A file says what its
/// columns take before compression, and newer ones what text takes where each value is written out.
fn batch_rows(file: &ParquetMetaData) -> usize {
    let bytes_of_row = |group: &RowGroupMetaData| {
        let bytes = |column: &ColumnChunkMetaData| {
            column.uncompressed_size().max(column.unencoded_byte_array_data_bytes().unwrap_or_default()).max(0)
        };
        group.columns().iter().map(bytes).sum::<i64>() / group.num_rows().max(1)
    };
    let bytes = file.row_groups().iter().map(bytes_of_row).max().unwrap_or_default().max(1);
    (BATCH_BYTES_MAX / bytes as usize).clamp(1, RECORDS_MAX)
}

impl FileReader for ParquetFile {
    fn read(&mut self, rows_max: usize) -> Result<Option<Chunk>, SourceError> {
        let next = || {
            let failed = |error| damaged(&self.file.path, &format!("near row {}", self.offset), &error);
            self.reader.next().transpose().map_err(failed)
        };
        let Some(rows) = self.held.rows(rows_max, next)? else { return Ok(None) };
        self.offset += rows.num_rows() as u64;
        fit::fit_batch(&rows, &self.schema).map(Some)
    }

    fn place(&self) -> (u64, u64) {
        (self.offset, 0)
    }

    fn bytes_read(&self) -> u64 {
        (self.file.bytes as f64 * self.offset as f64 / self.rows.max(1) as f64) as u64
    }
}
