//! `beamline init`: a stream definition from a sample of its data.

use std::{
    fs,
    io::{Write, stdout},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use indicatif::{HumanBytes, ProgressBar};
use infer::{Content, Proposal, ROWS_MAX, Sample};
use source::Next;
use stream::{FileReader, Files, Source, Stream};

use super::{
    init_files::{SCHEMA, cannot, exists, shell, stream_name, write},
    init_topic,
    run::input_format,
    test::{cases_of, write_first},
};
use crate::{Failure, cli::InitArgs};

/// How often a person sees that something goes on.
const TICK: Duration = Duration::from_millis(120);

pub(crate) fn init(args: InitArgs) -> Result<(), Failure> {
    let Some(file) = args.sample.clone() else { return init_topic::init(&args) };
    let name = args.name.clone().unwrap_or_else(|| stream_name(&file));
    let definition = args.out.join(format!("{name}.yaml"));
    let schema = args.out.join(format!("{name}.avsc"));
    let named = args.format.map(input_format);
    let looking = looking(&file);
    let read = source::sample(&file, named).map_err(|error| Failure::configuration(error.to_string()))?;
    let sample = Sample {
        path: beside(&file, &args.out)?,
        schema_path: format!("{name}.avsc"),
        name,
        format: read.format,
        content: match read.content {
            source::Content::Text(bytes) => Content::Text(bytes),
            source::Content::Rows(rows) => Content::Rows(rows),
        },
        complete: read.complete,
        no_time: args.no_time,
        notes: read.notes,
    };
    let mut proposal =
        infer::infer(&sample).map_err(|error| Failure::configuration(format!("{}: {error}", file.display())))?;
    proposal.notes.extend(tried(&file, &proposal)?);
    looking.finish_and_clear();
    fs::create_dir_all(&args.out).map_err(|error| cannot("make", &args.out, &error))?;
    if !args.force
        && let Some(there) = [&definition, &schema].into_iter().find(|path| path.exists())
    {
        return Err(exists(there));
    }
    write(&schema, &proposal.avro_schema, args.force)?;
    let text = format!("# yaml-language-server: $schema={SCHEMA}\n{}", proposal.definition);
    write(&definition, &text, args.force)?;
    tell(&file, &definition, &schema, &proposal).map_err(Failure::run_time)?;
    tell_cases(&definition, args.force).map_err(Failure::run_time)
}

/// Shows on a terminal that the file is being looked at, which takes a moment where it is compressed or on another machine.
fn looking(sample: &Path) -> ProgressBar {
    let size = fs::metadata(sample).map_or(0, |found| found.len());
    let shown = ProgressBar::new_spinner().with_message(format!(
        "looking at {} ({}): its beginning, its middle and its end",
        sample.display(),
        HumanBytes(size)
    ));
    shown.enable_steady_tick(TICK);
    shown
}

/// The one file that the definition names.
struct Only(String);

impl FileReader for Only {
    fn read(&self, _path: &str) -> Result<Vec<u8>, String> {
        Ok(self.0.clone().into_bytes())
    }
}

/// Reads the beginning of the file as a replay of the definition will, and says what would become dead letters.
fn tried(file: &Path, proposal: &Proposal) -> Result<Option<String>, Failure> {
    let cannot_read = |message: String| Failure::configuration(format!("{}: {message}", file.display()));
    let stream = Stream::load("the proposal", &proposal.definition, &Only(proposal.avro_schema.clone()))
        .map_err(|errors| cannot_read(errors.to_string()))?;
    let Some(Source::Files(files)) = stream.definition.spec.source.clone() else { return Ok(None) };
    let path = absolute(file)?.to_string_lossy().into_owned();
    let from = Source::Files(Files { paths: vec![path], ..files });
    let mut opened = source::open(&from, &Arc::new(stream), &source::Options::default())
        .map_err(|error| cannot_read(error.to_string()))?;
    let (mut records, mut rejected, mut first) = (0, 0, None);
    while records < ROWS_MAX {
        // What is damaged further on is the replay's to say.
        let Ok(Next::Records(found)) = opened.next(ROWS_MAX) else { break };
        records += found.len();
        rejected += found.rejected.len();
        first = first.or(found.rejected.into_iter().next().map(|rejected| rejected.reason));
    }
    Ok(first.map(|reason| format!("{rejected} of the first {records} records will be dead letters, as in: {reason}")))
}

/// The sample's path as a definition in `folder` names it.
fn beside(sample: &Path, folder: &Path) -> Result<String, Failure> {
    let (sample, folder) = (absolute(sample)?, absolute(folder)?);
    let path = sample.strip_prefix(&folder).unwrap_or(&sample);
    Ok(path.to_string_lossy().into_owned())
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| cannot("find", path, &error))
}

fn tell(sample: &Path, definition: &Path, schema: &Path, proposal: &Proposal) -> std::io::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "wrote {} and {}", definition.display(), schema.display())?;
    for guess in &proposal.guesses {
        writeln!(out, "  {guess}")?;
    }
    for note in &proposal.notes {
        writeln!(out, "note: {note}")?;
    }
    let (stream, file) = (shell(definition), shell(sample));
    let format = proposal.format.map(|format| format!(" --format {format}")).unwrap_or_default();
    writeln!(out, "next:\n  beamline check-config {stream}\n  beamline replay {stream} {file}{format}")
}

/// Writes the first case, where there is none yet, and says how it is run.
fn tell_cases(definition: &Path, overwrite: bool) -> std::io::Result<()> {
    let mut out = stdout().lock();
    if cases_of(definition).exists() && !overwrite {
        return writeln!(out, "  beamline test {}", shell(definition));
    }
    match write_first(definition, overwrite) {
        Ok(cases) => writeln!(out, "  beamline test {}     # {}", shell(definition), cases.display()),
        Err(failure) => writeln!(out, "note: no cases were written: {failure}"),
    }
}
