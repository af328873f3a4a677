//! The manifest as it is kept: a checkpoint, and a log of what each commit since has changed.
//!
//! ```text
//! _beamline/manifest.json          the checkpoint: a whole manifest, and the number of the log that goes on from it
//! _beamline/manifest-000007.log    a line a commit: CRC-32 of what follows the space, and the change as JSON
//! ```
//!
//! So a commit writes what it changes, however many files there are. A checkpoint is made whenever the log has outgrown the
//! last one; the log before the current one stays for whoever has just read its checkpoint.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};

use crate::{
    Change, MANIFEST_VERSION, Manifest, Results, StoreError,
    durable::{sync_folder, write_atomic},
    line_log::LineLog,
};

/// A log has so many bytes at least before a checkpoint takes its place.
const LOG_BYTES_MIN: u64 = 1 << 20;
/// How often a reader begins again because a checkpoint was made while it read.
const READS_MAX: u32 = 100;

/// A manifest that is being written, for one process at a time.
#[derive(Debug)]
pub struct ManifestLog {
    results: Results,
    log: LineLog,
    checkpoint_bytes: u64,
}

#[derive(Serialize)]
struct Checkpoint<'a> {
    #[serde(flatten)]
    manifest: &'a Manifest,
    log: Option<u64>,
}

/// What a reader must know before it reads the rest of a checkpoint.
#[derive(Deserialize)]
struct Head {
    version: u32,
    log: Option<u64>,
}

impl ManifestLog {
    /// Begins at `manifest`, which takes the place of what is there.
    ///
    /// # Errors
    /// Where it cannot be written; then what was there stays.
    pub fn begin(results: &Results, manifest: &Manifest) -> Result<Self, StoreError> {
        let number = logs(results)?.into_iter().max().unwrap_or(0) + 1;
        let path = log_path(results, number);
        let log = LineLog::begin(path)?;
        sync_folder(&results.state())?;
        let checkpoint_bytes = write_checkpoint(results, manifest, Some(number))?;
        for old in logs(results)?.into_iter().filter(|old| old + 1 < number) {
            let path = log_path(results, old);
            fs::remove_file(&path).map_err(|error| StoreError::file("delete", &path, error))?;
        }
        Ok(Self { results: results.clone(), log, checkpoint_bytes })
    }

    /// Makes a change durable and visible; `whole` is the manifest with the change made, for a checkpoint.
    ///
    /// # Errors
    /// Where it cannot be written. Readers then see the manifest without it.
    pub fn append(&mut self, change: &Change, whole: impl FnOnce() -> Manifest) -> Result<(), StoreError> {
        self.log.append(std::slice::from_ref(change))?;
        if self.log.bytes() > LOG_BYTES_MIN.max(self.checkpoint_bytes) {
            self.checkpoint(&whole())?;
        }
        Ok(())
    }

    /// Makes a checkpoint of `manifest`, which is what was last appended, and begins a new log.
    ///
    /// # Errors
    /// Where it cannot be written; then the log before goes on.
    pub fn checkpoint(&mut self, manifest: &Manifest) -> Result<(), StoreError> {
        *self = Self::begin(&self.results, manifest)?;
        Ok(())
    }
}

impl Results {
    /// The manifest, where there is one.
    ///
    /// # Errors
    /// `Damaged` where it cannot be read, `Newer` where it is of a later version, `Missing` where its log is gone.
    pub fn manifest(&self) -> Result<Option<Manifest>, StoreError> {
        read(self)
    }

    /// When the manifest was last written; `None` where there is none.
    pub fn written(&self) -> Option<SystemTime> {
        let time = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
        let checkpoint = time(&self.manifest_path())?;
        let logs = logs(self).unwrap_or_default();
        logs.into_iter().filter_map(|number| time(&log_path(self, number))).chain([checkpoint]).max()
    }

    /// Replaces the manifest, whole or not at all. A run that commits again and again has a [`crate::ManifestLog`].
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn publish_manifest(&self, manifest: &Manifest) -> Result<(), StoreError> {
        write_checkpoint(self, manifest, None).map(|_| ())
    }
}

/// Replaces the checkpoint. Returns its bytes.
fn write_checkpoint(results: &Results, manifest: &Manifest, log: Option<u64>) -> Result<u64, StoreError> {
    let path = results.manifest_path();
    let text = serde_json::to_vec(&Checkpoint { manifest, log })
        .map_err(|error| StoreError::Damaged { path: path.clone(), message: error.to_string() })?;
    write_atomic(&path, &text)?;
    Ok(text.len() as u64)
}

/// The manifest as committed; `None` where there is none.
fn read(results: &Results) -> Result<Option<Manifest>, StoreError> {
    let path = results.manifest_path();
    let damaged = |error: serde_json::Error| StoreError::Damaged { path: path.clone(), message: error.to_string() };
    for _ in 0..READS_MAX {
        let Some(text) = read_file(&path)? else { return Ok(None) };
        let Head { version, log } = serde_json::from_slice(&text).map_err(damaged)?;
        if version > MANIFEST_VERSION {
            return Err(StoreError::Newer { path, version, known: MANIFEST_VERSION });
        }
        let mut manifest: Manifest = serde_json::from_slice(&text).map_err(damaged)?;
        let Some(number) = log else { return Ok(Some(manifest)) };
        // Where the log is gone, two checkpoints were made meanwhile.
        let changes = LineLog::read::<Change>(&log_path(results, number)).map_err(with_help)?;
        let Some(changes) = changes else { continue };
        manifest.apply(changes);
        return Ok(Some(manifest));
    }
    Err(StoreError::Missing { path: results.state().join("manifest-*.log") })
}

/// What to do about damage.
fn with_help(error: StoreError) -> StoreError {
    match error {
        StoreError::Damaged { path, message } => {
            StoreError::Damaged { path, message: format!("{message}; run the stream again, which writes it anew") }
        }
        error => error,
    }
}

/// A file's bytes; `None` where there is no such file.
fn read_file(path: &std::path::Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::file("read", path, error)),
    }
}

fn log_path(results: &Results, number: u64) -> PathBuf {
    results.state().join(format!("manifest-{number:06}.log"))
}

/// The numbers of the logs that there are.
pub(crate) fn logs(results: &Results) -> Result<Vec<u64>, StoreError> {
    let folder = results.state();
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| StoreError::file("read", &folder, error))?,
    };
    let number = |entry: fs::DirEntry| {
        entry.file_name().to_str()?.strip_prefix("manifest-")?.strip_suffix(".log")?.parse::<u64>().ok()
    };
    Ok(entries.flatten().filter_map(number).collect())
}
