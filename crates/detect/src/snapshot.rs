//! A state as bytes, little-endian: magic, version, fingerprint of the settings, words, and a checksum of it all. Of one version
//! the words stand as they are, so that all states of a detector have one length; of the other they are packed.

use crate::{
    DetectError, Settings,
    packed::{pack, unpack},
};

const MAGIC: [u8; 6] = *b"detect";

/// Changes with the layout and with anything that changes what a state means.
const VERSION: u16 = 4;

/// The same with packed words.
const PACKED_VERSION: u16 = 5;

const HEAD_BYTES: usize = MAGIC.len() + size_of::<u16>() + size_of::<u64>();

const CHECKSUM_BYTES: usize = size_of::<u32>();

pub(crate) fn write(fingerprint: u64, words: &[u64]) -> Vec<u8> {
    let mut bytes = head(VERSION, fingerprint, size_of_val(words));
    words.iter().for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
    checked(bytes)
}

/// The same in fewer bytes.
pub(crate) fn write_packed(fingerprint: u64, words: &[u64]) -> Vec<u8> {
    let mut bytes = head(PACKED_VERSION, fingerprint, size_of_val(words) / 2);
    pack(words, &mut bytes);
    checked(bytes)
}

fn head(version: u16, fingerprint: u64, room: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD_BYTES + room + CHECKSUM_BYTES);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&version.to_le_bytes());
    bytes.extend_from_slice(&fingerprint.to_le_bytes());
    bytes
}

fn checked(mut bytes: Vec<u8>) -> Vec<u8> {
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

pub(crate) fn read(fingerprint: u64, words: usize, bytes: &[u8]) -> Result<Box<[u64]>, DetectError> {
    let not_a_snapshot = DetectError::NotASnapshot { length: bytes.len() };
    let Some((magic, rest)) = bytes.split_first_chunk::<6>() else { return Err(not_a_snapshot) };
    let Some((version, rest)) = rest.split_first_chunk::<2>() else { return Err(not_a_snapshot) };
    let Some((found, rest)) = rest.split_first_chunk::<8>() else { return Err(not_a_snapshot) };
    if *magic != MAGIC {
        return Err(not_a_snapshot);
    }
    let (version, found) = (u16::from_le_bytes(*version), u64::from_le_bytes(*found));
    if version != VERSION && version != PACKED_VERSION {
        return Err(DetectError::Version { found: version, expected: VERSION });
    }
    if found != fingerprint {
        return Err(DetectError::Fingerprint { found, expected: fingerprint });
    }
    let expected = HEAD_BYTES + words * size_of::<u64>() + CHECKSUM_BYTES;
    let length = DetectError::Length { found: bytes.len(), expected };
    if version == VERSION && bytes.len() != expected {
        return Err(length);
    }
    let Some((payload, checksum)) = rest.split_last_chunk::<CHECKSUM_BYTES>() else { return Err(length) };
    if crc32fast::hash(&bytes[..bytes.len() - CHECKSUM_BYTES]) != u32::from_le_bytes(*checksum) {
        return Err(DetectError::Checksum);
    }
    if version == PACKED_VERSION {
        return unpack(payload, words).ok_or(length);
    }
    Ok(payload.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect())
}

/// What a state's meaning depends on, hashed.
pub(crate) fn fingerprint(settings: &Settings) -> u64 {
    let ewma = settings.ewma.map_or(0.0, |layer| layer.alpha);
    let mahalanobis = settings.mahalanobis.map_or(0.0, |layer| layer.alpha);
    let mut numbers = vec![settings.features as u64, ewma.to_bits(), mahalanobis.to_bits()];
    numbers.extend([settings.false_alarm_rate.to_bits(), u64::from(settings.warm_up), u64::from(settings.adapt_after)]);
    if let Some(chains) = settings.chains {
        numbers.extend([chains.chains, chains.depth, chains.width, chains.window].map(u64::from));
    }
    let by_name = [settings.rate, settings.stuck, settings.missing, settings.season, settings.burst];
    numbers.push(by_name.iter().rev().fold(0, |bits, on| bits << 1 | u64::from(*on)));
    numbers.extend(settings.frequencies.iter().map(|feature| *feature as u64));
    // No feature has such numbers.
    numbers.extend(settings.shared.then_some(u64::MAX));
    numbers.extend(settings.shared_scores.then_some(u64::MAX - 1));
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    hash(&bytes)
}

/// FNV-1a, 64 bits: the same on every machine and in every version.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// The finish of MurmurHash3: names that differ in their last letters differ in half of the bits.
pub(crate) fn mixed(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}
