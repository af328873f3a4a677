//! The open transaction, from its beginning to its end.
//!
//! The order of a commit is: what the stages flush, snapshots of their state, the places that go with the outputs, then the
//! offsets of the input and the commit itself. All of it is one transaction, so that either everything holds or nothing.

use std::time::{Duration, Instant};

use rdkafka::{
    Offset, TopicPartitionList,
    error::{KafkaError as ClientError, RDKafkaErrorCode},
};

use super::Core;
use crate::{
    KafkaError,
    cluster::{Cluster, END_MAX, Producer},
    messages::place::Place,
    mutant::Mutant,
    runtime::covering::Limits,
};

/// How many records a worker that takes all partitions reads again at most to bring their state up to date. With ten thousand keys,
/// whose states have 2.4 KB each, it is what keeps snapshots at a tenth of events of 154 bytes.
const REPLAY_RECORDS: usize = 1_800_000;
/// How often a step whose outputs have its places keeps them in a compacted topic too, at least.
const PLACES_EVERY: Duration = Duration::from_secs(30);
/// Where no record came for so long, what changed is written down: the topic lets go of its records one day.
const QUIET: Duration = Duration::from_secs(60);

impl<C: Cluster> Core<C> {
    pub(super) fn begin(&mut self) -> Result<(), KafkaError> {
        if self.open.is_none() {
            self.producer.begin()?;
            self.open = Some(self.came);
        }
        Ok(())
    }

    /// Takes note that records have come after there were none, and says when their transaction is due: what counts is when
    /// the first of them came, and not when it was processed.
    pub(crate) fn came(&mut self, now: Instant) -> Instant {
        self.came = now;
        self.open.unwrap_or(now) + self.options.commit_interval
    }

    /// When the open transaction should be committed.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.open.map(|open| open + self.options.commit_interval)
    }

    /// Whether the open transaction should be committed now.
    pub(crate) fn is_due(&self) -> bool {
        self.rows >= self.options.commit_rows || self.due().is_some_and(|due| due <= self.cluster.now())
    }

    /// Commits the open transaction: what was sent, snapshots of the state, and how far the input has been read.
    pub(crate) fn commit(&mut self, member: &C::Member) -> Result<(), KafkaError> {
        if self.open.is_none() {
            return Ok(());
        }
        let begun = self.cluster.now();
        let now = self.cluster.millis();
        let touched = self.partitions.values().filter(|partition| partition.touched).count().max(1);
        let limits = Limits {
            share: self.options.snapshot_share,
            bytes_max: self.options.snapshot_bytes / touched,
            replay_max: (REPLAY_RECORDS / self.partitions.len().max(1)) as i64,
        };
        let in_outputs = self.options.step.output(&self.options.topics).is_some();
        let all_places_due = !in_outputs || self.leaving || self.cluster.since(self.placed) > PLACES_EVERY;
        let mut offsets = TopicPartitionList::with_capacity(touched);
        let mut state_bytes = 0;
        for (number, partition) in self.partitions.iter_mut().filter(|(_, partition)| partition.touched) {
            let mut place_due = all_places_due;
            // Probes alone change nothing that would have to be said or kept.
            if partition.open_records > 0 || self.quiet {
                let flushed = partition.flush()?;
                self.meters.closed(&flushed.closed);
                self.outbound.flushed(self.producer.client(), &self.options.stream, *number, &flushed, now)?;
                let mut snapshots = match self.options.step.aggregates() || self.quiet {
                    true => partition.all_snapshots()?,
                    false => partition.snapshots(&limits, begun)?,
                };
                if Mutant::SharedLeftOut.is_chosen() {
                    snapshots.retain(|(key, _)| !key.starts_with('\0'));
                }
                // A state is never found without a place that is as far.
                place_due |= !snapshots.is_empty();
                state_bytes += snapshots.iter().map(|(_, state)| state.len() as u64).sum::<u64>();
                let (of, position) = (&partition.of, partition.next);
                if !Mutant::SnapshotsLeftOut.is_chosen() {
                    self.outbound.snapshots(self.producer.client(), *number, of, position, snapshots, now)?;
                }
            }
            let note = partition.note();
            let at = (self.options.step.input(&self.options.topics), *number);
            let place = Place::new(&self.options.group, at, partition.next, &partition.last, note.clone());
            if !Mutant::FlushAfterCommit.is_chosen() {
                self.outbound.release(self.producer.client(), *number, Some(&place))?;
            }
            partition.placed = place_due;
            if place_due {
                partition.pay(place.text().len());
                self.outbound.place(self.producer.client(), &place, now)?;
            }
            let fail = |source| KafkaError::Client { what: "noting an offset", source };
            let mut element = offsets.add_partition(self.options.step.input(&self.options.topics), *number as i32);
            element.set_offset(Offset::Offset(partition.next)).map_err(fail)?;
            element.set_metadata(note.text());
        }
        self.producer.commit_offsets(&self.cluster, member, offsets)?;
        if Mutant::FlushAfterCommit.is_chosen() {
            self.producer.begin()?;
            self.outbound.release_all(self.producer.client())?;
            self.producer.end(END_MAX)?;
        }
        for partition in self.partitions.values_mut() {
            partition.touched = false;
            (partition.open_records, partition.open_bytes) = (0, 0);
        }
        self.open = None;
        self.quiet = false;
        if all_places_due {
            self.placed = self.cluster.now();
        }
        self.meters.committed(self.cluster.since(begun), state_bytes);
        self.meters.state(self.partitions.values());
        self.rows = 0;
        Ok(())
    }

    /// Writes down what changed, where no record has come for a while. Says whether a transaction was committed.
    pub(crate) fn settle(&mut self, member: &C::Member) -> Result<bool, KafkaError> {
        let quiet = self.open.is_none() && self.cluster.since(self.came) > QUIET;
        if !quiet || self.options.step.state(&self.options.topics).is_none() {
            return Ok(false);
        }
        let uncovered = self.partitions.values_mut().find(|partition| partition.is_uncovered());
        let Some(partition) = uncovered else { return Ok(false) };
        partition.touched = true;
        self.quiet = true;
        self.begin()?;
        self.commit(member)?;
        Ok(true)
    }

    /// The last commit before leaving, with the places that the compacted topic does not have yet.
    pub(crate) fn commit_last(&mut self, member: &C::Member) -> Result<(), KafkaError> {
        let unplaced = self.partitions.values_mut().filter(|partition| !partition.placed);
        let mut any = false;
        for partition in unplaced {
            partition.touched = true;
            any = true;
        }
        if any {
            self.came(self.cluster.now());
            self.begin()?;
            self.leaving = true;
        }
        self.commit(member)
    }

    /// Says that the open transaction must not be committed, because partitions in it are not ours any more.
    pub(crate) fn give_up(&self) -> Result<(), KafkaError> {
        let source = ClientError::Global(RDKafkaErrorCode::AssignmentLost);
        if self.open.is_some() { Err(KafkaError::Aborted { what: "losing partitions", source }) } else { Ok(()) }
    }

    /// Gives the open transaction up. What memory holds is ahead of the log from now on: every partition has to be
    /// loaded again.
    pub(crate) fn abort(&mut self) -> Result<(), KafkaError> {
        self.meters.aborted();
        if !Mutant::AbortKeepsHeld.is_chosen() {
            self.outbound.forget();
        }
        // What was taken waits again.
        self.partitions.iter().for_each(|(number, partition)| self.meters.lag(*number, partition.lag()));
        (self.rows, self.quiet) = (0, false);
        if self.open.take().is_none() {
            return Ok(());
        }
        self.producer.abort()
    }
}
