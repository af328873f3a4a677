//! `beamline init`: a stream definition from a sample of its data.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Read, Write, stdout},
    path::{Path, PathBuf},
};

use arrow::{array::RecordBatch, compute};
use flate2::read::MultiGzDecoder;
use infer::{Content, Proposal, ROWS_MAX, Sample};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::test::{cases_of, write_first};
use crate::{Failure, cli::InitArgs};

/// Bytes of a file that are looked at, unpacked.
const SAMPLE_BYTES_MAX: u64 = 8 << 20;

/// What an editor completes definitions by.
const SCHEMA: &str = "https://raw.githubusercontent.com/beamline/beamline/main/schemas/stream.schema.json";

/// Letters of a stream's name.
const NAME_LETTERS_MAX: usize = 63;

pub(crate) fn init(args: InitArgs) -> Result<(), Failure> {
    let name = args.name.clone().unwrap_or_else(|| stream_name(&args.sample));
    let definition = args.out.join(format!("{name}.yaml"));
    let schema = args.out.join(format!("{name}.avsc"));
    let (content, complete) = read(&args.sample)?;
    let sample =
        Sample { path: beside(&args.sample, &args.out)?, schema_path: format!("{name}.avsc"), name, content, complete };
    let proposal =
        infer::infer(&sample).map_err(|error| Failure::configuration(format!("{}: {error}", args.sample.display())))?;
    fs::create_dir_all(&args.out).map_err(|error| cannot("make", &args.out, &error))?;
    if !args.force
        && let Some(there) = [&definition, &schema].into_iter().find(|path| path.exists())
    {
        return Err(exists(there));
    }
    write(&schema, &proposal.avro_schema, args.force)?;
    let text = format!("# yaml-language-server: $schema={SCHEMA}\n{}", proposal.definition);
    write(&definition, &text, args.force)?;
    tell(&args.sample, &definition, &schema, &proposal).map_err(Failure::run_time)?;
    tell_cases(&definition, args.force).map_err(Failure::run_time)
}

/// The file's bytes or rows as far as they are looked at, and whether that is all of it.
fn read(path: &Path) -> Result<(Content, bool), Failure> {
    let lower = path.to_string_lossy().to_ascii_lowercase();
    let plain = lower.strip_suffix(".gz").unwrap_or(&lower);
    if plain.ends_with(".parquet") {
        if plain.len() < lower.len() {
            let message =
                format!("{} is a gzipped Parquet file; unpack it, Parquet compresses by itself", path.display());
            return Err(Failure::configuration(message));
        }
        return Ok((Content::Rows(parquet_rows(path)?), true));
    }
    let file = File::open(path).map_err(|error| cannot("read", path, &error))?;
    let mut bytes = Vec::new();
    let input: Box<dyn Read> =
        if plain.len() < lower.len() { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let mut input = input.take(SAMPLE_BYTES_MAX + 1);
    input.read_to_end(&mut bytes).map_err(|error| cannot("read", path, &error))?;
    let complete = bytes.len() as u64 <= SAMPLE_BYTES_MAX;
    bytes.truncate(SAMPLE_BYTES_MAX as usize);
    let looks_like_json = matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['));
    let is_json = [".json", ".jsonl", ".ndjson"].iter().any(|ending| plain.ends_with(ending));
    let content =
        if is_json || looks_like_json && !plain.ends_with(".csv") { Content::Json(bytes) } else { Content::Csv(bytes) };
    Ok((content, complete))
}

fn parquet_rows(path: &Path) -> Result<RecordBatch, Failure> {
    let no_parquet = |error: &dyn std::fmt::Display| {
        Failure::configuration(format!("{} cannot be read as Parquet: {error}", path.display()))
    };
    let file = File::open(path).map_err(|error| cannot("read", path, &error))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| no_parquet(&error))?;
    let schema = reader.schema().clone();
    let reader = reader.with_limit(ROWS_MAX).build().map_err(|error| no_parquet(&error))?;
    let batches = reader.collect::<Result<Vec<_>, _>>().map_err(|error| no_parquet(&error))?;
    compute::concat_batches(&schema, &batches).map_err(|error| no_parquet(&error))
}

/// A stream's name after a file's: lower-case letters, digits and hyphens, a letter first.
fn stream_name(sample: &Path) -> String {
    let file = sample.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let stem = file.split('.').find(|part| !part.is_empty()).unwrap_or_default();
    let words: Vec<&str> =
        stem.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let mut name = words.join("-");
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        name.insert_str(0, "stream-");
    }
    name.truncate(NAME_LETTERS_MAX);
    name.trim_end_matches('-').to_owned()
}

/// The sample's path as a definition in `folder` names it.
fn beside(sample: &Path, folder: &Path) -> Result<String, Failure> {
    let absolute = |path: &Path| std::path::absolute(path).map_err(|error| cannot("find", path, &error));
    let (sample, folder) = (absolute(sample)?, absolute(folder)?);
    let path = sample.strip_prefix(&folder).unwrap_or(&sample);
    Ok(path.to_string_lossy().into_owned())
}

fn write(path: &PathBuf, text: &str, force: bool) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => exists(path),
        _ => cannot("write", path, &error),
    })
}

fn exists(path: &Path) -> Failure {
    Failure::configuration(format!(
        "{} is there already; choose another --name, or write over it with --force",
        path.display()
    ))
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::configuration(format!("cannot {what} {}: {error}", path.display()))
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

/// A path as a shell takes it.
fn shell(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+=,:@%".contains(&byte));
    if plain { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
