//! A log of values that is only ever appended to: a line each, CRC-32 of what follows the space, and the value as JSON.
//!
//! What a crash or a full disk leaves of the last line is passed over; damage with whole lines behind it is an error.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use crate::StoreError;

/// A log that is being written, for one process at a time.
#[derive(Debug)]
pub struct LineLog {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl LineLog {
    /// A log without a line at `path`; what is there goes.
    ///
    /// # Errors
    /// Where the file cannot be made.
    pub fn begin(path: PathBuf) -> Result<Self, StoreError> {
        // Lines go to the end, also behind one that was taken back.
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.and_then(|file| file.set_len(0).map(|()| file));
        let file = file.map_err(|error| StoreError::file("create", &path, error))?;
        Ok(Self { path, file, bytes: 0 })
    }

    /// Makes values durable, in their order.
    ///
    /// # Errors
    /// Where they cannot be written. Readers then see the log without them.
    pub fn append<T: Serialize>(&mut self, values: &[T]) -> Result<(), StoreError> {
        let mut lines = String::new();
        for value in values {
            let text = serde_json::to_string(value)
                .map_err(|error| StoreError::Damaged { path: self.path.clone(), message: error.to_string() })?;
            lines.push_str(&format!("{:08x} {text}\n", crc32fast::hash(text.as_bytes())));
        }
        if let Err(error) = self.file.write_all(lines.as_bytes()).and_then(|()| self.file.sync_data()) {
            // Part of a line may be there. Where it cannot be taken back, a reader passes over it all the same.
            let _ = self.file.set_len(self.bytes);
            return Err(StoreError::file("write", &self.path, error));
        }
        self.bytes += lines.len() as u64;
        Ok(())
    }

    /// How many bytes the lines have.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The values of the log at `path`; `None` where there is no such file.
    ///
    /// # Errors
    /// `Damaged` where a line in its middle cannot be read, `File` where the file cannot.
    pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<Vec<T>>, StoreError> {
        let log = match std::fs::read(path) {
            Ok(log) => log,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::file("read", path, error)),
        };
        let mut lines = log.split_inclusive(|byte| *byte == b'\n').map(value);
        let values = lines.by_ref().map_while(|value| value).collect();
        match lines.any(|value: Option<T>| value.is_some()) {
            false => Ok(Some(values)),
            true => Err(StoreError::Damaged {
                path: path.to_owned(),
                message: "a line in its middle cannot be read".to_owned(),
            }),
        }
    }
}

fn value<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    let (sum, text) = line.strip_suffix(b"\n")?.split_at_checked(8)?;
    let text = text.strip_prefix(b" ")?;
    let sum = u32::from_str_radix(std::str::from_utf8(sum).ok()?, 16).ok()?;
    (crc32fast::hash(text) == sum).then(|| serde_json::from_slice(text).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_cut_anywhere_keeps_every_whole_line_and_damage_in_its_middle_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let mut log = LineLog::begin(path.clone()).unwrap();
        log.append(&["one", "two"]).unwrap();
        log.append(&["three"]).unwrap();
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(log.bytes(), whole.len() as u64);
        for length in 0..=whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let kept = whole[..length].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(LineLog::read::<String>(&path).unwrap().unwrap().len(), kept, "cut at {length}");
        }
        let mut damaged = whole.clone();
        damaged[12] ^= 1;
        std::fs::write(&path, damaged).unwrap();
        assert!(matches!(LineLog::read::<String>(&path), Err(StoreError::Damaged { .. })));
        assert_eq!(LineLog::read::<String>(&folder.path().join("b.log")).unwrap(), None);
        LineLog::begin(path.clone()).unwrap().append(&["anew"]).unwrap();
        assert_eq!(LineLog::read::<String>(&path).unwrap().unwrap(), ["anew"]);
    }
}
