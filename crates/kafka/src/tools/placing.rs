//! Saying by hand where a step goes on whose group has no offset any more, and what that loses or repeats.

use std::{collections::BTreeMap, time::Duration};

use broker::{BrokerError, Connection, Offsets, Reports};
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::KafkaError as ClientError,
};
use stage::Ledger;
use stream::Stream;

use crate::{KafkaError, Note, Step, clock::now_millis};

/// How long a topic may take to give its last record.
const READ_MAX: Duration = Duration::from_secs(30);

/// Where a step is to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Behind what its outputs came of, as their times say.
    Output,
    /// Behind everything that is there now.
    Latest,
    /// At the first record that is still there.
    Earliest,
    /// At the first record that was taken in at this time or later, in milliseconds since 1970.
    Time(i64),
}

/// What a choice means for a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The partition of the input.
    pub partition: u32,
    /// Where the step would go on.
    pub offset: i64,
    /// How many offsets of records that it has processed it would read again, at most.
    pub repeats: i64,
    /// How many offsets of records that it has not processed it would leave out, at most.
    pub loses: i64,
}

/// What is known of a partition's input and output.
struct Range {
    first: i64,
    end: i64,
    /// The offsets of the records that were taken in when the last output's was: the step has come to somewhere there.
    reached: (i64, i64),
}

/// A step whose group is to be placed.
pub struct Placing<'a> {
    stream: &'a Stream,
    step: Step,
    connection: &'a Connection,
    offsets: Offsets,
    ranges: BTreeMap<u32, Range>,
}

impl<'a> Placing<'a> {
    /// Looks at every partition of which the step's group has no offset.
    ///
    /// # Errors
    /// Where the cluster does not answer or does not allow it.
    pub fn look(stream: &'a Stream, step: Step, connection: &'a Connection) -> Result<Self, KafkaError> {
        let offsets = Offsets::connect(connection)?;
        let topics = stream.topics();
        let (input, group) = (step.input(&topics).to_owned(), step.group(stream.name()));
        let partitions: Vec<u32> = (0..offsets.partitions(&input)?).collect();
        let committed = offsets.committed(&group, &input, &partitions)?;
        let mut placing = Self { stream, step, connection, offsets, ranges: BTreeMap::new() };
        for partition in partitions.into_iter().filter(|partition| !committed.contains_key(partition)) {
            let range = placing.range(&input, partition)?;
            placing.ranges.insert(partition, range);
        }
        Ok(placing)
    }

    fn range(&self, input: &str, partition: u32) -> Result<Range, KafkaError> {
        let topics = self.stream.topics();
        let (first, end) = (self.offsets.range(input, partition)?.0, self.offsets.stable_end(input, partition)?);
        let holder = self.step.output(&topics).unwrap_or(self.step.places(&topics));
        let reached = match self.last_time(holder, partition)? {
            None => (first, first),
            Some(time) => {
                (self.offsets.at_time(input, partition, time)?, self.offsets.at_time(input, partition, time + 1)?)
            }
        };
        Ok(Range { first, end, reached })
    }

    /// The time of the last committed record of a partition.
    fn last_time(&self, topic: &str, partition: u32) -> Result<Option<i64>, KafkaError> {
        let reader: BaseConsumer<Reports> = self.connection.client(Reports::default(), |config| {
            config
                .set("group.id", "beamline.placing")
                .set("isolation.level", "read_committed")
                .set("enable.auto.commit", "false")
                .set("enable.partition.eof", "true");
        })?;
        let (first, end) = (self.offsets.range(topic, partition)?.0, self.offsets.stable_end(topic, partition)?);
        let fail = |error| BrokerError::client(format!("reading topic `{topic}`"), error);
        let (mut high, mut length) = (end, 64);
        while high > first {
            let low = (high - length).max(first);
            let mut list = TopicPartitionList::new();
            list.add_partition_offset(topic, partition as i32, Offset::Offset(low)).map_err(fail)?;
            reader.assign(&list).map_err(fail)?;
            let mut last = None;
            loop {
                match reader.poll(READ_MAX) {
                    Some(Ok(message)) => last = message.timestamp().to_millis().or(last),
                    Some(Err(ClientError::PartitionEOF(_))) => break,
                    Some(Err(error)) => return Err(fail(error).into()),
                    None => {
                        let source = ClientError::NoMessageReceived;
                        return Err(KafkaError::Client { what: "reading the last output", source });
                    }
                }
            }
            if last.is_some() {
                return Ok(last);
            }
            (high, length) = (low, length * 8);
        }
        Ok(None)
    }

    /// What a choice means for each partition.
    ///
    /// # Errors
    /// Where the cluster does not answer.
    pub fn choices(&self, at: At) -> Result<Vec<Choice>, KafkaError> {
        let topics = self.stream.topics();
        let input = self.step.input(&topics);
        let choice = |(partition, range): (&u32, &Range)| {
            let offset = match at {
                At::Output => range.reached.0,
                At::Latest => range.end,
                At::Earliest => range.first,
                At::Time(time) => self.offsets.at_time(input, *partition, time)?,
            };
            let (low, high) = range.reached;
            let (repeats, loses) = ((high - offset).max(0), (offset - low).max(0));
            Ok(Choice { partition: *partition, offset, repeats, loses })
        };
        self.ranges.iter().map(choice).collect()
    }

    /// Commits a choice for the step's group. What the step had learned and counted begins again there.
    ///
    /// # Errors
    /// Where the group has members, or the cluster does not allow it.
    pub fn place(&self, choices: &[Choice]) -> Result<(), KafkaError> {
        let (topics, group) = (self.stream.topics(), self.step.group(self.stream.name()));
        let consumer: BaseConsumer<Reports> = self.connection.client(Reports::default(), |config| {
            config.set("group.id", &group).set("enable.auto.commit", "false");
        })?;
        let fail = |source| KafkaError::Client { what: "placing the group (its workers must not be running)", source };
        let mut list = TopicPartitionList::with_capacity(choices.len());
        for choice in choices {
            let note = Note::new("", choice.offset, &Ledger::default()).counted_since(now_millis());
            let mut element = list.add_partition(self.step.input(&topics), choice.partition as i32);
            element.set_offset(Offset::Offset(choice.offset)).map_err(fail)?;
            element.set_metadata(note.text());
        }
        consumer.commit(&list, CommitMode::Sync).map_err(fail)
    }
}
