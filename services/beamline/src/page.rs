//! The live page of a run in this process.

use std::{
    io::{ErrorKind, Write, stderr},
    net::{TcpListener, ToSocketAddrs},
    path::PathBuf,
    process::{Command, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc::Receiver},
    thread,
    time::{Duration, Instant, UNIX_EPOCH},
};

use local::{LocalError, Meter, Summary, Tapped};
use stage::Rows;
use store::{NoteLog, Results};
use stream::{Source, Stream};
use web::{AccessSettings, Counts, Facts, Hub, Pace, ProxySettings, Server, Shown, State, Watched};

use crate::{Failure, cli::PageArgs};

/// Where the page is when nobody says it, or at one of the ports behind it.
pub(crate) const PORT: u16 = 8085;
/// How long rows gather before they are drawn.
const DRAW_INTERVAL: Duration = Duration::from_millis(50);
/// Rows that are drawn at once, a last batch aside.
const ROWS_AT_ONCE_MAX: usize = 8192;
/// How many ports are tried before any free one is taken.
const PORTS_TRIED: u16 = 64;

/// A page that is served while a stream runs.
pub(crate) struct Page {
    server: Server,
    run: Arc<Run>,
}

/// What the page is told of a run.
struct Run {
    meter: Arc<Meter>,
    stream: Arc<Stream>,
    results: PathBuf,
    source: String,
    state: Mutex<(State, Option<String>)>,
}

impl Page {
    /// Serves the page of a run, and says on standard error where it is.
    pub(crate) fn start(
        args: &PageArgs,
        stream: &Arc<Stream>,
        source: &Source,
        results: PathBuf,
        meter: &Arc<Meter>,
        tapped: Receiver<Tapped>,
    ) -> Result<Self, Failure> {
        let listener = listen(args)?;
        let run = Arc::new(Run {
            meter: meter.clone(),
            stream: stream.clone(),
            results,
            source: source.words(),
            state: Mutex::new((State::Starting, None)),
        });
        let notes = NoteLog::open(&Results::new(&run.results)).map_err(Failure::run_time)?;
        let shown = Arc::new(Shown::new(stream.clone(), Box::new(Watching(run.clone())), Box::new(notes)));
        let settings = AccessSettings {
            tokens: args.page_tokens.clone(),
            redrive: args.page_redrive,
            hosts: args.page_host.clone(),
            proxy: ProxySettings { trusted: args.page_proxy.clone(), operators: args.page_operators.clone() },
        };
        let hub = Arc::new(Hub::new(vec![shown.clone()], args.page_jaeger.clone()));
        let server = Server::start(listener, hub, settings).map_err(Failure::configuration)?;
        thread::Builder::new()
            .name("draw".to_owned())
            .spawn(move || draw(&shown, &tapped))
            .map_err(Failure::run_time)?;
        announce(&server, args.open);
        Ok(Self { server, run })
    }

    /// The stream runs.
    pub(crate) fn running(&self) {
        self.run.set(State::Running, None);
    }

    /// Shows how the run ended, and ends.
    pub(crate) fn end(self, done: &Result<Summary, LocalError>) {
        match done {
            Ok(summary) if summary.finished => self.run.set(State::Finished, None),
            Ok(_) => self.run.set(State::Stopped, None),
            Err(error) => self.run.set(State::Failed, Some(error.to_string())),
        }
        self.server.end();
    }
}

impl Run {
    fn set(&self, state: State, failure: Option<String>) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = (state, failure);
    }
}

struct Watching(Arc<Run>);

impl Watched for Watching {
    fn facts(&self) -> Facts {
        let run = &self.0;
        let (counts, tap, commit) = (run.meter.counts(), run.meter.tap_counts(), run.meter.last_commit());
        let (state, failure) = run.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let committed = commit.position.saturating_sub(commit.begun_at);
        let made = commit.made.and_then(|made| made.duration_since(UNIX_EPOCH).ok());
        Facts {
            state,
            failure,
            source: run.source.clone(),
            counts: Counts {
                records: counts.records,
                out: counts.out,
                filtered: counts.filtered,
                dead_lettered: counts.dead_lettered,
                anomalies: counts.anomalies,
            },
            position: commit.position,
            committed_ms: made.map(|since| since.as_millis() as i64),
            uncommitted: counts.records.saturating_sub(committed),
            lag_ms: commit.read_until.map_or(0, |moment| moment.elapsed().as_millis() as u64),
            offered: tap.offered,
            dropped: tap.dropped,
            missed: tap.missed,
            done: counts.done,
            total: counts.total,
            ledger: commit.ledger,
            ..Facts::default()
        }
    }

    fn tables(&self) -> ask::Source {
        ask::Source::Results(vec![self.0.results.clone()])
    }

    fn check_repaired(&self, event: &[u8]) -> Result<(), String> {
        local::check_repaired(&self.0.stream, event).map_err(|error| match error {
            // Of one event there is one reason.
            LocalError::Refused { reasons, .. } => reasons.join("; ").trim().trim_start_matches("line 1: ").to_owned(),
            error => error.to_string(),
        })
    }

    fn put_back(&self, events: &[u8]) -> Result<String, String> {
        local::keep_for_next_run(&self.0.results, events).map_err(|error| error.to_string())
    }

    fn is_waiting(&self, name: &str) -> bool {
        local::is_waiting(&self.0.results, name)
    }

    fn query_arguments(&self) -> String {
        let path = self.0.results.display().to_string();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte);
        match !path.starts_with('-') && path.bytes().all(plain) {
            true => format!("--results {path}"),
            false => format!("--results='{}'", path.replace('\'', "'\\''")),
        }
    }
}

/// Draws what the tap gives, a few times a second, at the pace that leaves the stream alone.
fn draw(shown: &Shown, tapped: &Receiver<Tapped>) {
    let (mut pace, mut last) = (Pace::default(), Instant::now());
    while let Ok(first) = tapped.recv() {
        // A live source gives a few rows at a time: together they cost little more than one.
        thread::sleep(DRAW_INTERVAL);
        let begun = Instant::now();
        let mut rows = first.rows.len();
        let mut batches = vec![drawn(shown, first)];
        while rows < ROWS_AT_ONCE_MAX
            && let Ok(next) = tapped.try_recv()
        {
            rows += next.rows.len();
            batches.push(drawn(shown, next));
        }
        shown.draw(batches);
        let now = Instant::now();
        let rest = pace.spent(now - begun, now - last);
        last = now;
        if !rest.is_zero() {
            thread::sleep(rest);
        }
    }
}

/// The rows, whose keys are looked at, and the microseconds that they took.
fn drawn(shown: &Shown, tapped: Tapped) -> (Rows, u64) {
    shown.take_partition(tapped.partition, &tapped.rows.keys, &tapped.rows.positions);
    let micros = tapped.scored.saturating_duration_since(tapped.read).as_micros();
    (tapped.rows, u64::try_from(micros).unwrap_or(u64::MAX))
}

/// Listens where the command line says, or at the first port that is free.
fn listen(args: &PageArgs) -> Result<TcpListener, Failure> {
    if let Some(address) = &args.page {
        let bound = address.to_socket_addrs().and_then(|addresses| {
            let addresses: Vec<_> = addresses.collect();
            TcpListener::bind(addresses.as_slice())
        });
        return bound.map_err(|error| {
            let hint = match error.kind() {
                ErrorKind::AddrInUse => "; another program has the port: choose another with --page, or --no-page",
                _ => "; --page takes HOST:PORT, such as 127.0.0.1:8085",
            };
            Failure::configuration(format!("cannot serve the page at {address}: {error}{hint}"))
        });
    }
    let free = (PORT..PORT + PORTS_TRIED).find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok());
    match free {
        Some(listener) => Ok(listener),
        None => TcpListener::bind(("127.0.0.1", 0)).map_err(|error| {
            Failure::run_time(format!("no port of 127.0.0.1 is free for the page: {error}; --no-page does without"))
        }),
    }
}

/// Says where the page is, and opens it where that is asked. A machine without a browser is not an error.
fn announce(server: &Server, open: bool) {
    let url = format!("http://{}/", server.address());
    if tracing::enabled!(tracing::Level::INFO) {
        // Where standard error is closed nobody reads it.
        let _ = writeln!(stderr(), "page: {url}");
    }
    if open {
        let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
        let quiet = |command: &mut Command| {
            command.arg(&url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().map(drop)
        };
        if let Err(error) = quiet(&mut Command::new(program)) {
            tracing::warn!("cannot open a browser with {program}: {error}; open {url} yourself");
        }
    }
}
