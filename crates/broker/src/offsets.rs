//! How far topics and groups have come.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::{KafkaError, KafkaResult},
    types::RDKafkaErrorCode,
};

use crate::{BrokerError, Connection, Reports};

/// How long a request may take.
const REQUEST: Duration = Duration::from_secs(30);
/// How long to wait before asking again.
const AGAIN: Duration = Duration::from_millis(100);

/// What a group has committed for a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The next offset it will read.
    pub offset: i64,
    /// What it noted with it.
    pub metadata: String,
}

/// Reads how far topics and groups have come, without joining any group.
pub struct Offsets {
    connection: Connection,
    /// Sees what is not committed too.
    all: BaseConsumer<Reports>,
    /// Sees only what is committed.
    stable: BaseConsumer<Reports>,
}

impl Offsets {
    /// Connects.
    ///
    /// # Errors
    /// Where the settings make no client.
    pub fn connect(connection: &Connection) -> Result<Self, BrokerError> {
        let reader = |isolation: &str| {
            connection.client(Reports::default(), |config| {
                config.set("isolation.level", isolation);
            })
        };
        Ok(Self { connection: connection.clone(), all: reader("read_uncommitted")?, stable: reader("read_committed")? })
    }

    /// How many partitions a topic has; 0 where it does not exist.
    ///
    /// # Errors
    /// Where the cluster does not answer or does not allow it.
    pub fn partitions(&self, topic: &str) -> Result<u32, BrokerError> {
        let metadata = self.all.fetch_metadata(Some(topic), REQUEST);
        let metadata = metadata.map_err(|error| BrokerError::client(format!("reading topic `{topic}`"), error))?;
        Ok(metadata
            .topics()
            .iter()
            .find(|found| found.name() == topic)
            .map_or(0, |found| found.partitions().len() as u32))
    }

    /// The first offset that is still there, and the one that the next record will have, committed or not.
    ///
    /// # Errors
    /// Where the cluster does not answer or does not allow it.
    pub fn range(&self, topic: &str, partition: u32) -> Result<(i64, i64), BrokerError> {
        range(&self.all, topic, partition)
    }

    /// The offset before which every transaction is decided: the end of what a reader of committed records sees.
    ///
    /// # Errors
    /// Where the cluster does not answer or does not allow it.
    pub fn stable_end(&self, topic: &str, partition: u32) -> Result<i64, BrokerError> {
        range(&self.stable, topic, partition).map(|(_, end)| end)
    }

    /// The first offset of a partition whose record is not older than `time` (milliseconds since 1970); its end where
    /// there is none.
    ///
    /// # Errors
    /// Where the cluster does not answer or does not allow it.
    pub fn at_time(&self, topic: &str, partition: u32, time: i64) -> Result<i64, BrokerError> {
        let fail = |error| BrokerError::client(format!("looking for a time in topic `{topic}`"), error);
        let mut asked = TopicPartitionList::new();
        asked.add_partition_offset(topic, partition as i32, Offset::Offset(time)).map_err(fail)?;
        let found = self.stable.offsets_for_times(asked, REQUEST).map_err(fail)?;
        match found.find_partition(topic, partition as i32).map(|found| found.offset()) {
            Some(Offset::Offset(offset)) => Ok(offset),
            _ => self.stable_end(topic, partition),
        }
    }

    /// What `group` has committed for these partitions; those without a commit are missing. Does not wait for open
    /// transactions: to look at, not to go on from.
    ///
    /// # Errors
    /// Where the cluster does not answer or does not allow it.
    pub fn committed(
        &self,
        group: &str,
        topic: &str,
        partitions: &[u32],
    ) -> Result<BTreeMap<u32, Committed>, BrokerError> {
        self.asked("read_uncommitted", group, topic, partitions)
    }

    /// The same, once no transaction is open that may change it: to go on from.
    ///
    /// # Errors
    /// Where the cluster does not answer or does not allow it, or a transaction stays open.
    pub fn decided(
        &self,
        group: &str,
        topic: &str,
        partitions: &[u32],
    ) -> Result<BTreeMap<u32, Committed>, BrokerError> {
        self.asked("read_committed", group, topic, partitions)
    }

    fn asked(
        &self,
        isolation: &str,
        group: &str,
        topic: &str,
        partitions: &[u32],
    ) -> Result<BTreeMap<u32, Committed>, BrokerError> {
        let reader: BaseConsumer<Reports> = self.connection.client(Reports::default(), |config| {
            config.set("group.id", group).set("isolation.level", isolation).set("enable.auto.commit", "false");
        })?;
        committed(&reader, group, topic, partitions)
    }

    /// How many committed records of a topic `group` has not come to yet; nothing where more than `offsets_max` offsets would
    /// have to be looked at.
    ///
    /// # Errors
    /// Where the cluster does not answer or does not allow it.
    pub fn waiting(&self, group: &str, topic: &str, offsets_max: u64) -> Result<Option<u64>, BrokerError> {
        let partitions: Vec<u32> = (0..self.partitions(topic)?).collect();
        let committed = self.committed(group, topic, &partitions)?;
        let fail = |error| BrokerError::client(format!("counting what waits in topic `{topic}`"), error);
        let (mut list, mut ends, mut offsets) = (TopicPartitionList::new(), BTreeMap::new(), 0);
        for partition in partitions {
            let (first, end) = range(&self.stable, topic, partition)?;
            let next = committed.get(&partition).map_or(first, |committed| committed.offset.max(first));
            if next < end {
                list.add_partition_offset(topic, partition as i32, Offset::Offset(next)).map_err(fail)?;
                ends.insert(partition as i32, end);
                offsets += (end - next) as u64;
            }
        }
        if offsets > offsets_max {
            return Ok(None);
        }
        let reader: BaseConsumer<Reports> = self.connection.client(Reports::default(), |config| {
            config
                // Never joined; the client wants a name to assign partitions by hand.
                .set("group.id", "beamline.waiting")
                .set("isolation.level", "read_committed")
                .set("enable.auto.commit", "false")
                .set("enable.partition.eof", "true");
        })?;
        reader.assign(&list).map_err(fail)?;
        let (mut waiting, begun) = (0, Instant::now());
        while !ends.is_empty() && begun.elapsed() < REQUEST {
            match reader.poll(AGAIN) {
                Some(Ok(message)) => match ends.get(&message.partition()) {
                    // Without a value it is not a record of the account.
                    Some(end) if message.offset() < *end => waiting += u64::from(message.payload().is_some()),
                    _ => drop(ends.remove(&message.partition())),
                },
                Some(Err(KafkaError::PartitionEOF(partition))) => drop(ends.remove(&partition)),
                Some(Err(error)) => return Err(fail(error)),
                None => {}
            }
        }
        Ok(ends.is_empty().then_some(waiting))
    }

    /// How many records of each partition `group` has not committed yet. Markers of transactions take offsets too, so
    /// a group that has seen everything may lag by a few.
    ///
    /// # Errors
    /// Where the cluster does not answer or does not allow it.
    pub fn lag(&self, group: &str, topic: &str) -> Result<BTreeMap<u32, u64>, BrokerError> {
        let partitions: Vec<u32> = (0..self.partitions(topic)?).collect();
        let committed = self.committed(group, topic, &partitions)?;
        let mut lag = BTreeMap::new();
        for partition in partitions {
            let (first, end) = range(&self.stable, topic, partition)?;
            let read = committed.get(&partition).map_or(first, |committed| committed.offset.max(first));
            lag.insert(partition, (end - read).max(0) as u64);
        }
        Ok(lag)
    }
}

/// The first offset of a partition that is still there, and its end as `reader` sees it: the last decided transaction's
/// for one that reads committed records.
///
/// # Errors
/// Where the cluster does not answer or does not allow it.
pub fn range<C: ConsumerContext>(
    reader: &BaseConsumer<C>,
    topic: &str,
    partition: u32,
) -> Result<(i64, i64), BrokerError> {
    patiently(|| reader.fetch_watermarks(topic, partition as i32, REQUEST)).map_err(|error| {
        BrokerError::client(format!("reading the ends of topic `{topic}`, partition {partition}"), error)
    })
}

/// What the group of `reader` has committed for these partitions; those without a commit are missing. Waits while the
/// outcome of a transaction is open.
///
/// # Errors
/// Where the cluster does not answer or does not allow it.
pub fn committed<C: ConsumerContext>(
    reader: &BaseConsumer<C>,
    group: &str,
    topic: &str,
    partitions: &[u32],
) -> Result<BTreeMap<u32, Committed>, BrokerError> {
    let what = "where this goes on, a transaction hangs: see docs/runbooks/transaction-hangs.md";
    let fail = |error| BrokerError::client(format!("reading the offsets of group `{group}` ({what})"), error);
    let mut asked = TopicPartitionList::with_capacity(partitions.len());
    for partition in partitions {
        asked.add_partition(topic, *partition as i32);
    }
    let found = patiently(|| {
        let found = reader.committed_offsets(asked.clone(), REQUEST)?;
        found.elements().iter().try_for_each(|element| element.error())?;
        Ok(found)
    })
    .map_err(fail)?;
    let mut committed = BTreeMap::new();
    for element in found.elements() {
        if let Offset::Offset(offset) = element.offset() {
            let metadata = element.metadata().to_owned();
            committed.insert(element.partition() as u32, Committed { offset, metadata });
        }
    }
    Ok(committed)
}

/// Asks again while the cluster is between two states: a coordinator or leader that moves, a transaction that is open.
fn patiently<T>(ask: impl Fn() -> KafkaResult<T>) -> KafkaResult<T> {
    let begun = Instant::now();
    loop {
        match ask() {
            Err(error) if error.rdkafka_error_code().is_some_and(is_passing) && begun.elapsed() < REQUEST => {
                thread::sleep(AGAIN);
            }
            done => return done,
        }
    }
}

fn is_passing(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::NotCoordinator
            | RDKafkaErrorCode::CoordinatorNotAvailable
            | RDKafkaErrorCode::CoordinatorLoadInProgress
            | RDKafkaErrorCode::UnstableOffsetCommit
            | RDKafkaErrorCode::NotLeaderForPartition
            | RDKafkaErrorCode::LeaderNotAvailable
            | RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::UnknownPartition
            | RDKafkaErrorCode::RequestTimedOut
            | RDKafkaErrorCode::OperationTimedOut
            | RDKafkaErrorCode::BrokerTransportFailure
            | RDKafkaErrorCode::AllBrokersDown
    )
}
