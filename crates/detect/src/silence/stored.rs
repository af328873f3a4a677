//! What a partition knows of its keys' silence as bytes: a head, and the keys in groups of slots, each written whole where one of its
//! keys has changed.
//!
//! Little-endian: magic with a version, numbers, and a checksum of it all.

use super::{Key, SILENCE_KEYS_MAX, Silence, waits::Waits};
use crate::{
    DetectError,
    packed::{pack, unpack},
    rarity::RARITY_WORDS,
};

/// What a part begins with; the last byte is its version.
const MAGIC: [u8; 8] = *b"silence\x01";
const CHECKSUM_BYTES: usize = size_of::<u32>();

/// Slots of a group.
const GROUP: u32 = 128;
/// How many groups there are.
pub(super) const GROUPS: usize = SILENCE_KEYS_MAX.div_ceil(GROUP as usize);

/// The group that a slot is in.
pub(super) fn group_of(slot: u32) -> u32 {
    slot / GROUP
}

impl Silence {
    /// What has changed since the last call, in parts: the head has no number, and of a group without a key the bytes are empty.
    pub fn snapshots(&mut self) -> Vec<(Option<u32>, Vec<u8>)> {
        if !std::mem::take(&mut self.any_change) {
            return Vec::new();
        }
        let mut parts = vec![(None, self.head())];
        for group in 0..GROUPS as u32 {
            if !std::mem::take(&mut self.changed[group as usize]) {
                continue;
            }
            let bytes = self.group(group);
            let was_written = match bytes.is_empty() {
                true => self.written.remove(&group),
                false => !self.written.insert(group),
            };
            if was_written || !bytes.is_empty() {
                parts.push((Some(group), bytes));
            }
        }
        parts
    }

    /// Puts a part back. They come in any order; of one that comes several times the last one stays.
    ///
    /// # Errors
    /// Where the bytes are not such a part.
    pub fn restore(&mut self, part: Option<u32>, bytes: &[u8]) -> Result<(), DetectError> {
        let Some(group) = part else { return self.restore_head(bytes) };
        if group as usize >= GROUPS {
            return Err(DetectError::NotASnapshot { length: bytes.len() });
        }
        let slots = group * GROUP..(group + 1) * GROUP;
        (slots.start..slots.end.min(self.keys.len() as u32)).for_each(|slot| self.forget(slot));
        self.changed[group as usize] = false;
        if bytes.is_empty() {
            self.written.remove(&group);
            return Ok(());
        }
        let mut reader = Reader::of(bytes)?;
        while !reader.rest.is_empty() {
            let (slot, key) = reader.key()?;
            if !slots.contains(&slot) {
                return Err(reader.error());
            }
            self.put(slot, key);
        }
        self.written.insert(group);
        Ok(())
    }

    fn head(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        let (slot, clock) = self.ahead.unwrap_or((u32::MAX, i64::MIN));
        [self.watermark, clock, self.paused].iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        [slot, self.long_steps, u32::from(self.all_told)].iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        write_waits(&self.steps, &mut bytes);
        checked(bytes)
    }

    fn restore_head(&mut self, bytes: &[u8]) -> Result<(), DetectError> {
        let mut reader = Reader::of(bytes)?;
        let [watermark, clock, paused] = [reader.i64()?, reader.i64()?, reader.i64()?];
        let [slot, long_steps, all_told] = [reader.u32()?, reader.u32()?, reader.u32()?];
        (self.watermark, self.paused) = (watermark, paused);
        self.ahead = (slot != u32::MAX).then_some((slot, clock));
        (self.long_steps, self.all_told) = (long_steps, all_told != 0);
        self.steps = reader.waits()?;
        Ok(())
    }

    fn group(&self, group: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        for slot in group * GROUP..((group + 1) * GROUP).min(self.keys.len() as u32) {
            let Some(key) = &self.keys[slot as usize] else { continue };
            if bytes.is_empty() {
                bytes.extend(MAGIC);
            }
            bytes.extend(slot.to_le_bytes());
            [key.times[0], key.times[1], key.paused].iter().for_each(|number| bytes.extend(number.to_le_bytes()));
            bytes.extend(u32::from(key.told).to_le_bytes());
            write_waits(&key.waits, &mut bytes);
            write_bytes(key.name.as_bytes(), &mut bytes);
        }
        if bytes.is_empty() { bytes } else { checked(bytes) }
    }
}

fn write_waits(waits: &Waits, bytes: &mut Vec<u8>) {
    [waits.usual, waits.limit].iter().for_each(|number| bytes.extend(number.to_le_bytes()));
    [waits.learned, waits.far].iter().for_each(|number| bytes.extend(number.to_le_bytes()));
    let mut words = Vec::new();
    pack(&waits.words, &mut words);
    write_bytes(&words, bytes);
}

/// Bytes behind their number.
fn write_bytes(these: &[u8], bytes: &mut Vec<u8>) {
    bytes.extend((these.len() as u32).to_le_bytes());
    bytes.extend(these);
}

fn checked(mut bytes: Vec<u8>) -> Vec<u8> {
    let checksum = crc32fast::hash(&bytes);
    bytes.extend(checksum.to_le_bytes());
    bytes
}

/// What is left of a part.
struct Reader<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Reader<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self, DetectError> {
        let not_a_snapshot = DetectError::NotASnapshot { length: bytes.len() };
        let Some((payload, checksum)) = bytes.split_last_chunk::<CHECKSUM_BYTES>() else { return Err(not_a_snapshot) };
        let Some((magic, rest)) = payload.split_first_chunk::<{ MAGIC.len() }>() else { return Err(not_a_snapshot) };
        if magic[..7] != MAGIC[..7] {
            return Err(not_a_snapshot);
        }
        if magic[7] != MAGIC[7] {
            return Err(DetectError::Version { found: u16::from(magic[7]), expected: u16::from(MAGIC[7]) });
        }
        if crc32fast::hash(payload) != u32::from_le_bytes(*checksum) {
            return Err(DetectError::Checksum);
        }
        Ok(Self { rest, length: bytes.len() })
    }

    fn error(&self) -> DetectError {
        DetectError::NotASnapshot { length: self.length }
    }

    fn numbers<const BYTES: usize>(&mut self) -> Result<[u8; BYTES], DetectError> {
        let (bytes, rest) = self.rest.split_first_chunk::<BYTES>().ok_or(self.error())?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn i64(&mut self) -> Result<i64, DetectError> {
        self.numbers().map(i64::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, DetectError> {
        self.numbers().map(u32::from_le_bytes)
    }

    fn bytes(&mut self) -> Result<&'a [u8], DetectError> {
        let length = self.u32()? as usize;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(self.error())?;
        self.rest = rest;
        Ok(bytes)
    }

    fn waits(&mut self) -> Result<Waits, DetectError> {
        let (usual, limit) = (self.i64()?, self.i64()?);
        let (learned, far) = (self.u32()?, self.u32()?);
        let words = unpack(self.bytes()?, RARITY_WORDS).ok_or(self.error())?;
        let words = words.as_ref().try_into().map_err(|_| self.error())?;
        Ok(Waits { words, learned, far, usual, limit })
    }

    fn key(&mut self) -> Result<(u32, Key), DetectError> {
        let slot = self.u32()?;
        let (times, paused) = ([self.i64()?, self.i64()?], self.i64()?);
        let (told, waits) = (self.u32()? != 0, self.waits()?);
        let name = std::str::from_utf8(self.bytes()?).map_err(|_| self.error())?;
        Ok((slot, Key { name: name.into(), times, paused, waits, told, filed: super::NEVER }))
    }
}
