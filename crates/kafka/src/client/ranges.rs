//! Reading a range of one partition, of what is committed: to find out what stands there, not to process it.

use std::{
    ops::{ControlFlow, Range},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use broker::BrokerError;
use rdkafka::{Message, Offset, error::KafkaError as ClientError};

use super::stable::wait_until_stable;
use crate::{
    KafkaError,
    cluster::{Cluster, Positions, Reader},
};

/// How long nothing may come while there is more to read.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Reads ranges of partitions.
pub(crate) struct Ranges<'a, C: Cluster> {
    cluster: C,
    pub(crate) offsets: C::Positions,
    reader: C::Reader,
    stop: &'a AtomicBool,
}

impl<'a, C: Cluster> Ranges<'a, C> {
    pub(crate) fn connect(cluster: &C, stop: &'a AtomicBool) -> Result<Self, KafkaError> {
        let (offsets, reader) = (cluster.positions()?, cluster.reader("beamline.places")?);
        Ok(Self { cluster: cluster.clone(), offsets, reader, stop })
    }

    /// The offsets of a partition; empty where there is no such partition.
    pub(crate) fn whole(&self, topic: &str, partition: u32) -> Result<Range<i64>, KafkaError> {
        if self.offsets.partitions(topic)? <= partition {
            return Ok(0..0);
        }
        let (first, end) = self.offsets.range(topic, partition)?;
        Ok(first..end)
    }

    /// The same, once all that has been written so far is committed or aborted.
    pub(crate) fn stable(&self, topic: &str, partition: u32) -> Result<Range<i64>, KafkaError> {
        let range = self.whole(topic, partition)?;
        wait_until_stable(&self.cluster, &self.offsets, topic, partition, range.end, self.stop)?;
        Ok(range)
    }

    /// Shows every committed record of a range, until `see` breaks.
    pub(crate) fn read(
        &self,
        topic: &str,
        partition: u32,
        range: Range<i64>,
        see: &mut dyn FnMut(&<C::Reader as Reader>::Message<'_>) -> ControlFlow<()>,
    ) -> Result<(), KafkaError> {
        if range.is_empty() {
            return Ok(());
        }
        let fail = |error| BrokerError::client(format!("reading topic `{topic}`"), error);
        self.reader.assign(topic, partition, Offset::Offset(range.start)).map_err(fail)?;
        let mut heard = self.cluster.now();
        loop {
            match self.reader.poll(Duration::from_millis(100)) {
                // What was fetched for an earlier range is void.
                Some(Ok(message)) if message.topic() != topic || message.partition() != partition as i32 => {}
                Some(Ok(message)) if message.offset() >= range.end => return Ok(()),
                Some(Ok(message)) => {
                    heard = self.cluster.now();
                    if see(&message).is_break() || message.offset() + 1 >= range.end {
                        return Ok(());
                    }
                }
                Some(Err(ClientError::PartitionEOF(_))) => return Ok(()),
                Some(Err(error)) => tracing::warn!(%error, topic, "looking for a place"),
                None if self.stop.load(Ordering::Relaxed) => return Err(KafkaError::Stopped),
                None if self.cluster.since(heard) > SILENCE_MAX => {
                    let source = ClientError::NoMessageReceived;
                    return Err(KafkaError::Client { what: "looking for a place", source });
                }
                None => {}
            }
        }
    }

    /// Whether a range has a committed record.
    pub(crate) fn has_any(&self, topic: &str, partition: u32, range: Range<i64>) -> Result<bool, KafkaError> {
        let mut any = false;
        self.read(topic, partition, range, &mut |_| {
            any = true;
            ControlFlow::Break(())
        })?;
        Ok(any)
    }
}
