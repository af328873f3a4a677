//! Makes events of the messages in topics that another program writes: one of each, whatever ends the process.
//!
//! Generators of one stream share the work. They are members of a group that is assigned the partitions of the stream's
//! own raw topic, without reading it: each of these partitions is a *lane*, and each partition of the other program's topics
//! belongs to one lane. The places of a lane's partitions are the metadata of an offset that is committed for it in the
//! transaction of the events (KIP-447), so that a generator that was taken over from cannot commit any more. As the places
//! are kept in the stream's own cluster, it does not matter in which cluster the topics are.

mod catalog;
mod cluster;
mod lane;
mod member;
mod polled;
mod session;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use backoff::Backoff;
use broker::Offsets;
use measure::Health;

pub use self::cluster::{connection_of, registry_of};
use self::session::state::Session;
use super::{
    begin::is_fenced,
    outlet::NAME,
    settings::{Generator, HEALTHY},
};
use crate::{GeneratorNote, KafkaError, clock::rest};

/// Sends until `stop` is set or so many messages were taken as the generator is to end at; says what all generators of the
/// stream have sent.
pub(crate) fn generate(
    generator: &Generator,
    definition: &stream::Kafka,
    health: &dyn Health,
    stop: &AtomicBool,
) -> Result<GeneratorNote, KafkaError> {
    if generator.from_start {
        return Err(KafkaError::FromStart);
    }
    let mut backoff = Backoff::new();
    loop {
        let begun = Instant::now();
        let done = Session::open(generator, definition).and_then(|mut session| session.run(health, stop));
        match done {
            Ok(()) => break,
            // A producer is fenced by one of the same name, or where it has been silent for longer than a transaction lasts.
            Err(error) if is_fenced(&error) && begun.elapsed() < HEALTHY => return Err(error),
            Err(error) if error.is_passing() || matches!(error, KafkaError::NoSuchTopic { .. }) => {
                if begun.elapsed() > HEALTHY {
                    backoff.succeeded();
                }
                let wait = backoff.next();
                tracing::warn!(%error, wait_ms = wait.as_millis() as u64, "reading goes on from what is committed");
                health.unready(NAME, &error.to_string());
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                rest(wait, stop, || health.beat(NAME));
            }
            Err(error) => return Err(error),
        }
    }
    health.done(NAME);
    let offsets = Offsets::connect(&generator.connection)?;
    Ok(crate::sent_in_all(&offsets, &generator.stream, Offsets::committed)?.unwrap_or_default())
}
