//! Events posted to `POST /v1/events`: checked against the schema, made durable, then answered.
//!
//! The body is a JSON array or one JSON object a line, told by the content type (`application/json`,
//! `application/x-ndjson`, `application/jsonl`; without one by the first byte).
//!
//! | status | when | body |
//! |---|---|---|
//! | 202 | every event is durable | `{"accepted": n}`, with `invalid=dead-letter` also `"invalid": m` |
//! | 400 | an event is none of the schema, or the body is empty or no JSON; nothing was accepted | `{"error": …, "rejected": [{"index": i, "reason": …}]}` |
//! | 408 | the body did not come in time; nothing was accepted | `{"error": …}` |
//! | 413 | the body is longer than `body_bytes_max`, or an event than the limit of one; nothing was accepted | `{"error": …}` |
//! | 415 | the content type is another | `{"error": …}` |
//! | 429 | `backlog_max` events wait already, or too many requests at once; `Retry-After` says when to come again | `{"error": …}` |
//! | 503 | the disk failed, or every connection that may be open is at work; nothing was accepted | `{"error": …}` |
//!
//! With `?invalid=dead-letter` invalid events are accepted as well and become dead letters in the pipeline. A client
//! that got no answer does not know whether its events were accepted: it should send them again with the same ids.
//!
//! A client that is slow or silent takes nothing from the others: a place among the requests is taken only once a body is
//! there, headers, bodies and idle connections have their time, and for a connection too many the quietest is closed.

mod body;
mod connections;
mod limits;
mod receive;
mod seats;
mod server;

use std::{
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
};

use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use tokio::sync::oneshot;

pub use self::limits::HttpLimits;
use crate::{
    Cursor, Next, Progress, Source, SourceError,
    json_rows::JsonRows,
    log::{Decoding, Entry, Log, LogSource},
};

/// Where accepted events go. Called from several threads; may block.
pub trait Intake: Send + Sync + 'static {
    /// Makes events durable, all or none of them, and only then returns.
    ///
    /// # Errors
    /// Where there is no room for them now, or they could not be made durable.
    fn append(&self, events: Vec<Bytes>) -> Result<(), IntakeError>;
}

/// Why events were not taken in.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// Too many wait already; try again later.
    #[error("too many events wait to be processed; send them again later")]
    Busy,
    /// They could not be made durable.
    #[error("the events could not be made durable: {0}")]
    Failed(String),
}

/// A running HTTP endpoint; it stops when dropped, after the requests that are under way or `shutdown_time_max`.
pub struct HttpServer {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl HttpServer {
    /// Listens on `listen` (`host:port`, port 0 for any) and hands events of `schema` to `intake`.
    ///
    /// # Errors
    /// Where the address cannot be listened on, or the schema cannot be read from JSON.
    pub fn start(
        listen: &str,
        schema: SchemaRef,
        limits: HttpLimits,
        intake: Arc<dyn Intake>,
    ) -> Result<Self, SourceError> {
        let refuse = |error| {
            SourceError::input(format!(
                "cannot listen on {listen}: {error}; free the address or choose another `listen`"
            ))
        };
        let listener = TcpListener::bind(listen).map_err(refuse)?;
        listener.set_nonblocking(true).map_err(refuse)?;
        let address = listener.local_addr().map_err(refuse)?;
        let router = server::router(JsonRows::new(schema, limits.json)?, limits, intake);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(limits.requests_max.max(1))
            .thread_name("http")
            .enable_all()
            .build()
            .map_err(refuse)?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("http".into()).spawn(move || {
            if let Err(error) = runtime.block_on(connections::serve(listener, router, limits, stopped)) {
                tracing::error!(%error, "the http endpoint stopped");
            }
            // A disk that does not come back must not hold the process up either.
            runtime.shutdown_timeout(limits.shutdown_time_max);
        });
        let thread = thread.map_err(refuse)?;
        tracing::info!(%address, "listening for events");
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        // The other side is gone only when the thread has ended already.
        let _ = self.stop.take().map(|stop| stop.send(()));
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the http endpoint panicked");
        }
    }
}

/// The endpoint together with the log that its events go through.
pub(crate) struct HttpSource {
    server: HttpServer,
    log: LogSource,
}

impl HttpSource {
    pub(crate) fn open(
        definition: &stream::Http,
        schema: SchemaRef,
        event_bytes_max: usize,
        log: Arc<Log>,
    ) -> Result<Self, SourceError> {
        let source = LogSource::new(
            log.clone(),
            Decoding::Json(JsonRows::new(schema.clone(), definition.json)?),
            event_bytes_max,
        );
        let intake = LogIntake { log, consumed: source.consumed(), backlog_max: definition.backlog_max };
        let body_bytes_max = usize::try_from(definition.body_bytes_max).unwrap_or(usize::MAX);
        let limits = HttpLimits { json: definition.json, ..HttpLimits::new(body_bytes_max, event_bytes_max) };
        let server = HttpServer::start(&definition.listen, schema, limits, Arc::new(intake))?;
        Ok(Self { server, log: source })
    }
}

impl Source for HttpSource {
    fn next(&mut self, rows_max: usize) -> Result<Next, SourceError> {
        self.log.next(rows_max)
    }

    fn seek(&mut self, cursor: &Cursor) -> Result<(), SourceError> {
        self.log.seek(cursor)
    }

    fn cursor(&self) -> Cursor {
        self.log.cursor()
    }

    fn progress(&self) -> Progress {
        self.log.progress()
    }

    fn forget_before(&mut self, position: u64) -> Result<(), SourceError> {
        self.log.forget_before(position)
    }

    fn address(&self) -> Option<SocketAddr> {
        Some(self.server.address())
    }
}

/// Puts events into the durable log.
struct LogIntake {
    log: Arc<Log>,
    consumed: Arc<AtomicU64>,
    backlog_max: u64,
}

impl Intake for LogIntake {
    fn append(&self, events: Vec<Bytes>) -> Result<(), IntakeError> {
        let waiting = self.log.durable().saturating_sub(self.consumed.load(Ordering::Acquire));
        if waiting.saturating_add(events.len() as u64) > self.backlog_max {
            return Err(IntakeError::Busy);
        }
        let entries: Vec<_> = events.iter().map(|payload| Entry { payload, cut: false }).collect();
        self.log.append(&entries).map_err(|error| {
            tracing::error!(%error, "posted events could not be logged");
            IntakeError::Failed(error.to_string())
        })
    }
}

#[cfg(test)]
mod slow;
#[cfg(test)]
mod tests;
