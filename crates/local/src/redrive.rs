//! Putting repaired events back: they are checked and kept durably, and the next run takes them in, once.

mod ids;
mod waiting;

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
    sync::Arc,
};

use source::{Next, RECORDS_MAX};
use stage::{Outputs, Pipeline, Rows, Stage, Traces};
use store::{Results, StoreError};
use stream::{FileFormat, Stream};
use twox_hash::xxhash3_128::{RawHasher, SecretBuffer};

use self::ids::Ids;
pub use self::waiting::{check_repaired, is_waiting, keep_for_next_run, put_back_waiting};
use crate::{
    LocalError,
    checkpoint::{Checkpoint, Identity, Insertion},
    insertions,
};

/// How many events can be put back at a time: their ids are held in memory meanwhile.
const EVENTS_MAX: u64 = 10_000_000;
/// How many bad events a refusal names.
const NAMED_MAX: usize = 100;
/// Bytes that are copied at a time.
const COPY_BYTES: usize = 256 << 10;

/// Repaired events.
pub struct Repaired<'a> {
    /// How messages call them.
    pub name: String,
    /// Their format.
    pub format: FileFormat,
    /// Whether they are gzipped.
    pub gzip: bool,
    /// Their bytes.
    pub bytes: &'a mut dyn Read,
}

impl Repaired<'_> {
    fn ending(&self) -> String {
        let format = self.format.ending();
        if self.gzip { format!("{format}.gz") } else { format.to_owned() }
    }
}

/// What was put back.
#[derive(Debug, Clone, PartialEq)]
pub struct Redriven {
    /// How many events.
    pub events: u64,
    /// How many events the next run will take in, these and others that wait.
    pub waiting: u64,
    /// Where the run's other events come from, which says how to start it again.
    pub source: stream::Source,
}

/// Keeps repaired events for the next run with these results. When this returns they are durable, and that run takes
/// each in once, whatever ends it.
///
/// # Errors
/// `InUse` while a run is going on; `NoRun` or `OtherStream` where the results are not of `stream`; `Refused` where an
/// event is none of the stream, would become a dead letter again, or has the id of an event that came through before;
/// `Repeated` where the same bytes were put back before; `TooManyEvents` beyond a limit. Then nothing is kept. With
/// `again` events may come once more.
pub fn redrive(
    stream: &Arc<Stream>,
    results: &Path,
    mut repaired: Repaired<'_>,
    again: bool,
) -> Result<Redriven, LocalError> {
    let results = Results::new(results);
    let path = results.state().join("checkpoint.redb");
    if !path.exists() {
        return Err(LocalError::NoRun { path: results.root().to_owned() });
    }
    let mut checkpoint = Checkpoint::open(&path)?;
    let source = same_stream(&checkpoint, &results, stream)?;
    let mut insertions = checkpoint.insertions()?;
    let folder = insertions::folder(&results);
    fs::create_dir_all(&folder).map_err(|error| failed("create", &folder, error))?;
    // The checkpoint is open, so nobody else is writing here.
    let incoming = folder.join(format!("incoming.{}", repaired.ending()));
    let kept = keep(&mut repaired, &incoming).and_then(|hash| {
        let repeated = insertions.iter().find(|insertion| insertion.hash == hash);
        if let Some(insertion) = repeated.filter(|_| !again) {
            return Err(LocalError::Repeated { name: repaired.name.clone(), events: insertion.records });
        }
        let mut ids = (!again).then(|| Ids::of(stream));
        let records = check(stream, &repaired, &incoming, &mut ids)?;
        if let Some(mut ids) = ids {
            ids.look_in_results(&results)?;
            let committed = checkpoint.progress()?.map_or(0, |progress| progress.position);
            for waiting in insertions.iter().filter(|insertion| !insertion.is_before(committed)) {
                ids.look_in(insertions::open(folder.join(&waiting.name), waiting.format, stream)?)?;
            }
            let repeated = ids.repeated();
            refuse(&repaired, &incoming, repeated.len() as u64, records, repeated)?;
        }
        Ok((hash, records))
    });
    let (hash, records) = kept.inspect_err(|_| {
        // The error matters more than a leftover, which the next attempt overwrites.
        let _ = fs::remove_file(&incoming);
    })?;
    let name = format!("{:06}.{}", insertions.len() + 1, repaired.ending());
    let place = folder.join(&name);
    fs::rename(&incoming, &place).map_err(|error| failed("write", &place, error))?;
    for folder in [folder, results.state()] {
        let synced = File::open(&folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| failed("write to", &folder, error))?;
    }
    insertions.push(Insertion { name, format: repaired.format, hash, records, at: None });
    checkpoint.insert(&insertions, None)?;
    let waiting = insertions.iter().filter(|insertion| insertion.at.is_none()).map(|insertion| insertion.records).sum();
    Ok(Redriven { events: records, waiting, source })
}

/// Makes sure that the results are of this definition of the stream, and gives the source that they are of.
fn same_stream(checkpoint: &Checkpoint, results: &Results, stream: &Stream) -> Result<stream::Source, LocalError> {
    let path = results.root().to_owned();
    let Some(Identity { stream: name, fingerprint, source, .. }) = checkpoint.identity()? else {
        return Err(LocalError::NoRun { path });
    };
    let what = |name: &str, fingerprint: &str| format!("definition {fingerprint} of stream `{name}`");
    if name != stream.name() || fingerprint != stream.fingerprints.definition {
        let (found, wanted) = (what(&name, &fingerprint), what(stream.name(), &stream.fingerprints.definition));
        return Err(LocalError::OtherStream { path, found, wanted });
    }
    serde_json::from_str(&source).map_err(|error| LocalError::Damaged { what: error.to_string() })
}

/// Writes the events to `path`, durably, and gives the hash of their bytes.
fn keep(repaired: &mut Repaired<'_>, path: &Path) -> Result<String, LocalError> {
    let mut file = File::create(path).map_err(|error| failed("write", path, error))?;
    let mut hasher = RawHasher::new(SecretBuffer::default());
    let mut bytes = vec![0; COPY_BYTES];
    loop {
        let count = match repaired.bytes.read(&mut bytes) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed("read", Path::new(&repaired.name), error)),
        };
        hasher.write(&bytes[..count]);
        file.write_all(&bytes[..count]).map_err(|error| failed("write", path, error))?;
    }
    file.sync_all().map_err(|error| failed("write", path, error))?;
    Ok(format!("{:032x}", hasher.finish_128()))
}

/// Counts the events in `path`, all of which must come through the stages.
fn check(stream: &Arc<Stream>, repaired: &Repaired<'_>, path: &Path, ids: &mut Option<Ids>) -> Result<u64, LocalError> {
    // What the person gave has another name than what was made of it here.
    let renamed = |error: source::SourceError| match error {
        source::SourceError::Input { message } => {
            let message = message.replace(&path.display().to_string(), &repaired.name);
            LocalError::Source(source::SourceError::Input { message })
        }
        error => LocalError::Source(error),
    };
    let mut source = insertions::open(path.to_owned(), repaired.format, stream).map_err(renamed)?;
    let mut pipeline = Pipeline::new(stream)?;
    let (mut events, mut bad) = (0, 0);
    let mut named: Vec<(u64, String)> = Vec::new();
    loop {
        let records = match source.next(RECORDS_MAX).map_err(renamed)? {
            Next::End => break,
            Next::Idle => continue,
            Next::Records(records) => records,
        };
        events += records.len() as u64;
        if events > EVENTS_MAX {
            return Err(LocalError::TooManyEvents { name: repaired.name.clone(), max: EVENTS_MAX });
        }
        if let Some(ids) = ids {
            ids.add(&records.rows, &records.positions)?;
        }
        let mut found: Vec<(u64, String)> =
            records.rejected.into_iter().map(|rejected| (rejected.position, rejected.reason)).collect();
        if records.rows.num_rows() > 0 {
            let keys =
                stage::key_text(records.rows.column(records.rows.schema().index_of(&stream.definition.spec.key)?))?;
            let mut outputs = Outputs::default();
            pipeline.process(
                Rows {
                    batch: records.rows,
                    positions: records.positions,
                    keys,
                    ingested: None,
                    traces: Traces::default(),
                },
                &mut outputs,
            )?;
            found.extend(outputs.dead_letters.into_iter().map(|dead_letter| match dead_letter.rule.as_str() {
                "" => (dead_letter.position, dead_letter.reason),
                rule => (dead_letter.position, format!("{rule}: {}", dead_letter.reason)),
            }));
        }
        found.sort_unstable();
        bad += found.len() as u64;
        named.extend(found.into_iter().take(NAMED_MAX - named.len()));
    }
    if events == 0 {
        return Err(LocalError::NothingToRedrive { name: repaired.name.clone() });
    }
    refuse(repaired, path, bad, events, named)?;
    Ok(events)
}

/// Refuses all events where some are bad.
fn refuse(
    repaired: &Repaired<'_>,
    path: &Path,
    bad: u64,
    events: u64,
    mut named: Vec<(u64, String)>,
) -> Result<(), LocalError> {
    if bad == 0 {
        return Ok(());
    }
    named.truncate(NAMED_MAX);
    let reasons = places(repaired, path, named)?;
    Err(LocalError::Refused { name: repaired.name.clone(), bad, events, reasons })
}

/// Each reason with the place of its event.
fn places(repaired: &Repaired<'_>, path: &Path, named: Vec<(u64, String)>) -> Result<Vec<String>, LocalError> {
    let numbers: Vec<u64> = named.iter().map(|(number, _)| *number).collect();
    let (what, numbers) = match repaired.format == FileFormat::Jsonl && !repaired.gzip {
        true => {
            let lines =
                File::open(path).and_then(|file| line_numbers(BufReader::with_capacity(COPY_BYTES, file), &numbers));
            ("line", lines.map_err(|error| failed("read", path, error))?)
        }
        false => ("event", numbers.iter().map(|number| number + 1).collect()),
    };
    Ok(numbers.iter().zip(named).map(|(number, (_, reason))| format!("  {what} {number}: {reason}")).collect())
}

/// The lines, counted from 1, of records counted from 0: those that are not blank. Both ascending.
fn line_numbers(mut text: impl BufRead, records: &[u64]) -> io::Result<Vec<u64>> {
    let mut lines = Vec::with_capacity(records.len());
    let (mut line, mut record, mut blank) = (1, 0, true);
    loop {
        let bytes = text.fill_buf()?;
        if bytes.is_empty() || lines.len() == records.len() {
            return Ok(lines);
        }
        for byte in bytes {
            if *byte == b'\n' {
                (line, blank) = (line + 1, true);
            } else if blank && !byte.is_ascii_whitespace() {
                blank = false;
                if records.get(lines.len()) == Some(&record) {
                    lines.push(line);
                }
                record += 1;
            }
        }
        let count = bytes.len();
        text.consume(count);
    }
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> LocalError {
    let path = path.to_owned();
    LocalError::Store(match source.kind() {
        io::ErrorKind::StorageFull => StoreError::DiskFull { path },
        _ => StoreError::File { action, path, source },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_found_on_their_lines_whatever_the_buffer() {
        let text = "{}\n\n  \r\n{}\n{\n \t\n{}";
        for size in 1..text.len() {
            let found = line_numbers(BufReader::with_capacity(size, text.as_bytes()), &[0, 1, 3]).unwrap();
            assert_eq!(found, [1, 4, 7]);
        }
        assert_eq!(line_numbers(text.as_bytes(), &[2]).unwrap(), [5]);
    }
}
