//! What can go wrong with a server.

use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

/// What can go wrong with a server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A file or a folder cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A program is missing or cannot be started.
    #[error("cannot start {program}: {source}; `make setup-servers` installs what the tests need")]
    Start {
        /// The program.
        program: String,
        /// What the system says.
        source: io::Error,
    },
    /// A server has to be built, and there is no Go.
    #[error("this server is built with Go, which is missing; install it from https://go.dev/dl")]
    NoGo,
    /// A program ended with an error.
    #[error("{program} failed ({status}):\n{output}")]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it printed.
        output: String,
    },
    /// A server ended by itself.
    #[error("{name} ended by itself ({status}); its log ends with:\n{log}")]
    Ended {
        /// The server.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of its log.
        log: String,
    },
    /// A server takes too long.
    #[error("{name} is not {wanted} after {limit:?}; its log ends with:\n{log}")]
    Slow {
        /// The server.
        name: String,
        /// What it should be by now.
        wanted: &'static str,
        /// How long it had.
        limit: Duration,
        /// The end of its log.
        log: String,
    },
    /// A server is asked for what only a running one can do.
    #[error("{name} is not running; start it first")]
    NotRunning {
        /// The server.
        name: String,
    },
    /// A server cannot be reached or answers with something else than HTTP.
    #[error("no answer from {url}: {reason}")]
    Http {
        /// What was asked for.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// A server is asked for something it cannot be.
    #[error("{0}")]
    Options(String),
}

impl ServerError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
