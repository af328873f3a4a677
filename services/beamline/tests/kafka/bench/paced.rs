//! Events sent again at a steady rate, each with the time of its sending.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use broker::{Connection, Reports};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::{Message, OwnedMessage},
    producer::{BaseProducer, BaseRecord, Producer},
    types::RDKafkaErrorCode,
};

use super::PARTITIONS;

/// Events are sent in so many pieces a second.
const PIECES: u64 = 200;

pub(super) fn now_millis() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

/// Reads a topic from its beginning on.
pub(super) fn whole(connection: &Connection, topic: &str) -> BaseConsumer<Reports> {
    let consumer: BaseConsumer<Reports> = connection
        .client(Reports::default(), |config| {
            config
                .set("group.id", "bench.reader")
                .set("isolation.level", "read_committed")
                .set("fetch.wait.max.ms", "5");
        })
        .unwrap();
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition_offset(topic, partition as i32, Offset::Beginning).unwrap();
    }
    consumer.assign(&list).unwrap();
    consumer
}

pub(super) fn sample(connection: &Connection, topic: &str, events: u64) -> Vec<OwnedMessage> {
    let consumer = whole(connection, topic);
    let mut sample: Vec<OwnedMessage> = Vec::new();
    while sample.len() < events as usize {
        if let Some(message) = consumer.poll(Duration::from_secs(1)) {
            sample.push(message.unwrap().detach());
        }
    }
    // They were read partition by partition, and are sent to all in turn.
    sample.sort_by_key(|message| (message.offset(), message.partition()));
    sample
}

/// Hands a record to a producer, which is served where it has no room.
pub(super) fn hand_over(producer: &BaseProducer<Reports>, mut record: BaseRecord<'_, [u8], [u8]>) {
    while let Err((error, back)) = producer.send(record) {
        assert!(is_full(&error), "{error}");
        record = back;
        producer.poll(Duration::from_millis(1));
    }
}

/// Whether a producer has no room.
pub(super) fn is_full(error: &KafkaError) -> bool {
    matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull))
}

/// Sends until the time is up or `stop` is set.
pub(super) fn send(
    connection: &Connection,
    topic: &str,
    sample: &[OwnedMessage],
    rate: u64,
    limit: Duration,
    stop: &AtomicBool,
) {
    let producer: BaseProducer<Reports> =
        connection.client(Reports::default(), |config| _ = config.set("linger.ms", "1")).unwrap();
    pace(&producer, topic, sample, (rate, PIECES), limit, stop);
    producer.flush(Duration::from_secs(10)).unwrap();
}

/// Hands events to a producer at this rate, in so many pieces a second, the same again and again, until the time is up or `stop` is
/// set; later where they are not taken as fast.
pub(super) fn pace(
    producer: &BaseProducer<Reports>,
    topic: &str,
    sample: &[OwnedMessage],
    (rate, pieces): (u64, u64),
    limit: Duration,
    stop: &AtomicBool,
) {
    let begun = Instant::now();
    let mut events = sample.iter().cycle();
    for piece in 0..limit.as_secs() * pieces {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let due = Duration::from_secs(piece) / pieces as u32;
        thread::sleep(due.saturating_sub(begun.elapsed()));
        for event in events.by_ref().take((rate / pieces) as usize) {
            let record = BaseRecord::to(topic)
                .partition(event.partition())
                .key(event.key().unwrap_or_default())
                .payload(event.payload().unwrap_or_default())
                .timestamp(now_millis());
            hand_over(producer, record);
        }
        producer.poll(Duration::ZERO);
    }
}
