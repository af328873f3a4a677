//! A durable log of records: what HTTP and standard input bring is here before it counts as accepted.
//!
//! A folder of segments, each named after the position of its first record. A record is its length (u32), the CRC-32 of
//! length and payload (u32), both little-endian, and the payload; the length's top bit marks a payload that is only the
//! beginning of a record that was too long. Appends of several threads share one `fdatasync`, and return after it. A
//! torn end, which nobody was told to be durable, is cut off at opening; damage with whole records behind it is an
//! error. One process at a time: a lock file holds the others off.

mod reader;
mod segment;
mod trimmed;

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use self::segment::HEADER_BYTES;
pub(crate) use self::{
    reader::{Decoding, LogSource, Records},
    segment::{decode, encode},
    trimmed::Trimmed,
};
use crate::SourceError;

/// Bytes after which a new segment begins.
const SEGMENT_BYTES_MAX: u64 = 64 << 20;

/// Bytes of a record at most.
pub(crate) const ENTRY_BYTES_MAX: usize = 16 << 20;

/// A record to be appended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    /// Its bytes.
    pub payload: &'a [u8],
    /// Whether they are the beginning only of a record that was too long.
    pub cut: bool,
}

/// A durable log.
pub(crate) struct Log {
    folder: PathBuf,
    writer: Mutex<Writer>,
    /// Held by the thread that syncs; the others wait for it and find their records durable.
    syncing: Mutex<()>,
    durable: AtomicU64,
    /// Held for as long as the log is open.
    _lock: File,
}

struct Writer {
    file: Arc<File>,
    bytes: u64,
    next: u64,
    /// Why nothing more can be appended: after a failed write or sync nobody knows what is on the disk.
    broken: Option<String>,
    segment_bytes_max: u64,
}

impl Log {
    /// Opens the log in `folder`, which is made where there is none.
    ///
    /// # Errors
    /// Where another process has it, or a record in its middle is damaged.
    pub(crate) fn open(folder: &Path) -> Result<Arc<Self>, SourceError> {
        Self::open_with(folder, SEGMENT_BYTES_MAX)
    }

    /// The same with segments of about so many bytes.
    pub(crate) fn open_with(folder: &Path, segment_bytes_max: u64) -> Result<Arc<Self>, SourceError> {
        let fail = |error| SourceError::io("open the log", folder, error);
        fs::create_dir_all(folder).map_err(fail)?;
        let lock = File::create(folder.join("lock")).map_err(fail)?;
        if lock.try_lock().is_err() {
            let message = format!("the log {} is in use by another process; stop it first", folder.display());
            return Err(SourceError::input(message));
        }
        let segments = segments(folder)?;
        let first = segments.last().copied().unwrap_or_default();
        let path = segment_path(folder, first);
        let (records, bytes) = segment::recover(&path)?;
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(fail)?;
        file.sync_all().map_err(fail)?;
        sync_folder(folder).map_err(fail)?;
        let next = first + records;
        let writer = Writer { file: Arc::new(file), bytes, next, broken: None, segment_bytes_max };
        let (writer, syncing) = (Mutex::new(writer), Mutex::new(()));
        Ok(Arc::new(Self { folder: folder.to_owned(), writer, syncing, durable: AtomicU64::new(next), _lock: lock }))
    }

    /// Appends records, all or none, and returns when they are durable.
    ///
    /// # Errors
    /// Where the disk fails; then none of them counts as accepted, and after a failed sync nothing is accepted any
    /// more until the log is opened again.
    pub(crate) fn append(&self, entries: &[Entry<'_>]) -> Result<(), SourceError> {
        let end = self.write(entries)?;
        let _syncing = self.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.durable.load(Ordering::Acquire) >= end {
            return Ok(());
        }
        let (file, written) = {
            let writer = self.locked()?;
            (writer.file.clone(), writer.next)
        };
        match file.sync_data() {
            Ok(()) => {
                self.durable.store(written, Ordering::Release);
                Ok(())
            }
            Err(error) => {
                self.break_off(&error.to_string());
                Err(SourceError::io("sync the log", &self.folder, error))
            }
        }
    }

    /// The position after the last durable record.
    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// Deletes the segments that only hold records before `position`.
    pub(crate) fn forget_before(&self, position: u64) -> Result<(), SourceError> {
        let segments = segments(&self.folder)?;
        for pair in segments.windows(2).filter(|pair| pair[1] <= position) {
            let path = segment_path(&self.folder, pair[0]);
            fs::remove_file(&path).map_err(|error| SourceError::io("delete", &path, error))?;
        }
        Ok(())
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn write(&self, entries: &[Entry<'_>]) -> Result<u64, SourceError> {
        let mut bytes = Vec::new();
        for entry in entries {
            if entry.payload.len() > ENTRY_BYTES_MAX {
                return Err(SourceError::input(format!("a record is longer than {ENTRY_BYTES_MAX} bytes")));
            }
            encode(entry, &mut bytes);
        }
        let mut writer = self.locked()?;
        if writer.bytes >= writer.segment_bytes_max {
            self.roll(&mut writer)?;
        }
        if let Err(error) = (&*writer.file).write_all(&bytes) {
            // Part of it may be there: go back to where it was, or accept nothing more.
            if let Err(second) = writer.file.set_len(writer.bytes) {
                writer.broken = Some(second.to_string());
            }
            return Err(SourceError::io("write the log", &self.folder, error));
        }
        writer.bytes += bytes.len() as u64;
        writer.next += entries.len() as u64;
        Ok(writer.next)
    }

    /// Begins a new segment. What is in the old one is synced first, as nobody comes back to it.
    fn roll(&self, writer: &mut Writer) -> Result<(), SourceError> {
        let fail = |error| SourceError::io("begin a segment of the log", &self.folder, error);
        if let Err(error) = writer.file.sync_data() {
            writer.broken = Some(error.to_string());
            return Err(fail(error));
        }
        self.durable.fetch_max(writer.next, Ordering::AcqRel);
        let path = segment_path(&self.folder, writer.next);
        let file = OpenOptions::new().create_new(true).append(true).open(&path).map_err(fail)?;
        sync_folder(&self.folder).map_err(fail)?;
        (writer.file, writer.bytes) = (Arc::new(file), 0);
        Ok(())
    }

    fn break_off(&self, reason: &str) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.broken = Some(reason.to_owned());
    }

    fn locked(&self) -> Result<MutexGuard<'_, Writer>, SourceError> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        match &writer.broken {
            None => Ok(writer),
            Some(reason) => {
                let (folder, reason) = (self.folder.display(), reason.clone());
                Err(SourceError::input(format!("the log {folder} takes nothing more since the disk failed: {reason}")))
            }
        }
    }
}

fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

fn segment_path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:020}.log"))
}

/// The first positions of all segments, ascending.
fn segments(folder: &Path) -> Result<Vec<u64>, SourceError> {
    let fail = |error| SourceError::io("read the log", folder, error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let name = entry.map_err(fail)?.file_name();
        found.extend(name.to_string_lossy().strip_suffix(".log").and_then(|first| first.parse::<u64>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn append(log: &Log, payloads: &[&[u8]]) {
        let entries: Vec<_> = payloads.iter().map(|payload| Entry { payload, cut: false }).collect();
        log.append(&entries).unwrap();
    }

    fn read(log: &Log) -> Vec<Vec<u8>> {
        let mut records = reader::Records::at(log.folder(), 0, log.durable()).unwrap();
        std::iter::from_fn(|| records.next().unwrap()).map(|record| record.payload).collect()
    }

    #[test]
    fn a_log_cut_anywhere_keeps_every_whole_record() {
        let folder = tempfile::tempdir().unwrap();
        let payloads: [&[u8]; 4] = [b"{\"a\":1}", b"", b"third", b"the last one"];
        append(&Log::open(folder.path()).unwrap(), &payloads);
        let path = segment_path(folder.path(), 0);
        let whole = fs::read(&path).unwrap();
        let ends: Vec<usize> = payloads
            .iter()
            .scan(0, |end, payload| {
                *end += HEADER_BYTES + payload.len();
                Some(*end)
            })
            .collect();
        for length in 0..=whole.len() {
            for filler in [&b""[..], &[0; 40]] {
                fs::write(&path, [&whole[..length], filler].concat()).unwrap();
                let log = Log::open(folder.path()).unwrap();
                let kept = ends.iter().filter(|end| **end <= length).count();
                assert_eq!(log.durable(), kept as u64, "cut at {length}");
                append(&log, &[b"more"]);
                let expected: Vec<_> =
                    payloads[..kept].iter().copied().chain([&b"more"[..]]).map(<[u8]>::to_vec).collect();
                assert_eq!(read(&log), expected);
            }
        }
    }

    #[test]
    fn damage_in_the_middle_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        append(&Log::open(folder.path()).unwrap(), &[b"first", b"second", b"third"]);
        let path = segment_path(folder.path(), 0);
        let whole = fs::read(&path).unwrap();
        for index in 0..2 * (HEADER_BYTES + 5) {
            let mut damaged = whole.clone();
            damaged[index] ^= 0x10;
            fs::write(&path, damaged).unwrap();
            let error = Log::open(folder.path()).map(|_| ()).unwrap_err();
            assert!(error.to_string().contains("damaged at byte"), "{index}: {error}");
        }
    }

    #[test]
    fn segments_roll_and_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::open_with(folder.path(), 100).unwrap();
        for number in 0..100 {
            append(&log, &[format!("record {number}").as_bytes()]);
        }
        assert!(segments(folder.path()).unwrap().len() > 5);
        assert_eq!(read(&log)[57], b"record 57");
        log.forget_before(50).unwrap();
        let first = segments(folder.path()).unwrap()[0];
        assert!((40..=50).contains(&first), "{first}");
        assert!(reader::Records::at(folder.path(), 3, 100).is_err());
        let record = reader::Records::at(folder.path(), 50, 100).unwrap().next().unwrap().unwrap();
        assert_eq!(record.payload, b"record 50");
    }

    #[test]
    fn threads_share_a_log_and_processes_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::open(folder.path()).unwrap();
        thread::scope(|scope| {
            for thread in 0..4 {
                let log = &log;
                scope.spawn(move || (0..50).for_each(|n| append(log, &[format!("{thread} {n}").as_bytes(), b"x"])));
            }
        });
        assert_eq!(log.durable(), 400);
        assert_eq!(read(&log).len(), 400);
        let error = Log::open(folder.path()).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("in use by another process"), "{error}");
    }
}
