//! What can go wrong with serving a page.

use std::io;

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
