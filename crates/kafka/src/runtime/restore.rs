//! Putting a partition's state back: its snapshots, from the state topic.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use broker::{BrokerError, Connection, Offsets, Reports};
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError as ClientError,
    message::BorrowedMessage,
};
use registry::Registry;

use crate::{
    KafkaError,
    client::stable::wait_until_stable,
    messages::{inbound::Inbound, snapshots},
    runtime::partition::Partition,
};

/// How long nothing may come while there is more to read.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Snapshots that are decoded at a time.
const BATCH: usize = 1024;

/// Reads snapshots of state.
pub(crate) struct Restorer {
    topic: String,
    offsets: Offsets,
    reader: BaseConsumer<Reports>,
    inbound: Inbound,
}

impl Restorer {
    pub(crate) fn new(
        connection: &Connection,
        registry: &Registry,
        topic: &str,
        group: &str,
    ) -> Result<Self, KafkaError> {
        let reader = connection.client(Reports::default(), |config| {
            // The group is never joined; the client wants a name to assign partitions by hand.
            config
                .set("group.id", format!("{group}.restore"))
                .set("isolation.level", "read_committed")
                .set("enable.auto.commit", "false")
                .set("enable.partition.eof", "true")
                .set("auto.offset.reset", "earliest")
                .set("fetch.wait.max.ms", "10")
                .set("queued.max.messages.kbytes", "32768");
        })?;
        Ok(Self {
            topic: topic.to_owned(),
            offsets: Offsets::connect(connection)?,
            reader,
            inbound: Inbound::new(snapshots::snapshots_schema()?, registry.clone())?,
        })
    }

    /// Puts back every snapshot of a partition; of a key that has several, the last one stays.
    ///
    /// Waits until every transaction on the state is decided: a worker that is gone may have left one open, and
    /// what was committed behind it must not be missed.
    pub(crate) fn restore(
        &mut self,
        number: u32,
        partition: &mut Partition,
        stop: &AtomicBool,
    ) -> Result<(), KafkaError> {
        let (first, end) = self.offsets.range(&self.topic, number)?;
        if first >= end {
            return Ok(());
        }
        wait_until_stable(&self.offsets, &self.topic, number, end, stop)?;
        let fail = |error| BrokerError::client(format!("reading topic `{}`", self.topic), error);
        let mut assignment = TopicPartitionList::new();
        assignment.add_partition_offset(&self.topic, number as i32, Offset::Beginning).map_err(fail)?;
        self.reader.assign(&assignment).map_err(fail)?;
        let mut waiting: Vec<BorrowedMessage<'_>> = Vec::with_capacity(BATCH);
        let mut heard = Instant::now();
        loop {
            match self.reader.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => {
                    heard = Instant::now();
                    waiting.push(message);
                    if waiting.len() == BATCH {
                        take(&mut self.inbound, &self.topic, &waiting, partition)?;
                        waiting.clear();
                    }
                }
                Some(Err(ClientError::PartitionEOF(_))) => break,
                Some(Err(error)) => tracing::warn!(%error, topic = self.topic, "reading snapshots"),
                None if stop.load(Ordering::Relaxed) => return Err(KafkaError::Stopped),
                None if heard.elapsed() > SILENCE_MAX => {
                    let source = ClientError::NoMessageReceived;
                    return Err(KafkaError::Client { what: "reading snapshots", source });
                }
                None => {}
            }
        }
        take(&mut self.inbound, &self.topic, &waiting, partition)?;
        drop(waiting);
        self.reader.unassign().map_err(|error| BrokerError::client("reading snapshots", error))?;
        Ok(())
    }
}

fn take(
    inbound: &mut Inbound,
    topic: &str,
    messages: &[BorrowedMessage<'_>],
    partition: &mut Partition,
) -> Result<(), KafkaError> {
    let foreign = |message: usize, reason: &str| {
        let reason = format!("offset {}: {reason}", messages[message].offset());
        KafkaError::Foreign { topic: topic.to_owned(), reason }
    };
    let full: Vec<usize> = (0..messages.len()).filter(|message| messages[*message].payload().is_some()).collect();
    let payloads: Vec<&[u8]> = full.iter().filter_map(|message| messages[*message].payload()).collect();
    let decoded = inbound.decode(&payloads)?;
    if let Some((index, reason)) = decoded.rejected.first() {
        return Err(foreign(full[*index], &format!("no snapshot: {reason}")));
    }
    // Every message that is not rejected is a row: the rows are the full messages in order.
    let mut row = 0;
    for (index, message) in messages.iter().enumerate() {
        let key = std::str::from_utf8(message.key().unwrap_or_default())
            .map_err(|_| foreign(index, "the key is not text"))?;
        if message.payload().is_none() {
            partition.restore(key.into(), 0, &[])?;
            continue;
        }
        let (of, position, state) = snapshots::snapshot(&decoded.rows, row);
        if of == partition.of {
            partition.restore(key.into(), position, state)?;
        }
        row += 1;
    }
    Ok(())
}
