//! Repaired events that were accepted while a run goes on: they wait in a folder until the next run begins.
//!
//! A run holds its checkpoint, so nothing can be put back into it. What waits is put back by [`put_back_waiting`] before
//! the next run opens the checkpoint, as `beamline dlq redrive` would do it. A crash between the two steps repeats the
//! first, which finds that the same bytes were put back before.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use store::Results;
use stream::{FileFormat, Stream};

use super::{Repaired, check, failed, redrive};
use crate::LocalError;

/// How many files of repaired events wait at most.
const WAITING_FILES_MAX: usize = 10_000;

/// Makes sure that one repaired event, a JSON object, would come through the stages.
///
/// # Errors
/// `Refused` with the reason where it is not an event of the stream or would become a dead letter again.
pub fn check_repaired(stream: &Arc<Stream>, event: &[u8]) -> Result<(), LocalError> {
    let folder = tempfile::tempdir().map_err(|error| failed("write", &std::env::temp_dir(), error))?;
    let path = folder.path().join("event.jsonl");
    fs::write(&path, event).map_err(|error| failed("write", &path, error))?;
    let repaired =
        Repaired { name: "the event".to_owned(), format: FileFormat::Jsonl, gzip: false, bytes: &mut std::io::empty() };
    check(stream, &repaired, &path, &mut None).map(drop)
}

/// Keeps repaired events, one JSON object a line, for the next run; gives the name that [`is_waiting`] knows them by.
///
/// # Errors
/// Where they cannot be made durable, or too many wait already.
pub fn keep_for_next_run(results: &Path, events: &[u8]) -> Result<String, LocalError> {
    let folder = folder(results);
    fs::create_dir_all(&folder).map_err(|error| failed("create", &folder, error))?;
    let waiting = names(&folder)?;
    if waiting.len() >= WAITING_FILES_MAX {
        return Err(LocalError::TooManyEvents { name: folder.display().to_string(), max: WAITING_FILES_MAX as u64 });
    }
    let number = waiting.last().and_then(|name| name.split('.').next()?.parse::<u64>().ok()).unwrap_or(0) + 1;
    let name = format!("{number:08}.jsonl");
    let (unfinished, path) = (folder.join("unfinished"), folder.join(&name));
    let written = File::create(&unfinished).and_then(|mut file| {
        file.write_all(events)?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        File::open(&folder)?.sync_all()
    });
    written.map_err(|error| failed("write", &path, error))?;
    Ok(name)
}

/// Whether the events of this name wait still.
pub fn is_waiting(results: &Path, name: &str) -> bool {
    folder(results).join(name).exists()
}

/// Puts back what waits, before a run begins, and gives the number of events. Events that are refused by now (an id has
/// come through meanwhile) are set aside beside the others, with a warning.
///
/// # Errors
/// Where they cannot be read or put back for another reason.
pub fn put_back_waiting(stream: &Arc<Stream>, results: &Path) -> Result<u64, LocalError> {
    let folder = folder(results);
    if !folder.is_dir() {
        return Ok(0);
    }
    let mut events = 0;
    for name in names(&folder)? {
        let path = folder.join(&name);
        let mut file = File::open(&path).map_err(|error| failed("read", &path, error))?;
        let repaired =
            Repaired { name: path.display().to_string(), format: FileFormat::Jsonl, gzip: false, bytes: &mut file };
        match redrive(stream, results, repaired, false) {
            Ok(redriven) => events += redriven.events,
            // An attempt before this one got as far as that.
            Err(LocalError::Repeated { .. }) => {}
            Err(error @ LocalError::Refused { .. }) => {
                tracing::warn!(%error, "repaired events are not put back");
                let aside = path.with_extension("refused");
                fs::rename(&path, &aside).map_err(|error| failed("rename", &aside, error))?;
                continue;
            }
            Err(error) => return Err(error),
        }
        fs::remove_file(&path).map_err(|error| failed("delete", &path, error))?;
    }
    Ok(events)
}

fn folder(results: &Path) -> PathBuf {
    Results::new(results).state().join("redrive-waiting")
}

/// The files that wait, in their order.
fn names(folder: &Path) -> Result<Vec<String>, LocalError> {
    let entries = fs::read_dir(folder).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
    let entries = entries.map_err(|error| failed("read", folder, error))?;
    let names = entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".jsonl")).collect();
    names.sort();
    Ok(names)
}
