//! The results of windows: what is closed is written once, and what is not is one file that every commit replaces.
//!
//! So a query needs no more than the files of the manifest: each window and group is in exactly one of them.

use std::{ops::Range, sync::Arc};

use arrow::array::RecordBatch;
use stage::Merge;
use store::{FileEntry, Results, Table, TableWriter, WriterOptions};
use stream::Stream;

use crate::{LocalError, checkpoint::Snapshot, messages::Windows};

/// The partition that the merge's state is kept under: no partition of the stream has this number.
pub(crate) const MERGED: u32 = u32::MAX;

/// The partition in the names of files with results of closed windows, and of those that are not.
const CLOSED: u32 = 0;
const UNCLOSED: u32 = 1;

/// The windows of all partitions.
#[derive(Debug)]
pub(crate) struct Aggregates {
    stream: Arc<Stream>,
    merge: Merge,
    options: WriterOptions,
}

/// What the partitions have of their windows.
#[derive(Default)]
struct Taken {
    closed: Vec<RecordBatch>,
    unclosed: Vec<RecordBatch>,
    overdue: u64,
}

/// What a commit has of the windows.
pub(crate) struct Done {
    pub files: Vec<FileEntry>,
    pub snapshots: Vec<Snapshot>,
    /// Events that came when their windows were no longer kept.
    pub overdue: u64,
}

impl Aggregates {
    /// The windows of `stream`, or `None` where nothing is aggregated.
    pub(crate) fn new(stream: &Arc<Stream>) -> Result<Option<Self>, LocalError> {
        if stream.aggregates.is_empty() {
            return Ok(None);
        }
        let merge = Merge::new(stream).map_err(stage::StageError::from)?;
        let options = WriterOptions { time: None, id: None, ..WriterOptions::of(stream) };
        Ok(Some(Self { stream: stream.clone(), merge, options }))
    }

    /// Puts a committed state back.
    pub(crate) fn restore(&mut self, snapshot: &Snapshot) -> Result<(), LocalError> {
        Ok(self.merge.restore(&snapshot.key, &snapshot.state).map_err(stage::StageError::from)?)
    }

    /// Takes what came of rows that were read again: their results are committed already.
    pub(crate) fn resume(&mut self, windows: Vec<Windows>) -> Result<(), LocalError> {
        self.take(windows)?;
        self.merge.settle().map_err(stage::StageError::from)?;
        Ok(())
    }

    /// Takes what the partitions have. Gives the results that need no merge, and how many events were overdue.
    fn take(&mut self, windows: Vec<Windows>) -> Result<Taken, LocalError> {
        let mut taken = Taken::default();
        let mut partials = Vec::new();
        for windows in windows {
            taken.closed.extend(windows.closed);
            taken.unclosed.extend(windows.unclosed);
            partials.extend(windows.partials);
            windows.clocks.into_iter().for_each(|(partition, clock)| self.merge.clock(partition, clock));
        }
        // In the order of the partitions, whichever worker was first.
        partials.sort_by_key(|(partition, _)| *partition);
        for (partition, partial) in partials {
            taken.overdue += self.merge.apply(partition, &partial.state).map_err(stage::StageError::from)?;
        }
        Ok(taken)
    }

    /// Takes what the partitions did in `span`, and writes the results; where the stream is `over` all are final. With
    /// `states` the merge's own are handed on.
    pub(crate) fn commit(
        &mut self,
        results: &Results,
        windows: Vec<Windows>,
        span: Range<u64>,
        over: bool,
        states: bool,
    ) -> Result<Done, LocalError> {
        let failed = stage::StageError::from;
        let Taken { mut closed, mut unclosed, overdue } = self.take(windows)?;
        closed.extend(self.merge.settle().map_err(failed)?);
        unclosed.extend(self.merge.kept(over).map_err(failed)?);
        let snapshots = if states { self.merge.snapshots().map_err(failed)? } else { Vec::new() };
        let position = span.end;
        let snapshot = |(key, state): (_, Vec<u8>)| Snapshot { partition: MERGED, key, position, state: state.into() };
        let mut files = self.write(results, CLOSED, span.start, closed)?;
        files.extend(self.write(results, UNCLOSED, position, unclosed)?);
        Ok(Done { files, snapshots: snapshots.into_iter().map(snapshot).collect(), overdue })
    }

    fn write(
        &self,
        results: &Results,
        part: u32,
        position: u64,
        batches: Vec<RecordBatch>,
    ) -> Result<Vec<FileEntry>, LocalError> {
        let schema = self.stream.aggregates.schema.clone();
        let mut writer = TableWriter::new(results, Table::Aggregates, part, position, schema, &self.options)?;
        for batch in batches {
            writer.write(&batch)?;
        }
        Ok(writer.finish()?)
    }
}

/// Whether a file has results of windows that are not closed, which the next commit replaces.
pub(crate) fn is_unclosed(file: &FileEntry) -> bool {
    file.table == Table::Aggregates && file.partition == UNCLOSED
}

/// Writes each aggregate as a CSV file of its name among the reports.
pub(crate) fn write_reports(stream: &Stream, results: &Results, manifest: &store::Manifest) -> Result<(), LocalError> {
    for aggregate in &stream.aggregates.list {
        let path = results.reports().join(format!("{}.csv", aggregate.name));
        store::aggregate_csv(results, manifest, &aggregate.name, &aggregate.group_by, &path)?;
    }
    Ok(())
}
