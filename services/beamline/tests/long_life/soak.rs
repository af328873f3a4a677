//! Many commits of a live source, with queries open meanwhile: memory, disk and the time of a commit stay as they are.

use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Stdio},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use store::{QueryOptions, Results, query as sql};

use crate::{COUNT, Place, answer, grown};

/// How many events a commit has, and a request.
const EVENTS: u64 = 20;
/// How many clients post.
const CLIENTS: u64 = 4;
/// The part of a run that retention keeps.
const KEPT: u64 = 40;

struct Sample {
    commits: f64,
    memory: f64,
    disk: f64,
    /// Milliseconds of a commit since the sample before.
    commit: f64,
}

/// A slope with the half of its 95 % interval, both over the whole span.
struct Slope {
    growth: f64,
    interval: f64,
    mean: f64,
}

impl Slope {
    /// By least squares.
    fn of(points: &[(f64, f64)]) -> Self {
        let n = points.len() as f64;
        let mean = |values: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(values).sum::<f64>() / n;
        let (x, y) = (mean(&|point| point.0), mean(&|point| point.1));
        let spread: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
        let slope = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum::<f64>() / spread;
        let left: f64 = points.iter().map(|point| (point.1 - y - slope * (point.0 - x)).powi(2)).sum();
        let span = points[points.len() - 1].0 - points[0].0;
        let error = (left / (n - 2.0) / spread).sqrt();
        Self { growth: slope * span, interval: 1.96 * error * span, mean: y }
    }

    fn print(&self, what: &str, unit: &str) {
        println!(
            "{what:<12} {:>10.2} {unit} on average, {:+.2} ± {:.2} {unit} over the last 90 %",
            self.mean, self.growth, self.interval
        );
    }

    /// Whether it may have grown by no more than a share of its mean, as far as can be told.
    fn is_flat(&self, share: f64) -> bool {
        self.growth - self.interval <= share * self.mean
    }
}

/// Starts a run that listens, commits so many events at a time and ends where it has so many in all, and gives its address.
pub(crate) fn listen(place: &Place, results: &Path, events: u64, commit: u64) -> (Child, String) {
    let (events, commit) = (events.to_string(), commit.to_string());
    let mut command = place.command(&["run", "readings.yaml", "--listen", "127.0.0.1:0"]);
    command.arg("--out").arg(results).args(["--events", &events, "--commit-events", &commit, "--log-format", "json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = lines.by_ref().find_map(|line| {
        let line: serde_json::Value = serde_json::from_str(&line.unwrap()).ok()?;
        line["address"].as_str().map(str::to_owned)
    });
    thread::spawn(move || lines.for_each(drop));
    (child, address.unwrap())
}

/// Posts events, one a second of event time, until they are enough.
pub(crate) fn post(address: &str, next: &AtomicU64, end: u64) {
    let mut socket: Option<BufReader<TcpStream>> = None;
    loop {
        let first = next.fetch_add(EVENTS, Ordering::Relaxed);
        if first >= end {
            return;
        }
        let line = |n: u64| {
            let (time, value) = (1_700_000_000_000_000 + 1_000_000 * n, 20.0 + (n * 37 % 101) as f64 / 10.0);
            format!("{{\"id\":\"r-{n}\",\"sensor\":\"s{}\",\"time\":{time},\"value\":{value}}}\n", n % 3)
        };
        let body: String = (first..first + EVENTS).map(line).collect();
        while !accepted(address, &mut socket, &body) {
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Whether a request was answered with 202. The connection is kept as long as it can be.
fn accepted(address: &str, socket: &mut Option<BufReader<TcpStream>>, body: &str) -> bool {
    let mut exchange = || {
        let open = match socket.take() {
            Some(open) => open,
            None => BufReader::new(TcpStream::connect(address)?),
        };
        let open = socket.insert(open);
        let head = format!("POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        open.get_mut().write_all(head.as_bytes())?;
        let (mut status, mut length) = (String::new(), 0);
        open.read_line(&mut status)?;
        loop {
            let mut line = String::new();
            if open.read_line(&mut line)? <= 2 {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        open.read_exact(&mut vec![0; length])?;
        std::io::Result::Ok(status.contains(" 202 "))
    };
    let done = exchange();
    if done.is_err() {
        *socket = None;
    }
    done.unwrap_or(false)
}

/// Opens queries one after the other and asks each after a while: it sees what there was when it was opened.
fn ask(place: &Place, over: &AtomicBool) -> u64 {
    let mut asked = 0;
    while !over.load(Ordering::Relaxed) {
        sql::block_on(async {
            let folders = [place.path("results")];
            let session = sql::open(&folders, &QueryOptions::default()).await.unwrap();
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(15) && !over.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(200));
            }
            let (once, again) = (answer(&session, COUNT).await, answer(&session, COUNT).await);
            assert_eq!(once, again);
            assert!(once.parse::<u64>().unwrap() > 0);
        })
        .unwrap();
        asked += 1;
    }
    asked
}

fn disk(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = |entry: fs::DirEntry| match entry.metadata() {
        Ok(file) if file.is_dir() => disk(&entry.path()),
        Ok(file) => file.len(),
        // It was deleted meanwhile.
        Err(_) => 0,
    };
    entries.map(bytes).sum()
}

fn memory(child: &Child) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}

/// Looks at the run until it ends; commits are counted from the position on at which it began.
fn watch(place: &Place, child: &mut Child, begun: u64) -> Vec<Sample> {
    let (mut samples, mut last) = (Vec::<Sample>::new(), (0.0, Instant::now()));
    while child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(500));
        let Ok(Some(manifest)) = Results::new(place.path("results")).manifest() else { continue };
        let (commits, now) = ((manifest.position - begun) as f64 / EVENTS as f64, Instant::now());
        let Some(memory) = memory(child).filter(|_| commits > last.0) else { continue };
        let commit = (now - last.1).as_secs_f64() * 1e3 / (commits - last.0);
        let disk = disk(&place.path("results")) as f64 / (1 << 20) as f64;
        samples.push(Sample { commits, memory, disk, commit });
        last = (commits, now);
        if samples.len() % 20 == 0 {
            println!("{commits:>9.0} commits, {commit:.2} ms each, {memory:.1} MiB of memory, {disk:.1} MiB on disk");
        }
    }
    samples
}

/// How many files retention has dropped.
fn dropped(place: &Place) -> u64 {
    let manifest = Results::new(place.path("results")).manifest().unwrap();
    manifest.map_or(0, |manifest| manifest.dropped.values().map(|dropped| dropped.files).sum())
}

#[test]
#[ignore = "minutes: make long-life"]
fn many_commits_leave_memory_disk_and_time_as_they_are() {
    let commits: u64 = env::var("BEAMLINE_COMMITS").map_or(6_000, |commits| commits.parse().unwrap());
    let events = commits * EVENTS;
    let place = Place::new();
    place.define(0, &format!("  store: {{ files: {{ keep: {}s }} }}\n", events / KEPT));
    let first = grown::grow(&place);
    let dropped_before = dropped(&place);
    let end = first + events;
    let (mut child, address) = listen(&place, &place.path("results"), end, EVENTS);
    let (next, over) = (AtomicU64::new(first), AtomicBool::new(false));
    let begun = Instant::now();
    let (samples, asked) = thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| post(&address, &next, end));
        }
        let asking = scope.spawn(|| {
            while place.position("results") == 0 {
                thread::sleep(Duration::from_millis(50));
            }
            ask(&place, &over)
        });
        let samples = watch(&place, &mut child, first);
        over.store(true, Ordering::Relaxed);
        (samples, asking.join().unwrap())
    });
    let mut summary = String::new();
    child.stdout.take().unwrap().read_to_string(&mut summary).unwrap();
    assert!(child.wait().unwrap().success(), "{summary}");
    print!("{summary}{}", place.ok(&["verify", "results"]));
    let dropped = dropped(&place) - dropped_before;
    println!(
        "{commits} commits in {:.0} s, {asked} queries open meanwhile, {dropped} files dropped",
        begun.elapsed().as_secs_f64()
    );
    assert_eq!(place.position("results"), end);

    let last: Vec<&Sample> = samples.iter().filter(|sample| sample.commits > commits as f64 / 10.0).collect();
    assert!(last.len() > 20, "{} samples are too few to tell: ask for more commits", last.len());
    let slope = |value: fn(&Sample) -> f64| {
        Slope::of(&last.iter().map(|sample| (sample.commits, value(sample))).collect::<Vec<_>>())
    };
    let (memory, disk, commit) =
        (slope(|sample| sample.memory), slope(|sample| sample.disk), slope(|sample| sample.commit));
    memory.print("memory", "MiB");
    disk.print("disk", "MiB");
    commit.print("a commit", "ms");
    assert!(dropped >= 100, "retention dropped {dropped} files only");
    assert!(memory.is_flat(0.1), "memory grows");
    assert!(disk.is_flat(0.2), "the results grow");
    assert!(commit.is_flat(0.2), "a commit takes longer and longer");
}
