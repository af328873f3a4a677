//! Looking for the place of a step whose group has no offset: in its state topic, and in the headers of its outputs.

use std::{
    ops::{ControlFlow, Range},
    sync::atomic::AtomicBool,
    time::Duration,
};

use rdkafka::Message;
use stream::Topics;

use crate::{
    KafkaError, Step,
    client::ranges::Ranges,
    cluster::{Cluster, Positions, Reader},
    messages::{
        place::{Kept, Place, mark},
        snapshots::value_of,
    },
};

/// How many offsets of a topic are looked at first, from its end backwards, and at most at a time.
const LOOK_BACK: (i64, i64) = (512, 1 << 16);
/// How much earlier than a step's last row the last of its dead letters may seem to be that was committed after it: clocks of
/// two processes differ, and a transaction takes a while.
const EARLIER_MAX: Duration = Duration::from_secs(3600);

/// What is known of a step's place in a partition.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Its place.
    At(Box<Place>),
    /// It has never committed anything, or not since its input was made again.
    Nothing,
    /// This topic holds what it committed, and nothing says how far it had come.
    Lost(String),
}

/// Where a step's places are looked for.
pub(crate) struct Sought<'a> {
    /// The step's group.
    pub group: &'a str,
    /// What it reads,
    pub input: &'a str,
    /// and which partition.
    pub partition: u32,
    /// The topic that its rows go to, where it hands any on,
    pub rows: Option<&'a str>,
    /// and the one of its dead letters, which is others' too. Both have places in headers.
    pub dead_letters: &'a str,
    /// The topic that may have a record of its place, with its partition.
    pub state: (&'a str, u32),
    /// Whether that topic is the step's own.
    pub keeps_state: bool,
}

impl<'a> Sought<'a> {
    /// The places of a step in a partition of its input.
    pub(crate) fn of(step: Step, topics: &'a Topics, group: &'a str, partition: u32) -> Self {
        let (state, keeps_state) = ((step.places(topics), partition), step.state(topics).is_some());
        Self {
            group,
            input: step.input(topics),
            partition,
            rows: step.output(topics),
            dead_letters: &topics.dead_letters,
            state,
            keeps_state,
        }
    }
}

/// Looks for places.
pub(crate) struct Places<'a, C: Cluster> {
    ranges: Ranges<'a, C>,
}

/// What the end of a topic's partition tells.
#[derive(Default)]
struct Tail {
    place: Option<Place>,
    /// When the record with the place was written, in milliseconds since 1970.
    at: Option<i64>,
    /// Whether any record is there that has no place of another group.
    any: bool,
    /// Whether others have written their places.
    others: bool,
}

impl<'a, C: Cluster> Places<'a, C> {
    pub(crate) fn connect(cluster: &C, stop: &'a AtomicBool) -> Result<Self, KafkaError> {
        Ok(Self { ranges: Ranges::connect(cluster, stop)? })
    }

    /// The place of a step in a partition: the greatest that is found.
    pub(crate) fn find(&self, sought: &Sought<'_>) -> Result<Known, KafkaError> {
        let state = self.in_state(sought)?;
        let mut greatest = state.place;
        let (mut holds, mut others) = ((sought.keeps_state && state.any).then_some(sought.state.0), state.others);
        // What a step without rows of its own commits always has a place there; of others what they sent last has it.
        if greatest.is_none() || sought.rows.is_some() {
            let mut since = None;
            for topic in sought.rows.into_iter().chain([sought.dead_letters]) {
                let tail = self.in_headers(topic, sought, since)?;
                // Only what was written later can have a greater place: so much of the dead letters, which may be many and
                // old, is looked at.
                since = since.max(tail.at);
                others |= tail.others && Some(topic) == sought.rows;
                // Dead letters are everybody's: without a place they say nothing.
                holds = holds.or((tail.any && Some(topic) == sought.rows).then_some(topic));
                let next = greatest.as_ref().map_or(i64::MIN, |place| place.next);
                greatest = tail.place.filter(|place| place.next > next).or(greatest);
            }
        }
        match (greatest, holds) {
            (Some(place), _) => self.current(place),
            (None, Some(topic)) if !others => Ok(Known::Lost(topic.to_owned())),
            (None, _) => Ok(Known::Nothing),
        }
    }

    /// The place, unless its topic was made again since.
    fn current(&self, place: Place) -> Result<Known, KafkaError> {
        let (first, end) = self.ranges.offsets.range(&place.topic, place.partition)?;
        let before = place.next - 1;
        if place.next > end {
            return Ok(Known::Nothing);
        }
        if before < first {
            return Ok(Known::At(Box::new(place)));
        }
        let mut found = None;
        self.read(&place.topic, place.partition, before..place.next, &mut |message| found = Some(mark(message)))?;
        Ok(if found.as_ref() == Some(&place.last) { Known::At(Box::new(place)) } else { Known::Nothing })
    }

    /// The latest place in the headers of a topic, from its end backwards, as far as the records that were written at `since`.
    fn in_headers(&self, topic: &str, sought: &Sought<'_>, since: Option<i64>) -> Result<Tail, KafkaError> {
        let mut tail = Tail::default();
        let Range { start: first, end } = self.ranges.stable(topic, sought.partition)?;
        let first = match since {
            Some(since) => {
                let since = since.saturating_sub(EARLIER_MAX.as_millis() as i64).max(0);
                self.ranges.offsets.at_time(topic, sought.partition, since)?
            }
            None => first,
        };
        let (mut high, mut length) = (end, LOOK_BACK.0);
        while high > first && tail.place.is_none() {
            let low = (high - length).max(first);
            self.read(topic, sought.partition, low..high, &mut |message| match Place::in_header(message) {
                Some(place) if place.group != sought.group => tail.others = true,
                Some(place) if place.topic == sought.input && place.partition == sought.partition => {
                    tail.place = Some(place);
                    tail.at = message.timestamp().to_millis();
                }
                _ => tail.any = true,
            })?;
            high = low;
            length = (length * 4).min(LOOK_BACK.1);
        }
        Ok(tail)
    }

    /// The place that a state topic has a record of.
    fn in_state(&self, sought: &Sought<'_>) -> Result<Tail, KafkaError> {
        let (topic, partition) = sought.state;
        let (mut kept, mut any) = (Kept::of(sought.group), false);
        self.read(topic, partition, self.ranges.stable(topic, partition)?, &mut |message| {
            any |= !kept.see(message) && message.payload().is_some();
        })?;
        let value = kept.value.map(|value| value_of(&value)).transpose()?.flatten();
        let place = value.and_then(|text| Place::parse(&text)).filter(|place| place.topic == sought.input);
        Ok(Tail { place, any, ..Tail::default() })
    }

    /// Shows every committed record of a range.
    fn read(
        &self,
        topic: &str,
        partition: u32,
        range: Range<i64>,
        see: &mut dyn FnMut(&<C::Reader as Reader>::Message<'_>),
    ) -> Result<(), KafkaError> {
        self.ranges.read(topic, partition, range, &mut |message| {
            see(message);
            ControlFlow::Continue(())
        })
    }
}
