//! What can go wrong with stored results.

use std::{
    error::Error,
    io,
    path::{Path, PathBuf},
};

use arrow::error::ArrowError;
use parquet::errors::ParquetError;

/// What can go wrong with stored results.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder cannot be used.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No room is left.
    #[error("no space is left on the disk of {}; free some and start again, nothing that was committed is lost", path.display())]
    DiskFull {
        /// The file that could not be written.
        path: PathBuf,
    },
    /// The folder of the results cannot be written.
    #[error("cannot write to the results folder {}: {source}; choose another folder or change its permissions", path.display())]
    NotWritable {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file that a commit lists is gone.
    #[error("{} is listed as committed but is not there; if a run goes on, ask again, else restore it or start over", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("{} is damaged: {message}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// Results of a later version of this program.
    #[error("{} has version {version}, but this program knows versions up to {known}; use a newer program", path.display())]
    Newer {
        /// The manifest.
        path: PathBuf,
        /// Its version.
        version: u32,
        /// The latest known one.
        known: u32,
    },
    /// There are no results.
    #[error("there are no results in {}; run a stream with this folder first", path.display())]
    NoResults {
        /// The folder.
        path: PathBuf,
    },
    /// Rows that do not fit where they should go.
    #[error("rows for {}: {message}", path.display())]
    Rows {
        /// The file.
        path: PathBuf,
        /// What is wrong with them.
        message: String,
    },
    /// A query that cannot be answered.
    #[error("{message}{}", suggestion.as_ref().map(|suggestion| format!("; {suggestion}")).unwrap_or_default())]
    Query {
        /// What is wrong with it.
        message: String,
        /// What would mend it.
        suggestion: Option<String>,
    },
    /// A statement that is not a query.
    #[error(
        "only queries are answered here (SELECT, SHOW TABLES, DESCRIBE, EXPLAIN): {statement} would change something"
    )]
    NoQuery {
        /// The statement.
        statement: String,
    },
    /// A query needs more memory than it may have.
    #[error(
        "the query needs more than the {limit} MiB of memory it may use; select fewer rows or columns, or raise the limit"
    )]
    Memory {
        /// What it may use.
        limit: usize,
    },
    /// An answer cannot be written where it should go.
    #[error("cannot write the answer: {0}")]
    Output(#[source] io::Error),
}

impl StoreError {
    /// An error of the file system.
    pub(crate) fn file(action: &'static str, path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull => Self::DiskFull { path: path.to_owned() },
            _ => Self::File { action, path: path.to_owned(), source },
        }
    }

    /// An error while rows are written to `path`.
    pub(crate) fn writing(path: &Path, error: &(dyn Error + 'static)) -> Self {
        match system_error(error) {
            Some(source) => Self::file("write", path, source),
            None => Self::Rows { path: path.to_owned(), message: sentence(error) },
        }
    }

    /// An error while rows are read from `path`.
    pub(crate) fn reading(path: &Path, error: &(dyn Error + 'static)) -> Self {
        match system_error(error) {
            Some(source) if source.kind() == io::ErrorKind::NotFound => Self::Missing { path: path.to_owned() },
            Some(source) if source.raw_os_error().is_some() => Self::file("read", path, source),
            _ => Self::Damaged { path: path.to_owned(), message: sentence(error) },
        }
    }
}

/// The error of the system behind `error`, where there is one.
pub(crate) fn system_error(error: &(dyn Error + 'static)) -> Option<io::Error> {
    let copied = |error: &io::Error| match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    };
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return Some(copied(error));
    }
    if let Some(ArrowError::IoError(_, error)) = error.downcast_ref::<ArrowError>() {
        return Some(copied(error));
    }
    if let Some(ParquetError::External(error)) = error.downcast_ref::<ParquetError>() {
        return system_error(error.as_ref());
    }
    error.source().and_then(system_error)
}

/// An error's text the way this project writes them: lower case, no full stop.
pub(crate) fn sentence(error: &(dyn Error + 'static)) -> String {
    let text = error.to_string();
    let text = text.trim().trim_end_matches('.');
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if !letters.as_str().starts_with(|second: char| second.is_uppercase()) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_seen_through_every_wrapping() {
        let full = || io::Error::from_raw_os_error(28);
        let errors: [Box<dyn Error>; 4] = [
            Box::new(full()),
            Box::new(ParquetError::from(full())),
            Box::new(ArrowError::from(full())),
            Box::new(ParquetError::External(Box::new(ArrowError::from(full())))),
        ];
        for error in errors {
            let error = StoreError::writing(Path::new("a.parquet"), error.as_ref());
            assert!(matches!(error, StoreError::DiskFull { .. }), "{error}");
        }
        let damaged = StoreError::reading(Path::new("a.parquet"), &ParquetError::General("Bad page.".to_owned()));
        assert_eq!(damaged.to_string(), "a.parquet is damaged: parquet error: Bad page");
    }
}
