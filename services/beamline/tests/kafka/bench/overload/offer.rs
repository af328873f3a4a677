//! Offers events at a rate, as a program does that wants them sent and not each of them soon.

use std::{
    thread,
    time::{Duration, Instant},
};

use broker::{Connection, Reports};
use rdkafka::{
    message::{Message, OwnedMessage},
    producer::{BaseProducer, BaseRecord, Producer},
};

use crate::bench::paced::{hand_over, now_millis};

/// Events are sent in so many pieces a second.
const PIECES: u64 = 20;
/// How long the last of them may take.
const FLUSH_MAX: Duration = Duration::from_secs(120);

/// Sends as many events as there are in `phase` at this rate, the same again and again; later where they are not taken as fast.
pub(super) fn offer(connection: &Connection, topic: &str, events: &[OwnedMessage], rate: u64, phase: Duration) {
    let producer: BaseProducer<Reports> = connection
        .client(Reports::default(), |config| {
            config.set("linger.ms", "50").set("compression.type", "lz4").set("batch.num.messages", "10000");
        })
        .unwrap();
    let (begun, mut events) = (Instant::now(), events.iter().cycle());
    for piece in 0..phase.as_secs() * PIECES {
        let due = Duration::from_secs(piece) / PIECES as u32;
        thread::sleep(due.saturating_sub(begun.elapsed()));
        for event in events.by_ref().take((rate / PIECES) as usize) {
            let record = BaseRecord::to(topic)
                .partition(event.partition())
                .key(event.key().unwrap_or_default())
                .payload(event.payload().unwrap_or_default())
                .timestamp(now_millis());
            hand_over(&producer, record);
        }
        producer.poll(Duration::ZERO);
    }
    producer.flush(FLUSH_MAX).unwrap();
}
