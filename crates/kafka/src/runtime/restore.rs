//! Putting a partition's state back: its snapshots, from the state topic.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use broker::BrokerError;
use rdkafka::{Message, Offset, error::KafkaError as ClientError};
use registry::Registry;

use crate::{
    KafkaError,
    client::stable::wait_until_stable,
    cluster::{Cluster, Positions, Reader},
    messages::{inbound::Inbound, meaning::Meanings, snapshots},
    mutant::Mutant,
    runtime::partition::Partition,
};

/// How long nothing may come while there is more to read.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Snapshots that are decoded at a time, each of at most some 8 KiB.
const BATCH: usize = 256;

/// Reads snapshots of state.
pub(crate) struct Restorer<C: Cluster> {
    cluster: C,
    topic: String,
    offsets: C::Positions,
    reader: C::Reader,
    inbound: Inbound,
}

impl<C: Cluster> Restorer<C> {
    pub(crate) fn new(cluster: &C, registry: &Registry, topic: &str, group: &str) -> Result<Self, KafkaError> {
        Ok(Self {
            cluster: cluster.clone(),
            topic: topic.to_owned(),
            offsets: cluster.positions()?,
            reader: cluster.reader(&format!("{group}.restore"))?,
            inbound: Inbound::of_ours(snapshots::snapshots_schema()?, registry.clone())?,
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
        if !Mutant::UndecidedState.is_chosen() {
            wait_until_stable(&self.cluster, &self.offsets, &self.topic, number, end, stop)?;
        }
        let fail = |error| BrokerError::client(format!("reading topic `{}`", self.topic), error);
        self.reader.assign(&self.topic, number, Offset::Beginning).map_err(fail)?;
        let mut waiting = Vec::with_capacity(BATCH);
        let mut heard = self.cluster.now();
        loop {
            match self.reader.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => {
                    heard = self.cluster.now();
                    waiting.push(message);
                    if waiting.len() == BATCH {
                        take(&mut self.inbound, &self.topic, &waiting, partition)?;
                        waiting.clear();
                    }
                }
                Some(Err(ClientError::PartitionEOF(_))) => break,
                Some(Err(error)) => tracing::warn!(%error, topic = self.topic, "reading snapshots"),
                None if stop.load(Ordering::Relaxed) => return Err(KafkaError::Stopped),
                None if self.cluster.since(heard) > SILENCE_MAX => {
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

fn take<M: Message>(
    inbound: &mut Inbound,
    topic: &str,
    messages: &[M],
    partition: &mut Partition,
) -> Result<(), KafkaError> {
    let foreign = |message: usize, reason: &str| {
        let reason = format!("offset {}: {reason}", messages[message].offset());
        KafkaError::Foreign { topic: topic.to_owned(), reason }
    };
    let full: Vec<usize> = (0..messages.len()).filter(|message| messages[*message].payload().is_some()).collect();
    let payloads: Vec<&[u8]> = full.iter().filter_map(|message| messages[*message].payload()).collect();
    let decoded = inbound.decode(&payloads, &Meanings::default())?;
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
