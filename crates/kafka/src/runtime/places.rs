//! Looking for the place of a step whose group has no offset: in its state topic, and in the headers of its outputs.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use broker::{BrokerError, Connection, Offsets, Reports};
use codec::Decoder;
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError as ClientError,
    message::BorrowedMessage,
};
use stream::Topics;

use crate::{
    KafkaError, Step,
    client::stable::wait_until_stable,
    messages::{
        place::{KEY, Place, mark},
        snapshots::{snapshot, snapshots_schema},
    },
};

/// How many offsets of a topic are looked at first, from its end backwards, and at most at a time.
const LOOK_BACK: (i64, i64) = (512, 1 << 16);
/// How much earlier than a step's last row the last of its dead letters may seem to be that was committed after it: clocks of
/// two processes differ, and a transaction takes a while.
const EARLIER_MAX: Duration = Duration::from_secs(3600);
/// How long nothing may come while there is more to read.
const SILENCE_MAX: Duration = Duration::from_secs(60);

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
pub(crate) struct Places<'a> {
    offsets: Offsets,
    reader: BaseConsumer<Reports>,
    stop: &'a AtomicBool,
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

impl<'a> Places<'a> {
    pub(crate) fn connect(connection: &Connection, stop: &'a AtomicBool) -> Result<Self, KafkaError> {
        let reader = connection.client(Reports::default(), |config| {
            config
                // Never joined; the client wants a name to assign partitions by hand.
                .set("group.id", "beamline.places")
                .set("isolation.level", "read_committed")
                .set("enable.auto.commit", "false")
                .set("enable.partition.eof", "true")
                .set("auto.offset.reset", "earliest")
                .set("fetch.wait.max.ms", "10");
        })?;
        Ok(Self { offsets: Offsets::connect(connection)?, reader, stop })
    }

    /// The place of a step in a partition: the greatest that is found.
    pub(crate) fn find(&self, sought: &Sought<'_>) -> Result<Known, KafkaError> {
        let state = self.in_state(sought)?;
        let mut greatest = state.place;
        let (mut holds, mut others) = ((sought.keeps_state && state.any).then_some(sought.state.0), state.others);
        // What a step with a state commits always has a place there.
        if greatest.is_none() || !sought.keeps_state {
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
        let (first, end) = self.offsets.range(&place.topic, place.partition)?;
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
        let (first, end) = self.stable(topic, sought.partition)?;
        let first = match since {
            Some(since) => {
                let since = since.saturating_sub(EARLIER_MAX.as_millis() as i64).max(0);
                self.offsets.at_time(topic, sought.partition, since)?
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
        let (first, end) = self.stable(topic, partition)?;
        let mut tail = Tail::default();
        let (mut ours, own) = (None, format!("{KEY}{}", sought.group));
        self.read(topic, partition, first..end, &mut |message| match message.key() {
            Some(key) if key == own.as_bytes() => ours = message.payload().map(<[u8]>::to_vec),
            Some(key) if key.starts_with(KEY.as_bytes()) => {}
            _ => tail.any |= message.payload().is_some(),
        })?;
        tail.place = match ours {
            Some(value) => Self::snapshot(&value)?.filter(|place| place.topic == sought.input),
            None => None,
        };
        Ok(tail)
    }

    /// The place in a snapshot, which every program writes in the same schema.
    fn snapshot(value: &[u8]) -> Result<Option<Place>, KafkaError> {
        let Some((head, _)) = value.split_first_chunk::<5>() else { return Ok(None) };
        let id = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        let schema = snapshots_schema()?;
        let mut decoder = Decoder::new(schema.clone(), codec::Limits::default())?;
        decoder.add_writer(id, schema.avro())?;
        let decoded = decoder.decode(&[value])?;
        Ok((decoded.rows.num_rows() == 1).then(|| snapshot(&decoded.rows, 0).2).and_then(Place::parse))
    }

    /// The range of a partition that is decided, once all of it is.
    fn stable(&self, topic: &str, partition: u32) -> Result<(i64, i64), KafkaError> {
        if self.offsets.partitions(topic)? <= partition {
            return Ok((0, 0));
        }
        let (first, end) = self.offsets.range(topic, partition)?;
        wait_until_stable(&self.offsets, topic, partition, end, self.stop)?;
        Ok((first, end))
    }

    /// Shows every committed record of a range.
    fn read(
        &self,
        topic: &str,
        partition: u32,
        range: std::ops::Range<i64>,
        see: &mut dyn FnMut(&BorrowedMessage<'_>),
    ) -> Result<(), KafkaError> {
        if range.is_empty() {
            return Ok(());
        }
        let fail = |error| BrokerError::client(format!("reading topic `{topic}`"), error);
        let mut assignment = TopicPartitionList::new();
        assignment.add_partition_offset(topic, partition as i32, Offset::Offset(range.start)).map_err(fail)?;
        self.reader.assign(&assignment).map_err(fail)?;
        let mut heard = Instant::now();
        loop {
            match self.reader.poll(Duration::from_millis(100)) {
                // What was fetched for an earlier range is void.
                Some(Ok(message)) if message.topic() != topic || message.partition() != partition as i32 => {}
                Some(Ok(message)) if message.offset() >= range.end => return Ok(()),
                Some(Ok(message)) => {
                    heard = Instant::now();
                    see(&message);
                    if message.offset() + 1 >= range.end {
                        return Ok(());
                    }
                }
                Some(Err(ClientError::PartitionEOF(_))) => return Ok(()),
                Some(Err(error)) => tracing::warn!(%error, topic, "looking for a place"),
                None if self.stop.load(Ordering::Relaxed) => return Err(KafkaError::Stopped),
                None if heard.elapsed() > SILENCE_MAX => {
                    let source = ClientError::NoMessageReceived;
                    return Err(KafkaError::Client { what: "looking for a place", source });
                }
                None => {}
            }
        }
    }
}
