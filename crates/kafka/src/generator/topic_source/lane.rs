//! A lane: some partitions of another program's topics, how far each has been read, and the account of their messages.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    GeneratorNote, KafkaError,
    messages::source_place::{Resume, SourcePlace},
};

/// Bytes of the text that a lane commits: Kafka takes 4096 (`offset.metadata.max.bytes`).
const TEXT_BYTES_MAX: usize = 4096;

/// The lane of a partition, of so many.
pub(super) fn lane_of(topic: &str, partition: u32, lanes: u32) -> u32 {
    (stage::partition_of(topic.as_bytes(), lanes) + partition) % lanes
}

/// A lane that this generator has.
pub(super) struct Lane {
    /// What is committed for it next.
    pub(super) note: GeneratorNote,
    /// Whether that has changed since the last commit.
    pub(super) changed: bool,
    /// Its partitions, and where each is.
    pub(super) places: BTreeMap<(String, u32), SourcePlace>,
    /// Partitions whose next message should be the one that was read last.
    pub(super) checked: BTreeSet<(String, u32)>,
}

/// What a message is to a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// The next one.
    New,
    /// One that was read before.
    Old,
    /// Another one at the place of the last: the topic was created again.
    Other,
}

impl Lane {
    /// A lane as it was committed.
    pub(super) fn new(note: GeneratorNote, changed: bool) -> Self {
        let mut places = BTreeMap::new();
        for (topic, found) in &note.places {
            places.extend(found.iter().map(|place| ((topic.clone(), place.partition), *place)));
        }
        Self { note, changed, places, checked: BTreeSet::new() }
    }

    /// Where to begin with a partition that has the offsets from `first` to before `end`. What has no place yet begins at
    /// `begin`.
    pub(super) fn take(&mut self, at: &(String, u32), begin: i64, (first, end): (i64, i64)) -> i64 {
        let (topic, partition) = at;
        let Some(place) = self.places.get_mut(at) else {
            self.places.insert(at.clone(), SourcePlace { partition: *partition, next: begin, last: -1 });
            self.changed = true;
            return begin;
        };
        let seek = match place.resume(first, end) {
            Resume::At(next) => return next,
            Resume::Before(next) => {
                self.checked.insert(at.clone());
                return next - 1;
            }
            Resume::Recreated(first) => {
                tracing::warn!(topic, partition, "the topic was created again: it is read from its beginning");
                first
            }
            Resume::Deleted(first, count) => {
                tracing::error!(topic, partition, count, first, "messages were deleted before they were read");
                self.note.missed += count as u64;
                first
            }
        };
        (place.next, place.last) = (seek, -1);
        self.changed = true;
        seek
    }

    /// What a message at this place is.
    pub(super) fn see(&mut self, at: &(String, u32), offset: i64, time: i64) -> Option<Seen> {
        let place = self.places.get(at)?;
        let other = self.checked.remove(at) && place.is_other(offset, time);
        Some(match () {
            () if other => Seen::Other,
            () if offset < place.next => Seen::Old,
            () => Seen::New,
        })
    }

    /// Takes note of a message that has been read.
    pub(super) fn advance(&mut self, at: &(String, u32), offset: i64, time: i64) {
        if let Some(place) = self.places.get_mut(at) {
            (place.next, place.last) = (offset + 1, time);
        }
        self.note.cursor.position += 1;
        self.changed = true;
    }

    /// What to commit.
    ///
    /// # Errors
    /// Where the lane has more partitions than its text can hold.
    pub(super) fn text(&mut self) -> Result<String, KafkaError> {
        let mut places: BTreeMap<String, Vec<SourcePlace>> = BTreeMap::new();
        for ((topic, _), place) in &self.places {
            places.entry(topic.clone()).or_default().push(*place);
        }
        self.note.places = places;
        let text = self.note.text();
        match text.len() <= TEXT_BYTES_MAX {
            true => Ok(text),
            false => Err(KafkaError::TooManyPlaces { partitions: self.places.len() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_one_lane_and_neighbours_have_others() {
        let lanes: BTreeSet<u32> = (0..8).map(|partition| lane_of("theirs", partition, 8)).collect();
        assert_eq!(lanes.len(), 8);
    }

    #[test]
    fn comes_back_as_it_was_committed() {
        let at = ("theirs".to_owned(), 3);
        let mut lane = Lane::new(GeneratorNote::begin("s".into(), 5), true);
        assert_eq!(lane.take(&at, 40, (40, 50)), 40);
        assert_eq!(lane.see(&at, 40, 7), Some(Seen::New));
        lane.advance(&at, 40, 7);
        let mut again = Lane::new(GeneratorNote::parse(&lane.text().unwrap()).unwrap(), false);
        assert_eq!(again.take(&at, 0, (40, 50)), 40);
        assert_eq!(again.see(&at, 40, 7), Some(Seen::Old));
        assert_eq!((again.see(&at, 41, 7), again.note.cursor.position), (Some(Seen::New), 1));
        // The same offset with another time: the topic is another one.
        let mut other = Lane::new(lane.note.clone(), false);
        other.take(&at, 0, (0, 50));
        assert_eq!(other.see(&at, 40, 8), Some(Seen::Other));
        assert_eq!(other.see(&("theirs".to_owned(), 4), 0, 0), None);
    }

    #[test]
    fn more_partitions_than_the_text_holds_are_refused() {
        let mut lane = Lane::new(GeneratorNote::begin("s".into(), 5), true);
        for partition in 0..400 {
            lane.take(&("theirs".to_owned(), partition), 1 << 40, (0, i64::MAX));
        }
        assert!(matches!(lane.text(), Err(KafkaError::TooManyPlaces { partitions: 400 })));
    }
}
