//! Alarms of a key that belong together, so that a person is woken once.

use crate::{
    DetectError,
    snapshot::{hash, mixed},
};

/// What a snapshot of an episode begins with; the last byte is its version.
const MAGIC: [u8; 8] = *b"episode\x01";

/// The last alarm's episode, and how many of the key's events came since.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Episode {
    id: u64,
    quiet: u32,
}

impl Episode {
    /// The bytes of a snapshot.
    pub const BYTES: usize = MAGIC.len() + size_of::<u64>() + size_of::<u32>();

    /// Takes an event of the key. An alarm gives the number of its episode, which follows from the key and the `id` of the first
    /// event that alarmed in it, and is never 0; `after` events without an alarm end an episode.
    pub fn take(&mut self, after: u32, alarm: bool, key: &str, id: &str) -> Option<u64> {
        if !alarm {
            self.quiet = self.quiet.saturating_add(1);
            return None;
        }
        if self.id == 0 || self.quiet >= after {
            let mut name = key.as_bytes().to_vec();
            // No text of a key and an id is that of another key and id.
            name.extend((key.len() as u64).to_le_bytes());
            name.extend(id.as_bytes());
            self.id = mixed(hash(&name)).max(1);
        }
        self.quiet = 0;
        Some(self.id)
    }

    /// The episode that an alarm would belong to, where one is open.
    #[must_use]
    pub fn open(&self, after: u32) -> Option<u64> {
        (self.id != 0 && self.quiet < after).then_some(self.id)
    }

    /// As bytes of a fixed, versioned, little-endian layout.
    #[must_use]
    pub fn snapshot(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&self.id.to_le_bytes());
        bytes[16..].copy_from_slice(&self.quiet.to_le_bytes());
        bytes
    }

    /// Cuts the snapshot of an episode from the end of bytes that may have one. Bytes without one are of a time when no episodes
    /// were asked for: they have none open.
    ///
    /// # Errors
    /// Where it is of another version.
    pub fn restore(bytes: &[u8]) -> Result<(&[u8], Self), DetectError> {
        let Some((before, last)) = bytes.split_last_chunk::<{ Self::BYTES }>() else {
            return Ok((bytes, Self::default()));
        };
        let ([magic @ .., version], rest) = (&last[..8], &last[8..]) else { return Ok((bytes, Self::default())) };
        if *magic != MAGIC[..7] {
            return Ok((bytes, Self::default()));
        }
        if *version != MAGIC[7] {
            return Err(DetectError::Version { found: u16::from(*version), expected: u16::from(MAGIC[7]) });
        }
        let id = rest.first_chunk().copied().map_or(0, u64::from_le_bytes);
        let quiet = rest.last_chunk().copied().map_or(0, u32::from_le_bytes);
        Ok((before, Self { id, quiet }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_belong_together_until_enough_events_pass_without_one() {
        let mut episode = Episode::default();
        assert_eq!((episode.open(3), episode.take(3, false, "a", "e0")), (None, None));
        let first = episode.take(3, true, "a", "e1");
        assert!(first.is_some() && episode.open(3) == first);
        episode.take(3, false, "a", "e2");
        episode.take(3, false, "a", "e3");
        assert_eq!(episode.take(3, true, "a", "e4"), first, "two quiet events do not end it");
        for id in ["e5", "e6", "e7"] {
            assert_eq!(episode.take(3, false, "a", id), None);
        }
        assert_eq!(episode.open(3), None);
        let second = episode.take(3, true, "a", "e8");
        assert!(second.is_some() && second != first);
        // It follows from key and id alone.
        assert_eq!(Episode::default().take(9, true, "a", "e8"), second);
        assert_ne!(Episode::default().take(9, true, "b", "e8"), second);
        assert_ne!(Episode::default().take(9, true, "ab", "c"), Episode::default().take(9, true, "a", "bc"));
    }

    #[test]
    fn it_goes_on_from_its_snapshot() {
        let mut episode = Episode::default();
        let id = episode.take(5, true, "a", "e1");
        episode.take(5, false, "a", "e2");
        let bytes = [b"what was learned".as_slice(), &episode.snapshot()].concat();
        let (before, mut restored) = Episode::restore(&bytes).unwrap();
        assert_eq!((before, restored), (b"what was learned".as_slice(), episode));
        assert_eq!(restored.take(5, true, "a", "e3"), id);
        // Without one there is none, and one of a later version is refused.
        for bytes in [b"short".as_slice(), b"what was learned before there were episodes"] {
            assert_eq!(Episode::restore(bytes), Ok((bytes, Episode::default())));
        }
        let mut later = bytes.clone();
        later[16 + 7] = 2;
        assert_eq!(Episode::restore(&later), Err(DetectError::Version { found: 2, expected: 1 }));
    }
}
