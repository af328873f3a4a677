//! `beamline run --kafka`: every step of a stream against a real Kafka, in this process.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use broker::Offsets;
use kafka::{Generator, Health, KafkaError, Options, Step};
use local::Counts;
use spill::SpillFolder;
use stage::{Ledger, StateMemory};
use stream::{Source, Stream};

use super::{signals::stop_on_signals, topics::ledger};
use crate::{
    Failure,
    cli::Running,
    on_kafka::{Servers, failure},
    progress,
};

/// How often the groups are asked how far they have come.
const LOOK: Duration = Duration::from_millis(500);
/// Records of transactions that were given up look like some that wait; where nothing moves for so long, nothing waits.
const QUIET: Duration = Duration::from_secs(5);
/// How long a transaction may stay open.
const TRANSACTION: Duration = Duration::from_secs(10);

/// Makes the topics, sends the source's events, and takes them through every step; when the source ends, or the time is
/// up, what was sent goes through to the end. A signal ends everything where it is; the same command goes on from there.
/// Without a source, another program writes the raw topic.
pub(super) fn run(
    stream: Arc<Stream>,
    source: Option<Source>,
    base: PathBuf,
    running: &Running,
    servers: Servers,
) -> Result<(), Failure> {
    if running.out.is_some() || running.fresh {
        return Err(Failure::configuration("--out and --fresh are for results in files; with --kafka there are none"));
    }
    if source.is_none() && running.events.is_some() {
        return Err(Failure::configuration("--events counts what the source gives, and the definition has none"));
    }
    kafka::create_topics(&servers.connection, &kafka::plan_topics(&stream, &stream.topics()), None).map_err(failure)?;
    let generator = source.map(|source| Generator {
        topics: stream.topics(),
        connection: servers.connection.clone(),
        registry: servers.registry.clone(),
        source,
        instance: "run".to_owned(),
        log_dir: PathBuf::from("beamline-log").join(stream.name()),
        base,
        commit_interval: running.commit_interval.unwrap_or(Duration::from_millis(100)),
        transaction_timeout: TRANSACTION,
        end_position: running.events,
        from_start: false,
        // Every step is in this process, and no store's age is of interest.
        probes: Some(false),
        trace_ratio: 0.0,
        traced_as: None,
        stream: stream.clone(),
    });
    let memory = state_memory(running);
    let steps = steps(&stream).into_iter();
    let steps: Vec<Options> = steps.map(|step| options(&stream, step, running, &memory, &servers)).collect();
    let stop = stop_on_signals()?;
    let counts = Arc::new(Mutex::new(Counts::default()));
    let shown = progress::show({
        let counts = counts.clone();
        move || *counts.lock().unwrap_or_else(PoisonError::into_inner)
    });
    let offsets = Offsets::connect(&servers.connection).map_err(Failure::run_time)?;
    let done = thread::scope(|scope| {
        let sent = scope.spawn(|| send(generator.as_ref(), running.end_after, &stop));
        let stepping = Arc::new(AtomicBool::new(false));
        let health: Arc<dyn Health> = Arc::new(());
        let stepped = scope.spawn({
            let stepping = stepping.clone();
            move || kafka::run(&steps, &health, &stepping)
        });
        let mut quiet = Instant::now();
        let mut last = Counts::default();
        // A step that ends by itself has failed.
        while !stepped.is_finished() && !stop.load(Ordering::Relaxed) {
            let ended = sent.is_finished();
            let through = look(&stream, &offsets, ended, &counts)?;
            let now = *counts.lock().unwrap_or_else(PoisonError::into_inner);
            if !ended || now != last {
                quiet = Instant::now();
            }
            if ended
                && (through == Through::AllOfTheTopics || through == Through::AllOfTheSource && quiet.elapsed() > QUIET)
            {
                break;
            }
            last = now;
            thread::sleep(LOOK);
        }
        stop.store(true, Ordering::Relaxed);
        stepping.store(true, Ordering::Relaxed);
        let panicked = || KafkaError::Thread(std::io::Error::other("a thread panicked"));
        let stepped = stepped.join().unwrap_or_else(|_| Err(panicked()));
        let sent = sent.join().unwrap_or_else(|_| Err(panicked()));
        stepped.and(sent).map_err(failure)
    });
    shown.end();
    done?;
    ledger::print(&stream, &offsets)
}

/// Sends until the source ends, the time is up, or everything is to stop; without a source, waits for one of the others.
fn send(generator: Option<&Generator>, end_after: Option<Duration>, stop: &Arc<AtomicBool>) -> Result<(), KafkaError> {
    let enough = Arc::new(AtomicBool::new(false));
    thread::scope(|scope| {
        let sending = generator.map(|generator| scope.spawn(|| kafka::generate(generator, &(), &enough)));
        let begun = Instant::now();
        let ended = || match &sending {
            Some(sending) => sending.is_finished(),
            None => enough.load(Ordering::Relaxed),
        };
        while !ended() {
            if stop.load(Ordering::Relaxed) || end_after.is_some_and(|after| begun.elapsed() >= after) {
                enough.store(true, Ordering::Relaxed);
            }
            thread::sleep(Duration::from_millis(50));
        }
        let panicked = || Err(KafkaError::Thread(std::io::Error::other("a thread panicked")));
        sending.map_or(Ok(()), |sending| sending.join().unwrap_or_else(|_| panicked()).map(drop))
    })
}

fn steps(stream: &Stream) -> Vec<Step> {
    [vec![Step::Enrich, Step::Detect], Step::windows(stream)].concat()
}

/// The memory for the states of all keys.
fn state_memory(running: &Running) -> StateMemory {
    StateMemory::bounded(running.state_bytes(), SpillFolder::new(std::env::temp_dir()))
}

fn options(stream: &Arc<Stream>, step: Step, running: &Running, memory: &StateMemory, servers: &Servers) -> Options {
    let mut options = Options::new(stream.clone(), step, servers.connection.clone(), servers.registry.clone());
    options.state_memory = memory.clone();
    options.commit_interval = running.commit_interval.unwrap_or(options.commit_interval);
    options.threads = running.threads.map_or(1, usize::from);
    options
}

/// What the steps are through with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Through {
    /// Not with what the source gave.
    Part,
    /// With that, and perhaps not with what others have sent.
    AllOfTheSource,
    /// With everything.
    AllOfTheTopics,
}

/// Asks how far the steps have come; `ended` says that the source has.
fn look(stream: &Stream, offsets: &Offsets, ended: bool, counts: &Mutex<Counts>) -> Result<Through, Failure> {
    let topics = stream.topics();
    // The last transaction is decided a little after it has been committed.
    let ask = if ended { Offsets::decided } else { Offsets::committed };
    let note = kafka::sent_in_all(offsets, stream, ask).map_err(failure)?.unwrap_or_default();
    let account = |step: Step| -> Result<Ledger, Failure> {
        let partitions = stream.definition.spec.partitions;
        Ok(kafka::account(offsets, stream.name(), partitions, step).map_err(failure)?.unwrap_or_default())
    };
    let (enriched, detected) = (account(Step::Enrich)?, account(Step::Detect)?);
    let mut source = enriched.records >= note.sent && detected.records >= enriched.out;
    if !stream.aggregates.is_empty() {
        source &= account(Step::Aggregate)?.records >= detected.out;
    }
    let mut waiting = 0;
    for step in steps(stream) {
        let lag = offsets.lag(&step.group(stream.name()), step.input(&topics)).map_err(Failure::run_time)?;
        // Behind the last record a marker may stand.
        waiting += lag.values().map(|lag| lag.saturating_sub(1)).sum::<u64>();
    }
    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    counts.records = note.cursor.position;
    counts.out = detected.out;
    counts.filtered = enriched.filtered;
    counts.anomalies = detected.anomalies;
    counts.dead_lettered = note.dead_lettered + enriched.dead_lettered + detected.dead_lettered;
    counts.committed = detected.records + enriched.filtered + enriched.dead_lettered + note.dead_lettered;
    Ok(match (source, waiting) {
        (false, _) => Through::Part,
        (true, 0) => Through::AllOfTheTopics,
        (true, _) => Through::AllOfTheSource,
    })
}
