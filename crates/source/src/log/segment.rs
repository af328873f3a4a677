//! One segment of the log: its records as bytes, and what is kept of it after a crash.

use std::{
    fs::{self, OpenOptions},
    io,
    path::Path,
};

use super::{ENTRY_BYTES_MAX, Entry};
use crate::SourceError;

/// Bytes before a record's payload.
pub(crate) const HEADER_BYTES: usize = 8;

/// Marks a payload that is only the beginning of a record.
const CUT: u32 = 1 << 31;

/// Appends a record's bytes.
pub(crate) fn encode(entry: &Entry<'_>, bytes: &mut Vec<u8>) {
    let length = entry.payload.len() as u32 | if entry.cut { CUT } else { 0 };
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&checksum(length, entry.payload).to_le_bytes());
    bytes.extend_from_slice(entry.payload);
}

/// The record that `bytes` begin with and how many bytes it has; `None` where there is no whole one.
pub(crate) fn decode(bytes: &[u8]) -> Option<(Entry<'_>, usize)> {
    let (header, rest) = bytes.split_at_checked(HEADER_BYTES)?;
    let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let (length, sum) = (word(0), word(4));
    let size = (length & !CUT) as usize;
    if size > ENTRY_BYTES_MAX {
        return None;
    }
    let payload = rest.get(..size)?;
    let entry = Entry { payload, cut: length & CUT != 0 };
    (checksum(length, payload) == sum).then_some((entry, HEADER_BYTES + size))
}

/// How many bytes the record has that `bytes` begin with, where that can be told.
pub(crate) fn size(bytes: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?);
    Some(HEADER_BYTES + (length & !CUT) as usize).filter(|size| *size <= HEADER_BYTES + ENTRY_BYTES_MAX)
}

fn checksum(length: u32, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length.to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

/// Cuts a torn end off the last segment. Returns how many records and bytes it has.
///
/// # Errors
/// Where a whole record follows what cannot be read: then it is not a torn end, and accepted records are lost.
pub(crate) fn recover(path: &Path) -> Result<(u64, u64), SourceError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((0, 0)),
        Err(error) => return Err(SourceError::io("read the log", path, error)),
    };
    let (mut records, mut end) = (0, 0);
    while let Some((_, size)) = decode(&bytes[end..]) {
        records += 1;
        end += size;
    }
    if end < bytes.len() {
        if (end + 1..bytes.len()).any(|at| decode(&bytes[at..]).is_some_and(|(entry, _)| !entry.payload.is_empty())) {
            return Err(damaged(path, end as u64));
        }
        let cut = OpenOptions::new().write(true).open(path).and_then(|file| {
            file.set_len(end as u64)?;
            file.sync_all()
        });
        cut.map_err(|error| SourceError::io("cut the torn end off", path, error))?;
    }
    Ok((records, end as u64))
}

/// A segment that is damaged at a byte.
pub(crate) fn damaged(path: &Path, offset: u64) -> SourceError {
    SourceError::input(format!(
        "the log {} is damaged at byte {offset}, with whole records behind it; bring it back from a copy",
        path.display()
    ))
}
