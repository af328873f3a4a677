//! A table of a CQL store as a query sees it.

use std::{fmt, sync::Arc};

use arrow::datatypes::SchemaRef;
use datafusion::{
    catalog::{Session, TableProvider},
    error::DataFusionError,
    execution::{SendableRecordBatchStream, TaskContext},
    logical_expr::{Expr, TableProviderFilterPushDown, TableType},
    physical_plan::{
        ExecutionPlan,
        stream::RecordBatchStreamAdapter,
        streaming::{PartitionStream, StreamingTableExec},
    },
};
use futures::{StreamExt, TryStreamExt, stream};

use crate::bounds::{Bounds, Columns};

/// How many partitions are read at once: each may hold a page in memory.
const READ_AT_ONCE: usize = 8;
/// A query without bounds may read so many rows, where it has a limit of its own.
const UNBOUNDED_LIMIT: usize = 10_000;

/// A table of a CQL store.
#[derive(Clone)]
pub(crate) struct CqlTable {
    reader: cql::Reader,
    layout: Arc<cql::Layout>,
    full_scan: bool,
}

impl CqlTable {
    pub(crate) fn new(reader: cql::Reader, layout: cql::Layout, full_scan: bool) -> Self {
        Self { reader, layout: Arc::new(layout), full_scan }
    }

    fn columns(&self) -> Columns<'_> {
        let order = self.layout.schema.field(self.layout.order.column());
        Columns {
            order: order.name(),
            order_type: order.data_type(),
            key: self.layout.key.map(|key| self.layout.schema.field(key).name().as_str()),
        }
    }

    /// What a query must say so that it does not read everything.
    fn unbounded(&self) -> DataFusionError {
        let columns = self.columns();
        let key = columns.key.map(|key| format!(" or `{key}`")).unwrap_or_default();
        DataFusionError::Plan(format!(
            "this query would read the whole table {}: give it a condition on `{}`{key}, a LIMIT of at most \
             {UNBOUNDED_LIMIT} rows, or --full-scan",
            self.layout.table, columns.order
        ))
    }
}

impl fmt::Debug for CqlTable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CqlTable").field("table", &self.layout.name).finish()
    }
}

#[async_trait::async_trait]
impl TableProvider for CqlTable {
    fn schema(&self) -> SchemaRef {
        self.layout.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        let columns = self.columns();
        let support = |filter: &&Expr| match Bounds::uses(&columns, filter) {
            true => TableProviderFilterPushDown::Inexact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let bounds = Bounds::of(&self.columns(), filters);
        let columns = projection.cloned().unwrap_or_else(|| (0..self.layout.schema.fields().len()).collect());
        let scan = cql::Scan { columns, keys: bounds.keys, from: bounds.from, to: bounds.to };
        let limited = limit.is_some_and(|limit| limit <= UNBOUNDED_LIMIT);
        if scan.is_unbounded() && !limited && !self.full_scan {
            return Err(self.unbounded());
        }
        let prepared = self.reader.prepare_scan(&self.layout, &scan).await.map_err(failed)?;
        let schema = prepared.schema();
        let read = CqlScan { table: self.clone(), scan, prepared, schema: schema.clone(), limit };
        Ok(Arc::new(StreamingTableExec::try_new(schema, vec![Arc::new(read)], None, [], false, limit)?))
    }
}

/// The partitions of a scan, read some at a time.
struct CqlScan {
    table: CqlTable,
    scan: cql::Scan,
    prepared: cql::PreparedScan,
    schema: SchemaRef,
    limit: Option<usize>,
}

impl fmt::Debug for CqlScan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CqlScan").field("table", &self.table).field("scan", &self.scan).finish()
    }
}

impl PartitionStream for CqlScan {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (table, scan, prepared) = (self.table.clone(), self.scan.clone(), self.prepared.clone());
        // Rows that are limited are found one partition after the other, and no page is asked for in vain.
        let at_once = if self.limit.is_some() { 1 } else { READ_AT_ONCE };
        let rows = stream::once(async move {
            let partitions = table.reader.partitions(&table.layout, &scan).await.map_err(failed)?;
            let read = move |partition| prepared.rows(partition).map_err(failed).boxed();
            Ok::<_, DataFusionError>(stream::iter(partitions).map(read).flatten_unordered(at_once))
        })
        .try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), rows))
    }
}

fn failed(error: cql::CqlError) -> DataFusionError {
    DataFusionError::Plan(error.to_string())
}
