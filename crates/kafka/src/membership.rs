//! A reader's place in its group: which partitions came and went, and how much waits in them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use broker::Reports;
use rdkafka::{
    ClientContext, Offset, Statistics, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, ConsumerContext},
    error::{KafkaError as ClientError, KafkaResult},
    types::RDKafkaRespErr,
};

use crate::{
    Starts,
    group::{give_back, take},
    lag::{Seen, seen},
};

/// The consumer's context: which partitions came and went.
#[derive(Default)]
pub(crate) struct Membership {
    starts: Option<Starts>,
    reports: Reports,
    changes: Mutex<Changes>,
}

/// What has changed since the reader last looked.
#[derive(Default)]
pub(crate) struct Changes {
    partitions: BTreeSet<(String, i32)>,
    failed: Option<ClientError>,
    /// Where partitions that came begin, where somebody else than the group said so: the group may not know yet.
    pub(crate) known: BTreeMap<(String, u32), u64>,
    /// Partitions that have been read to their end; only of a reader without a group.
    pub(crate) ended: BTreeSet<u32>,
    /// Records that wait, by partition, those of all topics added up.
    pub(crate) lags: BTreeMap<u32, u64>,
    /// Whether `lags` is news.
    pub(crate) heard: bool,
}

impl Membership {
    /// Of a reader that goes on where `starts` says, where somebody says.
    pub(crate) fn new(starts: Option<Starts>) -> Self {
        Self { starts, ..Self::default() }
    }

    pub(crate) fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Partitions that came or went, and why that failed.
    pub(crate) fn take(&self) -> (BTreeSet<(String, i32)>, Option<ClientError>) {
        let mut changes = self.changes();
        (std::mem::take(&mut changes.partitions), changes.failed.take())
    }

    fn assigned(&self, consumer: &BaseConsumer<Self>, list: &mut TopicPartitionList) -> KafkaResult<()> {
        if let Some(starts) = &self.starts {
            for mut element in list.elements() {
                let at = (element.topic().to_owned(), element.partition() as u32);
                if let Some(start) = starts(&at.0, at.1) {
                    element.set_offset(Offset::Offset(start as i64))?;
                    self.changes().known.insert(at, start);
                }
            }
        }
        take(consumer, list)
    }
}

impl ClientContext for Membership {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.reports.log(level, facility, message);
    }

    fn error(&self, error: ClientError, reason: &str) {
        self.reports.error(error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        let mut changes = self.changes();
        changes.lags.values_mut().for_each(|lag| *lag = 0);
        for ((_, partition), Seen { lag, .. }) in seen(&statistics) {
            *changes.lags.entry(partition).or_default() += lag;
        }
        changes.heard = true;
    }
}

impl ConsumerContext for Membership {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, event: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let done = match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.assigned(consumer, list),
            _ => give_back(consumer, list),
        };
        let mut changes = self.changes();
        let moved = list.elements().into_iter().map(|element| (element.topic().to_owned(), element.partition()));
        changes.partitions.extend(moved);
        changes.failed = done.err();
    }
}
