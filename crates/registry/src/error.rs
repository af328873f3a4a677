//! What can be wrong with a registry, or with what it is asked.

use std::time::Duration;

/// What can be wrong with a registry, or with what it is asked. No message holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// Settings that reach no registry.
    #[error("the schema registry cannot be used: {0}")]
    Settings(String),
    /// Nobody answers.
    #[error("no answer from the schema registry at {url} ({reason}), tried for {}; is it running, and is the URL right?", seconds(*tried_for))]
    Unreachable {
        /// Where it should be.
        url: String,
        /// What the connection failed with.
        reason: String,
        /// How long it was tried.
        tried_for: Duration,
    },
    /// The connection cannot be made safe.
    #[error("the schema registry at {url} cannot be trusted ({reason}); check its certificate and --registry-ca-file")]
    Tls {
        /// Where it is.
        url: String,
        /// What is wrong with its certificate.
        reason: String,
    },
    /// The registry does not let us in.
    #[error(
        "the schema registry at {url} refuses to {operation} (status {status}); check --registry-username and the password"
    )]
    Refused {
        /// Where it is.
        url: String,
        /// What was asked.
        operation: String,
        /// 401 or 403.
        status: u16,
    },
    /// No schema has this id.
    #[error("the schema registry knows no schema with id {id}")]
    UnknownId {
        /// The id.
        id: u32,
    },
    /// A schema that may not follow the registered ones.
    #[error("the schema does not fit the earlier ones of subject `{subject}`: {}", messages.join("; "))]
    Incompatible {
        /// The subject.
        subject: String,
        /// What does not fit, as far as the registry says so.
        messages: Vec<String>,
    },
    /// What the registry does not take for a schema.
    #[error("the schema registry refuses the schema of subject `{subject}`: {message}")]
    InvalidSchema {
        /// The subject.
        subject: String,
        /// What the registry says.
        message: String,
    },
    /// Another answer than asked for.
    #[error("the schema registry at {url} cannot {operation}: status {status}, {message}")]
    Status {
        /// Where it is.
        url: String,
        /// What was asked.
        operation: String,
        /// The HTTP status.
        status: u16,
        /// The registry's own error code, where it gives one.
        code: Option<u32>,
        /// What the registry says.
        message: String,
    },
    /// An answer that is none of a schema registry.
    #[error(
        "{url} does not answer like a schema registry when asked to {operation} ({what}); is the URL right, base path included?"
    )]
    Answer {
        /// Where it is.
        url: String,
        /// What was asked.
        operation: String,
        /// What is wrong with the answer.
        what: String,
    },
}

impl RegistryError {
    /// Whether the same request may succeed later, with nothing changed but the registry's health.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500..=599),
            _ => false,
        }
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.0} s", duration.as_secs_f64().ceil())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16) -> RegistryError {
        let (url, operation) = ("http://registry".to_owned(), "read schema 1".to_owned());
        RegistryError::Status { url, operation, status, code: None, message: "no".to_owned() }
    }

    #[test]
    fn what_time_may_mend_is_retriable() {
        for code in [408, 429, 500, 502, 503, 504] {
            assert!(status(code).is_retriable(), "{code}");
        }
        for code in [400, 404, 405, 409, 422] {
            assert!(!status(code).is_retriable(), "{code}");
        }
        assert!(!RegistryError::UnknownId { id: 1 }.is_retriable());
    }
}
