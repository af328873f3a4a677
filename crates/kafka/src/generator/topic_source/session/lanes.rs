//! Which partitions a session reads: it takes lanes up that the group gives it, and looks for topics and partitions that
//! are new.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
    time::{Duration, Instant},
};

use broker::Offsets;
use rdkafka::{Offset, TopicPartitionList, consumer::Consumer};

use super::{
    super::{
        lane::{Lane, lane_of},
        polled::{reading, reading_failed},
    },
    state::Session,
};
use crate::{GeneratorNote, KafkaError, clock::now_millis, generator::begin::expect_empty};

/// How long to wait before what others have committed is asked for again.
const AGAIN: Duration = Duration::from_millis(200);
/// How often topics and partitions are looked for that are new.
const LOOK: Duration = Duration::from_secs(5);

impl Session<'_> {
    pub(super) fn partitions_of(&self, lanes: &BTreeSet<u32>) -> Vec<(String, u32)> {
        let of = self.lanes.iter().filter(|(lane, _)| lanes.contains(lane));
        of.flat_map(|(_, lane)| lane.places.keys().cloned()).collect()
    }

    /// Reads what is committed for lanes that came, and looks for partitions that are new.
    pub(super) fn take_lanes(&mut self) -> Result<(), KafkaError> {
        let due = self.looked.is_none_or(|looked| looked.elapsed() > LOOK);
        if self.waiting.is_empty() && (!due || self.lanes.is_empty()) {
            return Ok(());
        }
        let found = match self.catalog.partitions() {
            Ok(found) => found,
            // What is read is read on; what is new has time.
            Err(error) if self.waiting.is_empty() => {
                tracing::warn!(%error, "looking for new topics and partitions");
                self.looked = Some(Instant::now());
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let fresh = self.load_waiting()?;
        // A first start must know everything that it is about; later a topic may be gone for a while.
        if let Some(topic) = self.catalog.missing(&found).filter(|_| !fresh.is_empty()) {
            return Err(KafkaError::NoSuchTopic { topic: topic.to_owned() });
        }
        self.looked = Some(Instant::now());
        self.read_partitions(&found, &fresh)
    }

    /// Takes the lanes up that wait; gives those that nobody had before.
    fn load_waiting(&mut self) -> Result<BTreeSet<u32>, KafkaError> {
        if self.waiting.is_empty() {
            return Ok(BTreeSet::new());
        }
        let wanted = self.generator.source.identity();
        let topic = &self.generator.topics.raw;
        let waiting: Vec<u32> = self.waiting.iter().copied().collect();
        let mut committed = self.offsets.decided(&self.group, topic, &waiting)?;
        let mut fresh = BTreeSet::new();
        for lane in waiting {
            let note = match committed.remove(&lane) {
                Some(committed) => {
                    let note = GeneratorNote::parse(&committed.metadata);
                    let group = self.group.clone();
                    let note = note.map_err(|reason| KafkaError::Note { group, partition: lane, reason })?;
                    if note.source != wanted {
                        return Err(KafkaError::OtherSource { topic: topic.clone(), found: note.source, wanted });
                    }
                    note
                }
                None => {
                    fresh.insert(lane);
                    GeneratorNote::begin(wanted.clone(), now_millis() * 1000)
                }
            };
            self.lanes.insert(lane, Lane::new(note, fresh.contains(&lane)));
        }
        if !fresh.is_empty() {
            self.expect_first()?;
        }
        self.waiting.clear();
        Ok(fresh)
    }

    /// Makes sure that a lane without a place has none because nothing was sent of it yet. Another generator that has just
    /// begun may have sent events and not yet committed them.
    fn expect_first(&self) -> Result<(), KafkaError> {
        let begun = Instant::now();
        loop {
            if crate::sent_in_all(&self.offsets, &self.generator.stream, Offsets::committed)?.is_some() {
                return Ok(());
            }
            match expect_empty(self.generator, &self.offsets) {
                Err(KafkaError::PlaceLost { .. }) if begun.elapsed() < self.generator.transaction_timeout => {
                    thread::sleep(AGAIN);
                }
                done => return done,
            }
        }
    }

    /// Begins with the partitions of our lanes that are not read yet, and ends with those that are gone.
    fn read_partitions(&mut self, found: &BTreeMap<String, u32>, fresh: &BTreeSet<u32>) -> Result<(), KafkaError> {
        let reading: BTreeSet<(String, u32)> = reading(&self.source)?;
        let lanes = self.generator.stream.definition.spec.partitions;
        let mut list = TopicPartitionList::new();
        for (topic, partitions) in found {
            for partition in 0..*partitions {
                let number = lane_of(topic, partition, lanes);
                let at = (topic.clone(), partition);
                let Some(lane) = self.lanes.get_mut(&number).filter(|_| !reading.contains(&at)) else { continue };
                let range = self.catalog.range(topic, partition)?;
                // Where a lane has been read before, what has no place came later.
                let begin = match fresh.contains(&number) {
                    true => self.catalog.first(self.definition.first(), topic, partition)?,
                    false => range.0,
                };
                let offset = Offset::Offset(lane.take(&at, begin, range));
                list.add_partition_offset(topic, partition as i32, offset).map_err(reading_failed)?;
            }
        }
        if list.count() > 0 {
            tracing::info!(partitions = list.count(), "reading");
            self.source.incremental_assign(&list).map_err(reading_failed)?;
        }
        if self.lanes.values().any(|lane| lane.changed) {
            self.outlet.begin(Instant::now())?;
        }
        let is_gone = |at: &&(String, u32)| found.get(&at.0).is_none_or(|partitions| at.1 >= *partitions);
        let gone: Vec<(String, u32)> = reading.iter().filter(is_gone).cloned().collect();
        self.end_reading(&gone)
    }

    pub(super) fn end_reading(&self, partitions: &[(String, u32)]) -> Result<(), KafkaError> {
        let reading = reading(&self.source)?;
        let mut list = TopicPartitionList::new();
        for (topic, partition) in partitions.iter().filter(|at| reading.contains(at)) {
            list.add_partition(topic, *partition as i32);
        }
        if list.count() > 0 {
            self.source.incremental_unassign(&list).map_err(reading_failed)?;
        }
        Ok(())
    }

    /// A topic was created again: its partition is read from its beginning, once what is open has been given up.
    pub(super) fn begin_again(&mut self, number: u32, at: &(String, u32)) -> Result<(), KafkaError> {
        tracing::warn!(topic = at.0, partition = at.1, "the topic was created again: it is read from its beginning");
        self.give_up()?;
        self.load_waiting()?;
        if let Some(lane) = self.lanes.get_mut(&number) {
            lane.places.remove(at);
        }
        Ok(())
    }
}
