//! The sink for plain Parquet files.
//!
//! A file is named after topic, partition and the first position in it, so that a repeat replaces it. What a process
//! left behind beyond the position that the next one begins at (its rows come again, perhaps in another cut) is
//! deleted before the first write. Two processes that write one partition at the same time are not kept apart: the
//! consumer group does that, and for readers that must never see a row twice there is the Delta format.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use arrow::datatypes::SchemaRef;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use sink::{Batch, Sink, SinkError, Table, TopicPartition};
use tokio::runtime::Runtime;

use crate::{Descriptor, Format, LakeError, Location, shape, write};

/// How many files are written at once.
const WRITES_AT_ONCE: usize = 8;
const NAME: &str = "parquet";

/// Rows into Parquet files.
pub struct ParquetSink {
    location: Location,
    descriptor: Descriptor,
    schemas: BTreeMap<Table, SchemaRef>,
    runtime: Runtime,
    lake: Option<(Arc<dyn ObjectStore>, Path)>,
    /// Partitions whose left-overs are gone.
    begun: BTreeSet<(Table, TopicPartition)>,
}

impl ParquetSink {
    /// A sink for these tables. It looks at the lake with the first write.
    ///
    /// # Errors
    /// Where its threads cannot be started.
    pub fn new(location: Location, stream: &str, time: &str, tables: &[(Table, SchemaRef)]) -> Result<Self, LakeError> {
        let descriptor = Descriptor::new(Format::Parquet, stream, time, tables);
        Ok(Self {
            schemas: descriptor.tables()?.into_iter().collect(),
            descriptor,
            location,
            runtime: write::runtime()?,
            lake: None,
            begun: BTreeSet::new(),
        })
    }

    fn try_write(&mut self, batches: Vec<Batch>) -> Result<(), SinkError> {
        let Self { location, descriptor, schemas, runtime, lake, begun, .. } = self;
        let batches = write::merged(batches)?;
        runtime.block_on(async {
            if lake.is_none() {
                let (store, path) = location.open().map_err(|error| write::failed(NAME, &error, None))?;
                descriptor.write(&store, &path).await.map_err(|error| write::failed(NAME, &error, None))?;
                *lake = Some((store, path));
            }
            let Some((store, path)) = lake else { return Ok(()) };
            for batch in &batches {
                let partition = (batch.table, (batch.topic.clone(), batch.partition));
                if !begun.contains(&partition) {
                    let gone = delete_from(store, path, batch).await;
                    gone.map_err(|error| write::failed(NAME, &error, Some(batch)))?;
                    begun.insert(partition);
                }
                let Some(schema) = schemas.get(&batch.table) else {
                    return Err(write::no_table(NAME, batch.table));
                };
                let written = write_batch(store, path, batch, schema, &descriptor.time).await;
                written.map_err(|error| write::failed(NAME, &error, Some(batch)))?;
            }
            Ok(())
        })
    }
}

impl Sink for ParquetSink {
    fn positions(&mut self) -> Result<BTreeMap<TopicPartition, u64>, SinkError> {
        Ok(BTreeMap::new())
    }

    fn write(&mut self, batches: Vec<Batch>) -> Result<(), SinkError> {
        let written = self.try_write(batches);
        if written.is_err() {
            // A write that went half way may come again in another cut.
            self.begun.clear();
        }
        written
    }

    fn name(&self) -> &str {
        NAME
    }
}

/// The beginning of a file's name: topic and partition.
fn stem(batch: &Batch) -> String {
    format!("{}-{:05}-", batch.topic, batch.partition)
}

/// Deletes the files of a partition from the batch's first position on.
async fn delete_from(store: &Arc<dyn ObjectStore>, lake: &Path, batch: &Batch) -> Result<(), LakeError> {
    let folder = lake.clone().join(batch.table.name());
    let (stem, first) = (stem(batch), batch.first());
    let old = |path: &Path| {
        let position = path.filename()?.strip_prefix(&stem)?.strip_suffix(".parquet")?.parse::<u64>().ok()?;
        (position >= first).then_some(())
    };
    let found: Vec<Path> = store
        .list(Some(&folder))
        .try_filter_map(|found| async { Ok(old(&found.location).map(|()| found.location)) })
        .try_collect()
        .await
        .map_err(LakeError::store(format!("listing {folder}")))?;
    for path in found {
        match store.delete(&path).await {
            Err(object_store::Error::NotFound { .. }) => {}
            done => done.map_err(LakeError::store(format!("deleting {path}")))?,
        }
    }
    Ok(())
}

async fn write_batch(
    store: &Arc<dyn ObjectStore>,
    lake: &Path,
    batch: &Batch,
    schema: &SchemaRef,
    time: &str,
) -> Result<(), LakeError> {
    let rows = shape::plain(&batch.rows, schema)?;
    let name = format!("{}{:020}.parquet", stem(batch), batch.first());
    let hours = shape::by_hour(&rows, time)?;
    let writes = hours.into_iter().map(|(hour, rows)| {
        let folder = lake.clone().join(batch.table.name());
        let folder = match hour {
            Some(hour) => folder.join(format!("hour={hour}")),
            None => folder,
        };
        let path = folder.join(name.as_str());
        async move {
            let bytes = shape::parquet(&rows)?;
            store.put(&path, bytes.into()).await.map_err(LakeError::store(format!("writing {path}")))?;
            Ok::<_, LakeError>(())
        }
    });
    stream::iter(writes).buffer_unordered(WRITES_AT_ONCE).try_collect::<Vec<()>>().await?;
    Ok(())
}
