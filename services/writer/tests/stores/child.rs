//! The writer as a process of its own, so that it can be killed.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::Duration,
};

use writer::{Limits, drive};

use crate::{feed::FileFeed, sinks::Store};

const BACKEND: &str = "BEAMLINE_TEST_WRITER_BACKEND";
const AT: &str = "BEAMLINE_TEST_WRITER_AT";
const FILE: &str = "BEAMLINE_TEST_WRITER_FILE";
const EVENTS: &str = "BEAMLINE_TEST_WRITER_EVENTS";
/// Milliseconds between two batches.
pub(crate) const PACE: &str = "BEAMLINE_TEST_WRITER_PACE";

/// Starts a writer of `events` events, which keeps its positions in `file`.
pub(crate) fn start(store: &Store, file: &Path, events: u64, envs: &[(&str, &str)]) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "child::writes_what_is_asked", "--nocapture", "--test-threads", "1"])
        .env(BACKEND, &store.backend)
        .env(AT, &store.at)
        .env(FILE, file)
        .env(EVENTS, events.to_string())
        .envs(envs.iter().copied())
        .spawn()
        .unwrap()
}

/// No test by itself: what [`start`] runs.
#[test]
fn writes_what_is_asked() {
    let Ok(backend) = env::var(BACKEND) else { return };
    let store = Store::new(&backend, env::var(AT).unwrap());
    let mut sink = store.sink();
    let stored = loop {
        match sink.positions() {
            Err(error) if error.is_temporary() => std::thread::sleep(Duration::from_millis(200)),
            stored => break stored.unwrap(),
        }
    };
    let events = env::var(EVENTS).unwrap().parse().unwrap();
    let pace = Duration::from_millis(env::var(PACE).map_or(0, |pace| pace.parse().unwrap()));
    let feed = FileFeed::open(PathBuf::from(env::var(FILE).unwrap()), events, pace, &stored);
    let limits = Limits { rows: 4_000, bytes: 64 << 20, linger: Duration::from_secs(1), held_bytes: 128 << 20 };
    let limits = match backend.as_str() {
        "cql" => Limits { rows: 10_000, linger: Duration::from_millis(100), ..limits },
        _ => limits,
    };
    let feed = std::cell::RefCell::new(feed);
    let is_empty = || feed.borrow().is_empty();
    let mut shared = Shared(&feed);
    let done = drive(&mut shared, sink.as_mut(), &limits, (&(), &()), &is_empty).unwrap();
    println!("{} rows in {} writes, {} of them again", done.rows, done.writes, done.retries);
    // Told to stop while the store was away, it has rows left. Where the sink keeps positions, those count.
    let mut committed = crate::feed::committed(&feed.borrow().file());
    for ((_, partition), next) in stored.kept {
        committed.entry(partition).and_modify(|at| *at = next.max(*at)).or_insert(next);
    }
    std::process::exit(i32::from(committed != feed.borrow().all()));
}

struct Shared<'a>(&'a std::cell::RefCell<FileFeed>);

impl writer::Feed for Shared<'_> {
    fn next(&mut self, wait: Duration) -> Result<Vec<sink::Batch>, writer::FeedError> {
        self.0.borrow_mut().next(wait)
    }

    fn pause(&mut self, paused: bool) -> Result<(), writer::FeedError> {
        self.0.borrow_mut().pause(paused)
    }

    fn commit(
        &mut self,
        next: &std::collections::BTreeMap<sink::TopicPartition, u64>,
    ) -> Result<(), writer::FeedError> {
        self.0.borrow_mut().commit(next)
    }
}
