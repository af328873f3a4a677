//! The least that a step has to do: messages in, the same bytes out, offsets committed with them.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use broker::{Connection, Reports};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::Message,
    producer::{BaseProducer, BaseRecord, Producer},
};

use super::{COMMIT_INTERVAL, paced::hand_over};

const LIMIT: Duration = Duration::from_secs(10);

/// Copies a topic into another of as many partitions, in transactions, with the settings that the services have. Tells
/// of each commit how many messages have been copied; ends at `events` of them or when told to.
pub(super) fn copy(
    connection: &Connection,
    (from, to): (&str, &str),
    events: u64,
    stop: &AtomicBool,
    mut committed: impl FnMut(u64),
) {
    let consumer: BaseConsumer<Reports> = connection
        .client(Reports::default(), |config| {
            config
                .set("group.id", format!("{to}.bare"))
                .set("isolation.level", "read_committed")
                .set("enable.auto.commit", "false")
                .set("enable.auto.offset.store", "false")
                .set("auto.offset.reset", "earliest")
                .set("fetch.wait.max.ms", "50")
                .set("fetch.queue.backoff.ms", "10")
                .set("queued.min.messages", "50000")
                .set("queued.max.messages.kbytes", "32768");
        })
        .unwrap();
    let producer: BaseProducer<Reports> = connection
        .client(Reports::default(), |config| {
            config
                .set("transactional.id", format!("{to}.bare"))
                .set("compression.type", "lz4")
                .set("linger.ms", "2")
                .set("batch.num.messages", "10000")
                .set("queue.buffering.max.messages", "200000")
                .set("queue.buffering.max.kbytes", "65536");
        })
        .unwrap();
    producer.init_transactions(LIMIT).unwrap();
    consumer.subscribe(&[from]).unwrap();
    let mut copied = 0;
    while copied < events && !stop.load(Ordering::Relaxed) {
        let Some(first) = consumer.poll(Duration::from_millis(100)) else { continue };
        producer.begin_transaction().unwrap();
        let begun = Instant::now();
        let mut next = [0; super::PARTITIONS as usize];
        let mut message = Some(first.unwrap());
        while begun.elapsed() < COMMIT_INTERVAL {
            if let Some(message) = message.take() {
                next[message.partition() as usize] = message.offset() + 1;
                send(&producer, to, &message);
                copied += 1;
            }
            producer.poll(Duration::ZERO);
            message = consumer.poll(COMMIT_INTERVAL.saturating_sub(begun.elapsed())).map(Result::unwrap);
        }
        if let Some(message) = message {
            next[message.partition() as usize] = message.offset() + 1;
            send(&producer, to, &message);
            copied += 1;
        }
        let mut offsets = TopicPartitionList::new();
        for (partition, next) in next.iter().enumerate().filter(|(_, next)| **next > 0) {
            offsets.add_partition_offset(from, partition as i32, Offset::Offset(*next)).unwrap();
        }
        // Its own flush looks ten times a second only.
        while producer.in_flight_count() > 0 {
            producer.poll(Duration::from_millis(1));
        }
        let member = consumer.group_metadata().unwrap();
        producer.send_offsets_to_transaction(&offsets, &member, LIMIT).unwrap();
        producer.commit_transaction(LIMIT).unwrap();
        committed(copied);
    }
}

fn send(producer: &BaseProducer<Reports>, topic: &str, message: &impl Message) {
    let record = BaseRecord::to(topic)
        .partition(message.partition())
        .key(message.key().unwrap_or_default())
        .payload(message.payload().unwrap_or_default())
        .timestamp(message.timestamp().to_millis().unwrap_or_default());
    hand_over(producer, record);
}
