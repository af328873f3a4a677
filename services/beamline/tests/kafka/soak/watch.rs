//! Looks at what runs: memory, how long commits take, and what the disk has.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{fleet::Running, soak::times::Times};

/// How often it looks, and how often it adds up what is on the disk.
const LOOK: Duration = Duration::from_secs(1);
const DISK: Duration = Duration::from_secs(20);
/// What the system counts a file's room in.
const BLOCK: u64 = 512;
/// How long after a fault its effects count as over.
const SETTLED: Duration = Duration::from_secs(3);

/// When the last fault was over; none while one goes on. Shared with whoever brings them about.
#[derive(Clone, Default)]
pub(crate) struct Calm(Arc<Mutex<Option<Instant>>>);

impl Calm {
    pub(crate) fn set(&self, calm: bool) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = calm.then(Instant::now);
    }

    fn since(&self, moment: Instant) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|over| over + SETTLED <= moment)
    }
}

/// What was seen in one part of the time.
#[derive(Default, Clone)]
pub(crate) struct Part {
    /// MiB of each process of a kind whenever it was looked.
    memory: BTreeMap<&'static str, Vec<f64>>,
    /// How often it was looked.
    looks: u32,
    /// Transactions of workers: in all, and while no fault was near.
    pub(crate) commits: Times,
    pub(crate) calm: Times,
    /// Commits of the run in one process: the time from one to the next.
    pub(crate) local: Times,
    pub(crate) disk: u64,
}

impl Part {
    /// MiB that half of the looks at processes of this kind saw less than, and the most that one saw. What waits for a
    /// process after a fault takes memory for a while; it does not count as growth.
    pub(crate) fn memory(&self, name: &str) -> Option<(f64, f64)> {
        let mut seen = self.memory.get(name)?.clone();
        seen.sort_by(f64::total_cmp);
        seen.get(seen.len() / 2).copied().zip(seen.last().copied())
    }

    /// Mean number of processes of this kind.
    pub(crate) fn processes(&self, name: &str) -> f64 {
        self.memory.get(name).map_or(0.0, |seen| seen.len() as f64 / f64::from(self.looks))
    }
}

/// What is watched.
pub(crate) struct Watched {
    pub(crate) running: Running,
    pub(crate) calm: Calm,
    /// Where data lies.
    pub(crate) folders: Vec<PathBuf>,
    /// A part of the time, and how many there are; what comes later belongs to the last.
    pub(crate) part: Duration,
    pub(crate) parts: usize,
}

/// A thread that looks at what runs until it is told to end.
pub(crate) struct Watch {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Part>>,
}

impl Watch {
    pub(crate) fn begin(watched: Watched) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&over);
        let thread = thread::spawn(move || look(&watched, &until));
        Self { over, thread }
    }

    pub(crate) fn end(self) -> Vec<Part> {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn look(watched: &Watched, until: &AtomicBool) -> Vec<Part> {
    let begun = Instant::now();
    let mut parts = vec![Part::default(); watched.parts];
    let mut before: BTreeMap<u32, Times> = BTreeMap::new();
    let (mut looked, mut measured) = (begun, None::<Instant>);
    while !until.load(Ordering::Relaxed) {
        thread::sleep(LOOK);
        let index = (begun.elapsed().as_secs_f64() / watched.part.as_secs_f64()) as usize;
        let part = &mut parts[index.min(watched.parts - 1)];
        let running = watched.running.now();
        part.looks += 1;
        before.retain(|pid, _| running.contains_key(pid));
        for (pid, (name, address)) in running {
            if let Some(memory) = memory(pid) {
                part.memory.entry(name).or_default().push(memory);
            }
            let Some(times) = transactions(&address) else { continue };
            let new = before.get(&pid).map(|before| times.since(before));
            // Both ends of the time since the last look were calm.
            if let Some(new) = new {
                part.commits.add(&new);
                if watched.calm.since(looked) {
                    part.calm.add(&new);
                }
            }
            before.insert(pid, times);
        }
        looked = Instant::now();
        if measured.is_none_or(|at| at.elapsed() > DISK) {
            part.disk = part.disk.max(watched.folders.iter().map(|folder| disk(folder)).sum());
            measured = Some(Instant::now());
        }
    }
    parts
}

fn transactions(address: &str) -> Option<Times> {
    let (status, text) = servers::http_get(&format!("http://{address}/metrics")).ok()?;
    (status == 200).then(|| Times::of_metric(&text, "beamline_transaction_duration_seconds"))
}

/// MiB of a process.
pub(crate) fn memory(pid: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}

/// Bytes that a folder takes: brokers make files larger than what is in them. What is deleted meanwhile counts for nothing.
fn disk(folder: &Path) -> u64 {
    let bytes = |entry: fs::DirEntry| match entry.metadata() {
        Ok(file) if file.is_dir() => disk(&entry.path()),
        Ok(file) => file.blocks() * BLOCK,
        Err(_) => 0,
    };
    fs::read_dir(folder).into_iter().flatten().flatten().map(bytes).sum()
}
