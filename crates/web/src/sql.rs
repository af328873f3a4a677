//! SQL over a stream's tables, on threads of its own and with limits: the page's own questions and a person's.

use std::time::{Duration, Instant};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use ask::AskError;
use axum::http::StatusCode;
use store::{NOTES_TABLE, Note, QueryOptions, StoreError};
use tokio::{runtime::Handle, task::JoinHandle, time};

use crate::{hub::Shown, problem::Problem};

/// How long a query may take.
pub(crate) const TIME_MAX: Duration = Duration::from_secs(30);
/// How often a query begins again when a file that it reads is replaced.
const RETRIES_MAX: u32 = 3;
/// Memory of a query for sorting, grouping and joining.
const MEMORY_BYTES_MAX: usize = 256 << 20;
/// Bytes of an answer, which is held until it is sent.
const ANSWER_BYTES_MAX: usize = 256 << 20;
/// Bytes on disk for what does not fit into memory.
const SPILL_BYTES_MAX: u64 = 1 << 30;

/// The threads that queries run on.
#[derive(Debug, Clone)]
pub(crate) struct Sql {
    threads: Handle,
}

/// The rows that a query found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) schema: SchemaRef,
    pub(crate) batches: Vec<RecordBatch>,
    /// Whether there are more.
    pub(crate) truncated: bool,
    pub(crate) elapsed: Duration,
}

impl Sql {
    pub(crate) fn new(threads: Handle) -> Self {
        Self { threads }
    }

    /// Asks; at most `rows_max` rows are found. Whoever no longer waits ends the query.
    pub(crate) async fn ask(&self, shown: &Shown, sql: String, rows_max: u64) -> Result<Found, Problem> {
        self.ask_holding(shown, sql, rows_max, ()).await
    }

    /// Asks for results of windows, wherever they are.
    pub(crate) async fn ask_windows(&self, shown: &Shown, sql: String, rows_max: u64) -> Result<Found, Problem> {
        self.ask_of(shown.watched.windows(), None, sql, rows_max, ()).await
    }

    /// The same as `ask`; `held` is dropped when the query has ended, and not before: also where nobody waits for it.
    pub(crate) async fn ask_holding(
        &self,
        shown: &Shown,
        sql: String,
        rows_max: u64,
        held: impl Send + 'static,
    ) -> Result<Found, Problem> {
        let source = shown.watched.tables();
        let notes = notes(shown, &source, &sql);
        self.ask_of(source, notes, sql, rows_max, held).await
    }

    async fn ask_of(
        &self,
        source: ask::Source,
        notes: Option<Vec<Note>>,
        sql: String,
        rows_max: u64,
        held: impl Send + 'static,
    ) -> Result<Found, Problem> {
        let task = Ended(self.threads.spawn(async move {
            let _held = held;
            let options = QueryOptions {
                rows_max: Some(rows_max),
                memory_bytes_max: MEMORY_BYTES_MAX,
                spill_bytes_max: SPILL_BYTES_MAX,
                parallel: Some(1),
            };
            let mut left = RETRIES_MAX;
            loop {
                match run(&source, notes.as_deref(), &sql, &options).await {
                    // The run has merged a file since the manifest was read: the next one lists what took its place.
                    Err(AskError::Store(StoreError::Missing { .. })) if left > 0 => left -= 1,
                    done => return done,
                }
            }
        }));
        match time::timeout(TIME_MAX, task).await {
            Ok(found) => found.map_err(|error| problem(&error)),
            Err(_) => {
                let detail = format!("the query took longer than {} s; ask for less", TIME_MAX.as_secs());
                Err(Problem::new(StatusCode::GATEWAY_TIMEOUT, "query-too-long", detail))
            }
        }
    }
}

/// What people wrote, for a query that may ask for it; results of one process have it themselves.
fn notes(shown: &Shown, source: &ask::Source, sql: &str) -> Option<Vec<Note>> {
    let kept_apart = !matches!(source, ask::Source::Results(_));
    (kept_apart && sql.contains(NOTES_TABLE)).then(|| shown.notes.list())
}

async fn run(
    source: &ask::Source,
    notes: Option<&[Note]>,
    sql: &str,
    options: &QueryOptions,
) -> Result<Found, AskError> {
    let begun = Instant::now();
    let session = ask::open(source, options).await?;
    if let Some(notes) = notes {
        session.add_notes(notes)?;
    }
    let mut answer = session.sql(sql).await?;
    let mut batches = Vec::new();
    let mut bytes = 0;
    while let Some(rows) = answer.next().await? {
        bytes += rows.get_array_memory_size();
        if bytes > ANSWER_BYTES_MAX {
            return Err(StoreError::Memory { limit: ANSWER_BYTES_MAX >> 20 }.into());
        }
        batches.push(rows);
    }
    Ok(Found { schema: answer.schema(), batches, truncated: answer.truncated(), elapsed: begun.elapsed() })
}

/// A task that ends when nobody waits for it any more.
struct Ended(JoinHandle<Result<Found, AskError>>);

impl Future for Ended {
    type Output = Result<Found, AskError>;

    fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0).poll(context).map(|done| {
            done.unwrap_or_else(|error| {
                let message = format!("the query broke off: {error}");
                Err(AskError::Store(StoreError::Query { message, suggestion: None }))
            })
        })
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What is wrong with a query, for the person who asked.
fn problem(error: &AskError) -> Problem {
    match error {
        AskError::Store(StoreError::Query { message, suggestion }) => {
            Problem::bad_request("bad-query", message.clone()).suggest(suggestion.clone())
        }
        AskError::Store(error @ StoreError::NoQuery { .. }) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "read-only", error.to_string())
        }
        AskError::Store(error @ StoreError::Memory { .. }) => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "query-too-large", error.to_string())
        }
        AskError::Store(error @ (StoreError::NoResults { .. } | StoreError::Missing { .. })) => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-yet", error.to_string()).retry_after(1)
        }
        error => {
            tracing::warn!(%error, "a query failed");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "store-unavailable", error.to_string()).retry_after(5)
        }
    }
}

/// A name as SQL has it.
pub(crate) fn name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL has it.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A time, in a form that two of can be compared whatever the column's type is.
pub(crate) fn time_of(sql: &str) -> String {
    format!("arrow_cast({sql}, 'Timestamp(Microsecond, Some(\"+00:00\"))')")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_and_no_text_can_end_its_quotes() {
        assert_eq!(name("a\"; DROP"), "\"a\"\"; DROP\"");
        assert_eq!(literal("it's'"), "'it''s'''");
    }
}
