//! Repaired events that were put back: where they are kept, and where they stand among a run's records.
//!
//! Each file of them is an insertion. It waits until the next run fixes its position behind everything that is committed
//! or already fixed; from then on it is part of the run's records for good, and a restart reads it again like the rest.

use std::{path::PathBuf, sync::Arc};

use source::{Source, SourceError};
use store::Results;
use stream::{FileFormat, Stream};

use crate::{
    LocalError,
    checkpoint::{Checkpoint, Insertion},
    progress::Progress,
    spliced::{Splice, Spliced},
};

/// The folder of insertions.
pub(crate) fn folder(results: &Results) -> PathBuf {
    results.state().join("redrive")
}

/// Opens a file of repaired events: rows of the stream's schema, read as any input file is, with nothing derived.
pub(crate) fn open(path: PathBuf, format: FileFormat, stream: &Arc<Stream>) -> Result<Box<dyn Source>, SourceError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let files = stream::Files { format: Some(format), ..stream::Files::of(vec![name]) };
    let base = path.parent().map(PathBuf::from).unwrap_or_default();
    source::open(&stream::Source::Files(files), stream, &source::Options { base, ..source::Options::default() })
}

/// Fixes the positions of insertions that wait for it, before anything is read, and gives all of them. A run that
/// had come to its end has something to do again.
pub(crate) fn take_up(checkpoint: &mut Checkpoint, progress: &mut Progress) -> Result<Vec<Insertion>, LocalError> {
    let mut insertions = checkpoint.insertions()?;
    // A run that fixed some may have been killed before it committed them.
    let fixed = insertions.iter().filter_map(|insertion| Some(insertion.at? + insertion.records)).max();
    let mut end = fixed.unwrap_or(0).max(progress.position);
    let mut events = 0;
    for insertion in insertions.iter_mut().filter(|insertion| insertion.at.is_none()) {
        insertion.at = Some(end);
        end += insertion.records;
        events += insertion.records;
    }
    if events > 0 {
        tracing::info!(events, "putting repaired events back");
        progress.finished = false;
        checkpoint.insert(&insertions, Some(progress))?;
    }
    Ok(insertions)
}

/// `source` with the insertions at their positions.
pub(crate) fn splice(
    source: Box<dyn Source>,
    insertions: Vec<Insertion>,
    results: &Results,
    stream: &Arc<Stream>,
) -> Box<dyn Source> {
    let splices: Vec<Splice> = insertions
        .iter()
        .filter_map(|insertion| Some(Splice { at: insertion.at?, records: insertion.records }))
        .collect();
    if splices.is_empty() {
        return source;
    }
    let (folder, stream) = (folder(results), stream.clone());
    let opened = move |index: usize| {
        let insertion: &Insertion = &insertions[index];
        open(folder.join(&insertion.name), insertion.format, &stream)
    };
    Box::new(Spliced::new(source, splices, Box::new(opened)))
}
