//! Offers events at a rate, as a program does that wants them sent and not each of them soon.

use std::{sync::atomic::AtomicBool, time::Duration};

use broker::{Connection, Reports};
use rdkafka::{
    message::OwnedMessage,
    producer::{BaseProducer, Producer},
};

use crate::bench::paced::pace;

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
    pace(&producer, topic, events, (rate, PIECES), phase, &AtomicBool::new(false));
    producer.flush(FLUSH_MAX).unwrap();
}
