//! How far a step has come in a partition, as it is kept outside the group: with the outputs of the same transaction.
//!
//! Kafka forgets the offsets of a group that has not committed for a week, and a command deletes them at once. A place is
//! in the same transaction as what came of the input before it: in a header of the last record that the transaction writes
//! to a partition of the step's outputs, and in a record of the compacted state topic. So a step finds it again by itself.

use bytes::Bytes;
use rdkafka::message::{Headers, Message};
use serde::{Deserialize, Serialize};

use crate::{
    KafkaError, Note,
    cluster::Intake,
    messages::{size::sha256, snapshots::snapshot_rows, target::Target},
};

/// The header of a record that has a place.
pub(crate) const HEADER: &str = "beamline-place";
/// The layout of a place.
const VERSION: u32 = 1;
/// What the key of a place in a state topic begins with. No key of a stream does: it is a control character.
const KEY: &str = "\u{1}place ";
/// What the snapshot of a place says that it is of.
const STATE: &str = "place";

/// How far a step has come in a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    version: u32,
    /// The step's group: others may write to the same topics.
    pub group: String,
    /// What is read,
    pub topic: String,
    /// and which partition of it.
    pub partition: u32,
    /// The next offset.
    pub next: i64,
    /// What tells the record before it from another at its offset: a topic may have been made again.
    pub last: String,
    /// What stands with the committed offset.
    pub note: Note,
}

impl Place {
    pub(crate) fn new(group: &str, (topic, partition): (&str, u32), next: i64, last: &str, note: Note) -> Self {
        let (group, topic, last) = (group.to_owned(), topic.to_owned(), last.to_owned());
        Self { version: VERSION, group, topic, partition, next, last, note }
    }

    /// As text.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().filter(|place: &Self| place.version == VERSION)
    }

    pub(crate) fn in_header<M: Message>(message: &M) -> Option<Self> {
        let headers = message.headers()?;
        headers.iter().filter(|header| header.key == HEADER).find_map(|header| Self::parse(header.value?))
    }
}

/// The key of the record in a state topic that has the place of a group.
fn key(group: &str) -> String {
    format!("{KEY}{group}")
}

/// Keeps what says where a group stands in a partition of a compacted topic, as part of the producer's open transaction.
pub(crate) fn keep(
    target: &mut Target,
    producer: &impl Intake,
    partition: u32,
    group: &str,
    (position, text): (i64, String),
    now: i64,
) -> Result<(), KafkaError> {
    let key = key(group);
    let rows = snapshot_rows(STATE, position, &[(key.as_str().into(), Bytes::from(text))])?;
    let too_large = target.send(producer, partition, &rows, |_| key.as_bytes(), |_| now, |_| None)?;
    target.all(too_large)
}

/// What a state topic's records have kept of a group's place.
pub(crate) struct Kept {
    key: String,
    /// The last one's value, whole.
    pub value: Option<Vec<u8>>,
}

impl Kept {
    pub(crate) fn of(group: &str) -> Self {
        Self { key: key(group), value: None }
    }

    /// Takes a record in. False where it is not a place, but of some state.
    pub(crate) fn see<M: Message>(&mut self, message: &M) -> bool {
        let Some(key) = message.key().filter(|key| key.starts_with(KEY.as_bytes())) else { return false };
        if key == self.key.as_bytes() {
            self.value = message.payload().map(<[u8]>::to_vec);
        }
        true
    }
}

/// What tells a record from another at its offset: when it was taken in, and the beginning of its SHA-256.
pub(crate) fn mark<M: Message>(message: &M) -> String {
    let time = message.timestamp().to_millis().unwrap_or_default();
    let digest = sha256(message.payload().unwrap_or_default());
    format!("{time} {}", &digest[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_as_it_was_and_fits_into_a_header() {
        let note = Note::new(&"f".repeat(64), i64::MAX, &stage::Ledger { records: u64::MAX, ..Default::default() });
        let group = format!("beamline.{}.anomaly-detector", "s".repeat(63));
        let place = Place::new(&group, (&"t".repeat(249), 1023), i64::MAX, "1735689600000 0123456789abcdef", note);
        assert_eq!(Place::parse(place.text().as_bytes()), Some(place.clone()));
        assert!(place.text().len() < 1536, "{}", place.text().len());
        assert_eq!(Place::parse(b"{}"), None);
        assert!(key(&place.group).starts_with(|letter: char| letter.is_control()));
    }
}
