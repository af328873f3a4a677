//! What a writer notes with the committed offset of a partition: how old the rows are that its store gets.

use std::collections::BTreeMap;

use broker::Offsets;
use serde::{Deserialize, Serialize};
use stream::Stream;

use crate::KafkaError;

/// The layout of a note.
const VERSION: u32 = 1;

/// What a writer notes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredNote {
    version: u32,
    /// The number of the partition's newest probe that its store has.
    pub sequence: u64,
    /// When that was sent, in milliseconds since 1970.
    pub sent: i64,
    /// When it was stored, in milliseconds since 1970.
    pub stored: i64,
    /// The age that half of the writer's last probes had at most when they were stored, in milliseconds.
    pub p50: u64,
    /// The same of 99 in 100.
    pub p99: u64,
}

impl StoredNote {
    /// A note on a probe, with its number, when it was sent and stored, and the ages of the last ones.
    pub fn new(sequence: u64, (sent, stored): (i64, i64), (p50, p99): (u64, u64)) -> Self {
        Self { version: VERSION, sequence, sent, stored, p50, p99 }
    }

    /// The note as text.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a note; nothing where there is none, or one of another version.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|note: &Self| note.version == VERSION)
    }
}

/// The group of a stream's writer to a backend.
pub fn writer_group(stream: &str, backend: &str) -> String {
    format!("beamline.{stream}.writer-{backend}")
}

/// What the writer to a backend has noted, by partition; empty where there is none, or it has had no probe.
///
/// # Errors
/// Where the cluster does not answer.
pub fn stored_notes(
    offsets: &Offsets,
    stream: &Stream,
    backend: &str,
) -> Result<BTreeMap<u32, StoredNote>, KafkaError> {
    let partitions: Vec<u32> = (0..stream.definition.spec.partitions).collect();
    let group = writer_group(stream.name(), backend);
    let committed = offsets.committed(&group, &stream.topics().scored, &partitions)?;
    let notes = committed.into_iter();
    Ok(notes.filter_map(|(partition, of)| Some((partition, StoredNote::parse(&of.metadata)?))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_was() {
        let note = StoredNote::new(7, (1_000, 1_250), (240, 900));
        assert_eq!(StoredNote::parse(&note.text()), Some(note));
        assert_eq!((StoredNote::parse(""), StoredNote::parse("{\"version\":2}")), (None, None));
    }
}
