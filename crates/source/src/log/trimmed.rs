//! What is known of segments that a log has let go of, for one who must tell whether records are the same again.
//!
//! The file `trimmed` beside the segments has a line for each: its first position, how many records it had, and the XXH3
//! (128 bits) of its bytes. The first segment is never trimmed: it says which input the log is of.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use twox_hash::xxhash3_128::Hasher;

use super::{Log, segment_path, segments, sync_folder};
use crate::SourceError;

/// A segment that was let go of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trimmed {
    /// The position of its first record.
    pub first: u64,
    pub records: u64,
    digest: u128,
}

impl Trimmed {
    /// Whether a segment of these bytes is the one.
    pub(crate) fn is(&self, bytes: &[u8]) -> bool {
        Hasher::oneshot(bytes) == self.digest
    }

    /// The position after its last record.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.records
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let trimmed = Self {
            first: words.next()?.parse().ok()?,
            records: words.next()?.parse().ok()?,
            digest: u128::from_str_radix(words.next()?, 16).ok()?,
        };
        words.next().is_none().then_some(trimmed)
    }
}

impl Log {
    /// Deletes the segments that only hold records before `position`, but for the first, and keeps what they are known by.
    ///
    /// # Errors
    /// Where the disk fails; what was deleted is known all the same.
    pub(crate) fn trim_before(&self, position: u64) -> Result<(), SourceError> {
        let segments = segments(self.folder())?;
        let due: Vec<_> = segments.windows(2).skip(1).filter(|pair| pair[1] <= position).collect();
        if due.is_empty() {
            return Ok(());
        }
        let mut trimmed = self.trimmed()?;
        let known = trimmed.last().map_or(0, Trimmed::end);
        for pair in due.iter().filter(|pair| pair[0] >= known) {
            let path = segment_path(self.folder(), pair[0]);
            let bytes = fs::read(&path).map_err(|error| SourceError::io("read the log", &path, error))?;
            trimmed.push(Trimmed { first: pair[0], records: pair[1] - pair[0], digest: Hasher::oneshot(&bytes) });
        }
        write(self.folder(), &trimmed).map_err(|error| SourceError::io("trim the log", self.folder(), error))?;
        for pair in due {
            let path = segment_path(self.folder(), pair[0]);
            fs::remove_file(&path).map_err(|error| SourceError::io("delete", &path, error))?;
        }
        Ok(())
    }

    /// The segments that were let go of, in their order.
    pub(crate) fn trimmed(&self) -> Result<Vec<Trimmed>, SourceError> {
        let path = self.folder().join("trimmed");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(SourceError::io("read", &path, error)),
        };
        let trimmed = text.lines().map(Trimmed::parse).collect::<Option<_>>();
        trimmed.ok_or_else(|| SourceError::input(format!("{} is damaged; bring it back from a copy", path.display())))
    }
}

/// Replaces the file, whole or not at all.
fn write(folder: &Path, trimmed: &[Trimmed]) -> io::Result<()> {
    let part = folder.join("trimmed.part");
    let mut file = File::create(&part)?;
    for Trimmed { first, records, digest } in trimmed {
        writeln!(file, "{first} {records} {digest:032x}")?;
    }
    file.sync_all()?;
    fs::rename(&part, folder.join("trimmed"))?;
    sync_folder(folder)
}
