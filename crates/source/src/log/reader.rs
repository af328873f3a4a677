//! Reads the log as a source.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use arrow::array::UInt64Array;

use super::{HEADER_BYTES, Log, segment, segment_path, segments};
use crate::{
    Cursor, Next, Progress, RECORDS_MAX, Records as Given, Rejected, Source, SourceError, Unit,
    csv_rows::CsvRows,
    json_rows::{Decoded, JsonRows},
    records::too_long,
};

/// Bytes read ahead.
const READ_BYTES: usize = 256 << 10;

/// Bytes of records that one call gives at most.
const BATCH_BYTES_MAX: usize = 8 << 20;

/// How long a call waits where there is nothing new.
const WAIT: Duration = Duration::from_millis(5);

/// A record as it was appended.
pub(crate) struct Record {
    pub payload: Vec<u8>,
    pub cut: bool,
}

/// Durable records from some position on, over all segments.
pub(crate) struct Records {
    folder: PathBuf,
    /// First position of the segment that is read.
    segment: u64,
    file: File,
    /// Bytes of the segment that are read and not yet given, and where they stand in it.
    buffer: Vec<u8>,
    start: usize,
    base: u64,
    position: u64,
    end: u64,
}

impl Records {
    /// Records from `position` to before `end`.
    ///
    /// # Errors
    /// Where they were forgotten.
    pub(crate) fn at(folder: &Path, position: u64, end: u64) -> Result<Self, SourceError> {
        let segment = segments(folder)?.into_iter().rfind(|first| *first <= position);
        let segment = segment.ok_or_else(|| {
            SourceError::input(format!("the log {} has no record {position} any more", folder.display()))
        })?;
        let file = open(folder, segment)?;
        let (buffer, folder) = (Vec::new(), folder.to_owned());
        let mut records = Self { folder, segment, file, buffer, start: 0, base: 0, position: segment, end };
        while records.position < position {
            if records.skip()?.is_none() {
                let (folder, next) = (records.folder.display(), records.position);
                return Err(SourceError::input(format!("the log {folder} ends at record {next}, before {position}")));
            }
        }
        Ok(records)
    }

    /// Lets it read up to `end`.
    pub(crate) fn extend(&mut self, end: u64) {
        self.end = end;
    }

    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// The next record; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Record>, SourceError> {
        if !self.fill()? {
            return Ok(None);
        }
        let Some((entry, size)) = segment::decode(&self.buffer[self.start..]) else { return Err(self.damaged()) };
        let record = Record { payload: entry.payload.to_vec(), cut: entry.cut };
        (self.start, self.position) = (self.start + size, self.position + 1);
        Ok(Some(record))
    }

    /// Goes past the next record without looking at it.
    fn skip(&mut self) -> Result<Option<()>, SourceError> {
        if !self.fill()? {
            return Ok(None);
        }
        let Some(size) = segment::size(&self.buffer[self.start..]) else { return Err(self.damaged()) };
        (self.start, self.position) = (self.start + size, self.position + 1);
        Ok(Some(()))
    }

    /// Reads until a whole record is in the buffer; false at the end.
    fn fill(&mut self) -> Result<bool, SourceError> {
        if self.position >= self.end {
            return Ok(false);
        }
        loop {
            let held = &self.buffer[self.start..];
            if held.len() >= HEADER_BYTES {
                let Some(size) = segment::size(held) else { return Err(self.damaged()) };
                if held.len() >= size {
                    return Ok(true);
                }
            }
            let held = self.buffer.len() - self.start;
            self.buffer.drain(..self.start);
            self.base += self.start as u64;
            self.start = 0;
            let path = segment_path(&self.folder, self.segment);
            let read = (&mut self.file).take(READ_BYTES as u64).read_to_end(&mut self.buffer);
            if read.map_err(|error| SourceError::io("read the log", &path, error))? > 0 {
                continue;
            }
            // The records are durable, so they must be somewhere: here the segment is at its end.
            let next = segments(&self.folder)?.into_iter().find(|first| *first == self.position);
            match next.filter(|next| held == 0 && *next > self.segment) {
                Some(next) => {
                    self.file = open(&self.folder, next)?;
                    (self.segment, self.base) = (next, 0);
                }
                None => return Err(self.damaged()),
            }
        }
    }

    fn damaged(&self) -> SourceError {
        segment::damaged(&segment_path(&self.folder, self.segment), self.base + self.start as u64)
    }
}

fn open(folder: &Path, segment: u64) -> Result<File, SourceError> {
    let path = segment_path(folder, segment);
    let opened = File::open(&path).and_then(|mut file| file.seek(SeekFrom::Start(0)).map(|_| file));
    opened.map_err(|error: io::Error| SourceError::io("read the log", &path, error))
}

/// How the log's records are read.
pub(crate) enum Decoding {
    Json(JsonRows),
    Csv(Box<CsvRows>),
}

impl Decoding {
    /// The rows among some records.
    fn decode(&mut self, records: &[&[u8]]) -> Result<Decoded, SourceError> {
        match self {
            Self::Json(rows) => rows.decode(records),
            Self::Csv(rows) => {
                let (mut indexes, mut rejected) = (Vec::new(), Vec::new());
                for (index, record) in records.iter().enumerate() {
                    match rows.push(record) {
                        Ok(()) => indexes.push(index as u64),
                        Err(reason) => rejected.push((index as u64, reason)),
                    }
                }
                Ok(Decoded { rows: rows.finish()?, indexes, rejected })
            }
        }
    }
}

/// The log as a source that never ends by itself.
pub(crate) struct LogSource {
    log: Arc<Log>,
    decoding: Decoding,
    /// Bytes of a record at most: what is cut had more.
    event_bytes_max: usize,
    records: Option<Records>,
    position: u64,
    /// The same, for those who must know how many records wait.
    consumed: Arc<AtomicU64>,
}

impl LogSource {
    pub(crate) fn new(log: Arc<Log>, decoding: Decoding, event_bytes_max: usize) -> Self {
        Self { log, decoding, event_bytes_max, records: None, position: 0, consumed: Arc::default() }
    }

    /// The position that was read up to, kept up to date.
    pub(crate) fn consumed(&self) -> Arc<AtomicU64> {
        self.consumed.clone()
    }

    /// Whether every durable record was given.
    pub(crate) fn is_drained(&self) -> bool {
        self.position >= self.log.durable()
    }

    fn set_position(&mut self, position: u64) {
        self.position = position;
        self.consumed.store(position, Ordering::Release);
    }

    fn take(&mut self, rows_max: usize) -> Result<Vec<Record>, SourceError> {
        let durable = self.log.durable();
        let records = match &mut self.records {
            Some(records) => records,
            none => none.insert(Records::at(self.log.folder(), self.position, durable)?),
        };
        records.extend(durable);
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while taken.len() < rows_max && bytes < BATCH_BYTES_MAX {
            let Some(record) = records.next()? else { break };
            bytes += record.payload.len();
            taken.push(record);
        }
        Ok(taken)
    }
}

impl Source for LogSource {
    fn next(&mut self, rows_max: usize) -> Result<Next, SourceError> {
        if self.is_drained() {
            thread::sleep(WAIT);
            return Ok(Next::Idle);
        }
        let first = self.position;
        let taken = self.take(rows_max.clamp(1, RECORDS_MAX))?;
        let whole: Vec<usize> = (0..taken.len()).filter(|index| !taken[*index].cut).collect();
        let payloads: Vec<&[u8]> = whole.iter().map(|index| taken[*index].payload.as_slice()).collect();
        let Decoded { rows, indexes, rejected: bad } = self.decoding.decode(&payloads)?;
        let at = |index: u64| first + whole[index as usize] as u64;
        let mut rejected: Vec<Rejected> = Vec::new();
        for (index, record) in taken.iter().enumerate().filter(|(_, record)| record.cut) {
            let (payload, reason) = Rejected::kept(&record.payload, too_long(self.event_bytes_max));
            rejected.push(Rejected { position: first + index as u64, payload, reason });
        }
        for (index, reason) in bad {
            let (payload, reason) = Rejected::kept(payloads[index as usize], reason);
            rejected.push(Rejected { position: at(index), payload, reason });
        }
        rejected.sort_by_key(|rejected| rejected.position);
        let positions = UInt64Array::from_iter_values(indexes.into_iter().map(at));
        self.set_position(first + taken.len() as u64);
        Ok(Next::Records(Given { rows, positions, rejected }))
    }

    fn seek(&mut self, cursor: &Cursor) -> Result<(), SourceError> {
        self.records = None;
        self.set_position(cursor.position);
        Ok(())
    }

    fn cursor(&self) -> Cursor {
        Cursor { position: self.position, ..Cursor::default() }
    }

    fn progress(&self) -> Progress {
        Progress { done: self.position, total: None, unit: Unit::Records }
    }

    fn forget_before(&mut self, position: u64) -> Result<(), SourceError> {
        self.log.forget_before(position)
    }
}
