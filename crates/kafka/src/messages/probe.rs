//! Probes: control records that measure how long an event takes from being sent until it can be read from a store.
//!
//! A probe has no value, so that whoever skips tombstones skips it, and says in a header when it was sent. Steps pass it on
//! behind the rows that stood before it, in their transaction, and look no further into it: it is not an event.

use rdkafka::message::{Headers, Message};
use serde::{Deserialize, Serialize};

/// The header of a probe.
pub(crate) const HEADER: &str = "beamline-probe";
/// The layout of the header.
const VERSION: u32 = 1;

/// A probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    version: u32,
    /// When it was sent, in milliseconds since 1970, by the clock of the generator.
    pub sent: i64,
    /// Its number among those of its partition, from 1.
    pub sequence: u64,
}

impl Probe {
    /// A probe that is sent now.
    pub fn new(sent: i64, sequence: u64) -> Self {
        Self { version: VERSION, sent, sequence }
    }

    /// The header's value.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a header's value; nothing where another version wrote it.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().filter(|probe: &Self| probe.version == VERSION)
    }
}

/// What the header of a probe says; nothing of a message that is not one.
pub(crate) fn header<M: Message>(message: &M) -> Option<&[u8]> {
    match message.payload() {
        Some(_) => None,
        None => message.headers()?.iter().find(|header| header.key == HEADER)?.value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_was_sent() {
        let probe = Probe::new(1_735_689_600_000, 7);
        assert_eq!(probe.text(), r#"{"version":1,"sent":1735689600000,"sequence":7}"#);
        assert_eq!(Probe::parse(probe.text().as_bytes()), Some(probe));
        assert_eq!(Probe::parse(br#"{"version":2,"sent":1735689600000,"sequence":7}"#), None);
        assert_eq!(Probe::parse(b""), None);
    }
}
