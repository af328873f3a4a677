//! A thread that processes some of the partitions.

use std::{
    collections::{BTreeMap, HashMap},
    sync::mpsc::{Receiver, SyncSender},
};

use arrow::array::BooleanArray;
use source::Share;
use stage::{DeadLetter, Key, Ledger, Outputs, Pipeline, Rows, Stage};
use store::FileEntry;

use crate::{LocalError, Meter, checkpoint::Snapshot, committer::Event, epoch::PartitionWriters};

/// What a worker is given.
pub(crate) enum Work {
    /// Records of one of its partitions.
    Share(Box<Share>),
    /// Everything before `position` has been given: close the files and report.
    Barrier { epoch: u64, position: u64, last: bool },
}

/// What a worker did between two barriers.
pub(crate) struct Report {
    /// Which barrier.
    pub epoch: u64,
    pub files: Vec<FileEntry>,
    pub ledger: Ledger,
    pub snapshots: Vec<Snapshot>,
    /// The oldest position that no snapshot covers.
    pub horizon: Option<u64>,
}

/// One partition: its stages, its files, and what it still has to read again after a restart.
pub(crate) struct Partition {
    number: u32,
    pipeline: Pipeline,
    writers: PartitionWriters,
    /// Rows before this position were committed by an earlier run: they only bring the state up to date.
    committed: u64,
    /// Up to which position each key's restored snapshot covers its rows.
    covered: HashMap<Key, u64>,
}

impl Partition {
    pub(crate) fn new(number: u32, pipeline: Pipeline, mut writers: PartitionWriters, committed: u64) -> Self {
        writers.begin(committed);
        Self { number, pipeline, writers, committed, covered: HashMap::new() }
    }

    /// Puts a committed state back.
    pub(crate) fn restore(&mut self, snapshot: Snapshot) -> Result<(), LocalError> {
        self.pipeline.restore(snapshot.key.clone(), &snapshot.state)?;
        self.covered.insert(snapshot.key, snapshot.position);
        Ok(())
    }

    fn process(&mut self, share: Share, meter: &Meter) -> Result<(), LocalError> {
        let mut outputs = Outputs::default();
        outputs.dead_letters.extend(share.rejected.into_iter().filter(|letter| letter.position >= self.committed));
        let mut records = outputs.dead_letters.len();
        if let Some(rows) = share.rows {
            let replayed = rows.positions.values().partition_point(|position| *position < self.committed);
            if replayed > 0 {
                self.replay(rows.slice(0, replayed))?;
            }
            if replayed < rows.len() {
                let rows = rows.slice(replayed, rows.len() - replayed);
                self.covered = HashMap::new();
                records += rows.len();
                self.pipeline.process(rows, &mut outputs)?;
                outputs.dead_letters.sort_by_key(|letter: &DeadLetter| letter.position);
            }
        }
        if records > 0 {
            meter.add(&self.writers.write(records as u64, &outputs)?);
        }
        Ok(())
    }

    /// Brings the state of each key up to date with rows that are committed, beyond what its snapshot covers.
    fn replay(&mut self, rows: Rows) -> Result<(), LocalError> {
        let uncovered: BooleanArray = rows
            .keys
            .iter()
            .zip(rows.positions.values())
            .map(|(key, position)| {
                Some(self.covered.get(key.unwrap_or_default()).is_none_or(|covered| position >= covered))
            })
            .collect();
        Ok(self.pipeline.process(rows.select(&uncovered)?, &mut Outputs::default())?)
    }

    fn finish(&mut self, position: u64, snapshot_bytes: usize, report: &mut Report) -> Result<(), LocalError> {
        let (files, ledger) = self.writers.finish()?;
        self.writers.begin(position);
        report.files.extend(files);
        report.ledger += &ledger;
        let partition = self.number;
        let snapshots = self.pipeline.snapshots(snapshot_bytes);
        report.snapshots.extend(snapshots.into_iter().map(|(key, state)| Snapshot { partition, key, position, state }));
        report.horizon = [report.horizon, self.pipeline.horizon()].into_iter().flatten().min();
        Ok(())
    }
}

/// Processes work until there is no more, or until nobody listens any more.
pub(crate) fn work(
    mut partitions: BTreeMap<u32, Partition>,
    work: &Receiver<Work>,
    events: &SyncSender<Event>,
    snapshot_bytes: usize,
    meter: &Meter,
) -> Result<(), LocalError> {
    while let Ok(work) = work.recv() {
        match work {
            Work::Share(share) => {
                let partition = partitions.get_mut(&share.partition).ok_or(LocalError::Lost("partition"))?;
                partition.process(*share, meter)?;
            }
            Work::Barrier { epoch, position, last } => {
                let bytes = if last { usize::MAX } else { snapshot_bytes };
                let report = report(&mut partitions, epoch, position, bytes)?;
                events.send(Event::Report(report)).map_err(|_| LocalError::Lost("commit"))?;
            }
        }
    }
    Ok(())
}

fn report(
    partitions: &mut BTreeMap<u32, Partition>,
    epoch: u64,
    position: u64,
    snapshot_bytes: usize,
) -> Result<Report, LocalError> {
    let mut report =
        Report { epoch, files: Vec::new(), ledger: Ledger::default(), snapshots: Vec::new(), horizon: None };
    let share = snapshot_bytes / partitions.len().max(1);
    for partition in partitions.values_mut() {
        partition.finish(position, share, &mut report)?;
    }
    Ok(report)
}
