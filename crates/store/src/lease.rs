//! What queries hold: files that a run has replaced or dropped stay for as long as a query that began before goes on.
//!
//! A query takes a lease before it reads the manifest: a file in `_beamline/readers`, locked for as long as the query goes
//! on. The lock ends with the process, so a query that was killed holds nothing. Who may not write to the folder reads
//! without a lease.

use std::{
    fs::{self, File},
    io::ErrorKind,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use tempfile::{Builder, NamedTempFile};

use crate::Results;

/// How long a query may hold files at most.
pub(crate) const LEASE_TIME_MAX: Duration = Duration::from_secs(3600);
/// A lease that is not locked is of a query that has ended, unless it is so young that its lock is still to come.
const UNLOCKED_TIME_MAX: Duration = Duration::from_secs(60);

/// Holds the files that a manifest lists which is read after this was taken.
#[derive(Debug)]
pub struct Lease {
    /// Deleted, and with it the lock, when it is dropped.
    _file: NamedTempFile,
}

impl Results {
    /// Takes a lease; `None` where the folder cannot be written.
    pub fn lease(&self) -> Option<Lease> {
        let folder = self.readers();
        // Where there are no results there is nothing to hold, and nothing is made.
        match fs::create_dir(&folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return None,
            _ => {}
        }
        let file = Builder::new().prefix("query-").tempfile_in(&folder).ok()?;
        file.as_file().lock().ok()?;
        Some(Lease { _file: file })
    }

    /// When the oldest lease was taken that still counts at `now`. Those of queries that have ended are cleared away.
    pub(crate) fn oldest_lease(&self, now: SystemTime) -> Option<SystemTime> {
        let entries = fs::read_dir(self.readers()).ok()?.flatten();
        let taken = |entry: fs::DirEntry| {
            let taken = entry.metadata().and_then(|file| file.modified()).ok()?;
            let age = now.duration_since(taken).unwrap_or_default();
            // A lease that cannot be opened is another user's, and counts.
            let ended = File::open(entry.path()).is_ok_and(|file| file.try_lock_shared().is_ok());
            if ended && age > UNLOCKED_TIME_MAX {
                // Where it stays, it is cleared away another time.
                let _ = fs::remove_file(entry.path());
                return None;
            }
            (!ended || age < UNLOCKED_TIME_MAX).then_some(taken).filter(|_| age < LEASE_TIME_MAX)
        };
        entries.filter_map(taken).min()
    }

    fn readers(&self) -> PathBuf {
        self.state().join("readers")
    }
}
