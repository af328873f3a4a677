//! Events on standard input, through the durable log.
//!
//! After a kill the same command with the same input must double nothing: while the new input's first lines are the
//! log's lines in their order they are skipped; from the first difference on everything counts as new, the lines held
//! back until then included. An input that is over while all its lines were the log's adds nothing. So a new input
//! that happens to begin as the old one did, but then differs, is taken in whole.
//!
//! For CSV the header line is kept beside the log; another input with another header is refused.

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

use crate::{
    Cursor, Next, Progress, REJECTED_BYTES_MAX, Source, SourceError,
    csv_rows::{self, CsvRows, csv_header},
    json_rows::JsonRows,
    log::{Decoding, Entry, Log, LogSource, Records},
    records::{Cut, Record, RecordReader},
};

/// Lines, and bytes of them, that are handed over at a time.
const BATCH_LINES_MAX: usize = 4_096;
const BATCH_BYTES_MAX: usize = 1 << 20;

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
    repeated: Option<Records>,
    ended: bool,
}

impl StdinSource {
    pub(crate) fn open(
        definition: &stream::Stdin,
        schema: SchemaRef,
        log: Arc<Log>,
        input: impl Read + Send + 'static,
    ) -> Result<Self, SourceError> {
        let csv = &definition.csv;
        let cut = match definition.format {
            FileFormat::Csv => Cut::Csv(csv_rows::dialect(csv)),
            FileFormat::Json => Cut::Values,
            _ => Cut::Lines,
        };
        let mut records = RecordReader::new(Box::new(input), 0, cut);
        let decoding = match definition.format {
            FileFormat::Jsonl | FileFormat::Json => Decoding::Json(JsonRows::new(schema, definition.json)?),
            FileFormat::Csv => {
                let header = header(&mut records, csv, &log.folder().join("header"))?;
                let required: Vec<bool> = schema.fields().iter().map(|field| !field.is_nullable()).collect();
                Decoding::Csv(Box::new(CsvRows::new("standard input", &header, schema, &required, csv)?))
            }
            FileFormat::Parquet | FileFormat::Avro | FileFormat::Arrow => {
                return Err(SourceError::input("standard input is csv, jsonl or json; name other formats as files"));
            }
        };
        let repeated = if log.durable() > 0 { Some(Records::at(log.folder(), 0, log.durable())?) } else { None };
        let (sender, batches) = sync_channel(BATCHES_MAX);
        let comment = definition.csv.comment.clone().filter(|_| definition.format == FileFormat::Csv);
        let spawned = thread::Builder::new().name("stdin".into()).spawn(move || read(records, comment, &sender));
        spawned.map_err(|source| SourceError::Io { context: "cannot start a thread".into(), source })?;
        Ok(Self { batches, source: LogSource::new(log.clone(), decoding), log, repeated, ended: false })
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
        for (index, (line, cut)) in lines.iter().enumerate() {
            let held_back = repeated.position();
            match repeated.next()? {
                Some(record) if record.payload == *line && record.cut == *cut => {}
                // The log was repeated whole: the rest is what the earlier run did not come to.
                None => return Ok(index),
                Some(_) => {
                    self.append_again(held_back)?;
                    return Ok(index);
                }
            }
        }
        self.repeated = Some(repeated);
        Ok(lines.len())
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

    // The log is kept whole: a later run with the same input is compared with it.
}

#[cfg(test)]
mod tests {
    use std::io::Cursor as Bytes;

    use arrow::{
        array::AsArray,
        datatypes::{DataType, Field, Int64Type, Schema},
    };

    use super::*;

    fn run(folder: &Path, format: FileFormat, input: &str) -> (Vec<i64>, usize) {
        let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]));
        let log = Log::open(folder).unwrap();
        let input = Bytes::new(input.as_bytes().to_vec());
        let mut source = StdinSource::open(&stream::Stdin::of(format), schema, log, input).unwrap();
        let (mut ids, mut rejected) = (Vec::new(), 0);
        loop {
            match source.next(3).unwrap() {
                Next::End => return (ids, rejected),
                Next::Idle => {}
                Next::Records(records) => {
                    ids.extend(records.rows["id"].as_primitive::<Int64Type>().values());
                    rejected += records.rejected.len();
                }
            }
        }
    }

    fn lines(ids: &[i64]) -> String {
        ids.iter().map(|id| format!("{{\"id\": {id}}}\n")).collect()
    }

    #[test]
    fn the_same_input_again_doubles_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let run = |ids: &[i64]| run(folder.path(), FileFormat::Jsonl, &lines(ids)).0;
        assert_eq!(run(&[1, 2, 2]), [1, 2, 2]);
        assert_eq!(run(&[1, 2, 2]), [1, 2, 2]);
        assert_eq!(run(&[1, 2]), [1, 2, 2], "a beginning of the same input");
        assert_eq!(run(&[1, 2, 2, 3]), [1, 2, 2, 3], "more of the same input");
        assert_eq!(run(&[1, 2, 5, 6]), [1, 2, 2, 3, 1, 2, 5, 6], "another input that begins the same");
    }

    #[test]
    fn csv_keeps_its_header_and_bad_lines_are_rejected() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(run(folder.path(), FileFormat::Csv, "x,id\na,1\nb,no\nc,3"), (vec![1, 3], 1));
        assert_eq!(run(folder.path(), FileFormat::Csv, "x,id\na,1\nb,no\nc,3"), (vec![1, 3], 1));
        let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]));
        let log = Log::open(folder.path()).unwrap();
        let definition = stream::Stdin::of(FileFormat::Csv);
        let opened = StdinSource::open(&definition, schema, log, Bytes::new(b"id\n1\n".to_vec()));
        let error = opened.map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("another folder"), "{error}");
    }

    #[test]
    fn a_line_without_end_is_cut_and_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let input = format!("{}{}\n{}", lines(&[1]), "x".repeat(3 << 20), lines(&[2]));
        assert_eq!(run(folder.path(), FileFormat::Jsonl, &input), (vec![1, 2], 1));
    }
}
