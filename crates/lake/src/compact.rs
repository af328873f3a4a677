//! Merging the small files of a lake, letting go of old hours, and cleaning up behind both.

mod delta;
mod delta_log;
mod files;

use std::sync::Arc;

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use bytes::Bytes;
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sink::Table;

pub use self::delta_log::Tidied;
use crate::{Descriptor, Format, LakeError, Location, layout::Layout, shape};

/// What was done to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compacted {
    /// The table.
    pub table: Table,
    /// Files that went into larger ones.
    pub merged: usize,
    /// The larger ones.
    pub made: usize,
    /// Files that were too old.
    pub dropped: usize,
    /// Rows of the merged files that later ones have taken the place of: they are gone.
    pub replaced: usize,
    /// What became of a Delta table's log.
    pub log: Option<Tidied>,
}

/// Merges files smaller than `target_bytes`, those of an hour with each other, and drops hours before `keep_from`
/// (`2025-01-31T13`). Delta tables get a checkpoint, and lose what has expired. Writers may go on meanwhile.
///
/// # Errors
/// Where there is no lake, the store does not answer or a file is not what was written.
pub async fn compact(
    location: &Location,
    target_bytes: u64,
    keep_from: Option<&str>,
) -> Result<Vec<Compacted>, LakeError> {
    let (store, lake) = location.open()?;
    let descriptor = Descriptor::read(&store, &lake).await?;
    let wanted = (target_bytes, keep_from);
    let mut done = Vec::new();
    for (table, schema) in descriptor.tables()? {
        let layout = Layout::new(table, &schema, &descriptor.time);
        done.push(match descriptor.format {
            Format::Delta => delta::compact(location, (&store, &lake), table, layout.in_delta()?, wanted).await?,
            format => files::compact(&store, &lake, (table, &layout, format), wanted).await?,
        });
    }
    Ok(done)
}

/// The rows of a Parquet file.
async fn read(store: &Arc<dyn ObjectStore>, path: &Path) -> Result<Vec<RecordBatch>, LakeError> {
    let bytes = bytes(store, path).await?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).and_then(|reader| reader.build());
    let rows = reader.map_err(|error| LakeError::rows(path.as_ref(), error))?;
    rows.map(|rows| rows.map_err(|error| LakeError::rows(path.as_ref(), error))).collect()
}

/// The rows of an ORC file in the types of the table, which it does not say, with the columns that the table does not have any more.
async fn read_orc(
    store: &Arc<dyn ObjectStore>,
    path: &Path,
    schema: &SchemaRef,
) -> Result<Vec<RecordBatch>, LakeError> {
    let file = orc::File::open(bytes(store, path).await?, false);
    let file = file.map_err(|error| LakeError::rows(path.as_ref(), error))?;
    let columns = shape::with_others(schema, &file.schema());
    file.read_as(columns).map(|rows| rows.map_err(|error| LakeError::rows(path.as_ref(), error))).collect()
}

async fn bytes(store: &Arc<dyn ObjectStore>, path: &Path) -> Result<Bytes, LakeError> {
    let reading = || LakeError::store(format!("reading {path}"));
    store.get(path).await.map_err(reading())?.bytes().await.map_err(reading())
}

#[cfg(test)]
mod tests {
    use arrow::{
        array::{Array, ArrayRef, AsArray, Int64Array, StringArray},
        datatypes::{DataType, Field, Schema},
    };
    use object_store::memory::InMemory;

    use super::*;
    use crate::write;

    #[test]
    fn a_column_that_a_table_has_no_longer_stays_in_its_orc_files() {
        let columns: [(&str, ArrayRef); 2] =
            [("kept", Arc::new(Int64Array::from(vec![1, 2]))), ("gone", Arc::new(StringArray::from(vec!["a", "b"])))];
        let rows = RecordBatch::try_from_iter(columns).unwrap();
        let (store, path): (Arc<dyn ObjectStore>, _) = (Arc::new(InMemory::new()), Path::from("file.orc"));
        let runtime = write::runtime().unwrap();
        runtime.block_on(store.put(&path, shape::encoded(&rows, Format::Orc).unwrap().into())).unwrap();
        let now = ["kept", "new"].map(|name| Field::new(name, DataType::Int64, true)).to_vec();
        let read = runtime.block_on(read_orc(&store, &path, &Arc::new(Schema::new(now)))).unwrap();
        let names: Vec<String> = read[0].schema().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(names, ["kept", "new", "gone"]);
        assert_eq!((read[0].column(1).null_count(), read[0].column(2).as_string::<i32>().value(1)), (2, "b"));
    }
}
