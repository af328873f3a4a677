//! Taking partitions and giving them back as the group's protocol wants it, and leaving the group.

use std::time::{Duration, Instant};

use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol},
    error::KafkaResult,
};

/// How long a member may take to leave its group in good order.
const LEAVE_MAX: Duration = Duration::from_secs(10);
/// How long a member that has no partitions listens for a rebalance that is still on its way.
const LISTEN: Duration = Duration::from_millis(20);

/// Takes partitions as the group's protocol wants it.
pub(crate) fn take<C: ConsumerContext>(consumer: &BaseConsumer<C>, list: &TopicPartitionList) -> KafkaResult<()> {
    match consumer.rebalance_protocol() {
        RebalanceProtocol::Eager => consumer.assign(list),
        _ => consumer.incremental_assign(list),
    }
}

/// Gives partitions back as the group's protocol wants it.
pub(crate) fn give_back<C: ConsumerContext>(consumer: &BaseConsumer<C>, list: &TopicPartitionList) -> KafkaResult<()> {
    match consumer.rebalance_protocol() {
        RebalanceProtocol::Eager => consumer.unassign(),
        _ => consumer.incremental_unassign(list),
    }
}

/// Leaves the group, if `consumer` is in one, before the consumer is dropped. A consumer that is closed while a rebalance is
/// on its way to it may wait for itself forever (librdkafka#4041, #4884): here its partitions are given back first.
pub(crate) fn leave<C: ConsumerContext>(consumer: &BaseConsumer<C>) {
    if !consumer.subscription().is_ok_and(|topics| topics.count() > 0) {
        return;
    }
    consumer.unsubscribe();
    let end = Instant::now() + LEAVE_MAX;
    while Instant::now() < end {
        // What is still read is void: nobody does anything with it any more.
        let read = consumer.poll(LISTEN).is_some();
        if !read && consumer.assignment().is_ok_and(|partitions| partitions.count() == 0) {
            return;
        }
    }
    tracing::warn!(limit_s = LEAVE_MAX.as_secs(), "the group was not left in time");
}

/// The partitions of a list.
pub(crate) fn numbers(list: &TopicPartitionList) -> Vec<u32> {
    list.elements().iter().map(|element| element.partition() as u32).collect()
}
