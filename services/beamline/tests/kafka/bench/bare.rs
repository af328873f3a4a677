//! The least that a step has to do: messages in, the same bytes out, offsets committed with them. Twice: plainly, and as well as the
//! client can.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use batches::{Inbox, Outbox};
use broker::{Connection, Reports};
use bytes::Bytes;
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::Message,
    producer::{BaseProducer, BaseRecord, Producer},
};

use super::{
    COMMIT_INTERVAL, PARTITIONS,
    paced::{hand_over, is_full},
};

const LIMIT: Duration = Duration::from_secs(10);
/// Messages of a batch at most, where there are batches.
const BATCH: usize = 16_384;

/// The offsets behind what has been copied of each partition; 0 where nothing was.
type Next = [i64; PARTITIONS as usize];

/// Copies a topic into another of as many partitions, in transactions, with the settings that the services have. Tells
/// of each commit how many messages have been copied; ends at `events` of them or when told to.
pub(super) fn copy(
    connection: &Connection,
    (from, to): (&str, &str),
    events: u64,
    stop: &AtomicBool,
    mut committed: impl FnMut(u64),
) {
    let (consumer, producer) = (consumer(connection, to), producer(connection, to, false));
    consumer.subscribe(&[from]).unwrap();
    let mut copied = 0;
    while copied < events && !stop.load(Ordering::Relaxed) {
        let Some(first) = consumer.poll(Duration::from_millis(100)) else { continue };
        producer.begin_transaction().unwrap();
        let begun = Instant::now();
        let mut next = Next::default();
        let mut message = Some(first.unwrap());
        while begun.elapsed() < COMMIT_INTERVAL {
            if let Some(message) = message.take() {
                next[message.partition() as usize] = message.offset() + 1;
                hand_over(&producer, record(to, &message, message.payload().unwrap_or_default()));
                copied += 1;
            }
            producer.poll(Duration::ZERO);
            message = consumer.poll(COMMIT_INTERVAL.saturating_sub(begun.elapsed())).map(Result::unwrap);
        }
        if let Some(message) = message {
            next[message.partition() as usize] = message.offset() + 1;
            hand_over(&producer, record(to, &message, message.payload().unwrap_or_default()));
            copied += 1;
        }
        commit(&consumer, &producer, from, &next);
        committed(copied);
    }
}

/// The same with messages that come in batches, values that the client is lent, and no report of what was delivered.
pub(super) fn copy_batches(
    connection: &Connection,
    (from, to): (&str, &str),
    events: u64,
    mut committed: impl FnMut(u64),
) {
    let inbox = Inbox::new(consumer(connection, to)).unwrap();
    let outbox = Outbox::new(producer(connection, to, true));
    read_all(&inbox, from);
    let (consumer, mut copied) = (inbox.client(), 0);
    while copied < events {
        let producer = outbox.client();
        producer.begin_transaction().unwrap();
        let begun = Instant::now();
        let mut next = Next::default();
        while begun.elapsed() < COMMIT_INTERVAL {
            while inbox.has_news() {
                consumer.poll(Duration::ZERO).map(Result::unwrap);
            }
            let mut batch = Vec::new();
            let errors = inbox.take(&mut batch, BATCH, COMMIT_INTERVAL.saturating_sub(begun.elapsed()));
            assert!(errors.is_empty(), "{errors:?}");
            let values: Vec<&[u8]> = batch.iter().map(|message| message.payload().unwrap_or_default()).collect();
            let memory = Bytes::from(values.concat());
            let mut rest = &memory[..];
            for (message, value) in batch.iter().zip(&values) {
                let (value, behind) = rest.split_at(value.len());
                rest = behind;
                next[message.partition() as usize] = message.offset() + 1;
                let mut record = record(to, message, value);
                while let Err((error, back)) = outbox.send(record, &memory) {
                    assert!(is_full(&error), "{error}");
                    record = back;
                    producer.poll(Duration::from_millis(1));
                }
            }
            copied += batch.len() as u64;
        }
        commit(consumer, producer, from, &next);
        assert!(outbox.take_back());
        committed(copied);
    }
}

/// Has the messages of all partitions come from their beginning.
fn read_all(inbox: &Inbox<Reports>, topic: &str) {
    let mut all = TopicPartitionList::new();
    for partition in 0..PARTITIONS as i32 {
        all.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    inbox.client().assign(&all).unwrap();
    inbox.client().pause(&all).unwrap();
    (0..PARTITIONS as i32).for_each(|partition| inbox.route(topic, partition).unwrap());
    inbox.client().resume(&all).unwrap();
}

fn consumer(connection: &Connection, to: &str) -> BaseConsumer<Reports> {
    let settings = [
        ("isolation.level", "read_committed"),
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("auto.offset.reset", "earliest"),
        ("fetch.wait.max.ms", "50"),
        ("fetch.queue.backoff.ms", "10"),
        ("queued.min.messages", "50000"),
        ("queued.max.messages.kbytes", "32768"),
    ];
    let consumer = connection.client(Reports::default(), |config| {
        config.set("group.id", format!("{to}.bare"));
        settings.iter().for_each(|(name, value)| _ = config.set(*name, *value));
    });
    consumer.unwrap()
}

fn producer(connection: &Connection, to: &str, only_errors: bool) -> BaseProducer<Reports> {
    let settings = [
        ("compression.type", "lz4"),
        ("linger.ms", "2"),
        ("batch.num.messages", "10000"),
        ("queue.buffering.max.messages", "200000"),
        ("queue.buffering.max.kbytes", "65536"),
        ("delivery.report.only.error", if only_errors { "true" } else { "false" }),
    ];
    let producer: BaseProducer<Reports> = connection
        .client(Reports::default(), |config| {
            config.set("transactional.id", format!("{to}.bare"));
            settings.iter().for_each(|(name, value)| _ = config.set(*name, *value));
        })
        .unwrap();
    producer.init_transactions(LIMIT).unwrap();
    producer
}

fn commit(consumer: &BaseConsumer<Reports>, producer: &BaseProducer<Reports>, from: &str, next: &Next) {
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
}

fn record<'r>(topic: &'r str, message: &'r impl Message, value: &'r [u8]) -> BaseRecord<'r, [u8], [u8]> {
    BaseRecord::to(topic)
        .partition(message.partition())
        .key(message.key().unwrap_or_default())
        .payload(value)
        .timestamp(message.timestamp().to_millis().unwrap_or_default())
}
