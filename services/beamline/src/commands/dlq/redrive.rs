//! `beamline dlq redrive`: repaired events on their way back.

use std::{
    env,
    fs::{self, File},
    io::{Read, Write, stdin, stdout},
    path::{Path, PathBuf},
    sync::Arc,
};

use local::{LocalError, Redriven, Repaired};
use service::load_stream;
use stream::{FileFormat, Files, Source, Stream};
use twox_hash::XxHash3_128;

use super::show;
use crate::{
    Failure,
    cli::{DeadLetterKind, DlqRedriveArgs, InputFormat},
    commands::run::input_format,
    on_kafka::{self, Servers},
    results::RESULTS,
};

pub(super) fn redrive(args: DlqRedriveArgs) -> Result<(), Failure> {
    let stream = load_stream(&args.stream)?;
    let default = Path::new(RESULTS).join(stream.name());
    let results = args.results.clone().unwrap_or_else(|| default.clone());
    if let Some(kind) = args.kind {
        return as_they_came(stream, &args, kind);
    }
    let file = args.file.clone().unwrap_or_else(|| PathBuf::from("-"));
    let is_stdin = file == Path::new("-");
    let mut bytes: Box<dyn Read> = match is_stdin {
        true => Box::new(stdin()),
        false => Box::new(
            File::open(&file)
                .map_err(|error| Failure::configuration(format!("cannot read {}: {error}", file.display())))?,
        ),
    };
    let name = if is_stdin { "standard input".to_owned() } else { file.display().to_string() };
    let (format, gzip) = format(&file, args.format, is_stdin)?;
    if let Some(servers) = on_kafka::connect(&args.on_kafka)? {
        return on_topic(stream, servers, &mut bytes, (format, gzip), args.again);
    }
    let repaired = Repaired { name: name.clone(), format, gzip, bytes: &mut bytes };
    let redriven = local::redrive(&stream, &results, repaired, args.again).map_err(failure)?;
    let out = if results == default { String::new() } else { format!(" --out {}", results.display()) };
    let command =
        next_command(&args.stream.display().to_string(), &redriven.source, stream.definition.spec.source.as_ref());
    say(&name, &redriven, &format!("{command}{out}")).map_err(Failure::run_time)
}

/// Sends the events of dead letters to the stream's topic as they came, each whole.
fn as_they_came(stream: Arc<Stream>, args: &DlqRedriveArgs, kind: DeadLetterKind) -> Result<(), Failure> {
    let Some(servers) = on_kafka::connect(&args.on_kafka)? else { return Ok(()) };
    let topics = stream.topics();
    let source = ask::Source::Kafka(vec![servers.tables(stream.clone(), topics, on_kafka::ANY_TIME)]);
    let events = show::originals(&source, kind)?;
    if events.is_empty() {
        return Err(Failure::configuration("there are no dead letters of this kind"));
    }
    on_topic(stream, servers, &mut events.as_slice(), (FileFormat::Jsonl, false), args.again)
}

/// Sends the events to the stream's topic.
fn on_topic(
    stream: Arc<Stream>,
    servers: Servers,
    bytes: &mut dyn Read,
    (format, gzip): (FileFormat, bool),
    again: bool,
) -> Result<(), Failure> {
    // Checked first and sent then: what comes on standard input has to be kept meanwhile.
    let mut kept = Vec::new();
    bytes.read_to_end(&mut kept).map_err(Failure::run_time)?;
    let (process, ending) = (std::process::id(), format.ending());
    let name = format!("beamline-redrive-{process}.{ending}{}", if gzip { ".gz" } else { "" });
    let path = env::temp_dir().join(name);
    fs::write(&path, &kept).map_err(Failure::run_time)?;
    let files = Files { format: Some(format), ..Files::of(vec![path.display().to_string()]) };
    let hash = format!("{:032x}", XxHash3_128::oneshot(&kept));
    let (connection, registry) = (servers.connection, servers.registry);
    let done = kafka::redrive(&kafka::Redrive { stream, connection, registry, files, hash }, again);
    // A leftover of no use to anybody.
    let _ = fs::remove_file(&path);
    let events = done.map_err(on_kafka::failure)?;
    writeln!(stdout(), "{events} events were sent to the stream's topic").map_err(Failure::run_time)
}

/// The events' format, and whether they are gzipped, as the file's name tells.
fn format(file: &Path, named: Option<InputFormat>, is_stdin: bool) -> Result<(FileFormat, bool), Failure> {
    let name = file.to_string_lossy().to_ascii_lowercase();
    let gzip = name.ends_with(".gz");
    let by_name = match name.strip_suffix(".gz").unwrap_or(&name).rsplit('.').next() {
        _ if is_stdin => Some(FileFormat::Jsonl),
        Some("csv") => Some(FileFormat::Csv),
        Some("jsonl" | "ndjson" | "json") => Some(FileFormat::Jsonl),
        Some("parquet") => Some(FileFormat::Parquet),
        Some("orc") => Some(FileFormat::Orc),
        Some("avro") => Some(FileFormat::Avro),
        _ => None,
    };
    let format = named.map(input_format).or(by_name);
    let unknown = || {
        let file = file.display();
        Failure::configuration(format!("the name of {file} does not tell its format; say --format jsonl, or csv"))
    };
    Ok((format.ok_or_else(unknown)?, gzip && !is_stdin))
}

/// The command that the results came of, as far as they tell.
fn next_command(stream: &str, source: &Source, defined: Option<&Source>) -> String {
    match (source, defined) {
        // The definition's own files, which its folder says where they are.
        (Source::Files(files), Some(Source::Files(defined))) if files.paths == defined.paths => {
            format!("beamline run {stream}")
        }
        (Source::Files(files), _) => format!("beamline replay {stream} {}", files.paths.join(" ")),
        (Source::Synthetic(_) | Source::Kafka(_), _) => format!("beamline run {stream}"),
        (Source::Http(_), Some(Source::Http(_))) => format!("beamline run {stream}"),
        (Source::Http(_), _) => format!("beamline run {stream} --listen ADDRESS"),
        (Source::Stdin(stdin), _) => {
            let format = stdin.format.ending();
            format!("... | beamline run {stream} --stdin {format}")
        }
    }
}

/// Says what was done, and what to run next.
fn say(name: &str, redriven: &Redriven, command: &str) -> std::io::Result<()> {
    let Redriven { events, waiting, .. } = redriven;
    let mut stdout = stdout().lock();
    writeln!(stdout, "{events} events of {name} are kept and go back into the results with the next run")?;
    if waiting > events {
        writeln!(stdout, "{waiting} events wait for it in all")?;
    }
    writeln!(stdout, "now run the same command as before, here:\n  {command}")
}

fn failure(error: LocalError) -> Failure {
    match &error {
        LocalError::InUse { .. } => Failure::configuration(
            "a run is going on with these results; stop it (what is committed stays), put the events back, and start it again",
        ),
        LocalError::NoRun { .. }
        | LocalError::OtherStream { .. }
        | LocalError::Repeated { .. }
        | LocalError::NothingToRedrive { .. }
        | LocalError::TooManyEvents { .. }
        | LocalError::Refused { .. } => Failure::configuration(error),
        LocalError::Source(source) if source.is_input() => Failure::configuration(error),
        _ => Failure::run_time(error),
    }
}
