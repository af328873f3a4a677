//! What a run has committed: one embedded database, and beside it the commits since it was last written. A commit is one atomic
//! write to one of them.

use std::{
    collections::BTreeMap,
    fmt::Display,
    fs::{self, File, OpenOptions, TryLockError},
    io::ErrorKind,
    path::Path,
};

use bytes::Bytes;
use redb::{Database, DatabaseError, Durability, ReadableDatabase, ReadableTable, StorageError, TableDefinition};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use source::Cursor;
use stage::Key;
use store::{FileEntry, StoreError};
use stream::FileFormat;

use crate::{
    LocalError,
    journal::{Entry, Journal, sync_folder},
    progress::Progress,
};

const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
/// Where the source stood at each commit that a restart may go back to, by position.
const CURSORS: TableDefinition<u64, &[u8]> = TableDefinition::new("cursors");
/// State by partition and key, behind the position up to which it covers the key's rows.
const SNAPSHOTS: TableDefinition<(u32, &str), &[u8]> = TableDefinition::new("snapshots");
/// Finished result files by path.
const FILES: TableDefinition<&str, &[u8]> = TableDefinition::new("files");
/// Pages that the database keeps in memory. Its own default is 1 GiB, beside the states that a partition holds.
const CACHE_BYTES: usize = 4 << 20;

/// What a run is of: a restart must be of the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// The layout of this database.
    pub version: u32,
    pub stream: String,
    pub fingerprint: String,
    pub partitions: u32,
    /// The source's definition, without what does not change its records.
    pub source: String,
}

/// The state of one key, covering its rows before `position`; empty where it has none any more.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub partition: u32,
    pub key: Key,
    pub position: u64,
    pub state: Bytes,
}

/// Everything that one commit changes.
#[derive(Debug)]
pub(crate) struct Commit<'a> {
    pub progress: &'a Progress,
    /// `None` in a commit without states.
    pub snapshots: Option<&'a [Snapshot]>,
    pub added: &'a [FileEntry],
    pub removed: &'a [FileEntry],
}

/// What a run has committed.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    database: Database,
    /// Where the database stands; none before the first commit.
    base: Option<Progress>,
    journal: Journal,
    _lock: File,
}

/// A file of repaired events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Insertion {
    /// The file in the folder of insertions.
    pub name: String,
    pub format: FileFormat,
    /// XXH3-128 of its bytes, in hexadecimal.
    pub hash: String,
    /// How many events it has.
    pub records: u64,
    /// The position of its first event; none until a run has fixed it.
    pub at: Option<u64>,
}

impl Insertion {
    /// Whether all of it stands before `position`.
    pub(crate) fn is_before(&self, position: u64) -> bool {
        self.at.is_some_and(|at| at + self.records <= position)
    }
}

impl Checkpoint {
    /// Opens or makes the database at `path`. A new one gets its name once it is whole: what a crash or a full disk leaves
    /// of its making is begun anew.
    pub(crate) fn open(path: &Path) -> Result<Self, LocalError> {
        let lock = lock(path)?;
        let unfinished = path.with_extension("new");
        let made = if path.exists() { None } else { Some(unfinished.as_path()) };
        if made.is_some() && unfinished.exists() {
            fs::remove_file(&unfinished).map_err(LocalError::checkpoint)?;
        }
        let create = Database::builder().set_cache_size(CACHE_BYTES).create(made.unwrap_or(path));
        let database = create.map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => LocalError::InUse { path: path.to_owned() },
            DatabaseError::Storage(StorageError::Io(error)) if error.kind() == ErrorKind::InvalidData => {
                damaged(path, &error)
            }
            DatabaseError::Storage(StorageError::Corrupted(error)) => damaged(path, &error),
            error @ (DatabaseError::RepairAborted | DatabaseError::UpgradeRequired(_)) => damaged(path, &error),
            error => LocalError::checkpoint(error),
        })?;
        let journal = path.with_extension("log");
        let mut checkpoint = Self { database, base: None, journal: Journal::new(journal.clone()), _lock: lock };
        let transaction = checkpoint.database.begin_write()?;
        transaction.open_table(META)?;
        transaction.open_table(CURSORS)?;
        transaction.open_table(SNAPSHOTS)?;
        transaction.open_table(FILES)?;
        transaction.commit()?;
        if let Some(made) = made {
            fs::rename(made, path).map_err(LocalError::checkpoint)?;
            sync_folder(path)?;
        }
        checkpoint.base = checkpoint.progress()?;
        let entries = Journal::read(&journal, checkpoint.base.as_ref()).map_err(|error| match error {
            StoreError::Damaged { path, message } => damaged(&path, &message),
            error => error.into(),
        })?;
        if let Some(last) = entries.last() {
            checkpoint.write(&entries, &last.progress, &[])?;
        }
        Ok(checkpoint)
    }

    pub(crate) fn identity(&self) -> Result<Option<Identity>, LocalError> {
        self.meta("identity")
    }

    /// When the run was first started, in microseconds since 1970.
    pub(crate) fn started(&self) -> Result<Option<i64>, LocalError> {
        self.meta("started")
    }

    pub(crate) fn begin(&self, identity: &Identity, started: i64) -> Result<(), LocalError> {
        let transaction = self.database.begin_write()?;
        {
            let mut meta = transaction.open_table(META)?;
            meta.insert("identity", json(identity)?.as_slice())?;
            meta.insert("started", json(&started)?.as_slice())?;
        }
        transaction.commit()?;
        Ok(())
    }

    pub(crate) fn progress(&self) -> Result<Option<Progress>, LocalError> {
        self.meta("progress")
    }

    /// Repaired events that were put back, in their order.
    pub(crate) fn insertions(&self) -> Result<Vec<Insertion>, LocalError> {
        Ok(self.meta("insertions")?.unwrap_or_default())
    }

    /// Makes insertions durable, and with them where the run stands, where that changes.
    pub(crate) fn insert(&mut self, insertions: &[Insertion], progress: Option<&Progress>) -> Result<(), LocalError> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        {
            let mut meta = transaction.open_table(META)?;
            meta.insert("insertions", json(&insertions)?.as_slice())?;
            if let Some(progress) = progress {
                meta.insert("progress", json(progress)?.as_slice())?;
            }
        }
        transaction.commit()?;
        self.base = progress.cloned().or(self.base.take());
        Ok(())
    }

    /// The latest cursor at or before `position`.
    pub(crate) fn cursor_before(&self, position: u64) -> Result<Option<Cursor>, LocalError> {
        let table = self.database.begin_read()?.open_table(CURSORS)?;
        let Some(entry) = table.range(..=position)?.next_back() else { return Ok(None) };
        from_json(entry?.1.value()).map(Some)
    }

    pub(crate) fn files(&self) -> Result<BTreeMap<String, FileEntry>, LocalError> {
        let table = self.database.begin_read()?.open_table(FILES)?;
        let mut files = BTreeMap::new();
        for entry in table.iter()? {
            let (path, file) = entry?;
            files.insert(path.value().to_owned(), from_json(file.value())?);
        }
        Ok(files)
    }

    /// Hands on each snapshot.
    pub(crate) fn each_snapshot(
        &self,
        mut take: impl FnMut(Snapshot) -> Result<(), LocalError>,
    ) -> Result<(), LocalError> {
        let table = self.database.begin_read()?.open_table(SNAPSHOTS)?;
        for entry in table.iter()? {
            let (key, value) = entry?;
            let (partition, key) = key.value();
            let Some((position, state)) = value.value().split_first_chunk::<8>() else {
                return Err(LocalError::Damaged { what: format!("the snapshot of key {key:?}") });
            };
            let (position, state) = (u64::from_le_bytes(*position), Bytes::copy_from_slice(state));
            take(Snapshot { partition, key: key.into(), position, state })?;
        }
        Ok(())
    }

    /// Makes a commit durable: all of it or nothing.
    pub(crate) fn commit(&mut self, commit: &Commit<'_>) -> Result<(), LocalError> {
        let entry = Entry {
            progress: commit.progress.clone(),
            added: commit.added.to_vec(),
            removed: commit.removed.iter().map(|file| file.path.clone()).collect(),
        };
        match (commit.snapshots, &self.base) {
            (None, Some(base)) if !self.journal.is_full() => self.journal.append(base, entry),
            (snapshots, _) => {
                let entries: Vec<Entry> = self.journal.entries().iter().cloned().chain([entry]).collect();
                self.write(&entries, commit.progress, snapshots.unwrap_or_default())
            }
        }
    }

    /// Writes commits to the database, the last of which leads to `progress` and has these states.
    fn write(&mut self, entries: &[Entry], progress: &Progress, snapshots: &[Snapshot]) -> Result<(), LocalError> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        {
            transaction.open_table(META)?.insert("progress", json(progress)?.as_slice())?;
            let mut cursors = transaction.open_table(CURSORS)?;
            for Entry { progress, .. } in entries {
                cursors.insert(progress.position, json(&progress.cursor)?.as_slice())?;
            }
            forget_cursors(&mut cursors, progress.horizon)?;
            let mut table = transaction.open_table(SNAPSHOTS)?;
            let mut value = Vec::new();
            for snapshot in snapshots {
                if snapshot.state.is_empty() {
                    table.remove((snapshot.partition, &*snapshot.key))?;
                    continue;
                }
                value.clear();
                value.extend_from_slice(&snapshot.position.to_le_bytes());
                value.extend_from_slice(&snapshot.state);
                table.insert((snapshot.partition, &*snapshot.key), value.as_slice())?;
            }
            let mut files = transaction.open_table(FILES)?;
            for (path, file) in changed_files(entries) {
                match file {
                    Some(file) => files.insert(path, json(file)?.as_slice())?,
                    None => files.remove(path)?,
                };
            }
        }
        transaction.commit()?;
        self.base = Some(progress.clone());
        self.journal.clear();
        Ok(())
    }

    fn meta<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, LocalError> {
        let table = self.database.begin_read()?.open_table(META)?;
        table.get(name)?.map(|value| from_json(value.value())).transpose()
    }
}

/// What becomes of the files that commits add and remove: what is removed again before it is written leaves no trace.
fn changed_files(entries: &[Entry]) -> BTreeMap<&str, Option<&FileEntry>> {
    let mut files = BTreeMap::new();
    for entry in entries {
        files.extend(entry.removed.iter().map(|path| (path.as_str(), None)));
        files.extend(entry.added.iter().map(|file| (file.path.as_str(), Some(file))));
    }
    files
}

/// Takes the lock beside the checkpoint at `path`; it is held until the file is dropped, or the process ends.
pub(crate) fn lock(path: &Path) -> Result<File, LocalError> {
    let beside = path.with_file_name("lock");
    let file = OpenOptions::new().create(true).append(true).open(beside).map_err(LocalError::checkpoint)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LocalError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(LocalError::checkpoint(error)),
    }
}

fn damaged(path: &Path, error: &dyn Display) -> LocalError {
    LocalError::Damaged { what: format!("{}: {error}", path.display()) }
}

/// Drops the cursors that no restart needs: all but the last one at or before the horizon, and those after it.
fn forget_cursors(cursors: &mut redb::Table<'_, u64, &'static [u8]>, horizon: u64) -> Result<(), LocalError> {
    let Some(needed) = cursors.range(..=horizon)?.next_back() else { return Ok(()) };
    let needed = needed?.0.value();
    cursors.retain_in(..needed, |_, _| false)?;
    Ok(())
}

fn json<T: Serialize>(value: &T) -> Result<Vec<u8>, LocalError> {
    serde_json::to_vec(value).map_err(|error| LocalError::Damaged { what: error.to_string() })
}

fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, LocalError> {
    serde_json::from_slice(bytes).map_err(|error| LocalError::Damaged { what: error.to_string() })
}

#[cfg(test)]
mod tests;
