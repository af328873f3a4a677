//! A thread that processes some of the partitions.

use std::{
    collections::BTreeMap,
    sync::mpsc::{Receiver, SyncSender},
    time::Instant,
};

use arrow::array::Int64Array;
use source::Share;
use stage::{Aggregate, DeadLetter, Ledger, Outputs, Pipeline, Resumed, Rows, Stage};

use crate::{
    LocalError, Meter,
    checkpoint::Snapshot,
    epoch::PartitionWriters,
    messages::{Barrier, Event, Purpose, Report, Windows, Work},
    progress::Progress,
};

/// One partition: its stages, its files, and what it still has to read again after a restart.
pub(crate) struct Partition {
    number: u32,
    /// The stages. Rows before the last commit with states only bring them up to date.
    pipeline: Resumed<Pipeline>,
    aggregate: Option<Aggregate>,
    writers: PartitionWriters,
    /// When all rows were taken in, in microseconds since 1970, where that is one moment.
    ingested: Option<i64>,
    /// Rows before this position were committed by an earlier run: of them only the states are wanted.
    committed: u64,
}

impl Partition {
    pub(crate) fn new(
        number: u32,
        pipeline: Pipeline,
        aggregate: Option<Aggregate>,
        mut writers: PartitionWriters,
        ingested: Option<i64>,
        progress: &Progress,
    ) -> Self {
        let committed = progress.position;
        writers.begin(committed);
        let pipeline = Resumed::new(pipeline, progress.stated());
        Self { number, pipeline, aggregate, writers, ingested, committed }
    }

    /// Puts a committed state back.
    pub(crate) fn restore(&mut self, snapshot: Snapshot) -> Result<(), LocalError> {
        // A commit with states has all windows: no row before it has to be read again for them.
        if let Some(aggregate) = self.aggregate.as_mut().filter(|_| Aggregate::owns(&snapshot.key)) {
            return Ok(aggregate.restore(snapshot.key, &snapshot.state)?);
        }
        Ok(self.pipeline.restore(snapshot.key, snapshot.position, &snapshot.state)?)
    }

    fn process(&mut self, share: Share, read: Instant, meter: &Meter) -> Result<(), LocalError> {
        let mut outputs = Outputs::default();
        outputs
            .dead_letters
            .extend(share.rejected.into_iter().filter(|dead_letter| dead_letter.position >= self.committed));
        let mut records = outputs.dead_letters.len();
        if let Some(mut rows) = share.rows {
            rows.ingested = self.ingested.map(|ingested| Int64Array::from(vec![ingested; rows.len()]));
            let old = rows.positions.values().partition_point(|position| *position < self.committed);
            let new = rows.len() - old;
            if old > 0 {
                self.take(rows.slice(0, old), &mut Outputs::default())?;
            }
            if new > 0 {
                self.take(rows.slice(old, new), &mut outputs)?;
            }
            records += new;
            outputs.dead_letters.sort_by_key(|dead_letter: &DeadLetter| dead_letter.position);
        }
        if records > 0 {
            let ledger = self.writers.write(records as u64, &outputs)?;
            meter.add(&ledger);
            meter.offer(self.number, outputs.rows, ledger.anomalies, read);
        }
        Ok(())
    }

    /// Takes rows through all stages.
    fn take(&mut self, rows: Rows, outputs: &mut Outputs) -> Result<(), LocalError> {
        let new = self.pipeline.process(rows, outputs)?;
        if let Some(aggregate) = self.aggregate.as_mut().filter(|_| new > 0) {
            for rows in outputs.rows.clone() {
                aggregate.process(rows, outputs)?;
            }
        }
        Ok(())
    }

    /// Reports at a barrier, with states of about so many bytes where any are asked for.
    fn finish(&mut self, barrier: &Barrier, states: Option<usize>, report: &mut Report) -> Result<(), LocalError> {
        let Barrier { position, finished: over, .. } = *barrier;
        let (files, few, ledger) = self.writers.finish()?;
        self.writers.begin(position);
        report.files.extend(files);
        report.few.extend(few);
        report.ledger += &ledger;
        let partition = self.number;
        let mut snapshots = match states {
            Some(bytes) => self.pipeline.stage_mut().snapshots(bytes)?,
            None => Vec::new(),
        };
        if let Some(aggregate) = &mut self.aggregate {
            let mut outputs = Outputs::default();
            aggregate.flush(&mut outputs)?;
            let windows = &mut report.windows;
            windows.closed.extend(outputs.closed);
            windows.unclosed.extend(aggregate.unclosed(over)?);
            windows.partials.extend(outputs.partials.into_iter().map(|partial| (partition, partial)));
            windows.clocks.extend(outputs.clock.map(|clock| (partition, clock)));
            if states.is_some() {
                snapshots.extend(aggregate.snapshots(usize::MAX)?);
            }
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
    meter: &Meter,
) -> Result<(), LocalError> {
    while let Ok(work) = work.recv() {
        match work {
            Work::Share(share, read) => {
                let partition = partitions.get_mut(&share.partition).ok_or(LocalError::Lost("partition"))?;
                partition.process(*share, read, meter)?;
            }
            Work::Barrier(barrier) => {
                let report = report(&mut partitions, &barrier)?;
                events.send(Event::Report(Box::new(report))).map_err(|_| LocalError::Lost("commit"))?;
            }
        }
    }
    Ok(())
}

fn report(partitions: &mut BTreeMap<u32, Partition>, barrier: &Barrier) -> Result<Report, LocalError> {
    let mut report = Report {
        number: barrier.number,
        files: Vec::new(),
        few: Vec::new(),
        ledger: Ledger::default(),
        snapshots: Vec::new(),
        horizon: None,
        windows: Windows::default(),
    };
    let states = match barrier.purpose {
        Purpose::States(bytes) => Some(bytes / partitions.len().max(1)),
        Purpose::Rows | Purpose::Resumed => None,
    };
    for partition in partitions.values_mut() {
        partition.finish(barrier, states, &mut report)?;
    }
    Ok(report)
}
