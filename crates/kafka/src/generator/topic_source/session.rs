//! One membership of a generator in its group, from joining to leaving.

mod batch;
mod lanes;
pub(super) mod state;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use backoff::Backoff;
use measure::Health;
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer},
    error::KafkaError as ClientError,
};

use self::state::Session;
use super::{member::lanes, polled::reading_failed};
use crate::{
    KafkaError,
    client::assignment::{give_back, leave},
    clock::rest,
    generator::outlet::NAME,
};

/// How often the source's cluster hears how far its topics have been read: for whoever looks at lag there.
const SHOW: Duration = Duration::from_secs(5);
/// How long the group may take before a generator counts as ready without a lane.
const JOIN_WAIT: Duration = Duration::from_secs(15);

impl Session<'_> {
    pub(in crate::generator::topic_source) fn run(
        &mut self,
        health: &dyn Health,
        stop: &AtomicBool,
    ) -> Result<(), KafkaError> {
        let done = self.read(health, stop);
        if done.is_err() {
            // What is open is not ours to commit any more.
            if let Err(error) = self.outlet.abort() {
                tracing::debug!(%error, "the transaction was left to time out");
            }
        }
        self.member.context().leave();
        leave(&self.member);
        done
    }

    fn read(&mut self, health: &dyn Health, stop: &AtomicBool) -> Result<(), KafkaError> {
        let mut backoff = Backoff::new();
        let mut ready = false;
        while !stop.load(Ordering::Relaxed) && !self.is_over() {
            health.beat(NAME);
            match self.step() {
                Ok(committed) => {
                    if committed {
                        backoff.succeeded();
                    }
                }
                Err(error @ KafkaError::Aborted { .. }) => {
                    self.give_up()?;
                    let wait = backoff.next();
                    tracing::warn!(%error, wait_ms = wait.as_millis() as u64, "the messages are read again");
                    rest(wait, stop, || health.beat(NAME));
                }
                Err(error) => return Err(error),
            }
            let joined = self.joined && self.waiting.is_empty() || self.begun.elapsed() > JOIN_WAIT;
            if joined && !ready {
                health.ready(NAME, true);
                ready = true;
            }
        }
        self.commit()
    }

    /// Whether as many messages were taken as are wanted.
    fn is_over(&self) -> bool {
        let taken: u64 = self.lanes.values().map(|lane| lane.note.cursor.position).sum();
        self.generator.end_position.is_some_and(|end| taken >= end)
    }

    /// Reads and sends some messages; says whether a transaction was committed.
    fn step(&mut self) -> Result<bool, KafkaError> {
        self.heed_group()?;
        self.take_lanes()?;
        let source = self.source.clone();
        let batch = self.gather(&source)?;
        if !batch.is_empty() {
            self.process(&batch)?;
        }
        self.probe()?;
        self.outlet.poll();
        if !self.outlet.is_due() {
            return Ok(false);
        }
        self.commit()?;
        Ok(true)
    }

    /// Sends a probe to the partition of each of our lanes, where that is due.
    fn probe(&mut self) -> Result<(), KafkaError> {
        let now = Instant::now();
        if !self.probing.is_due(now) {
            return Ok(());
        }
        for (number, lane) in &mut self.lanes {
            lane.note.probes += 1;
            lane.changed = true;
            self.outlet.probe(*number, lane.note.probes)?;
        }
        self.probing.sent_probes(now);
        Ok(())
    }

    /// Does what the group has said.
    fn heed_group(&mut self) -> Result<(), KafkaError> {
        if let Some(Err(source)) = self.member.poll(Duration::ZERO)
            && matches!(source, ClientError::MessageConsumptionFatal(_))
        {
            return Err(KafkaError::Client { what: "sharing the partitions", source });
        }
        let changes = self.member.context().take_changes();
        self.joined |= changes.any;
        if let Some(source) = changes.failed {
            return Err(KafkaError::Client { what: "sharing the partitions", source });
        }
        if let Some(list) = changes.revoked {
            // What is done is committed while the group still knows us as the owner; else the next owner does it again.
            let done = if changes.lost { self.give_up() } else { self.commit() };
            let gone = lanes(&list);
            self.waiting.retain(|lane| !gone.contains(lane));
            let given: Vec<(String, u32)> = self.partitions_of(&gone);
            self.lanes.retain(|lane, _| !gone.contains(lane));
            self.end_reading(&given)?;
            let back = give_back(&self.member, &list);
            back.map_err(|source| KafkaError::Client { what: "giving partitions back", source })?;
            done?;
        }
        self.waiting.extend(changes.assigned);
        Ok(())
    }

    /// Commits the open transaction, and how far its messages have been read.
    fn commit(&mut self) -> Result<(), KafkaError> {
        if !self.outlet.is_open() {
            return Ok(());
        }
        let fail = |source| KafkaError::Client { what: "noting an offset", source };
        let mut offsets = TopicPartitionList::new();
        for (number, lane) in self.lanes.iter_mut().filter(|(_, lane)| lane.changed) {
            let text = lane.text()?;
            let mut element = offsets.add_partition(&self.generator.topics.raw, *number as i32);
            element.set_offset(Offset::Offset(lane.note.cursor.position as i64)).map_err(fail)?;
            element.set_metadata(text);
        }
        self.outlet.commit(&self.member, offsets)?;
        self.lanes.values_mut().for_each(|lane| lane.changed = false);
        self.show();
        Ok(())
    }

    /// Has the source's cluster know how far its topics have been read. Nothing goes by it, so it may fail.
    fn show(&mut self) {
        if self.shown.elapsed() < SHOW {
            return;
        }
        self.shown = Instant::now();
        let mut list = TopicPartitionList::new();
        for (at, place) in self.lanes.values().flat_map(|lane| &lane.places) {
            if let Err(error) = list.add_partition_offset(&at.0, at.1 as i32, Offset::Offset(place.next)) {
                tracing::debug!(%error, "showing how far the source has been read");
            }
        }
        if let Err(error) = self.source.commit(&list, CommitMode::Async) {
            tracing::debug!(%error, "showing how far the source has been read");
        }
    }

    /// Gives the open transaction up: every lane goes on from what is committed.
    fn give_up(&mut self) -> Result<(), KafkaError> {
        self.outlet.abort()?;
        self.source.unassign().map_err(reading_failed)?;
        self.waiting.extend(self.lanes.keys());
        self.lanes.clear();
        self.looked = None;
        Ok(())
    }
}
