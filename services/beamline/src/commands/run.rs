//! `beamline run` and `beamline replay`: a stream in this process.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use local::{LocalError, Meter};
use service::{folder_of, load_stream};
use store::StoreError;
use stream::{FileFormat, Source, Stream};

use crate::{
    Failure,
    cli::{InputFormat, LineFormat, PageArgs, ReplayArgs, RunArgs, Running},
    on_kafka,
    page::Page,
    progress, summary,
};

use super::{replay_on_kafka, run_on_kafka, signals::stop_on_signals};

/// How often live sources commit, so that results are there within about a second.
const LIVE_COMMIT_INTERVAL: Duration = Duration::from_secs(1);
/// How often files commit when they are read as fast as possible.
pub(crate) const FILE_COMMIT_INTERVAL: Duration = Duration::from_secs(10);
/// How much state a commit writes at most; the rest is read again from the source after a crash.
pub(crate) const SNAPSHOT_BYTES: usize = 16 << 20;

pub(crate) fn run(args: RunArgs) -> Result<(), Failure> {
    let stream = load_stream(&args.stream)?;
    let mut source = match (args.stdin, args.listen) {
        (Some(format), _) => Some(Source::Stdin(standard_input(&stream, line_format(format)))),
        (_, Some(listen)) => Some(Source::Http(stream::Http { listen, ..stream::Http::default() })),
        _ => stream.definition.spec.source.clone(),
    };
    if let (Some(Source::Synthetic(synthetic)), Some(rate)) = (&mut source, args.rate) {
        synthetic.rate = rate;
    }
    let base = folder_of(&args.stream);
    match on_kafka::connect(&args.on_kafka)? {
        Some(_) if args.page.page.is_some() || args.page.open => {
            Err(Failure::configuration("a run on Kafka has no page yet; leave out --page and --open"))
        }
        Some(servers) => run_on_kafka::run(stream, source, base, &args.running, servers),
        None => {
            let source = source.ok_or_else(|| no_source(&args.stream))?;
            start(stream, source, base, args.running, Some(&args.page).filter(|page| !page.no_page))
        }
    }
}

pub(crate) fn replay(args: ReplayArgs) -> Result<(), Failure> {
    if let Some(servers) = on_kafka::connect(&args.on_kafka)? {
        if !args.files.is_empty() || args.speed.is_some() {
            return Err(Failure::configuration("with --kafka a topic is replayed, and no files: --since and --until"));
        }
        return replay_on_kafka::replay(&args.stream, &args.replayed, servers);
    }
    let stream = load_stream(&args.stream)?;
    let defined = match &stream.definition.spec.source {
        Some(Source::Files(files)) => Some(files.clone()),
        _ => None,
    };
    let mut files = match (defined, args.files.is_empty()) {
        (Some(files), true) => files,
        (None, true) => {
            return Err(Failure::configuration("name the files to replay: `beamline replay STREAM FILE...`"));
        }
        (defined, false) => {
            let files = stream::Files::of(absolute(&args.files)?);
            match defined {
                Some(defined) => stream::Files { paths: files.paths, format: None, speed: None, ..defined },
                None => files,
            }
        }
    };
    files.format = args.format.map(input_format).or(files.format);
    files.speed = args.speed.or(files.speed);
    // A replay is over soon, mostly: it has a page where one is asked for.
    let page = Some(&args.page).filter(|page| page.page.is_some() || page.open);
    start(stream, Source::Files(files), folder_of(&args.stream), args.running, page)
}

pub(super) fn start(
    stream: Arc<Stream>,
    source: Source,
    base: PathBuf,
    running: Running,
    page: Option<&PageArgs>,
) -> Result<(), Failure> {
    let state_bytes = running.state_bytes();
    let results = running.out.unwrap_or_else(|| Path::new("beamline-results").join(stream.name()));
    if running.fresh {
        clear(&results)?;
    }
    let interval = if source.is_paced() { LIVE_COMMIT_INTERVAL } else { FILE_COMMIT_INTERVAL };
    let options = local::Options {
        stream,
        source,
        base,
        results: results.clone(),
        threads: running.threads.map_or_else(cores, usize::from),
        commit_records: running.commit_events,
        commit_interval: running.commit_interval.unwrap_or(interval),
        snapshot_bytes: SNAPSHOT_BYTES,
        state_bytes,
        end_position: running.events,
        end_after: running.end_after,
    };
    let (meter, page) = match page {
        Some(args) => {
            let (meter, tapped) = Meter::with_tap();
            let meter = Arc::new(meter);
            let page = Page::start(args, &options.stream, &options.source, results, &meter, tapped)?;
            (meter, Some(page))
        }
        None => (Arc::new(Meter::default()), None),
    };
    let stop = stop_on_signals()?;
    let shown = progress::show({
        let meter = meter.clone();
        move || meter.counts()
    });
    if let Some(page) = &page {
        page.running();
    }
    let waiting = local::put_back_waiting(&options.stream, &options.results).map_err(failure)?;
    if waiting > 0 {
        tracing::info!(events = waiting, "repaired events that were accepted during the last run are put back");
    }
    let summary = local::run(&options, &meter, &stop);
    shown.end();
    if let Some(page) = page {
        page.end(&summary);
    }
    summary::print(&options, &summary.map_err(failure)?)
}

/// Deletes earlier results, but nothing that is not known to be ours.
fn clear(results: &Path) -> Result<(), Failure> {
    if !results.exists() {
        return Ok(());
    }
    if !results.is_dir() {
        return Err(Failure::configuration(format!("{} is not a folder; name another with --out", results.display())));
    }
    if !results.join("_beamline").is_dir() && fs::read_dir(results).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::configuration(format!(
            "{} holds no results of Beamline; --fresh will not delete it",
            results.display()
        )));
    }
    local::ensure_unused(results).map_err(failure)?;
    fs::remove_dir_all(results)
        .map_err(|error| Failure::run_time(format!("cannot delete {}: {error}", results.display())))
}

fn failure(error: LocalError) -> Failure {
    match &error {
        LocalError::OtherRun { .. } | LocalError::InUse { .. } => Failure::configuration(error),
        LocalError::Store(StoreError::NotWritable { .. }) => Failure::configuration(error),
        LocalError::Source(source) if source.is_input() => Failure::configuration(error),
        _ => Failure::run_time(error),
    }
}

fn no_source(path: &Path) -> Failure {
    Failure::configuration(format!(
        "{} has no source; add one, or name it with --listen, --stdin, or `beamline replay STREAM FILE...`",
        path.display()
    ))
}

pub(super) fn absolute(files: &[PathBuf]) -> Result<Vec<String>, Failure> {
    let path = |file: &PathBuf| {
        std::path::absolute(file)
            .map(|file| file.to_string_lossy().into_owned())
            .map_err(|error| Failure::configuration(format!("{}: {error}", file.display())))
    };
    files.iter().map(path).collect()
}

pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Standard input, written as the definition says of its own source.
fn standard_input(stream: &Stream, format: FileFormat) -> stream::Stdin {
    let (csv, json) = match &stream.definition.spec.source {
        Some(Source::Files(files)) => (files.csv.clone(), files.json),
        Some(Source::Stdin(stdin)) => (stdin.csv.clone(), stdin.json),
        _ => Default::default(),
    };
    stream::Stdin { format, csv, json }
}

fn line_format(format: LineFormat) -> FileFormat {
    match format {
        LineFormat::Csv => FileFormat::Csv,
        LineFormat::Jsonl => FileFormat::Jsonl,
        LineFormat::Json => FileFormat::Json,
    }
}

pub(crate) fn input_format(format: InputFormat) -> FileFormat {
    match format {
        InputFormat::Csv => FileFormat::Csv,
        InputFormat::Jsonl => FileFormat::Jsonl,
        InputFormat::Json => FileFormat::Json,
        InputFormat::Parquet => FileFormat::Parquet,
        InputFormat::Orc => FileFormat::Orc,
        InputFormat::Avro => FileFormat::Avro,
        InputFormat::Arrow => FileFormat::Arrow,
        InputFormat::Fits => FileFormat::Fits,
    }
}
