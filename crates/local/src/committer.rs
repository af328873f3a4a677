//! Commits: when every worker has reported an epoch, one atomic write makes it so.

use std::{
    collections::BTreeMap,
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc::Receiver,
    },
    time::{Duration, Instant},
};

use store::{FileEntry, Manifest, Results};

use crate::{
    LocalError, Meter,
    aggregates::{Aggregates, is_unclosed},
    checkpoint::{Checkpoint, Commit, Progress},
    reader::Epoch,
    statistics,
    worker::Report,
};

/// A partition's table may have so many small files before they are merged into one.
const SMALL_FILES_MAX: usize = 32;
/// A file with fewer rows is small.
const SMALL_FILE_ROWS: u64 = 65_536;

/// What the committer is told.
pub(crate) enum Event {
    /// Where the reader has put a barrier.
    Epoch(Epoch),
    /// What a worker did up to a barrier.
    Report(Report),
    /// The source could not go on; a last barrier follows where it gave anything since the one before.
    SourceFailed(LocalError),
    /// A thread could not go on.
    Failed(LocalError),
}

/// An epoch that not everyone has reported yet.
#[derive(Default)]
struct Pending {
    epoch: Option<Epoch>,
    reports: Vec<Report>,
}

impl Pending {
    fn is_complete(&self, workers: usize) -> bool {
        self.epoch.is_some() && self.reports.len() == workers
    }
}

/// Takes the workers' reports and commits them epoch by epoch.
pub(crate) struct Committer<'a> {
    pub checkpoint: Checkpoint,
    pub results: Results,
    /// The manifest as published: everything that is committed.
    pub manifest: Manifest,
    pub progress: Progress,
    pub files: BTreeMap<String, FileEntry>,
    /// The windows of all partitions; none where nothing is aggregated.
    pub aggregates: Option<Aggregates>,
    pub workers: usize,
    pub statistics: Option<Duration>,
    pub meter: &'a Meter,
    /// What the reader may let go of.
    pub horizon: &'a AtomicU64,
}

impl Committer<'_> {
    /// Commits epochs until nobody has anything to say any more, or until the first failure. Where the source failed,
    /// everything before is committed first.
    pub(crate) fn run(&mut self, events: &Receiver<Event>) -> Result<(), LocalError> {
        let mut pending: BTreeMap<u64, Pending> = BTreeMap::new();
        let mut statistics_time = Instant::now();
        let mut failed = None;
        for event in events {
            let number = match event {
                Event::Failed(error) => return Err(error),
                Event::SourceFailed(error) => {
                    failed = Some(error);
                    continue;
                }
                Event::Epoch(epoch) => {
                    let number = epoch.number;
                    pending.entry(number).or_default().epoch = Some(epoch);
                    number
                }
                Event::Report(report) => {
                    let number = report.epoch;
                    pending.entry(number).or_default().reports.push(report);
                    number
                }
            };
            // Everyone speaks of the epochs in their order, so they become complete in their order.
            if !pending.get(&number).is_some_and(|pending| pending.is_complete(self.workers)) {
                continue;
            }
            let Some(Pending { epoch: Some(epoch), reports }) = pending.remove(&number) else { continue };
            let last = epoch.last;
            self.commit(epoch, reports)?;
            self.merge_small_files(last)?;
            if self.statistics.is_some_and(|every| last || statistics_time.elapsed() >= every) {
                statistics::write(&self.results, &self.manifest, &self.progress)?;
                statistics_time = Instant::now();
            }
        }
        failed.map_or(Ok(()), Err)
    }

    fn commit(&mut self, epoch: Epoch, reports: Vec<Report>) -> Result<(), LocalError> {
        let mut added = Vec::new();
        let mut snapshots = Vec::new();
        let mut horizon = epoch.position;
        let mut windows = Vec::new();
        for report in reports {
            windows.push(report.windows);
            self.progress.ledger += &report.ledger;
            horizon = horizon.min(report.horizon.unwrap_or(epoch.position));
            added.extend(report.files);
            snapshots.extend(report.snapshots);
        }
        let mut removed = Vec::new();
        if let Some(aggregates) = &mut self.aggregates {
            let span = self.progress.position..epoch.position;
            let done = aggregates.commit(&self.results, windows, span, epoch.finished)?;
            removed = self.files.values().filter(|file| is_unclosed(file)).cloned().collect();
            added.extend(done.files);
            snapshots.extend(done.snapshots);
            self.progress.ledger.overdue += done.overdue;
        }
        added.sort_by(|a, b| a.path.cmp(&b.path));
        self.progress.position = epoch.position;
        self.progress.horizon = horizon;
        self.progress.cursor = epoch.cursor;
        self.progress.finished = epoch.finished;
        let commit = Commit { progress: &self.progress, snapshots: &snapshots, added: &added, removed: &removed };
        self.checkpoint.commit(&commit)?;
        self.results.publish(&added)?;
        removed.iter().for_each(|file| drop(self.files.remove(&file.path)));
        self.files.extend(added.into_iter().map(|file| (file.path.clone(), file)));
        self.publish_manifest()?;
        if let Some(aggregates) = &mut self.aggregates {
            removed.retain(|file| !self.files.contains_key(&file.path));
            self.results.remove(&aggregates.replace_stale(removed))?;
        }
        self.meter.committed(epoch.position, &self.progress.ledger, epoch.read_until);
        self.horizon.store(horizon, Ordering::Relaxed);
        Ok(())
    }

    /// Merges a table's small files, of which a live stream leaves one a second and partition.
    fn merge_small_files(&mut self, last: bool) -> Result<(), LocalError> {
        let mut small: BTreeMap<String, Vec<FileEntry>> = BTreeMap::new();
        for file in self.files.values().filter(|file| file.rows < SMALL_FILE_ROWS && !is_unclosed(file)) {
            small.entry(file.family()).or_default().push(file.clone());
        }
        let enough = if last { 2 } else { SMALL_FILES_MAX };
        for files in small.into_values().filter(|files| files.len() >= enough) {
            let merged = store::compact(&self.results, &files)?;
            let added = std::slice::from_ref(&merged);
            let commit = Commit { progress: &self.progress, snapshots: &[], added, removed: &files };
            self.checkpoint.commit(&commit)?;
            self.results.publish(added)?;
            for file in &files {
                self.files.remove(&file.path);
            }
            self.files.insert(merged.path.clone(), merged);
            self.publish_manifest()?;
            self.results.remove(&files)?;
        }
        Ok(())
    }

    fn publish_manifest(&mut self) -> Result<(), LocalError> {
        self.manifest.position = self.progress.position;
        self.manifest.finished = self.progress.finished;
        self.manifest.ledger = serde_json::to_value(&self.progress.ledger)
            .map_err(|error| LocalError::Damaged { what: error.to_string() })?;
        self.manifest.files = self.files.values().cloned().collect();
        Ok(self.results.publish_manifest(&self.manifest)?)
    }
}
