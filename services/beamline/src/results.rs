//! Which folders of results a command speaks of.

use std::{fs, path::PathBuf};

use store::Results;

use crate::Failure;

/// The folder below which `beamline run` puts results.
pub(crate) const RESULTS: &str = "beamline-results";

/// The folders that were named; without any, the one that was written last.
pub(crate) fn folders(named: Vec<PathBuf>) -> Result<Vec<PathBuf>, Failure> {
    if !named.is_empty() {
        return Ok(named);
    }
    let entries = fs::read_dir(RESULTS).into_iter().flatten().flatten().map(|entry| entry.path());
    let latest = entries.filter_map(|folder| Some((Results::new(&folder).written()?, folder))).max();
    latest.map(|(_, folder)| vec![folder]).ok_or_else(|| {
        Failure::configuration(format!(
            "there are no results in {RESULTS}; run a stream first, or name a folder with --results"
        ))
    })
}
