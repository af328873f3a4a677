//! How large events may be, and what topics and clients must take on top of that.
//!
//! An event has at most `limits.event_bytes` as it is received, and so has every row that goes from one step to the next.
//! A topic takes 64 KiB more: a key, headers and framing of an event, or what a dead letter says about the event that it
//! holds. So an event within the limit can always become a whole dead letter.

use std::borrow::Cow;

use aws_lc_rs::digest::{SHA256, digest};
use stream::Stream;

use crate::Step;

/// What a message may have on top of an event: key, headers, framing, and what a dead letter says.
const OVERHEAD: usize = 64 << 10;
/// A batch of the client has up to 1,000,000 bytes (`batch.size`), and a topic must take a whole one.
const BATCH_BYTES: usize = 1 << 20;
/// Bytes of a message's key.
pub(crate) const KEY_BYTES_MAX: usize = 32 << 10;
/// Bytes of a message's headers. They only carry traces: larger ones are left out.
pub(crate) const HEADERS_BYTES_MAX: usize = 8 << 10;
/// Bytes that an aggregator adds to a row that came late.
const LATE_BYTES: usize = 8 << 10;
/// Bytes of a dead letter's reason, and of its rule or column.
pub(crate) const REASON_BYTES_MAX: usize = 16 << 10;
/// Bytes of the name of a rule or column in a dead letter.
pub(crate) const RULE_BYTES_MAX: usize = 1 << 10;
/// How much a dead letter has of an event above the limit.
pub(crate) const HEAD_BYTES: usize = 64 << 10;
/// Bytes of a message that is not an event: a snapshot, a window's result, a part of one.
pub(crate) const STATE_BYTES_MAX: usize = 16 << 20;

/// Bytes of the largest value that any topic takes.
pub(crate) const LARGEST: usize = STATE_BYTES_MAX + OVERHEAD;

/// The sizes of a stream's messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    event: usize,
}

impl Sizes {
    pub(crate) fn of(stream: &Stream) -> Self {
        Self { event: stream.event_bytes_max() }
    }

    /// Of a stream whose events have at most so many bytes.
    #[cfg(test)]
    pub(crate) fn limited(event: usize) -> Self {
        Self { event }
    }

    /// Bytes of an event, or of a row between two steps.
    pub(crate) fn event(self) -> usize {
        self.event
    }

    /// Bytes of a row that came late.
    pub(crate) fn late(self) -> usize {
        self.event + LATE_BYTES
    }

    /// Bytes of a dead letter's value.
    pub(crate) fn dead_letter(self) -> usize {
        self.event.max(HEAD_BYTES) + OVERHEAD / 2
    }

    /// Bytes of a message, or of a batch of smaller ones, in a topic of events or dead letters.
    pub(crate) fn message(self) -> usize {
        self.event.max(BATCH_BYTES) + OVERHEAD
    }

    /// The same in a topic of state, results or parts.
    pub(crate) fn state(self) -> usize {
        STATE_BYTES_MAX.max(self.event) + OVERHEAD
    }

    /// Bytes of a value that a step reads.
    pub(crate) fn input(self, step: Step) -> usize {
        if step == Step::Merge { LARGEST } else { self.event }
    }

    /// Why an event of so many bytes cannot go on; nothing where it can.
    pub(crate) fn refuse(self, bytes: usize) -> Option<String> {
        let limit = self.event;
        (bytes > limit).then(|| format!("the event has {bytes} bytes, and `limits.event_bytes` allows {limit}"))
    }
}

/// What a dead letter says of an event that it has only the head of.
pub(crate) struct Whole {
    /// Bytes of the event.
    pub size: i64,
    /// Their SHA-256 (FIPS 180-4) in hexadecimal.
    pub digest: String,
}

impl Whole {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { size: bytes.len() as i64, digest: sha256(bytes) }
    }
}

/// SHA-256 (FIPS 180-4) in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The text, or as much of it as has at most `bytes_max` bytes, with a mark that says so.
pub(crate) fn shortened(text: &str, bytes_max: usize) -> Cow<'_, str> {
    if text.len() <= bytes_max {
        return Cow::Borrowed(text);
    }
    let mark = format!("… ({} bytes)", text.len());
    let end = text.floor_char_boundary(bytes_max.saturating_sub(mark.len()));
    Cow::Owned(format!("{}{mark}", &text[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dead_letter_says_fits_into_its_topic() {
        for event in [1024, HEAD_BYTES, 1 << 20, 16 << 20] {
            let sizes = Sizes { event };
            // Topic names have 249 bytes at most, traces 32; then numbers, lengths and the digest.
            let said = REASON_BYTES_MAX + RULE_BYTES_MAX + 249 + 32 + 64 + 256;
            assert!(event.max(HEAD_BYTES) + said <= sizes.dead_letter(), "{event}");
            assert!(sizes.dead_letter() + HEADERS_BYTES_MAX + 1024 <= sizes.message(), "{event}");
            assert!(sizes.late() + KEY_BYTES_MAX + HEADERS_BYTES_MAX + 1024 <= sizes.message(), "{event}");
            assert!(STATE_BYTES_MAX + KEY_BYTES_MAX + 1024 <= sizes.state(), "{event}");
        }
    }

    #[test]
    fn a_text_is_shortened_between_two_characters() {
        assert_eq!(shortened("short", 5), "short");
        let long = "é".repeat(100);
        let short = shortened(&long, 50);
        assert!(short.len() <= 50 && short.ends_with("é… (200 bytes)"), "{short}");
    }

    #[test]
    fn a_digest_is_that_of_the_standard() {
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
