//! A reader's place in its group: which partitions came and went, and how much waits in them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use broker::Reports;
use rdkafka::{
    ClientContext, Statistics, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, ConsumerContext},
    error::KafkaError as ClientError,
    types::RDKafkaRespErr,
};

use crate::{
    client::{
        assignment::{give_back, take},
        lag::seen,
    },
    cluster::Seen,
};

/// The consumer's context: which partitions came and went.
#[derive(Default)]
pub(crate) struct Membership {
    reports: Reports,
    changes: Mutex<Changes>,
}

/// What has changed since the reader last looked.
#[derive(Default)]
pub(crate) struct Changes {
    partitions: BTreeSet<(String, i32)>,
    failed: Option<ClientError>,
    /// The same partitions, for whoever holds rows of them.
    pub(crate) moved: BTreeSet<(String, u32)>,
    /// Partitions that the group has handed over, and that are not read before somebody says from where. The client waits
    /// for that as long as the group lets a rebalance take.
    pub(crate) waiting: BTreeSet<(String, u32)>,
    /// Where partitions that came begin, where the group does not know that yet.
    pub(crate) known: BTreeMap<(String, u32), u64>,
    /// Partitions that have been read to their end; only of a reader without a group.
    pub(crate) ended: BTreeSet<u32>,
    /// Records that wait, by partition, those of all topics added up.
    pub(crate) lags: BTreeMap<u32, u64>,
    /// Whether `lags` is news.
    pub(crate) heard: bool,
}

impl Membership {
    pub(crate) fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Partitions that came or went, and why that failed.
    pub(crate) fn take(&self) -> (BTreeSet<(String, i32)>, Option<ClientError>) {
        let mut changes = self.changes();
        (std::mem::take(&mut changes.partitions), changes.failed.take())
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
        let places: BTreeSet<(String, u32)> =
            list.elements().iter().map(|element| (element.topic().to_owned(), element.partition() as u32)).collect();
        let comes = event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        let done = match comes {
            // Where to begin is asked of a store, which takes too long in here.
            true if !places.is_empty() => Ok(()),
            true => take(consumer, list),
            false => give_back(consumer, list),
        };
        let mut changes = self.changes();
        changes.partitions.extend(places.iter().map(|(topic, partition)| (topic.clone(), *partition as i32)));
        changes.moved.extend(places.iter().cloned());
        if comes {
            changes.waiting.extend(places);
        } else {
            changes.waiting.retain(|place| !places.contains(place));
            changes.known.retain(|place, _| !places.contains(place));
        }
        changes.failed = done.err();
    }
}
