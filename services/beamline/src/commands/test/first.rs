//! The first case of a stream, written from the first events of its source.

use std::{
    fmt::Write as _,
    fs::OpenOptions,
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use arrow::{
    array::RecordBatch,
    json::writer::{LineDelimited, WriterBuilder},
};
use cases::{Case, Event, Row};
use serde_json::Value as Json;
use service::{folder_of, load_stream};
use source::Next;
use stream::Stream;

use super::{cases_of, outcome};
use crate::Failure;

/// How many events the first case has.
const EVENTS: usize = 3;
/// How long the source may take to give them.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Writes the first case beside the definition at `path`: the first events of its source, and what became of them.
pub(crate) fn write_first(path: &Path, overwrite: bool) -> Result<PathBuf, Failure> {
    let stream = load_stream(path)?;
    let events = first_events(&stream, path)?;
    let name = "what becomes of the first events".to_owned();
    let mut case = Case { name, events: events.into_iter().map(Event::Row).collect(), ..Case::default() };
    let outcome = outcome(&stream, &case)?;
    // Scores change whenever the detector learns to do better; what an event becomes is what the definition says.
    let added = |column: &str| stream.enriched.field_with_name(column).is_ok() && !is_input(&stream, column);
    let adds = stream.enriched.fields().len() > stream.input.arrow().fields().len();
    let shown = |column: &str| if adds { added(column) } else { is_input(&stream, column) };
    let id = &stream.definition.spec.id;
    let row = |row: &Row| -> Row {
        let columns = row.iter().filter(|(name, _)| *name == id || shown(name));
        columns.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    case.rows = Some(outcome.rows.rows.iter().map(row).collect());
    case.filtered = stream.filter.is_some().then_some(outcome.filtered);
    case.dead_letters = Some(outcome.dead_letters.rows);
    let file = cases_of(path);
    let mut options = OpenOptions::new();
    options.write(true).create(overwrite).truncate(overwrite).create_new(!overwrite);
    let written = options.open(&file);
    written
        .and_then(|mut out| out.write_all(text(path, &case).as_bytes()))
        .map_err(|error| Failure::configuration(format!("cannot write {}: {error}", file.display())))?;
    Ok(file)
}

fn is_input(stream: &Stream, column: &str) -> bool {
    stream.input.arrow().field_with_name(column).is_ok()
}

fn first_events(stream: &std::sync::Arc<Stream>, path: &Path) -> Result<Vec<Row>, Failure> {
    let source = match &stream.definition.spec.source {
        Some(source @ (stream::Source::Synthetic(_) | stream::Source::Files(_))) => source,
        _ => {
            let message = format!("{} has no source to take events from; write the first case by hand", path.display());
            return Err(Failure::configuration(message));
        }
    };
    // Synthetic events of 2025, so that the file does not tell when it was written.
    let options =
        source::Options { base: folder_of(path), started: 1_735_689_600_000_000, ..source::Options::default() };
    let mut source = source::open(source, stream, &options).map_err(Failure::configuration)?;
    let begun = Instant::now();
    let mut rows = Vec::new();
    while rows.len() < EVENTS && begun.elapsed() < WAIT_MAX {
        match source.next(EVENTS - rows.len()).map_err(Failure::configuration)? {
            Next::Records(records) => rows.extend(json_rows(&records.rows)?),
            Next::Idle => {}
            Next::End => break,
        }
    }
    if rows.is_empty() {
        return Err(Failure::configuration(format!("the source of {} has no good events", path.display())));
    }
    Ok(rows)
}

/// The rows as JSON, without nulls.
fn json_rows(batch: &RecordBatch) -> Result<Vec<Row>, Failure> {
    let mut writer = WriterBuilder::new().build::<_, LineDelimited>(Vec::new());
    writer.write(batch).and_then(|()| writer.finish()).map_err(Failure::run_time)?;
    let lines = writer.into_inner();
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).map_err(Failure::run_time)).collect()
}

/// A name as YAML has it: plain where nothing else could be read from it.
fn word(name: &str) -> String {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&name.to_ascii_lowercase().as_str());
    if plain { name.to_owned() } else { Json::from(name).to_string() }
}

/// The file, with a comment that says how to go on.
fn text(path: &Path, case: &Case) -> String {
    let definition = path.file_name().unwrap_or_default().to_string_lossy();
    let mut text = format!(
        "# Cases of {definition}: run them with `beamline test {definition}`. What is not named is not compared:\n\
         # leave out columns, or add cases with dead_letters, anomalies, windows.\n\
         cases:\n  - name: {}\n",
        Json::from(case.name.as_str())
    );
    let mut section = |name: &str, rows: &[Row]| {
        // Writing to a string cannot fail.
        let _ = match rows.is_empty() {
            true => writeln!(text, "    {name}: []"),
            false => writeln!(text, "    {name}:"),
        };
        for row in rows {
            let fields: Vec<String> = row.iter().map(|(name, value)| format!("{}: {value}", word(name))).collect();
            let _ = writeln!(text, "      - {{ {} }}", fields.join(", "));
        }
    };
    let events: Vec<Row> = case
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Row(row) => Some(row.clone()),
            Event::Json(_) => None,
        })
        .collect();
    section("events", &events);
    section("rows", case.rows.as_deref().unwrap_or_default());
    section("dead_letters", case.dead_letters.as_deref().unwrap_or_default());
    if let Some(filtered) = case.filtered {
        let _ = writeln!(text, "    filtered: {filtered}");
    }
    text
}
