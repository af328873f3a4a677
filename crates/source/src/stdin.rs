//! Events on standard input, through the durable log.
//!
//! After a kill the same command with the same input must double nothing: while the new input's first lines are the
//! log's lines in their order they are skipped; from the first difference on everything counts as new, the lines held
//! back until then included. An input that is over while all its lines were the log's adds nothing. So a new input
//! that happens to begin as the old one did, but then differs, is taken in whole.
//!
//! What lies before the horizon is let go of, but for the log's first segment and a digest of each other. An input that
//! repeats the whole first segment is the same input: where it differs later on, only that is new, or all lines of the
//! segment that it is in where that was let go of.
//!
//! For CSV the header line is kept beside the log; another input with another header is refused.

mod repeated;

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use arrow::datatypes::SchemaRef;
use stream::{CsvOptions, FileFormat};

use self::repeated::{Fate, Repeated};
use crate::{
    Cursor, Next, Progress, REJECTED_BYTES_MAX, Source, SourceError,
    csv_rows::{self, CsvRows, csv_header},
    json_rows::JsonRows,
    log::{Decoding, Entry, Log, LogSource, Records, decode},
    records::{Cut, Record, RecordReader},
};

/// Lines, and bytes of them, that are handed over at a time.
const BATCH_LINES_MAX: usize = 4_096;
const BATCH_BYTES_MAX: usize = 1 << 20;

/// Bytes after which the log begins a new segment. The first one is kept.
pub(crate) const SEGMENT_BYTES_MAX: u64 = 8 << 20;

/// How many such batches wait at most.
const BATCHES_MAX: usize = 4;

/// How long a call waits for input.
const WAIT: Duration = Duration::from_millis(20);

/// A line, and whether it is the beginning only of one that was too long.
type Line = (Vec<u8>, bool);

/// Lines in a row, or why there are no more.
type Batch = Result<Vec<Line>, io::Error>;

/// Standard input together with the log that its lines go through.
pub(crate) struct StdinSource {
    batches: Receiver<Batch>,
    log: Arc<Log>,
    source: LogSource,
    /// What an earlier run has logged, as long as the input repeats it.
    repeated: Option<Repeated>,
    ended: bool,
}

impl StdinSource {
    pub(crate) fn open(
        definition: &stream::Stdin,
        schema: SchemaRef,
        event_bytes_max: usize,
        log: Arc<Log>,
        input: impl Read + Send + 'static,
    ) -> Result<Self, SourceError> {
        let csv = &definition.csv;
        let cut = match definition.format {
            FileFormat::Csv => Cut::Csv(csv_rows::dialect(csv)),
            FileFormat::Json => Cut::Values,
            _ => Cut::Lines,
        };
        let records = RecordReader::new(Box::new(input), 0, cut);
        let mut records = records.with_bytes_max(event_bytes_max);
        let decoding = match definition.format {
            FileFormat::Jsonl | FileFormat::Json => Decoding::Json(JsonRows::new(schema, definition.json)?),
            FileFormat::Csv => {
                let header = header(&mut records, csv, &log.folder().join("header"))?;
                let required: Vec<bool> = schema.fields().iter().map(|field| !field.is_nullable()).collect();
                Decoding::Csv(Box::new(CsvRows::new("standard input", &header, schema, &required, csv)?))
            }
            FileFormat::Parquet | FileFormat::Orc | FileFormat::Avro | FileFormat::Arrow | FileFormat::Fits => {
                return Err(SourceError::input("standard input is csv, jsonl or json; name other formats as files"));
            }
        };
        let repeated = Repeated::of(&log)?;
        let (sender, batches) = sync_channel(BATCHES_MAX);
        let comment = definition.csv.comment.clone().filter(|_| definition.format == FileFormat::Csv);
        let spawned = thread::Builder::new().name("stdin".into()).spawn(move || read(records, comment, &sender));
        spawned.map_err(|source| SourceError::Io { context: "cannot start a thread".into(), source })?;
        Ok(Self {
            batches,
            source: LogSource::new(log.clone(), decoding, event_bytes_max),
            log,
            repeated,
            ended: false,
        })
    }

    /// Takes lines in, if there are any.
    fn take_in(&mut self) -> Result<(), SourceError> {
        let lines = match self.batches.recv_timeout(WAIT) {
            Ok(Ok(lines)) => lines,
            Ok(Err(source)) => return Err(SourceError::Io { context: "cannot read standard input".into(), source }),
            Err(RecvTimeoutError::Timeout) => return Ok(()),
            Err(RecvTimeoutError::Disconnected) => {
                self.ended = true;
                return Ok(());
            }
        };
        let new = self.skip_repeated(&lines)?;
        if new < lines.len() {
            let entries: Vec<_> = lines[new..].iter().map(|(payload, cut)| Entry { payload, cut: *cut }).collect();
            self.log.append(&entries)?;
        }
        Ok(())
    }

    /// How many of the lines only repeat the log; where they begin to differ, what was held back is appended first.
    fn skip_repeated(&mut self, lines: &[Line]) -> Result<usize, SourceError> {
        let Some(mut repeated) = self.repeated.take() else { return Ok(0) };
        for (index, line) in lines.iter().enumerate() {
            match repeated.take(line, &self.log)? {
                Fate::Repeats => {}
                // The rest is what the earlier run did not come to.
                Fate::New => return Ok(index),
                Fate::Differs(again) => {
                    self.append_again(again)?;
                    return Ok(index);
                }
                Fate::SegmentDiffers(held) => {
                    self.append_held(&held)?;
                    return Ok(index + 1);
                }
            }
        }
        self.repeated = Some(repeated);
        Ok(lines.len())
    }

    /// Appends lines that were held back, as the log has them.
    fn append_held(&self, mut held: &[u8]) -> Result<(), SourceError> {
        let mut entries = Vec::new();
        while let Some((entry, size)) = decode(held) {
            entries.push(entry);
            held = &held[size..];
            if entries.len() == BATCH_LINES_MAX {
                self.log.append(&std::mem::take(&mut entries))?;
            }
        }
        self.log.append(&entries)
    }

    /// Appends the log's first `count` records once more: they are the beginning of another input.
    fn append_again(&self, count: u64) -> Result<(), SourceError> {
        let mut records = Records::at(self.log.folder(), 0, count)?;
        loop {
            let (mut held, mut bytes) = (Vec::new(), 0);
            while held.len() < BATCH_LINES_MAX && bytes < BATCH_BYTES_MAX {
                let Some(record) = records.next()? else { break };
                bytes += record.payload.len();
                held.push(record);
            }
            if held.is_empty() {
                return Ok(());
            }
            let entries: Vec<_> =
                held.iter().map(|record| Entry { payload: &record.payload, cut: record.cut }).collect();
            self.log.append(&entries)?;
        }
    }
}

/// The CSV header of the input, which must be the one of earlier runs; kept durably at `path`.
fn header(records: &mut RecordReader, csv: &CsvOptions, path: &Path) -> Result<Vec<u8>, SourceError> {
    let failed = |source| SourceError::Io { context: "cannot read standard input".into(), source };
    let header = csv_header(records, "standard input", csv, failed)?;
    match fs::read(path) {
        Ok(known) if known == header => Ok(header),
        Ok(known) => {
            let (known, header) = (String::from_utf8_lossy(&known).into_owned(), String::from_utf8_lossy(&header));
            Err(SourceError::input(format!(
                "standard input has the header `{header}`, and these results began with `{known}`; \
                 write to another folder"
            )))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let part = path.with_extension("part");
            let written = File::create(&part).and_then(|mut file| {
                file.write_all(&header)?;
                file.sync_all()?;
                fs::rename(&part, path)
            });
            written.map_err(|error| SourceError::io("write", path, error))?;
            Ok(header)
        }
        Err(error) => Err(SourceError::io("read", path, error)),
    }
}

/// Hands lines over as they come, many at a time where they come fast.
fn read(mut records: RecordReader, comment: Option<String>, sender: &SyncSender<Batch>) {
    let is_comment = |line: &[u8]| comment.as_ref().is_some_and(|comment| line.starts_with(comment.as_bytes()));
    loop {
        let (mut lines, mut bytes) = (Vec::new(), 0);
        let mut failure = None;
        let mut ended = false;
        while lines.is_empty() || (lines.len() < BATCH_LINES_MAX && bytes < BATCH_BYTES_MAX && records.has_record()) {
            let line = match records.next() {
                Ok(Some(Record::Whole(line))) if is_comment(line) => continue,
                Ok(Some(Record::Whole(line))) => (line.to_vec(), false),
                Ok(Some(Record::Unreadable(line, _))) => (line[..line.len().min(REJECTED_BYTES_MAX)].to_vec(), true),
                Ok(None) => {
                    ended = true;
                    break;
                }
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            };
            bytes += line.0.len();
            lines.push(line);
        }
        // Whoever listened is gone when a batch cannot be sent.
        if !lines.is_empty() && sender.send(Ok(lines)).is_err() {
            return;
        }
        if let Some(error) = failure {
            let _ = sender.send(Err(error));
            return;
        }
        if ended {
            return;
        }
    }
}

impl Source for StdinSource {
    fn next(&mut self, rows_max: usize) -> Result<Next, SourceError> {
        if !self.source.is_drained() {
            return self.source.next(rows_max);
        }
        if self.ended {
            return Ok(Next::End);
        }
        self.take_in()?;
        if self.source.is_drained() { Ok(Next::Idle) } else { self.source.next(rows_max) }
    }

    fn seek(&mut self, cursor: &Cursor) -> Result<(), SourceError> {
        self.source.seek(cursor)
    }

    fn cursor(&self) -> Cursor {
        self.source.cursor()
    }

    fn progress(&self) -> Progress {
        self.source.progress()
    }

    fn forget_before(&mut self, position: u64) -> Result<(), SourceError> {
        // What the input may still repeat is there until it has.
        if self.repeated.is_some() { Ok(()) } else { self.log.trim_before(position) }
    }
}

#[cfg(test)]
mod tests;
