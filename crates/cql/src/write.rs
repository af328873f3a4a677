//! The sink: rows into CQL tables.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use sink::{Batch, Positions, Sink, SinkError, StoredProbe, Table};
use tokio::runtime::Runtime;

use crate::{
    CqlError, Layout, Settings,
    connection::{BYTES_A_REQUEST_MAX, Connection, ROWS_A_REQUEST_MAX, Request},
    limiter::Limiter,
    partitions::Partitions,
    read::slice_of,
    rows::Bindable,
};

/// How long one write tries before it says that the store is away. The caller keeps the rows and asks again, and in
/// between can show itself alive.
const WRITE_LIMIT: Duration = Duration::from_secs(60);
/// The wait between two attempts to connect.
const CONNECT_AGAIN: Duration = Duration::from_secs(1);
const NAME: &str = "cql";

/// Rows into CQL tables.
///
/// A write returns when the store has acknowledged every row. Rows of one partition travel together in unlogged
/// batches, requests go to a replica of their partition, and a repeat overwrites itself. Behind the rows the position and
/// the newest probe of each partition are kept, which never go back.
pub struct CqlSink {
    settings: Settings,
    /// The stream's name.
    stream: String,
    layouts: BTreeMap<Table, Arc<Layout>>,
    runtime: Runtime,
    connection: Option<Connection>,
    limiter: Limiter,
    partitions: Partitions,
    write_limit: Duration,
    rows_a_request: usize,
}

impl CqlSink {
    /// A sink for these tables. It connects when it is asked to reach the store, or with the first write.
    ///
    /// # Errors
    /// `Setting` where the settings cannot be used, `Threads` where the driver's threads cannot be started.
    pub fn new(settings: Settings, layouts: Vec<Layout>) -> Result<Self, CqlError> {
        let mistakes = settings.mistakes();
        if !mistakes.is_empty() {
            return Err(CqlError::Setting(mistakes.join("; ")));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("cql")
            .enable_all()
            .build()
            .map_err(CqlError::Threads)?;
        Ok(Self {
            settings,
            stream: layouts.first().map(|layout| layout.stream.clone()).unwrap_or_default(),
            layouts: layouts.into_iter().map(|layout| (layout.table, Arc::new(layout))).collect(),
            runtime,
            connection: None,
            limiter: Limiter::new(),
            partitions: Partitions::default(),
            write_limit: WRITE_LIMIT,
            rows_a_request: ROWS_A_REQUEST_MAX,
        })
    }

    /// The same with another limit on the length of a write.
    #[must_use]
    pub fn with_write_limit(mut self, limit: Duration) -> Self {
        self.write_limit = limit;
        self
    }

    /// The same with at most so many rows of one partition in a request; 1 for no batches.
    #[must_use]
    pub fn with_rows_a_request(mut self, rows: usize) -> Self {
        self.rows_a_request = rows.clamp(1, ROWS_A_REQUEST_MAX);
        self
    }

    /// What to send: first the entries of partitions that are not listed yet, then the rows.
    fn requests(&mut self, batches: &[Batch]) -> Result<(Vec<Request>, Vec<Request>), SinkError> {
        let mut lists = Vec::new();
        let mut listed = HashSet::new();
        let mut requests = Vec::new();
        for (index, batch) in batches.iter().enumerate().filter(|(_, batch)| batch.rows.num_rows() > 0) {
            let Some(layout) = self.layouts.get(&batch.table).cloned() else {
                let message = format!("there is no table for {}", batch.table);
                return Err(SinkError::Unprepared { store: NAME.to_owned(), message });
            };
            let bindable = Bindable::new(&layout, &batch.rows, &batch.positions, &batch.times)
                .map_err(|error| failure(error, batch))?;
            let bindable = Arc::new(bindable);
            let ttl = layout.ttl_seconds;
            let row_bytes = bindable.row_bytes;
            let rows_max = (BYTES_A_REQUEST_MAX / row_bytes.max(1)).clamp(1, self.rows_a_request);
            for (key, rows) in bindable.partitions() {
                let (count, bytes) = (rows.len() as u64, (rows.len() * row_bytes) as u64);
                let unlisted = self.partitions.count(batch.table, &key, count, bytes, ttl);
                if unlisted && listed.insert((batch.table, key.clone())) {
                    // The entry outlives the rows, and is renewed after half of their life.
                    let ttl_seconds = ttl.map_or(0, |ttl| i32::try_from(ttl.saturating_mul(2)).unwrap_or(0));
                    let slice = slice_of(&layout, key.bucket);
                    lists.push(Request::List { name: layout.name.clone(), slice, key, ttl_seconds });
                }
                requests.extend(rows.chunks(rows_max).map(|rows| Request::Rows {
                    table: batch.table,
                    bindable: bindable.clone(),
                    rows: rows.to_vec(),
                    batch: index,
                }));
            }
        }
        Ok((lists, requests))
    }

    fn connect(&mut self, deadline: Instant) -> Result<(), SinkError> {
        while self.connection.is_none() {
            match self.runtime.block_on(Connection::open(&self.settings, &self.layouts)) {
                Ok(connection) => self.connection = Some(connection),
                Err(error) if error.is_temporary() && Instant::now() + CONNECT_AGAIN < deadline => {
                    std::thread::sleep(CONNECT_AGAIN);
                }
                Err(error) if error.is_temporary() => return Err(away(&error)),
                Err(error) => {
                    return Err(SinkError::Unprepared { store: NAME.to_owned(), message: error.to_string() });
                }
            }
        }
        Ok(())
    }
}

impl Request {
    fn listing(&self, layouts: &BTreeMap<Table, Arc<Layout>>) -> Option<(Table, crate::rows::PartitionKey)> {
        let Self::List { name, key, .. } = self else { return None };
        let table = layouts.values().find(|layout| layout.name == *name)?.table;
        Some((table, key.clone()))
    }
}

impl Sink for CqlSink {
    fn positions(&mut self) -> Result<Positions, SinkError> {
        self.connect(Instant::now())?;
        let Some(connection) = &self.connection else { return Ok(Positions::default()) };
        let kept = self.runtime.block_on(connection.positions(&self.stream));
        match kept {
            Ok(kept) => Ok(Positions { kept, ..Positions::default() }),
            Err(error) if error.is_temporary() => Err(away(&error)),
            Err(error) => Err(SinkError::Unprepared { store: NAME.to_owned(), message: error.to_string() }),
        }
    }

    fn write(&mut self, batches: Vec<Batch>) -> Result<(), SinkError> {
        let deadline = Instant::now() + self.write_limit;
        self.connect(deadline)?;
        let (lists, requests) = self.requests(&batches)?;
        let Some(connection) = &self.connection else { return Ok(()) };
        let limiter = &mut self.limiter;
        let keys: Vec<_> = lists.iter().filter_map(|list| list.listing(&self.layouts)).collect();
        let positions = positions(&self.stream, &batches);
        let sent = self.runtime.block_on(async {
            connection.send_all(lists, limiter, deadline).await?;
            connection.send_all(requests, limiter, deadline).await?;
            // Behind the rows: what lies before a position or a probe is stored.
            let stored = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64;
            let probes = probes(&self.stream, &batches, stored);
            connection.send_all(positions.into_iter().chain(probes).collect(), limiter, deadline).await
        });
        match sent {
            Ok(()) => {
                keys.iter().for_each(|(table, key)| self.partitions.listed(*table, key));
                Ok(())
            }
            Err((_, error)) if error.is_temporary() => Err(away(&error)),
            Err((Request::Rows { batch, rows, .. }, error)) => Err(refused(&error, &batches[batch], rows.first())),
            Err((Request::List { .. } | Request::Position { .. } | Request::Probe { .. }, error)) => {
                Err(SinkError::Unprepared { store: NAME.to_owned(), message: error.to_string() })
            }
        }
    }

    fn reach(&mut self) -> Result<(), SinkError> {
        self.connect(Instant::now())
    }

    fn name(&self) -> &str {
        NAME
    }
}

/// The position behind the rows of each partition.
fn positions(stream: &str, batches: &[Batch]) -> Vec<Request> {
    let mut next: BTreeMap<(&str, u32), u64> = BTreeMap::new();
    for batch in batches {
        let at = next.entry((&batch.topic, batch.partition)).or_default();
        *at = batch.next.max(*at);
    }
    let request = |((topic, partition), next): ((&str, u32), u64)| Request::Position {
        stream: stream.to_owned(),
        topic: topic.to_owned(),
        partition: i32::try_from(partition).unwrap_or(i32::MAX),
        next: i64::try_from(next).unwrap_or(i64::MAX),
    };
    next.into_iter().map(request).collect()
}

/// The newest probe of each partition, stored at this time.
fn probes(stream: &str, batches: &[Batch], stored: i64) -> Vec<Request> {
    let request = |(partition, probe): (u32, StoredProbe)| Request::Probe {
        stream: stream.to_owned(),
        partition: i32::try_from(partition).unwrap_or(i32::MAX),
        probe,
    };
    StoredProbe::newest(batches, stored).into_iter().map(request).collect()
}

fn away(error: &CqlError) -> SinkError {
    SinkError::Away { store: NAME.to_owned(), message: error.to_string() }
}

fn failure(error: CqlError, batch: &Batch) -> SinkError {
    if error.is_temporary() { away(&error) } else { refused(&error, batch, None) }
}

fn refused(error: &CqlError, batch: &Batch, row: Option<&usize>) -> SinkError {
    SinkError::Refused {
        table: batch.table,
        topic: batch.topic.clone(),
        partition: batch.partition,
        position: row.map_or(batch.first(), |row| batch.positions.value(*row)),
        message: error.to_string(),
    }
}
