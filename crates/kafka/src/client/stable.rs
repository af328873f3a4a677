//! Waiting until what was written to a topic is decided.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use rdkafka::error::KafkaError as ClientError;

use crate::{KafkaError, clock::Clock, cluster::Positions};

/// How long an open transaction of a worker that is gone may hold snapshots back: longer than any transaction's
/// time-out.
const STABLE_WAIT_MAX: Duration = Duration::from_secs(90);

/// Waits until every transaction before offset `end` of a partition is decided.
pub(crate) fn wait_until_stable(
    clock: &impl Clock,
    positions: &impl Positions,
    topic: &str,
    number: u32,
    end: i64,
    stop: &AtomicBool,
) -> Result<(), KafkaError> {
    let begun = clock.now();
    while positions.stable_end(topic, number)? < end {
        if stop.load(Ordering::Relaxed) {
            return Err(KafkaError::Stopped);
        }
        if clock.since(begun) > STABLE_WAIT_MAX {
            let source = ClientError::NoMessageReceived;
            return Err(KafkaError::Client { what: "waiting for the end of an open transaction", source });
        }
        clock.sleep(Duration::from_millis(50));
    }
    Ok(())
}
