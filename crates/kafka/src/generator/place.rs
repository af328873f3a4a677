//! Where a generator stands, kept outside its group too: Kafka forgets the offsets of a group that has not committed for a
//! week, and a command deletes them at once.
//!
//! What is noted with the group's offset is also a record of a compacted topic, in the same transaction. So whoever finds
//! events that were sent finds how far the source had come with them.

use std::{ops::ControlFlow, sync::atomic::AtomicBool};

use super::{
    begin::{place_lost, records},
    settings::Generator,
};
use crate::{
    GeneratorNote, KafkaError,
    client::ranges::Ranges,
    cluster::Intake,
    messages::{
        place::{self, Kept},
        schemas::Register,
        snapshots::{snapshots_schema, value_of},
        target::Target,
    },
    runtime::live::Live,
};

/// The partition of the compacted topic that has the record.
const PARTITION: u32 = 0;
/// The most bytes of a record with a note, which Kafka would keep with an offset as well.
const BYTES_MAX: usize = 16 * 1024;

/// Keeps notes in the compacted topic.
pub(super) struct Keeper {
    target: Target,
    group: String,
}

impl Keeper {
    pub(super) fn new(generator: &Generator) -> Result<Self, KafkaError> {
        let topic = &generator.topics.detector_state;
        let live = Live::of(&generator.connection);
        let register = Register::new(&live, &generator.registry, &generator.topics);
        let target = Target::new(topic, snapshots_schema()?, &register, BYTES_MAX)?;
        Ok(Self { target, group: Generator::group(generator.stream.name()) })
    }

    /// Sends a note, as part of the open transaction.
    pub(super) fn keep(&mut self, producer: &impl Intake, note: &GeneratorNote, now: i64) -> Result<(), KafkaError> {
        place::keep(&mut self.target, producer, PARTITION, &self.group, (note.cursor.position as i64, note.text()), now)
    }
}

/// The note that was kept of a generator whose group has no offset; nothing where none has sent anything yet. What an open
/// transaction will have sent counts only where the note has to be the last one, once it is `decided`.
///
/// # Errors
/// [`KafkaError::PlaceLost`] where events were sent and no note is there: a program of an earlier version kept none.
pub(super) fn find(
    generator: &Generator,
    decided: bool,
    stop: &AtomicBool,
) -> Result<Option<GeneratorNote>, KafkaError> {
    let ranges = Ranges::connect(&Live::of(&generator.connection), stop)?;
    let range = |topic: &str, partition| match decided {
        true => ranges.stable(topic, partition),
        false => ranges.whole(topic, partition),
    };
    let (raw, state) = (&generator.topics.raw, &generator.topics.detector_state);
    let mut sent = Vec::new();
    for partition in 0..generator.stream.definition.spec.partitions {
        sent.push((partition, range(raw, partition)?));
    }
    // A topic that is made again has nothing to go on from.
    if sent.iter().all(|(_, range)| range.end == 0) {
        return Ok(None);
    }
    let group = Generator::group(generator.stream.name());
    let mut kept = Kept::of(&group);
    ranges.read(state, PARTITION, range(state, PARTITION)?, &mut |message| {
        kept.see(message);
        ControlFlow::Continue(())
    })?;
    if let Some(text) = kept.value.map(|value| value_of(&value)).transpose()?.flatten() {
        let note = GeneratorNote::parse(&String::from_utf8_lossy(&text));
        let note = note.map_err(|reason| KafkaError::Note { group: group.clone(), partition: PARTITION, reason })?;
        let position = note.cursor.position;
        tracing::warn!(group, position, "the group has no offset; the place kept in {state} says where to go on");
        return Ok(Some(note));
    }
    for (partition, range) in sent {
        // Events of a transaction that was given up are none.
        if ranges.has_any(raw, partition, range)? {
            return Err(place_lost(generator, records(generator, &ranges.offsets)?));
        }
    }
    Ok(None)
}
