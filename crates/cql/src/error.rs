//! What can go wrong with a CQL store.

use std::path::PathBuf;

use scylla::errors::{
    ConnectionError, ConnectionPoolError, DbError, ExecutionError, MetadataError, NewSessionError, NextPageError,
    NextRowError, PagerExecutionError, PrepareError, RequestAttemptError, RequestError,
};

/// What can go wrong with a CQL store.
#[derive(Debug, thiserror::Error)]
pub enum CqlError {
    /// A setting that cannot be used.
    #[error("{0}")]
    Setting(String),
    /// A file with a password or certificate cannot be used.
    #[error("cannot use {}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// No node answers.
    #[error("no CQL node answers at {nodes}: {message}")]
    Unreachable {
        /// The nodes that were tried.
        nodes: String,
        /// What the driver says.
        message: String,
    },
    /// A node answers, but not over TLS as the settings ask for it.
    #[error("no encrypted connection to the CQL nodes at {nodes}: {message}; check the certificates and their dates")]
    Encryption {
        /// The nodes that were tried.
        nodes: String,
        /// What the TLS library says.
        message: String,
    },
    /// A statement failed, and will again.
    #[error("the store refuses {context}: {message}")]
    Refused {
        /// What was to be done.
        context: String,
        /// What the store says.
        message: String,
    },
    /// A statement failed, but the same one may succeed later.
    #[error("the store did not answer while {context}: {message}")]
    NoAnswer {
        /// What was to be done.
        context: String,
        /// What the store or the driver says.
        message: String,
    },
    /// A stream that CQL tables cannot hold.
    #[error("table {table}: {message}")]
    Layout {
        /// The CQL table.
        table: String,
        /// Why, and what to do.
        message: String,
    },
    /// Tables that are not as the stream needs them.
    #[error("{0}")]
    Schema(String),
    /// A value that does not fit its column.
    #[error("column {column}: {message}")]
    Value {
        /// The column.
        column: String,
        /// Why.
        message: String,
    },
    /// The threads of the driver cannot be started.
    #[error("cannot start the threads of the CQL driver: {0}")]
    Threads(#[source] std::io::Error),
}

impl CqlError {
    /// Whether the same again may succeed later.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::NoAnswer { .. } | Self::Unreachable { .. })
    }

    pub(crate) fn value(column: &str, message: impl ToString) -> Self {
        Self::Value { column: column.to_owned(), message: message.to_string() }
    }

    pub(crate) fn new_session(nodes: &[String], error: &NewSessionError) -> Self {
        let nodes = nodes.join(", ");
        if let NewSessionError::MetadataError(MetadataError::ConnectionPoolError(pool)) = error {
            if let ConnectionPoolError::Broken { last_connection_error: ConnectionError::IoError(io) } = pool
                && let Some(tls) = io.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>())
            {
                return Self::Encryption { nodes, message: tls.to_string() };
            }
            if pool.to_string().contains("uthentication") {
                return Self::Refused { context: "the login".to_owned(), message: pool.to_string() };
            }
        }
        Self::Unreachable { nodes, message: error.to_string() }
    }

    pub(crate) fn execution(context: &str, error: &ExecutionError) -> Self {
        Self::of(context, is_temporary(error), error)
    }

    pub(crate) fn prepare(context: &str, error: &PrepareError) -> Self {
        Self::of(context, prepare_is_temporary(error), error)
    }

    pub(crate) fn paging(context: &str, error: &PagerExecutionError) -> Self {
        let temporary = match error {
            PagerExecutionError::PrepareError(error) => prepare_is_temporary(error),
            PagerExecutionError::NextPageError(error) => next_page_is_temporary(error),
            _ => false,
        };
        Self::of(context, temporary, error)
    }

    pub(crate) fn next_page(context: &str, error: &NextRowError) -> Self {
        let temporary = matches!(error, NextRowError::NextPageError(error) if next_page_is_temporary(error));
        Self::of(context, temporary, error)
    }

    fn of(context: &str, temporary: bool, error: &dyn std::error::Error) -> Self {
        let (context, message) = (context.to_owned(), error.to_string());
        if temporary { Self::NoAnswer { context, message } } else { Self::Refused { context, message } }
    }
}

/// Whether the same statement may succeed later. Every statement here is idempotent, so that a time-out, after which
/// nobody knows whether it was done, may be repeated too.
pub(crate) fn is_temporary(error: &ExecutionError) -> bool {
    match error {
        ExecutionError::LastAttemptError(attempt) => attempt_is_temporary(attempt),
        ExecutionError::PrepareError(error) => prepare_is_temporary(error),
        ExecutionError::ConnectionPoolError(_)
        | ExecutionError::EmptyPlan
        | ExecutionError::RequestTimeout(_)
        | ExecutionError::SchemaAgreementError(_)
        | ExecutionError::MetadataError(_) => true,
        _ => false,
    }
}

fn prepare_is_temporary(error: &PrepareError) -> bool {
    match error {
        PrepareError::ConnectionPoolError(_) => true,
        PrepareError::AllAttemptsFailed { first_attempt } => attempt_is_temporary(first_attempt),
        _ => false,
    }
}

fn next_page_is_temporary(error: &NextPageError) -> bool {
    match error {
        NextPageError::RequestFailure(RequestError::LastAttemptError(attempt)) => attempt_is_temporary(attempt),
        NextPageError::RequestFailure(_) => true,
        _ => false,
    }
}

fn attempt_is_temporary(error: &RequestAttemptError) -> bool {
    match error {
        RequestAttemptError::BrokenConnectionError(_) | RequestAttemptError::UnableToAllocStreamId => true,
        RequestAttemptError::DbError(error, _) => matches!(
            error,
            DbError::Unavailable { .. }
                | DbError::Overloaded
                | DbError::IsBootstrapping
                | DbError::ReadTimeout { .. }
                | DbError::WriteTimeout { .. }
                | DbError::ReadFailure { .. }
                | DbError::WriteFailure { .. }
                | DbError::RateLimitReached { .. }
                | DbError::ServerError
                | DbError::Unprepared { .. }
        ),
        _ => false,
    }
}

/// Whether the store says that it has too much to do.
pub(crate) fn is_overload(error: &ExecutionError) -> bool {
    matches!(
        error,
        ExecutionError::RequestTimeout(_)
            | ExecutionError::LastAttemptError(
                RequestAttemptError::UnableToAllocStreamId
                    | RequestAttemptError::DbError(
                        DbError::Overloaded | DbError::WriteTimeout { .. } | DbError::RateLimitReached { .. },
                        _
                    )
            )
    )
}
