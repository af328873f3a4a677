//! The life of a run: take up what was committed, start the threads, and see them to their end.

use std::{
    collections::BTreeMap,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use source::Router;
use spill::SpillFolder;
use stage::{Aggregate, Ledger, Pipeline, StateMemory};
use store::{Deferred, Dropped, FileEntry, Manifest, ManifestLog, Results, Table, WriterOptions};
use stream::Stream;

use crate::{
    LocalError, Meter,
    aggregates::{self, Aggregates, MERGED},
    catalog::Catalog,
    checkpoint::{self, Checkpoint, Identity},
    committer::{self, Committer},
    epoch::{PartitionWriters, table_schemas},
    few::SharedFiles,
    insertions,
    messages::Event,
    progress::Progress,
    reader::{Cadence, Reader, gathered},
    worker::{Partition, work},
};

/// The layout of the checkpoint.
const CHECKPOINT_VERSION: u32 = 1;
/// How many shares may wait for a worker.
const WAITING_SHARES_MAX: usize = 8;
/// How many reports may wait for the committer: beyond it workers wait, so no more than this is ever uncommitted.
const WAITING_EVENTS_MAX: usize = 8;

/// What to run, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The stream.
    pub stream: Arc<Stream>,
    /// Where its events come from.
    pub source: stream::Source,
    /// The folder that paths in `source` are relative to.
    pub base: PathBuf,
    /// The folder of the results.
    pub results: PathBuf,
    /// Worker threads.
    pub threads: usize,
    /// A commit at the latest after so many records,
    pub commit_records: u64,
    /// or after so long.
    pub commit_interval: Duration,
    /// About how many bytes of states a worker writes with a million records, and the fewer the fewer there are; what does not
    /// fit is read again after a crash.
    pub snapshot_bytes: usize,
    /// About how many bytes of memory the states of keys may take; states beyond it go to a file beside the results.
    pub state_bytes: usize,
    /// End at this position, or
    pub end_position: Option<u64>,
    /// after so long.
    pub end_after: Option<Duration>,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The account of everything committed, by this run and those before it.
    pub ledger: Ledger,
    /// Where this run began.
    pub resumed_from: u64,
    /// Everything before this position is committed.
    pub position: u64,
    /// Whether the source came to its end.
    pub finished: bool,
    /// How long it took.
    pub elapsed: Duration,
    /// Result files and their bytes.
    pub files: usize,
    /// Bytes of the result files.
    pub bytes: u64,
    /// What retention has dropped of each table, in this run and those before it.
    pub dropped: BTreeMap<Table, Dropped>,
}

/// Runs a stream until its source ends, a limit is reached or `stop` is set, and commits what was done.
///
/// # Errors
/// What cannot be gone on from; everything committed before stays.
pub fn run(options: &Options, meter: &Meter, stop: &AtomicBool) -> Result<Summary, LocalError> {
    let begun = Instant::now();
    let results = Results::new(&options.results);
    results.create()?;
    let mut checkpoint = Checkpoint::open(&results.state().join("checkpoint.redb"))?;
    let log_dir = results.state().join("log");
    let started = take_up(&checkpoint, options, &log_dir)?;
    let source_options = source::Options { base: options.base.clone(), started, log_dir, speed: None };
    let source = source::open(&options.source, &options.stream, &source_options)?;
    let mut progress = match checkpoint.progress()? {
        Some(progress) => progress,
        None => Progress {
            position: 0,
            horizon: 0,
            stated: None,
            cursor: source.cursor(),
            ledger: Ledger::default(),
            finished: false,
            dropped: BTreeMap::new(),
        },
    };
    let insertions = insertions::take_up(&mut checkpoint, &mut progress)?;
    let inserted: u64 = insertions.iter().map(|insertion| insertion.records).sum();
    let mut source = insertions::splice(source, insertions, &results, &options.stream);
    // A limit speaks of the source's own records: repaired ones that were put back come on top.
    let end_position = options.end_position.map(|end| end.saturating_add(inserted));
    let options = &Options { end_position, ..options.clone() };
    let files: Vec<FileEntry> = checkpoint.files()?.into_values().collect();
    results.publish(&files)?;
    results.remove_staged()?;
    let (header, files) = (header(options), Catalog::new(files.into_iter().map(|file| dated(&results, file))));
    let manifest = committer::manifest(&header, &committer::change(&progress, &[], &[])?, &files);
    let log = ManifestLog::begin(&results, &manifest)?;
    let mut deferred = Deferred::new(&results);
    deferred.push(results.unlisted(&manifest)?, SystemTime::now());
    meter.began(progress.position, &progress.ledger);
    let resumed_from = progress.position;
    let horizon = AtomicU64::new(progress.horizon);
    let mut committer = Committer {
        checkpoint,
        results,
        header,
        log,
        progress,
        files,
        deferred,
        keep: options.stream.definition.spec.store.files.keep.map(|keep| keep.0),
        aggregates: Aggregates::new(&options.stream)?,
        shared: SharedFiles::new(&options.stream),
        workers: options.threads.clamp(1, options.stream.definition.spec.partitions as usize),
        statistics: options.stream.definition.spec.store.files.statistics.map(|every| every.0),
        meter,
        horizon: &horizon,
    };
    let over = committer.progress.finished && !options.source.may_go_on();
    if !over && options.end_position.is_none_or(|end| end > resumed_from) {
        let cursor = committer.checkpoint.cursor_before(committer.progress.horizon)?;
        source.seek(&cursor.unwrap_or_default())?;
        run_threads(options, &mut committer, source, started, stop)?;
    } else if over {
        // An earlier run may have been killed behind its last commit, before all small files were merged.
        committer.merge_small_files(true)?;
    }
    committer.finish()?;
    if committer.progress.position > 0 {
        write_reports(options, &committer)?;
    }
    let Committer { progress, files, .. } = committer;
    Ok(Summary {
        ledger: progress.ledger,
        resumed_from,
        position: progress.position,
        finished: progress.finished,
        elapsed: begun.elapsed(),
        files: files.len(),
        bytes: files.bytes(),
        dropped: progress.dropped,
    })
}

/// What a person finds beside the results when a run has ended.
fn write_reports(options: &Options, committer: &Committer<'_>) -> Result<(), LocalError> {
    let (results, manifest) = (&committer.results, committer.manifest()?);
    aggregates::write_reports(&options.stream, results, &manifest)?;
    let spec = &options.stream.definition.spec;
    if spec.store.files.final_csv {
        let path = results.root().join("all_events_final.csv");
        store::final_csv(results, &manifest, &[&spec.time, &spec.id], &path)?;
    }
    Ok(())
}

/// Makes sure that no run is using these results.
///
/// # Errors
/// `InUse` where one is.
pub fn ensure_unused(results: &Path) -> Result<(), LocalError> {
    let state = Results::new(results).state();
    if state.is_dir() { checkpoint::lock(&state.join("checkpoint.redb")).map(drop) } else { Ok(()) }
}

fn run_threads(
    options: &Options,
    committer: &mut Committer<'_>,
    source: Box<dyn source::Source>,
    started: i64,
    stop: &AtomicBool,
) -> Result<(), LocalError> {
    let spec = &options.stream.definition.spec;
    let (committed, stated) = (committer.progress.position, committer.progress.stated());
    let shares = partitions(options, committer, started)?;
    let (events, told) = sync_channel(WAITING_EVENTS_MAX);
    let (meter, horizon) = (committer.meter, committer.horizon);
    thread::scope(|scope| {
        let mut workers = Vec::new();
        for (number, partitions) in shares.into_iter().enumerate() {
            let (sender, receiver) = sync_channel(WAITING_SHARES_MAX);
            workers.push(sender);
            let events = events.clone();
            let worker = move || report_failure(&events, work(partitions, &receiver, &events, meter));
            thread::Builder::new().name(format!("worker-{number}")).spawn_scoped(scope, worker)?;
        }
        let reader = Reader {
            source,
            router: Router::new(&spec.key, spec.partitions),
            workers,
            events: events.clone(),
            cadence: Cadence {
                records: options.commit_records,
                interval: options.commit_interval,
                states_bytes: options.snapshot_bytes,
                end_position: options.end_position,
                end_after: options.end_after,
            },
            stop,
            meter,
            horizon,
            barrier: committed,
            barriers: 0,
            gathered: gathered(&options.source),
            stated: (stated, Instant::now()),
        };
        let reader = move || report_failure(&events, reader.read());
        thread::Builder::new().name("reader".into()).spawn_scoped(scope, reader)?;
        let done = committer.run(&told);
        // After a failure nobody listens to the others any more: let them find out.
        stop.store(true, Ordering::Relaxed);
        drop(told);
        done
    })
}

/// Tells the committer why a thread could not go on; where it is gone itself, it knows already.
fn report_failure(events: &SyncSender<Event>, done: Result<(), LocalError>) {
    match done {
        Ok(()) | Err(LocalError::Lost(_)) => {}
        Err(error) => drop(events.send(Event::Failed(error))),
    }
}

/// Makes sure that the results are of this run, and gives the moment it was first started.
fn take_up(checkpoint: &Checkpoint, options: &Options, log_dir: &Path) -> Result<i64, LocalError> {
    let wanted = identity(options);
    let known = checkpoint.identity()?;
    // A run that never got to its first event (a misspelt file, say) claims nothing.
    let nothing_held =
        checkpoint.progress()?.is_none() && checkpoint.insertions()?.is_empty() && !holds_anything(log_dir);
    let Some(found) = known.filter(|found| *found == wanted || !nothing_held) else {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let started = now.as_micros() as i64;
        checkpoint.begin(&wanted, started)?;
        return Ok(started);
    };
    let what = |identity: &Identity, other: &Identity| match () {
        () if identity.stream != other.stream => format!("stream `{}`", identity.stream),
        () if identity.version != other.version => format!("checkpoint layout {}", identity.version),
        () if identity.source != other.source => format!("source {}", identity.source),
        () => format!("definition {} of stream `{}`", identity.fingerprint, identity.stream),
    };
    match found == wanted {
        true => Ok(checkpoint.started()?.unwrap_or_default()),
        false => Err(LocalError::OtherRun {
            path: options.results.clone(),
            found: what(&found, &wanted),
            wanted: what(&wanted, &found),
        }),
    }
}

/// Whether a log holds anything that was taken in, or may do.
fn holds_anything(log_dir: &Path) -> bool {
    match fs::read_dir(log_dir) {
        Ok(mut files) => files.any(|file| file.and_then(|file| file.metadata()).map_or(true, |file| file.len() > 0)),
        Err(error) => error.kind() != ErrorKind::NotFound,
    }
}

/// What a restart must agree with: what says which records come, in which order, and what becomes of them.
fn identity(options: &Options) -> Identity {
    Identity {
        version: CHECKPOINT_VERSION,
        stream: options.stream.name().to_owned(),
        fingerprint: options.stream.fingerprints.definition.clone(),
        partitions: options.stream.definition.spec.partitions,
        source: options.source.identity(),
    }
}

/// The manifest of a run with nothing committed yet.
fn header(options: &Options) -> Manifest {
    let (stream, id) = (&options.stream, &options.stream.definition.spec.id);
    let mut manifest = Manifest::new(stream.name(), &stream.fingerprints.definition, id, table_schemas(stream));
    manifest.aggregates = stream.aggregates.columns();
    manifest
}

/// A file with the time it was written at, which older programs did not note.
fn dated(results: &Results, file: FileEntry) -> FileEntry {
    let written = || {
        let modified = fs::metadata(results.path(&file)).and_then(|file| file.modified()).ok()?;
        Some(committer::micros(modified))
    };
    FileEntry { written: file.written.or_else(written), ..file }
}

/// Every worker's partitions, with the state that was committed.
fn partitions(
    options: &Options,
    committer: &mut Committer<'_>,
    started: i64,
) -> Result<Vec<BTreeMap<u32, Partition>>, LocalError> {
    let spec = &options.stream.definition.spec;
    let writer = WriterOptions::of(&options.stream);
    let ingested = options.source.is_recorded().then_some(started);
    let memory = StateMemory::bounded(options.state_bytes, SpillFolder::new(committer.results.state().join("spill")));
    let mut shares: Vec<BTreeMap<u32, Partition>> = (0..committer.workers).map(|_| BTreeMap::new()).collect();
    for number in 0..spec.partitions {
        let writers = PartitionWriters::new(options.stream.clone(), committer.results.clone(), writer.clone(), number);
        let pipeline = Pipeline::within(&options.stream, &memory)?;
        let aggregate = Aggregate::new(options.stream.clone())?;
        let partition = Partition::new(number, pipeline, aggregate, writers, ingested, &committer.progress);
        shares[number as usize % committer.workers].insert(number, partition);
    }
    let Committer { checkpoint, aggregates, workers, .. } = committer;
    checkpoint.each_snapshot(|snapshot| {
        if let Some(aggregates) = aggregates.as_mut().filter(|_| snapshot.partition == MERGED) {
            return aggregates.restore(&snapshot);
        }
        match shares[snapshot.partition as usize % *workers].get_mut(&snapshot.partition) {
            Some(partition) => partition.restore(snapshot),
            None => Err(LocalError::Damaged { what: format!("partition {}", snapshot.partition) }),
        }
    })?;
    Ok(shares)
}
