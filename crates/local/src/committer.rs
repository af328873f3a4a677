//! Commits: when every worker has reported an epoch, one atomic write makes it so.

use std::{
    collections::BTreeMap,
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc::Receiver,
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use store::{Change, Deferred, FileEntry, Manifest, ManifestLog, Results};

use crate::{
    LocalError, Meter,
    aggregates::Aggregates,
    catalog::{Catalog, add_dropped},
    checkpoint::{Checkpoint, Commit, Snapshot},
    few::SharedFiles,
    messages::{Barrier, Epoch, Event, Purpose, Report},
    progress::Progress,
    statistics,
};

/// How often memory that a burst needed is given back.
const GIVE_BACK_INTERVAL: Duration = Duration::from_secs(30);

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
    /// The manifest without what a commit changes.
    pub header: Manifest,
    /// The manifest as published: everything that is committed.
    pub log: ManifestLog,
    pub progress: Progress,
    pub files: Catalog,
    /// Files that were replaced or dropped, and that a query may still read.
    pub deferred: Deferred,
    /// How old files become.
    pub keep: Option<Duration>,
    /// The windows of all partitions; none where nothing is aggregated.
    pub aggregates: Option<Aggregates>,
    pub shared: SharedFiles,
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
        let (mut statistics_time, mut gave_back) = (Instant::now(), Instant::now());
        let mut failed = None;
        for event in events {
            let number = match event {
                Event::Failed(error) => return Err(error),
                Event::SourceFailed(error) => {
                    failed = Some(error);
                    continue;
                }
                Event::Epoch(epoch) => {
                    let number = epoch.barrier.number;
                    pending.entry(number).or_default().epoch = Some(epoch);
                    number
                }
                Event::Report(report) => {
                    let number = report.number;
                    pending.entry(number).or_default().reports.push(*report);
                    number
                }
            };
            // Everyone speaks of the epochs in their order, so they become complete in their order.
            if !pending.get(&number).is_some_and(|pending| pending.is_complete(self.workers)) {
                continue;
            }
            let Some(Pending { epoch: Some(epoch), reports }) = pending.remove(&number) else { continue };
            let Barrier { purpose, last, .. } = epoch.barrier;
            if purpose == Purpose::Resumed {
                self.resume(reports)?;
                continue;
            }
            self.commit(epoch, reports)?;
            self.merge_small_files(last)?;
            if self.statistics.is_some_and(|every| last || statistics_time.elapsed() >= every) {
                statistics::write(&self.results, &self.header.stream, self.files.files(), &self.progress)?;
                statistics_time = Instant::now();
            }
            if gave_back.elapsed() >= GIVE_BACK_INTERVAL {
                hints::give_back();
                gave_back = Instant::now();
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// What was committed before was read again.
    fn resume(&mut self, reports: Vec<Report>) -> Result<(), LocalError> {
        let windows = reports.into_iter().map(|report| report.windows).collect();
        self.aggregates.as_mut().map_or(Ok(()), |aggregates| aggregates.resume(windows))
    }

    fn commit(&mut self, epoch: Epoch, reports: Vec<Report>) -> Result<(), LocalError> {
        let Epoch { barrier: Barrier { position, purpose, finished, .. }, cursor, read_until } = epoch;
        let states = matches!(purpose, Purpose::States(_));
        let (mut added, mut few, mut windows) = (Vec::new(), Vec::new(), Vec::new());
        let (mut snapshots, mut horizon) = (Vec::new(), position);
        for report in reports {
            windows.push(report.windows);
            self.progress.ledger += &report.ledger;
            horizon = horizon.min(report.horizon.unwrap_or(position));
            added.extend(report.files);
            few.extend(report.few);
            snapshots.extend(report.snapshots);
        }
        added.extend(self.shared.write(&self.results, self.progress.position, few)?);
        let (mut removed, now) = (Vec::new(), SystemTime::now());
        if let Some(aggregates) = &mut self.aggregates {
            let span = self.progress.position..position;
            let done = aggregates.commit(&self.results, windows, span, finished, states)?;
            removed = self.files.unclosed();
            added.extend(done.files);
            snapshots.extend(done.snapshots);
            self.progress.ledger.overdue += done.overdue;
        }
        added.sort_by(|a, b| a.path.cmp(&b.path));
        added.iter_mut().for_each(|file| file.written = Some(micros(now)));
        if let Some(keep) = self.keep {
            let expired = self.files.expired(keep, micros(now));
            add_dropped(&mut self.progress.dropped, &expired);
            removed.extend(expired);
        }
        let stated = if states { position } else { self.progress.stated() };
        self.progress.stated = Some(stated);
        if states {
            self.progress.horizon = horizon;
        }
        self.progress.position = position;
        self.progress.cursor = cursor;
        self.progress.finished = finished;
        self.swap(states.then_some(snapshots.as_slice()), added, &removed)?;
        self.meter.committed(position, &self.progress.ledger, read_until);
        self.horizon.store(self.progress.horizon, Ordering::Relaxed);
        Ok(())
    }

    /// Merges a table's small files, of which a live stream leaves one a second.
    pub(crate) fn merge_small_files(&mut self, last: bool) -> Result<(), LocalError> {
        for files in self.files.mergeable(last) {
            let taken = |path: &str| self.files.contains(path) || self.deferred.contains(path);
            let schema = files.first().and_then(|file| self.header.schema(file.table));
            let merged = store::compact(&self.results, &files, schema.as_deref(), taken)?;
            self.swap(None, vec![merged], &files)?;
        }
        Ok(())
    }

    /// Commits where the run stands, with files that come and files that go: first in the checkpoint, which decides; then
    /// for those who read.
    fn swap(
        &mut self,
        snapshots: Option<&[Snapshot]>,
        added: Vec<FileEntry>,
        removed: &[FileEntry],
    ) -> Result<(), LocalError> {
        let commit = Commit { progress: &self.progress, snapshots, added: &added, removed };
        self.checkpoint.commit(&commit)?;
        self.results.publish(&added)?;
        removed.iter().for_each(|file| self.files.remove(&file.path));
        let change = change(&self.progress, &added, removed)?;
        for file in added {
            self.deferred.keep(&file.path);
            self.files.insert(file);
        }
        let (header, files) = (&self.header, &self.files);
        self.log.append(&change, || manifest(header, &change, files))?;
        let now = SystemTime::now();
        let gone = removed.iter().filter(|file| !self.files.contains(&file.path)).map(|file| file.path.clone());
        self.deferred.push(gone, now);
        Ok(self.deferred.sweep(now)?)
    }

    /// The manifest as published.
    pub(crate) fn manifest(&self) -> Result<Manifest, LocalError> {
        Ok(manifest(&self.header, &change(&self.progress, &[], &[])?, &self.files))
    }

    /// Leaves the results as they are kept: the whole manifest in one file, and no file that nobody reads.
    pub(crate) fn finish(&mut self) -> Result<(), LocalError> {
        let manifest = self.manifest()?;
        self.log.checkpoint(&manifest)?;
        Ok(self.deferred.finish(SystemTime::now())?)
    }
}

/// What a commit changes of the manifest.
pub(crate) fn change(progress: &Progress, added: &[FileEntry], removed: &[FileEntry]) -> Result<Change, LocalError> {
    Ok(Change {
        position: progress.position,
        finished: progress.finished,
        ledger: serde_json::to_value(&progress.ledger)
            .map_err(|error| LocalError::Damaged { what: error.to_string() })?,
        dropped: progress.dropped.clone(),
        removed: removed.iter().map(|file| file.path.clone()).collect(),
        added: added.to_vec(),
    })
}

/// The manifest after a change.
pub(crate) fn manifest(header: &Manifest, change: &Change, files: &Catalog) -> Manifest {
    Manifest {
        position: change.position,
        finished: change.finished,
        ledger: change.ledger.clone(),
        dropped: change.dropped.clone(),
        files: files.files().cloned().collect(),
        ..header.clone()
    }
}

/// In microseconds since 1970.
pub(crate) fn micros(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
