//! Commits since the checkpoint's database was last written: a line each, so that a commit a second costs what it changes and
//! not a dozen pages of a database.
//!
//! The first line says of which database the log is. One that is of an earlier one, left by a crash, counts for nothing.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use store::{FileEntry, LineLog, StoreError};

use crate::{LocalError, progress::Progress};

/// How many bytes of commits are kept beside the database before they go into it.
pub(crate) const JOURNAL_BYTES_MAX: u64 = 1 << 20;

/// What a commit changed, but for states.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub progress: Progress,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<FileEntry>,
    /// Paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
}

impl Entry {
    /// The first line: where the database stands.
    fn base(progress: &Progress) -> Self {
        Self { progress: progress.clone(), added: Vec::new(), removed: Vec::new() }
    }
}

/// The commits that the database does not have yet.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    /// None before the first of them.
    log: Option<LineLog>,
    entries: Vec<Entry>,
}

impl Journal {
    /// A journal at `path` with nothing in it.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, log: None, entries: Vec::new() }
    }

    /// The commits behind the database that stands at `base`, of the log at `path`.
    pub(crate) fn read(path: &Path, base: Option<&Progress>) -> Result<Vec<Entry>, StoreError> {
        let mut entries = LineLog::read::<Entry>(path)?.unwrap_or_default();
        if entries.first().map(|entry| &entry.progress) != base {
            return Ok(Vec::new());
        }
        entries.drain(..entries.len().min(1));
        Ok(entries)
    }

    /// Whether the commits must go into the database.
    pub(crate) fn is_full(&self) -> bool {
        self.log.as_ref().is_some_and(|log| log.bytes() >= JOURNAL_BYTES_MAX)
    }

    /// Makes a commit durable, behind the database that stands at `base`.
    pub(crate) fn append(&mut self, base: &Progress, entry: Entry) -> Result<(), LocalError> {
        match &mut self.log {
            Some(log) => log.append(std::slice::from_ref(&entry))?,
            empty => {
                let mut log = LineLog::begin(self.path.clone())?;
                log.append(&[Entry::base(base), entry.clone()])?;
                sync_folder(&self.path)?;
                *empty = Some(log);
            }
        }
        self.entries.push(entry);
        Ok(())
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The database has all of it.
    pub(crate) fn clear(&mut self) {
        (self.log, self.entries) = (None, Vec::new());
    }
}

/// Makes the name of a file durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), LocalError> {
    let synced = path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all());
    synced.map_err(LocalError::checkpoint)
}
