//! What can go wrong with a source as a whole. A bad record is not an error but a [`crate::Rejected`].

use std::{io, path::Path};

use arrow::error::ArrowError;

/// What can go wrong with a source as a whole.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// What the user must mend: a missing file, a missing column, a damaged archive, a setting that does not fit.
    #[error("{message}")]
    Input {
        /// What is wrong, and what to do about it.
        message: String,
    },
    /// The machine failed: a disk, a socket.
    #[error("{context}: {source}")]
    Io {
        /// What was being done, with the file's name.
        context: String,
        /// What the system says.
        source: io::Error,
    },
    /// A batch that cannot be put together.
    #[error("cannot build a batch of input rows: {0}")]
    Arrow(#[from] ArrowError),
}

impl SourceError {
    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self::Input { message: message.into() }
    }

    /// An error of the system while `doing` something with a file. What a user can mend becomes an input error.
    pub(crate) fn io(doing: &str, path: &Path, source: io::Error) -> Self {
        let context = format!("cannot {doing} {}", path.display());
        match source.kind() {
            io::ErrorKind::NotFound => Self::input(format!("{context}: there is no such file")),
            io::ErrorKind::PermissionDenied => Self::input(format!("{context}: permission denied")),
            io::ErrorKind::IsADirectory => Self::input(format!("{context}: it is a folder, name the files in it")),
            _ => Self::Io { context, source },
        }
    }

    /// Whether the user can mend it; otherwise the machine failed.
    pub fn is_input(&self) -> bool {
        matches!(self, Self::Input { .. })
    }
}
