//! A reader's place in its group: where it begins with partitions that come, whether they are still its own, and how far
//! it has come.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer},
};

use super::{Reader, begin::Begin, list};
use crate::{KafkaError, client::assignment::take};

/// How long the cluster may take to answer.
const REQUEST: Duration = Duration::from_secs(5);
/// How long an answer of the group counts: well below the time after which it hands the partitions of a silent member on.
const CONFIRMED: Duration = Duration::from_secs(1);

impl Reader {
    /// Partitions that came or went since the last call: what was given of them before is void.
    pub fn moved(&mut self) -> BTreeSet<(String, u32)> {
        let moved = std::mem::take(&mut self.consumer.context().changes().moved);
        self.notes.retain(|at, _| !moved.contains(at));
        moved
    }

    /// Whether there are partitions that wait for [`Reader::begin`].
    pub fn is_waiting(&self) -> bool {
        !self.consumer.context().changes().waiting.is_empty()
    }

    /// Begins to read the partitions that wait: where `kept` says, which is kept with what was stored of them, or else where
    /// the group does, or else where `found` says, or else at the beginning. The group hears of what only `kept` knew.
    ///
    /// # Errors
    /// Where the group does not answer, so that they still wait; [`KafkaError::BeyondEnd`] where something was stored of a
    /// partition that is not in the topic.
    pub fn begin(
        &mut self,
        kept: &BTreeMap<(String, u32), u64>,
        found: &BTreeMap<(String, u32), u64>,
    ) -> Result<(), KafkaError> {
        let waiting = self.consumer.context().changes().waiting.clone();
        let committed = self.committed(waiting.iter())?;
        let fail = |source| KafkaError::Client { what: "taking partitions", source };
        let mut list = TopicPartitionList::with_capacity(waiting.len());
        let mut known = BTreeMap::new();
        for at in &waiting {
            let begin = Begin::of(kept.get(at).copied(), committed.get(at).copied(), found.get(at).copied());
            begin.say(at);
            let Some(offset) = begin.offset() else {
                list.add_partition(&at.0, at.1 as i32);
                continue;
            };
            let range = self.consumer.fetch_watermarks(&at.0, at.1 as i32, REQUEST);
            let (_, end) =
                range.map_err(|source| KafkaError::Client { what: "asking for a partition's end", source })?;
            if offset as i64 > end {
                return Err(KafkaError::BeyondEnd { topic: at.0.clone(), partition: at.1, offset, end });
            }
            list.add_partition_offset(&at.0, at.1 as i32, Offset::Offset(offset as i64)).map_err(fail)?;
            if begin.is_news() {
                known.insert(at.clone(), offset);
            }
        }
        take(&self.consumer, &list).map_err(fail)?;
        let mut changes = self.consumer.context().changes();
        changes.waiting.retain(|at| !waiting.contains(at));
        changes.known.extend(known);
        drop(changes);
        if self.paused { self.pause(true) } else { Ok(()) }
    }

    /// Gives no messages from now on, or goes on giving them; the reader stays a member of its group.
    ///
    /// # Errors
    /// Where the client does not take it.
    pub fn pause(&mut self, paused: bool) -> Result<(), KafkaError> {
        let fail = |source| KafkaError::Client { what: "pausing partitions", source };
        let list = self.consumer.assignment().map_err(fail)?;
        let done = if paused { self.consumer.pause(&list) } else { self.consumer.resume(&list) };
        done.map_err(fail)?;
        self.paused = paused;
        Ok(())
    }

    /// Makes sure that the group counts these partitions as ours, by committing where we stand in them. Nothing is asked
    /// where it took a commit a moment ago.
    ///
    /// # Errors
    /// Where it does not, or does not answer.
    pub fn confirm(&mut self, first: &BTreeMap<(String, u32), u64>) -> Result<(), KafkaError> {
        let ours = self.assigned();
        if let Some((topic, partition)) = first.keys().find(|at| !ours.contains(at)) {
            return Err(KafkaError::NotOurs { topic: topic.clone(), partition: *partition });
        }
        if self.confirmed.is_some_and(|at| at.elapsed() < CONFIRMED) {
            return Ok(());
        }
        self.send_offsets(first)
    }

    /// Commits that everything before these offsets is done.
    ///
    /// # Errors
    /// Where the group has given the partitions to another member.
    pub fn commit(&mut self, next: &BTreeMap<(String, u32), u64>) -> Result<(), KafkaError> {
        self.send_offsets(next)?;
        self.arrivals.stored(next);
        Ok(())
    }

    /// Notes this with every offset that is committed of a partition from now on.
    pub fn note(&mut self, at: (String, u32), text: String) {
        self.notes.insert(at, text);
    }

    fn send_offsets(&mut self, offsets: &BTreeMap<(String, u32), u64>) -> Result<(), KafkaError> {
        if offsets.is_empty() {
            return Ok(());
        }
        let fail = |source| KafkaError::Client { what: "committing offsets", source };
        // An answer counts from when it was asked for: this process may be paused before it hears it.
        let asked = Instant::now();
        self.consumer.commit(&list(offsets, &self.notes).map_err(fail)?, CommitMode::Sync).map_err(fail)?;
        self.confirmed = Some(asked);
        Ok(())
    }

    /// The offsets that the group has of these partitions.
    fn committed<'a>(
        &self,
        of: impl Iterator<Item = &'a (String, u32)>,
    ) -> Result<BTreeMap<(String, u32), u64>, KafkaError> {
        let fail = |source| KafkaError::Client { what: "reading the group's offsets", source };
        let mut list = TopicPartitionList::new();
        for (topic, partition) in of {
            list.add_partition(topic, *partition as i32);
        }
        let answer = self.consumer.committed_offsets(list, REQUEST).map_err(fail)?;
        let mut committed = BTreeMap::new();
        for element in answer.elements() {
            element.error().map_err(fail)?;
            if let Offset::Offset(offset) = element.offset() {
                committed.insert((element.topic().to_owned(), element.partition() as u32), offset as u64);
            }
        }
        Ok(committed)
    }

    /// Tells the group of offsets that only the store knew: whoever stored the rows before them may have been killed
    /// before it committed. Without this, rows that are stored would count as waiting until more come.
    pub(super) fn commit_known(&mut self) {
        let mut known = std::mem::take(&mut self.consumer.context().changes().known);
        if known.is_empty() {
            return;
        }
        let ours = self.assigned();
        known.retain(|at, _| ours.contains(at));
        if let Err(error) = self.send_offsets(&known) {
            // The group is being rebalanced: the next look tries again, unless the partitions have gone.
            tracing::debug!(%error, "offsets that the store knows");
            self.consumer.context().changes().known = known;
        }
    }
}
