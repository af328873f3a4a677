//! ORC files as a table of a query: of each file, the bytes of the columns that are asked for.

use std::{fmt, io, sync::Arc};

use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use datafusion::{
    catalog::{Session, TableProvider},
    error::DataFusionError,
    execution::{SendableRecordBatchStream, TaskContext},
    logical_expr::{Expr, TableType},
    physical_plan::{
        ExecutionPlan,
        stream::RecordBatchStreamAdapter,
        streaming::{PartitionStream, StreamingTableExec},
    },
};
use futures::{FutureExt, StreamExt, TryFutureExt, TryStreamExt, future::BoxFuture, stream};
use object_store::{ObjectStore, ObjectStoreExt, path::Path};

/// Rows that are decoded at a time.
const BATCH_ROWS: usize = 8_192;

/// ORC files as a table.
#[derive(Clone)]
pub struct OrcTable {
    store: Arc<dyn ObjectStore>,
    files: Arc<Vec<Path>>,
    schema: SchemaRef,
}

impl OrcTable {
    /// The files of a store as a table with these columns. A column that a file does not have is null there.
    pub fn new(store: Arc<dyn ObjectStore>, files: Vec<Path>, schema: SchemaRef) -> Self {
        Self { store, files: Arc::new(files), schema }
    }
}

impl fmt::Debug for OrcTable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OrcTable").field("files", &self.files.len()).finish()
    }
}

#[async_trait::async_trait]
impl TableProvider for OrcTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let schema = match projection {
            Some(columns) => Arc::new(self.schema.project(columns)?),
            None => self.schema.clone(),
        };
        let count = session.config().target_partitions().clamp(1, self.files.len().max(1));
        let scan = |first| -> Arc<dyn PartitionStream> {
            let files = self.files.iter().skip(first).step_by(count).cloned().collect();
            Arc::new(OrcScan { store: self.store.clone(), files, schema: schema.clone() })
        };
        let scans = (0..count).map(scan).collect();
        Ok(Arc::new(StreamingTableExec::try_new(schema.clone(), scans, None, [], false, limit)?))
    }
}

/// Some of the files, one after the other.
struct OrcScan {
    store: Arc<dyn ObjectStore>,
    files: Vec<Path>,
    schema: SchemaRef,
}

impl fmt::Debug for OrcScan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OrcScan").field("files", &self.files).finish()
    }
}

impl PartitionStream for OrcScan {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (store, schema) = (self.store.clone(), self.schema.clone());
        let opened = stream::iter(self.files.clone()).map(Ok).and_then(move |path| {
            let pieces = Object { store: store.clone(), path };
            let rows = orc::rows(pieces, schema.clone(), BATCH_ROWS);
            rows.map_ok(|rows| rows.map_err(DataFusionError::from))
                .map_err(|error| DataFusionError::External(error.into()))
        });
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), opened.try_flatten()))
    }
}

/// A file of the store.
struct Object {
    store: Arc<dyn ObjectStore>,
    path: Path,
}

impl orc::AsyncChunkReader for Object {
    fn len(&mut self) -> BoxFuture<'_, io::Result<u64>> {
        async { Ok(self.store.head(&self.path).await?.size) }.boxed()
    }

    fn get_bytes(&mut self, offset: u64, length: u64) -> BoxFuture<'_, io::Result<Bytes>> {
        async move { Ok(self.store.get_range(&self.path, offset..offset + length).await?) }.boxed()
    }
}
