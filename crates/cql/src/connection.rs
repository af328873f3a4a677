//! An open session with the statements of a writer, and the loop that sends them.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use futures::{StreamExt, TryStreamExt, future::Either, stream::FuturesUnordered};
use scylla::{
    client::session::Session,
    errors::ExecutionError,
    statement::{
        batch::{Batch, BatchStatement, BatchType},
        prepared::PreparedStatement,
    },
    value::CqlTimestamp,
};
use sink::{StoredProbe, Table, TopicPartition};

use crate::{
    CqlError, Layout, Settings, ddl,
    error::{is_overload, is_temporary},
    limiter::Limiter,
    rows::{Bindable, PartitionKey},
};

/// Rows of one partition in one request, which `make bench-store` sets against one row a request.
pub(crate) const ROWS_A_REQUEST_MAX: usize = 64;
/// And bytes: a node holds a request in memory as a whole.
pub(crate) const BYTES_A_REQUEST_MAX: usize = 32 << 10;
/// The first wait before a request is repeated; each further one is twice as long.
const BACK_OFF: Duration = Duration::from_millis(50);
const BACK_OFF_MAX: Duration = Duration::from_secs(2);

/// A session with its statements.
pub(crate) struct Connection {
    session: Session,
    inserts: BTreeMap<Table, Insert>,
    list: PreparedStatement,
    position: PreparedStatement,
    positions: PreparedStatement,
    probe: PreparedStatement,
}

struct Insert {
    one: PreparedStatement,
    /// A batch of each size, made when it is first needed.
    many: Vec<OnceLock<Batch>>,
}

/// What one request carries.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    /// Rows of one partition.
    Rows { table: Table, bindable: Arc<Bindable>, rows: Vec<usize>, batch: usize },
    /// An entry in the list of partitions.
    List { name: String, slice: i64, key: PartitionKey, ttl_seconds: i32 },
    /// The first position of a partition that is not stored.
    Position { stream: String, topic: String, partition: i32, next: i64 },
    /// The newest probe of a partition.
    Probe { stream: String, partition: i32, probe: StoredProbe },
}

impl Connection {
    /// Connects and prepares.
    pub(crate) async fn open(settings: &Settings, layouts: &BTreeMap<Table, Arc<Layout>>) -> Result<Self, CqlError> {
        let session = settings.connect().await?;
        let prepare = async |statement: String| {
            let mut prepared =
                session.prepare(statement).await.map_err(|error| match CqlError::prepare("prepare", &error) {
                    CqlError::Refused { message, .. } => CqlError::Schema(format!(
                        "the tables are not as the stream needs them, run `beamline store apply`: {message}"
                    )),
                    other => other,
                })?;
            prepared.set_is_idempotent(true);
            Ok(prepared)
        };
        let mut inserts = BTreeMap::new();
        for (table, layout) in layouts {
            let one = prepare(ddl::insert(&settings.keyspace, layout)).await?;
            let many = (0..=ROWS_A_REQUEST_MAX).map(|_| OnceLock::new()).collect();
            inserts.insert(*table, Insert { one, many });
        }
        let list = prepare(ddl::insert_partition(&settings.keyspace)).await?;
        let position = prepare(ddl::insert_position(&settings.keyspace)).await?;
        let positions = prepare(ddl::select_positions(&settings.keyspace)).await?;
        let probe = prepare(ddl::insert_probe(&settings.keyspace)).await?;
        Ok(Self { session, inserts, list, position, positions, probe })
    }

    /// The first position of each partition that is not stored.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub(crate) async fn positions(&self, stream: &str) -> Result<BTreeMap<TopicPartition, u64>, CqlError> {
        const CONTEXT: &str = "reading positions";
        let rows = self.session.execute_iter(self.positions.clone(), (stream,)).await;
        let rows = rows.map_err(|error| CqlError::paging(CONTEXT, &error))?;
        let rows = rows.rows_stream::<(String, i32, i64)>().map_err(|error| CqlError::Schema(error.to_string()))?;
        let rows: Vec<_> = rows.try_collect().await.map_err(|error| CqlError::next_page(CONTEXT, &error))?;
        let positions = rows.into_iter().map(|(topic, partition, next)| {
            ((topic, u32::try_from(partition).unwrap_or_default()), u64::try_from(next).unwrap_or_default())
        });
        Ok(positions.collect())
    }

    /// Sends all requests, as many at once as the limiter says, each until it is acknowledged.
    ///
    /// # Errors
    /// The first request that the store refuses, or that it has not answered by `deadline`.
    pub(crate) async fn send_all(
        &self,
        requests: Vec<Request>,
        limiter: &mut Limiter,
        deadline: Instant,
    ) -> Result<(), (Request, CqlError)> {
        let mut waiting = requests.into_iter();
        let mut flying = FuturesUnordered::new();
        loop {
            while flying.len() < limiter.limit() {
                let Some(request) = waiting.next() else { break };
                flying.push(Either::Left(self.attempt(request, 0)));
            }
            let reached = flying.len() >= limiter.limit();
            let Some(attempted) = flying.next().await else { return Ok(()) };
            let Attempted { request, number, took, answer } = attempted;
            let Err(error) = answer else {
                limiter.answered(took, reached);
                continue;
            };
            if is_overload(&error) {
                limiter.overloaded();
            }
            if !is_temporary(&error) || Instant::now() >= deadline {
                return Err((request, CqlError::execution("writing rows", &error)));
            }
            flying.push(Either::Right(async move {
                tokio::time::sleep(back_off(number)).await;
                self.attempt(request, number + 1).await
            }));
        }
    }

    async fn attempt(&self, request: Request, number: u32) -> Attempted {
        let begin = Instant::now();
        let answer = self.send(&request).await;
        Attempted { request, number, took: begin.elapsed(), answer }
    }

    async fn send(&self, request: &Request) -> Result<(), ExecutionError> {
        match request {
            Request::List { name, slice, key, ttl_seconds } => {
                let values = (name, slice, key.bucket, key.key.as_ref(), ttl_seconds);
                self.session.execute_unpaged(&self.list, values).await?;
            }
            Request::Position { stream, topic, partition, next } => {
                // The position is its own write time, so that the greatest one stays, whoever writes last.
                self.session.execute_unpaged(&self.position, (stream, topic, partition, next, next)).await?;
            }
            Request::Probe { stream, partition, probe } => {
                let StoredProbe { sequence, sent, stored } = probe;
                let (sequence, sent, stored) = (*sequence as i64, CqlTimestamp(*sent), CqlTimestamp(*stored));
                // The time it was sent is its write time, so that the newest one stays, whoever writes last.
                let written = sent.0.saturating_mul(1000);
                self.session.execute_unpaged(&self.probe, (stream, partition, sequence, sent, stored, written)).await?;
            }
            Request::Rows { table, bindable, rows, .. } => {
                let Some(insert) = self.inserts.get(table) else { return Err(ExecutionError::EmptyPlan) };
                if let [row] = rows.as_slice() {
                    self.session.execute_unpaged(&insert.one, bindable.row(*row)).await?;
                } else {
                    let values: Vec<_> = rows.iter().map(|row| bindable.row(*row)).collect();
                    self.session.batch(insert.batch(rows.len()), values).await?;
                }
            }
        }
        Ok(())
    }
}

impl Insert {
    fn batch(&self, rows: usize) -> &Batch {
        self.many[rows.min(ROWS_A_REQUEST_MAX)].get_or_init(|| {
            let statements = vec![BatchStatement::PreparedStatement(self.one.clone()); rows];
            let mut batch = Batch::new_with_statements(BatchType::Unlogged, statements);
            batch.set_is_idempotent(true);
            batch
        })
    }
}

struct Attempted {
    request: Request,
    number: u32,
    took: Duration,
    answer: Result<(), ExecutionError>,
}

fn back_off(attempts: u32) -> Duration {
    BACK_OFF.saturating_mul(1 << attempts.min(16)).min(BACK_OFF_MAX)
}
