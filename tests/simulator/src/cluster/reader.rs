//! Readers that are members of no group, and questions for positions.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use ::broker::{BrokerError, Committed};
use kafka::{PartitionReader, Positions};
use rdkafka::{Offset, error::KafkaError as ClientError, message::OwnedMessage, types::RDKafkaErrorCode};

use super::{LOOK, Simulated};

/// How long a transaction may keep a question for a group's offset from its answer.
const DECIDED_MAX: Duration = Duration::from_secs(30);

/// Answers how far topics and groups have come.
pub(crate) struct Asked(pub(super) Simulated);

impl Positions for Asked {
    fn partitions(&self, topic: &str) -> Result<u32, BrokerError> {
        Ok(self.0.ask("partitions")?.broker.partitions(topic))
    }

    fn range(&self, topic: &str, partition: u32) -> Result<(i64, i64), BrokerError> {
        Ok((0, self.0.ask("range")?.broker.log(topic, partition).map_or(0, |log| log.end())))
    }

    fn stable_end(&self, topic: &str, partition: u32) -> Result<i64, BrokerError> {
        Ok(self.0.ask("stable end")?.broker.log(topic, partition).map_or(0, |log| log.stable_end()))
    }

    fn at_time(&self, topic: &str, partition: u32, time: i64) -> Result<i64, BrokerError> {
        let state = self.0.ask("offset of a time")?;
        let found = state.broker.committed(topic, partition).into_iter().find(|(_, record)| record.time >= time);
        let end = || state.broker.log(topic, partition).map_or(0, |log| log.stable_end());
        Ok(found.map_or_else(end, |(offset, _)| offset))
    }

    fn committed(&self, group: &str, topic: &str, partition: u32) -> Result<Option<Committed>, BrokerError> {
        let state = self.0.ask("committed offset")?;
        let committed = state.broker.offset(group, topic, partition).cloned();
        Ok(committed.map(|(offset, metadata)| Committed { offset, metadata }))
    }

    fn decided(&self, group: &str, topic: &str, partition: u32) -> Result<Option<Committed>, BrokerError> {
        let mut state = self.0.ask("decided offset")?;
        let until = state.now + DECIDED_MAX.as_micros() as u64;
        while state.broker.is_pending(group, topic, partition) {
            if state.now > until {
                let source = ClientError::Global(RDKafkaErrorCode::UnstableOffsetCommit);
                return Err(BrokerError::client("reading the offsets of a group", source));
            }
            state = self.0.wait(state, LOOK);
        }
        let committed = state.broker.offset(group, topic, partition).cloned();
        Ok(committed.map(|(offset, metadata)| Committed { offset, metadata }))
    }
}

/// Reads one partition after the other.
pub(crate) struct Reading {
    cluster: Simulated,
    of: RefCell<Option<(String, u32)>>,
    position: Cell<i64>,
    has_ended: Cell<bool>,
}

impl Reading {
    pub(super) fn new(cluster: Simulated) -> Self {
        Self { cluster, of: RefCell::default(), position: Cell::new(0), has_ended: Cell::new(false) }
    }
}

impl PartitionReader for Reading {
    type Message<'a> = OwnedMessage;

    fn assign(&self, topic: &str, partition: u32, from: Offset) -> Result<(), ClientError> {
        self.of.replace(Some((topic.to_owned(), partition)));
        self.position.set(if let Offset::Offset(offset) = from { offset } else { 0 });
        self.has_ended.set(false);
        Ok(())
    }

    fn unassign(&self) -> Result<(), ClientError> {
        self.of.take();
        Ok(())
    }

    fn poll(&self, wait: Duration) -> Option<Result<OwnedMessage, ClientError>> {
        let mut state = self.cluster.call("read");
        self.cluster.reads(&mut state);
        let (topic, partition) = self.of.borrow().clone()?;
        if let Some((offset, record)) = state.broker.next(&topic, partition, self.position.get()) {
            self.position.set(offset + 1);
            return Some(Ok(record.message(&topic, partition, offset)));
        }
        // The end is told once.
        if !self.has_ended.replace(true) {
            return Some(Err(ClientError::PartitionEOF(partition as i32)));
        }
        drop(self.cluster.wait(state, wait));
        None
    }
}
