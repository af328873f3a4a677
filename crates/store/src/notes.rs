//! What people wrote about a stream's anomalies: a log beside the results, one JSON object a line.
//!
//! A note is durable before it counts as written: the line is synced. A line that a crash has torn was never written; the
//! next note begins on a line of its own. Queries see the notes as the table `notes`, while a run goes on and after it.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Read, Write},
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use arrow::{
    array::{ArrayRef, ListBuilder, RecordBatch, StringArray, StringBuilder, TimestampMicrosecondArray},
    datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit},
    error::ArrowError,
};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Results, StoreError, durable::sync_folder};

/// The table of what people wrote.
pub const NOTES_TABLE: &str = "notes";
/// How many notes a stream has at most.
pub const NOTES_MAX: usize = 100_000;
/// Bytes of all notes at most.
const NOTES_BYTES_MAX: u64 = 64 << 20;

/// What somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Its number as text, from 1 on.
    pub id: String,
    /// What it is.
    pub kind: NoteKind,
    /// Who wrote it, as they call themselves.
    pub author: String,
    /// What they were allowed to do.
    pub role: String,
    /// When, in microseconds since 1970.
    pub at: i64,
    /// What they wrote.
    pub text: String,
    /// The ids of the anomalies that it is about.
    pub anomalies: Vec<String>,
    /// The dead letters that it is about, each by the position that a page shows of it.
    // Numbers in what earlier programs wrote.
    #[serde(default, deserialize_with = "positions")]
    pub dead_letters: Vec<String>,
}

/// Positions as text, whether they were written as text or as numbers.
fn positions<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Ok(Vec::<serde_json::Value>::deserialize(from)?.iter().map(text).collect())
}

/// What a note is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoteKind {
    /// Somebody has seen the anomalies.
    Acknowledgement,
    /// Something that the next shift should know.
    Note,
    /// Dead letters were repaired and accepted; the text names the file that they wait in.
    Redrive,
}

impl NoteKind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Acknowledgement => "acknowledgement",
            Self::Note => "note",
            Self::Redrive => "redrive",
        }
    }
}

/// The notes of a stream, open for writing. Only one process may have them open.
#[derive(Debug)]
pub struct NoteLog {
    path: PathBuf,
    written: Mutex<Written>,
}

#[derive(Debug)]
struct Written {
    notes: Vec<Note>,
    bytes: u64,
    /// Whether the file ends in the middle of a line.
    torn: bool,
}

impl NoteLog {
    /// The notes of these results. Nothing is made before the first note.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn open(results: &Results) -> Result<Self, StoreError> {
        let path = path(results);
        let text = text(&path)?;
        let written =
            Written { notes: parse(&text), bytes: text.len() as u64, torn: !text.is_empty() && !text.ends_with(b"\n") };
        Ok(Self { path, written: Mutex::new(written) })
    }

    /// All notes, oldest first.
    pub fn list(&self) -> Vec<Note> {
        self.lock().notes.clone()
    }

    /// Writes a note; its id is the next number.
    ///
    /// # Errors
    /// Where it cannot be made durable, or there are [`NOTES_MAX`] already.
    pub fn append(&self, note: Note) -> Result<Note, StoreError> {
        let mut written = self.lock();
        let note = Note { id: (written.notes.len() + 1).to_string(), ..note };
        let mut line = if written.torn { b"\n".to_vec() } else { Vec::new() };
        serde_json::to_writer(&mut line, &note)
            .map_err(|error| StoreError::Rows { path: self.path.clone(), message: error.to_string() })?;
        line.push(b'\n');
        if written.notes.len() >= NOTES_MAX || written.bytes + line.len() as u64 > NOTES_BYTES_MAX {
            let message = format!("there are {} notes already, which is as many as are kept", written.notes.len());
            return Err(StoreError::Rows { path: self.path.clone(), message });
        }
        if let Err(error) = self.write(&line) {
            // How much of the line is there nobody knows.
            written.torn = true;
            return Err(error);
        }
        written.torn = false;
        written.bytes += line.len() as u64;
        written.notes.push(note.clone());
        Ok(note)
    }

    fn write(&self, line: &[u8]) -> Result<(), StoreError> {
        let failed = |error| StoreError::file("write", &self.path, error);
        let mut file: File = OpenOptions::new().create(true).append(true).open(&self.path).map_err(failed)?;
        file.write_all(line).and_then(|()| file.sync_all()).map_err(failed)?;
        self.path.parent().map_or(Ok(()), sync_folder)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The notes as a table.
pub(crate) fn table(results: &Results) -> Result<RecordBatch, StoreError> {
    let path = path(results);
    let notes = parse(&text(&path)?);
    rows(&notes).map_err(|error| StoreError::Damaged { path, message: error.to_string() })
}

/// Notes as rows of the table.
pub(crate) fn rows(notes: &[Note]) -> Result<RecordBatch, ArrowError> {
    let mut anomalies = ListBuilder::new(StringBuilder::new());
    let mut dead_letters = ListBuilder::new(StringBuilder::new());
    for note in notes {
        note.anomalies.iter().for_each(|id| anomalies.values().append_value(id));
        anomalies.append(true);
        note.dead_letters.iter().for_each(|position| dead_letters.values().append_value(position));
        dead_letters.append(true);
    }
    let text = |of: fn(&Note) -> &str| -> ArrayRef {
        std::sync::Arc::new(StringArray::from_iter_values(notes.iter().map(of)))
    };
    let at: TimestampMicrosecondArray = notes.iter().map(|note| Some(note.at)).collect();
    let columns: Vec<ArrayRef> = vec![
        text(|note| &note.id),
        text(|note| note.kind.name()),
        text(|note| &note.author),
        text(|note| &note.role),
        std::sync::Arc::new(at.with_timezone("+00:00")),
        text(|note| &note.text),
        std::sync::Arc::new(anomalies.finish()),
        std::sync::Arc::new(dead_letters.finish()),
    ];
    RecordBatch::try_new(schema(), columns)
}

/// The columns of the table.
fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    let ids = Field::new_list("anomalies", Field::new_list_field(DataType::Utf8, true), false);
    let letters = Field::new_list("dead_letters", Field::new_list_field(DataType::Utf8, true), false);
    let at = Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())), false);
    SchemaRef::new(Schema::new(vec![
        text("id"),
        text("kind"),
        text("author"),
        text("role"),
        at,
        text("text"),
        ids,
        letters,
    ]))
}

fn path(results: &Results) -> PathBuf {
    results.state().join("notes.jsonl")
}

fn text(path: &PathBuf) -> Result<Vec<u8>, StoreError> {
    let mut text = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(NOTES_BYTES_MAX).read_to_end(&mut text),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
    .map_err(|error| StoreError::file("read", path, error))?;
    Ok(text)
}

/// The notes of whole lines.
fn parse(text: &[u8]) -> Vec<Note> {
    text.split_inclusive(|byte| *byte == b'\n')
        .filter(|line| line.ends_with(b"\n"))
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn note(text: &str) -> Note {
        Note {
            id: String::new(),
            kind: NoteKind::Acknowledgement,
            author: "Ada".to_owned(),
            role: "operator".to_owned(),
            at: 1_735_689_600_000_000,
            text: text.to_owned(),
            anomalies: vec!["e-1".to_owned(), "e-2".to_owned()],
            dead_letters: vec!["17".to_owned()],
        }
    }

    fn results() -> (tempfile::TempDir, Results) {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::new(folder.path());
        results.create().unwrap();
        (folder, results)
    }

    #[test]
    fn what_was_written_is_there_again() {
        let (_folder, results) = results();
        let log = NoteLog::open(&results).unwrap();
        assert_eq!(log.list(), []);
        assert_eq!(log.append(note("a line\nand another")).unwrap().id, "1");
        log.append(note("second")).unwrap();
        let again = NoteLog::open(&results).unwrap();
        assert_eq!(again.list(), log.list());
        assert_eq!(again.append(note("third")).unwrap().id, "3");
        let table = table(&results).unwrap();
        assert_eq!((table.num_rows(), table.num_columns()), (3, 8));
    }

    #[test]
    fn whatever_a_crash_leaves_of_a_line_the_others_stay_and_the_next_is_whole() {
        let (_folder, results) = results();
        let log = NoteLog::open(&results).unwrap();
        log.append(note("first")).unwrap();
        let whole = fs::read(path(&results)).unwrap();
        for length in 1..whole.len() {
            let torn = [whole.as_slice(), &whole[..length - 1]].concat();
            fs::write(path(&results), torn).unwrap();
            let log = NoteLog::open(&results).unwrap();
            log.append(note("after")).unwrap();
            let texts: Vec<String> =
                NoteLog::open(&results).unwrap().list().into_iter().map(|note| note.text).collect();
            assert_eq!(texts.first().map(String::as_str), Some("first"), "{length}");
            assert_eq!(texts.last().map(String::as_str), Some("after"), "{length}");
        }
    }

    #[test]
    fn positions_that_were_written_as_numbers_are_read() {
        let line = r#"{"id":"1","kind":"redrive","author":"a","role":"operator","at":1,"text":"t","anomalies":[],"dead_letters":[17,"raw-3-5"]}"#;
        let note: Note = serde_json::from_str(line).unwrap();
        assert_eq!(note.dead_letters, ["17", "raw-3-5"]);
    }

    #[test]
    fn there_is_a_limit() {
        let (_folder, results) = results();
        let log = NoteLog::open(&results).unwrap();
        log.lock().bytes = NOTES_BYTES_MAX - 10;
        assert!(log.append(note("one too many")).is_err());
    }
}
