//! A generator's membership in the group that shares the lanes out. What the group says is only written down in the
//! client's callback; the session acts on it when no batch is in hand.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use broker::Reports;
use rdkafka::{
    ClientContext, Offset, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::{KafkaError as ClientError, KafkaResult},
    types::RDKafkaRespErr,
};

use crate::client::assignment::{give_back, take};

/// The consumer's context.
#[derive(Default)]
pub(super) struct Member {
    reports: Reports,
    changes: Mutex<Changes>,
    /// Nothing is in hand any more: what the group takes back, it gets at once.
    leaving: AtomicBool,
}

/// What the group has said since the session last looked.
#[derive(Default)]
pub(super) struct Changes {
    /// Lanes that came.
    pub(super) assigned: BTreeSet<u32>,
    /// Lanes that are to be given back. The group waits for that.
    pub(super) revoked: Option<TopicPartitionList>,
    /// Whether others may have them already.
    pub(super) lost: bool,
    /// Whether the group has said anything yet.
    pub(super) any: bool,
    pub(super) failed: Option<ClientError>,
}

impl Member {
    pub(super) fn take_changes(&self) -> Changes {
        let mut changes = self.changes();
        let any = changes.any;
        std::mem::replace(&mut *changes, Changes { any, ..Changes::default() })
    }

    pub(super) fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lanes of a list.
pub(super) fn lanes(list: &TopicPartitionList) -> BTreeSet<u32> {
    list.elements().iter().map(|element| element.partition() as u32).collect()
}

/// Takes lanes without reading what is in the raw topic.
fn hold(consumer: &BaseConsumer<Member>, list: &TopicPartitionList) -> KafkaResult<()> {
    let mut held = TopicPartitionList::with_capacity(list.count());
    for element in list.elements() {
        held.add_partition_offset(element.topic(), element.partition(), Offset::Offset(0))?;
    }
    take(consumer, &held)?;
    consumer.pause(&held)
}

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.reports.log(level, facility, message);
    }

    fn error(&self, error: ClientError, reason: &str) {
        self.reports.error(error, reason);
    }
}

impl ConsumerContext for Member {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, event: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let comes = event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        tracing::info!(lanes = ?lanes(list), comes, "rebalance");
        let leaving = self.leaving.load(Ordering::Relaxed);
        let done = match comes {
            true => hold(consumer, list),
            false if leaving => give_back(consumer, list),
            false => Ok(()),
        };
        let mut changes = self.changes();
        changes.any = true;
        if comes {
            changes.assigned.extend(lanes(list));
        } else if !leaving {
            changes.assigned.retain(|lane| !lanes(list).contains(lane));
            changes.lost = consumer.assignment_lost();
            changes.revoked = Some(list.clone());
        }
        if let Err(error) = done {
            changes.failed.get_or_insert(error);
        }
    }
}
