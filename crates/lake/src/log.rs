//! The log of a lake of Parquet files: who has stored what, and which files are on their way into place.
//!
//! Each commit is a file of its own, `_beamline/log/NUMBER.json`, that is put only where there is none (a hard link on a
//! disk, `If-None-Match` on an object store, a move to where nothing is on HDFS). So of two writers at the same place one
//! has to look at what the other did before it goes on, and a writer that was paused can commit nothing that its successor
//! has stored. A commit holds the whole state: the position of every partition, and the files that are still to be moved;
//! the last one is enough to know everything. Files are staged under `_beamline/staged`, which tools skip, and moved into
//! place after the commit.

mod entry;
mod places;

use std::{collections::BTreeSet, sync::Arc, time::SystemTime};

use futures::TryStreamExt;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, path::Path};

pub(crate) use self::{
    entry::{Entry, Move, flat},
    places::{Places, relative, staged, staged_folder},
};
use crate::LakeError;

const FOLDER: &str = "_beamline/log";
/// Where the search for the last commit begins; a hint, and never later than that.
const HINT: &str = "_beamline/log/_last";
/// After how many commits the hint is written.
const HINT_EVERY: u64 = 32;
/// After how many commits old ones are deleted.
const PRUNE_EVERY: u64 = 256;
/// How many commits stay, however old they are.
const KEPT_MIN: u64 = 1_000;
/// How long a commit stays. A writer that sleeps for longer between its look at the log and its commit is not noticed.
const KEPT_SECONDS: i64 = 7 * 24 * 3_600;

/// The log as far as this process has read it.
#[derive(Debug)]
pub(crate) struct Log {
    store: Arc<dyn ObjectStore>,
    lake: Path,
    /// The number of the last commit; 0 before the first.
    number: u64,
    last: Entry,
    /// Attempts whose files this process has seen in place.
    placed: BTreeSet<String>,
}

/// What came of a commit.
#[derive(Debug)]
pub(crate) enum Committed {
    /// It is the last commit now.
    Done,
    /// Others were first; what they did.
    Overtaken(Vec<Entry>),
}

impl Log {
    /// The log of a lake as it is now; an empty one where there is none.
    ///
    /// # Errors
    /// Where the store does not answer, or a later version wrote the log.
    pub(crate) async fn open(store: &Arc<dyn ObjectStore>, lake: &Path) -> Result<Self, LakeError> {
        let number = last_number(store, lake).await?;
        let last = match number {
            0 => Entry::default(),
            number => read(store, lake, number).await?.ok_or_else(|| gone(lake, number))?,
        };
        Ok(Self { store: store.clone(), lake: lake.clone(), number, last, placed: BTreeSet::new() })
    }

    /// The number of the last commit; 0 before the first.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// When the last commit was put, by the store's own clock; `None` before the first.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub(crate) async fn put_at(&self) -> Result<Option<SystemTime>, LakeError> {
        let path = path(&self.lake, self.number);
        match self.store.head(&path).await {
            Ok(meta) => Ok(Some(meta.last_modified.into())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(LakeError::store(format!("reading {path}"))(error)),
        }
    }

    /// The state that the last commit left.
    pub(crate) fn last(&self) -> &Entry {
        &self.last
    }

    /// The next commit, which carries on what the last one left. `id` names the attempt.
    pub(crate) fn next(&self, id: String) -> Entry {
        let mut entry = Entry::new(id);
        entry.positions.clone_from(&self.last.positions);
        entry.found.clone_from(&self.last.found);
        entry.probes.clone_from(&self.last.probes);
        entry.moves = self.last.moves.iter().filter(|moved| !self.placed.contains(&moved.id)).cloned().collect();
        entry
    }

    /// Reads what others have committed since.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub(crate) async fn catch_up(&mut self) -> Result<Vec<Entry>, LakeError> {
        let mut entries = Vec::new();
        while let Some(entry) = read(&self.store, &self.lake, self.number + 1).await? {
            self.advance(entry.clone());
            entries.push(entry);
        }
        Ok(entries)
    }

    /// Puts a commit behind the last one that is known.
    ///
    /// # Errors
    /// Where the store does not answer: whether the commit has come about shows when the log is read again.
    pub(crate) async fn commit(&mut self, entry: Entry) -> Result<Committed, LakeError> {
        let path = path(&self.lake, self.number + 1);
        match self.store.put_opts(&path, entry.to_bytes()?.into(), PutMode::Create.into()).await {
            Ok(_) => {
                self.advance(entry);
                self.tidy().await;
                Ok(Committed::Done)
            }
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                let others = self.catch_up().await?;
                // The client may have sent the request twice.
                let ours = others.iter().any(|other| other.id == entry.id);
                Ok(if ours { Committed::Done } else { Committed::Overtaken(others) })
            }
            Err(error) => Err(LakeError::store(format!("writing {path}"))(error)),
        }
    }

    /// Moves files into place, and deletes those that others replace, for every commit that is known. Whoever else does
    /// the same meanwhile does no harm: a file that is in place is not staged any more.
    ///
    /// # Errors
    /// Where the store does not answer; what is left is done with the next call, of any process.
    pub(crate) async fn settle(&mut self) -> Result<(), LakeError> {
        for moved in &self.last.moves {
            if !self.placed.contains(&moved.id) {
                moved.carry_out(&self.store, &self.lake).await?;
                self.placed.insert(moved.id.clone());
            }
        }
        Ok(())
    }

    fn advance(&mut self, entry: Entry) {
        self.number += 1;
        self.placed.retain(|id| entry.moves.iter().any(|moved| moved.id == *id));
        self.last = entry;
    }

    /// Keeps the log quick to open. Nothing depends on it, so that an error is left to the next time.
    async fn tidy(&self) {
        if self.number.is_multiple_of(HINT_EVERY) {
            let _ = self.store.put(&join(&self.lake, HINT), self.number.to_string().into()).await;
        }
        if self.number.is_multiple_of(PRUNE_EVERY) {
            let _ = self.prune().await;
        }
    }

    /// Deletes old commits, by the store's own clock.
    async fn prune(&self) -> Result<(), object_store::Error> {
        let found: Vec<ObjectMeta> = self.store.list(Some(&join(&self.lake, FOLDER))).try_collect().await?;
        let Some(now) = found.iter().map(|meta| meta.last_modified).max() else { return Ok(()) };
        for meta in found {
            let old = (now - meta.last_modified).num_seconds() > KEPT_SECONDS;
            if old && number_of(&meta.location).is_some_and(|number| number + KEPT_MIN < self.number) {
                self.store.delete(&meta.location).await?;
            }
        }
        Ok(())
    }
}

/// A path in a lake.
pub(crate) fn join(lake: &Path, relative: &str) -> Path {
    relative.split('/').fold(lake.clone(), |path, part| path.join(part))
}

/// Deletes an object, if it is there.
pub(crate) async fn delete(store: &Arc<dyn ObjectStore>, path: &Path) -> Result<(), LakeError> {
    match store.delete(path).await {
        Err(object_store::Error::NotFound { .. }) => Ok(()),
        done => done.map_err(LakeError::store(format!("deleting {path}"))),
    }
}

fn path(lake: &Path, number: u64) -> Path {
    join(lake, FOLDER).join(format!("{number:020}.json"))
}

fn number_of(path: &Path) -> Option<u64> {
    path.filename()?.strip_suffix(".json")?.parse().ok()
}

fn gone(lake: &Path, number: u64) -> LakeError {
    LakeError::rows(path(lake, number).as_ref(), "it was listed and is gone; try again")
}

async fn last_number(store: &Arc<dyn ObjectStore>, lake: &Path) -> Result<u64, LakeError> {
    let hint = match store.get(&join(lake, HINT)).await {
        Ok(found) => found.bytes().await.ok().and_then(|bytes| std::str::from_utf8(&bytes).ok()?.parse::<u64>().ok()),
        Err(object_store::Error::NotFound { .. }) => None,
        Err(error) => return Err(LakeError::store(format!("reading {HINT}"))(error)),
    };
    let from = path(lake, hint.unwrap_or(0).saturating_sub(1));
    let found = store.list_with_offset(Some(&join(lake, FOLDER)), &from);
    let numbers = found.try_filter_map(|meta| async move { Ok(number_of(&meta.location)) });
    let numbers: Vec<u64> = numbers.try_collect().await.map_err(LakeError::store(format!("listing {FOLDER}")))?;
    Ok(numbers.into_iter().max().unwrap_or(0))
}

async fn read(store: &Arc<dyn ObjectStore>, lake: &Path, number: u64) -> Result<Option<Entry>, LakeError> {
    let path = path(lake, number);
    let found = match store.get(&path).await {
        Err(object_store::Error::NotFound { .. }) => return Ok(None),
        found => found.map_err(LakeError::store(format!("reading {path}")))?,
    };
    let bytes = found.bytes().await.map_err(LakeError::store(format!("reading {path}")))?;
    Entry::parse(path.as_ref(), &bytes).map(Some)
}
