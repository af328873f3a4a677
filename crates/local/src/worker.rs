//! A thread that processes some of the partitions.

use std::{
    collections::BTreeMap,
    sync::mpsc::{Receiver, SyncSender},
    time::Instant,
};

use arrow::array::Int64Array;
use source::Share;
use stage::{Aggregate, DeadLetter, Ledger, Outputs, Pipeline, Resumed, Stage};

use crate::{
    LocalError, Meter,
    checkpoint::Snapshot,
    epoch::PartitionWriters,
    messages::{Event, Report, Windows, Work},
};

/// How much state a worker writes with its last commit, so that a run that goes on later has little to read again. It is
/// held in memory until it is committed.
const LAST_SNAPSHOT_BYTES: usize = 128 << 20;

/// One partition: its stages, its files, and what it still has to read again after a restart.
pub(crate) struct Partition {
    number: u32,
    pipeline: Resumed<Pipeline>,
    aggregate: Option<Aggregate>,
    writers: PartitionWriters,
    /// When all rows were taken in, in microseconds since 1970, where that is one moment.
    ingested: Option<i64>,
}

impl Partition {
    pub(crate) fn new(
        number: u32,
        pipeline: Pipeline,
        aggregate: Option<Aggregate>,
        mut writers: PartitionWriters,
        ingested: Option<i64>,
        committed: u64,
    ) -> Self {
        writers.begin(committed);
        Self { number, pipeline: Resumed::new(pipeline, committed), aggregate, writers, ingested }
    }

    /// Puts a committed state back.
    pub(crate) fn restore(&mut self, snapshot: Snapshot) -> Result<(), LocalError> {
        // Every commit has the windows' whole state: no row before it has to be read again for them.
        if let Some(aggregate) = self.aggregate.as_mut().filter(|_| Aggregate::owns(&snapshot.key)) {
            return Ok(aggregate.restore(snapshot.key, &snapshot.state)?);
        }
        Ok(self.pipeline.restore(snapshot.key, snapshot.position, &snapshot.state)?)
    }

    fn process(&mut self, share: Share, read: Instant, meter: &Meter) -> Result<(), LocalError> {
        let mut outputs = Outputs::default();
        let committed = self.pipeline.committed();
        outputs.dead_letters.extend(share.rejected.into_iter().filter(|letter| letter.position >= committed));
        let mut records = outputs.dead_letters.len();
        if let Some(mut rows) = share.rows {
            rows.ingested = self.ingested.map(|ingested| Int64Array::from(vec![ingested; rows.len()]));
            let new = self.pipeline.process(rows, &mut outputs)?;
            records += new;
            if let Some(aggregate) = self.aggregate.as_mut().filter(|_| new > 0) {
                for rows in outputs.rows.clone() {
                    aggregate.process(rows, &mut outputs)?;
                }
            }
            outputs.dead_letters.sort_by_key(|letter: &DeadLetter| letter.position);
        }
        if records > 0 {
            let ledger = self.writers.write(records as u64, &outputs)?;
            meter.add(&ledger);
            meter.offer(outputs.rows, ledger.anomalies, read);
        }
        Ok(())
    }

    fn finish(
        &mut self,
        position: u64,
        snapshot_bytes: usize,
        over: bool,
        report: &mut Report,
    ) -> Result<(), LocalError> {
        let (files, ledger) = self.writers.finish()?;
        self.writers.begin(position);
        report.files.extend(files);
        report.ledger += &ledger;
        let partition = self.number;
        let mut snapshots = self.pipeline.stage_mut().snapshots(snapshot_bytes)?;
        if let Some(aggregate) = &mut self.aggregate {
            let mut outputs = Outputs::default();
            aggregate.flush(&mut outputs)?;
            let windows = &mut report.windows;
            windows.closed.extend(outputs.closed);
            windows.unclosed.extend(aggregate.unclosed(over)?);
            windows.partials.extend(outputs.partials.into_iter().map(|partial| (partition, partial)));
            windows.clocks.extend(outputs.clock.map(|clock| (partition, clock)));
            snapshots.extend(aggregate.snapshots(usize::MAX)?);
        }
        report.snapshots.extend(snapshots.into_iter().map(|(key, state)| Snapshot { partition, key, position, state }));
        report.horizon = [report.horizon, self.pipeline.stage().horizon()].into_iter().flatten().min();
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
            Work::Share(share, read) => {
                let partition = partitions.get_mut(&share.partition).ok_or(LocalError::Lost("partition"))?;
                partition.process(*share, read, meter)?;
            }
            Work::Barrier { epoch, position, last, finished } => {
                let bytes = if last { LAST_SNAPSHOT_BYTES } else { snapshot_bytes };
                let report = report(&mut partitions, epoch, position, bytes, finished)?;
                events.send(Event::Report(Box::new(report))).map_err(|_| LocalError::Lost("commit"))?;
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
    over: bool,
) -> Result<Report, LocalError> {
    let mut report = Report {
        epoch,
        files: Vec::new(),
        ledger: Ledger::default(),
        snapshots: Vec::new(),
        horizon: None,
        windows: Windows::default(),
    };
    let share = snapshot_bytes / partitions.len().max(1);
    for partition in partitions.values_mut() {
        partition.finish(position, share, over, &mut report)?;
    }
    Ok(report)
}
