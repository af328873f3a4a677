//! What can go wrong with serving a page.

use std::io;

/// Why a note was not made durable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotKept(pub String);

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The settings do not fit the address.
    #[error("{0}")]
    Access(String),
    /// The server cannot be started.
    #[error("cannot serve the page: {0}")]
    Start(io::Error),
}
