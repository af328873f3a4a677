//! Reading tables back, partition by partition.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use arrow::{
    array::{Array, Int64Array, RecordBatch, StringArray},
    compute::cast,
    datatypes::SchemaRef,
};
use futures::{Stream, TryStreamExt};
use scylla::{
    client::session::Session,
    errors::SerializationError,
    response::{PagingState, PagingStateResponse},
    serialize::{
        row::{RowSerializationContext, SerializeRow},
        writers::RowWriter,
    },
    statement::prepared::PreparedStatement,
    value::CqlTimestamp,
};
use sink::StoredProbe;

use crate::{CqlError, Layout, Settings, cells::Cells, ddl, decode, describe, layout::Order, rows::PartitionKey};

/// Rows of a page: some hundred kilobytes.
const PAGE_ROWS: i32 = 1_000;
/// How many buckets lie in one slice of the list of partitions.
const BUCKETS_A_SLICE: i64 = 24;
/// How often a page is asked for before the store counts as away.
const ATTEMPTS_MAX: u32 = 5;
/// The wait before a page is asked for again, once more for each time.
const AGAIN: Duration = Duration::from_millis(200);

/// A CQL store that is read.
#[derive(Clone)]
pub struct Reader {
    session: Arc<Session>,
    keyspace: String,
}

/// What is read of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// The columns, in this order.
    pub columns: Vec<usize>,
    /// The keys wanted; `None` for all.
    pub keys: Option<BTreeSet<String>>,
    /// The first time wanted, in milliseconds since 1970; the first position where the table is ordered by one.
    pub from: i64,
    /// The last one wanted.
    pub to: i64,
}

impl Scan {
    /// Whether it would read the whole table.
    pub fn is_unbounded(&self) -> bool {
        self.keys.is_none() && self.from == i64::MIN && self.to == i64::MAX
    }
}

/// A partition to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition(PartitionKey);

impl Reader {
    /// Connects.
    ///
    /// # Errors
    /// Where the settings cannot be used or no node answers.
    pub async fn connect(settings: &Settings) -> Result<Self, CqlError> {
        let session = settings.connect().await?;
        Ok(Self { session: Arc::new(session), keyspace: settings.keyspace.clone() })
    }

    /// The tables of the keyspace that this program made.
    ///
    /// # Errors
    /// `Schema` where there are none; `Layout` where a later version made one.
    pub async fn tables(&self) -> Result<Vec<Layout>, CqlError> {
        let mut layouts = Vec::new();
        for (name, comment) in comments(&self.session, &self.keyspace).await? {
            layouts.extend(describe::layout_of(&name, &comment)?);
        }
        if layouts.is_empty() {
            let message = format!("there are no tables of a stream in keyspace {}", self.keyspace);
            return Err(CqlError::Schema(message));
        }
        layouts.sort_by(|a, b| (&a.stream, a.table).cmp(&(&b.stream, b.table)));
        Ok(layouts)
    }

    /// The newest probe of each partition, with its stream; none where no writer has kept any.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn probes(&self) -> Result<Vec<(String, u32, StoredProbe)>, CqlError> {
        const CONTEXT: &str = "reading probes";
        if !comments(&self.session, &self.keyspace).await?.iter().any(|(name, _)| name == ddl::PROBES) {
            return Ok(Vec::new());
        }
        type Row = (String, i32, i64, CqlTimestamp, CqlTimestamp);
        let rows = self.session.query_iter(ddl::select_probes(&self.keyspace), ()).await;
        let rows = rows.map_err(|error| CqlError::paging(CONTEXT, &error))?;
        let rows = rows.rows_stream::<Row>().map_err(|error| CqlError::Schema(error.to_string()))?;
        let rows: Vec<Row> = rows.try_collect().await.map_err(|error| CqlError::next_page(CONTEXT, &error))?;
        let probe = |(stream, partition, sequence, sent, stored): Row| {
            let probe = StoredProbe { sequence: sequence.max(0) as u64, sent: sent.0, stored: stored.0 };
            (stream, u32::try_from(partition).unwrap_or_default(), probe)
        };
        Ok(rows.into_iter().map(probe).collect())
    }

    /// The partitions that may hold rows of `scan`.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn partitions(&self, layout: &Layout, scan: &Scan) -> Result<Vec<Partition>, CqlError> {
        const CONTEXT: &str = "listing partitions";
        let (from, to) = (first_bucket(layout, scan.from), first_bucket(layout, scan.to));
        let slices = self.session.query_iter(ddl::select_slices(&self.keyspace), ()).await;
        let slices = slices.map_err(|error| CqlError::paging(CONTEXT, &error))?;
        let failed = |error: &dyn ToString| CqlError::Schema(error.to_string());
        let slices = slices.rows_stream::<(String, i64)>().map_err(|error| failed(&error))?;
        let slices: Vec<(String, i64)> =
            slices.try_collect().await.map_err(|error| CqlError::next_page(CONTEXT, &error))?;
        let mut wanted: Vec<i64> = slices
            .into_iter()
            .filter(|(table, slice)| {
                *table == layout.name && *slice >= slice_of(layout, from) && *slice <= slice_of(layout, to)
            })
            .map(|(_, slice)| slice)
            .collect();
        wanted.sort_unstable();
        let list = self.prepare(ddl::select_partitions(&self.keyspace)).await?;
        let mut partitions = Vec::new();
        for slice in wanted {
            let rows = self.session.execute_iter(list.clone(), (&layout.name, slice, from, to)).await;
            let rows = rows.map_err(|error| CqlError::paging(CONTEXT, &error))?;
            let rows = rows.rows_stream::<(i64, String)>().map_err(|error| failed(&error))?;
            let found: Vec<(i64, String)> =
                rows.try_collect().await.map_err(|error| CqlError::next_page(CONTEXT, &error))?;
            let wanted = |key: &str| scan.keys.as_ref().is_none_or(|keys| layout.key.is_none() || keys.contains(key));
            let found = found.into_iter().filter(|(_, key)| wanted(key));
            partitions.extend(found.map(|(bucket, key)| Partition(PartitionKey { bucket, key: key.into() })));
        }
        Ok(partitions)
    }

    /// The statement that reads a partition of a scan.
    ///
    /// # Errors
    /// Where the table is not as its comment says.
    pub async fn prepare_scan(&self, layout: &Layout, scan: &Scan) -> Result<PreparedScan, CqlError> {
        let mut statement = self.prepare(ddl::select(&self.keyspace, layout, &scan.columns)).await?;
        statement.set_page_size(PAGE_ROWS);
        statement.set_is_idempotent(true);
        let schema = layout.schema.project(&scan.columns).map_err(|error| CqlError::Schema(error.to_string()))?;
        Ok(PreparedScan {
            reader: self.clone(),
            layout: Arc::new(layout.clone()),
            scan: Arc::new(scan.clone()),
            statement,
            schema: Arc::new(schema),
        })
    }

    async fn prepare(&self, statement: String) -> Result<PreparedStatement, CqlError> {
        self.session.prepare(statement).await.map_err(|error| CqlError::prepare("a query", &error))
    }
}

/// A scan ready to be run over partitions.
#[derive(Clone)]
pub struct PreparedScan {
    reader: Reader,
    layout: Arc<Layout>,
    scan: Arc<Scan>,
    statement: PreparedStatement,
    schema: SchemaRef,
}

impl PreparedScan {
    /// The columns that it gives.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// The rows of a partition, a page at a time.
    pub fn rows(&self, partition: Partition) -> impl Stream<Item = Result<RecordBatch, CqlError>> + Send + use<> {
        let scan = self.clone();
        let begin = Some((PagingState::start(), None::<Arc<Values>>));
        futures::stream::try_unfold(begin, move |state| {
            let (scan, partition) = (scan.clone(), partition.clone());
            async move {
                let Some((paging, values)) = state else { return Ok(None) };
                let values = match values {
                    Some(values) => values,
                    None => Arc::new(scan.values(&partition)?),
                };
                let (rows, next) = scan.page(&values, paging).await?;
                let next = match next {
                    PagingStateResponse::HasMorePages { state } => Some((state, Some(values))),
                    PagingStateResponse::NoMorePages => None,
                };
                Ok(Some((rows, next)))
            }
        })
    }

    async fn page(&self, values: &Values, paging: PagingState) -> Result<(RecordBatch, PagingStateResponse), CqlError> {
        let mut attempt = 1;
        loop {
            let session = &self.reader.session;
            match session.execute_single_page(&self.statement, values, paging.clone()).await {
                Ok((page, next)) => {
                    let page = page.into_rows_result().map_err(|error| CqlError::Schema(error.to_string()))?;
                    return Ok((decode::rows(&page, &self.schema)?, next));
                }
                Err(error) => {
                    let error = CqlError::execution("reading rows", &error);
                    if !error.is_temporary() || attempt == ATTEMPTS_MAX {
                        return Err(error);
                    }
                    tokio::time::sleep(AGAIN * attempt).await;
                    attempt += 1;
                }
            }
        }
    }

    fn values(&self, partition: &Partition) -> Result<Values, CqlError> {
        let layout = &self.layout;
        let key = layout.key.map(|index| {
            let field = layout.schema.field(index);
            let text: StringArray = [Some(partition.0.key.as_ref())].into_iter().collect();
            let value = cast(&text, field.data_type()).map_err(|error| CqlError::value(field.name(), error))?;
            if value.is_null(0) {
                return Err(CqlError::value(field.name(), format!("{:?} is not a key", partition.0.key)));
            }
            Cells::of(field, &value)
        });
        let last = partition.0.bucket.saturating_add(layout.order.width() - 1);
        let (from, to) = (self.scan.from.max(partition.0.bucket), self.scan.to.min(last));
        let bound = |order: i64| match layout.order {
            // A position has the type of its column.
            Order::Position { column, .. } => {
                let field = layout.schema.field(column);
                let value = cast(&Int64Array::from(vec![order]), field.data_type());
                Cells::of(field, &value.map_err(|error| CqlError::value(field.name(), error))?)
            }
            Order::Time { .. } => Ok(Cells::BigInt(Int64Array::from(vec![order]))),
        };
        let bucket = Cells::BigInt(Int64Array::from(vec![partition.0.bucket]));
        let values = key.transpose()?.into_iter().chain([bucket, bound(from)?, bound(to)?]);
        Ok(Values(values.collect()))
    }
}

/// What is bound to the statement of a partition: the first row of each.
struct Values(Vec<Cells>);

impl SerializeRow for Values {
    fn serialize(&self, _: &RowSerializationContext<'_>, writer: &mut RowWriter<'_>) -> Result<(), SerializationError> {
        for cells in &self.0 {
            cells.write(0, writer.make_cell_writer()).map_err(SerializationError::new)?;
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        false
    }
}

/// Names and comments of a keyspace's tables.
pub(crate) async fn comments(session: &Session, keyspace: &str) -> Result<Vec<(String, String)>, CqlError> {
    const CONTEXT: &str = "listing tables";
    let statement = "SELECT table_name, comment FROM system_schema.tables WHERE keyspace_name = ?";
    let rows = session.query_iter(statement, (keyspace,)).await.map_err(|error| CqlError::paging(CONTEXT, &error))?;
    let rows = rows.rows_stream::<(String, Option<String>)>().map_err(|error| CqlError::Schema(error.to_string()))?;
    let rows: Vec<_> = rows.try_collect().await.map_err(|error| CqlError::next_page(CONTEXT, &error))?;
    Ok(rows.into_iter().map(|(name, comment)| (name, comment.unwrap_or_default())).collect())
}

/// The slice of the list of partitions that a bucket is in.
pub(crate) fn slice_of(layout: &Layout, bucket: i64) -> i64 {
    bucket.div_euclid(layout.order.width().saturating_mul(BUCKETS_A_SLICE))
}

/// The bucket of a bound, which may be beyond all buckets.
fn first_bucket(layout: &Layout, order: i64) -> i64 {
    let width = layout.order.width();
    order.div_euclid(width).saturating_mul(width)
}
