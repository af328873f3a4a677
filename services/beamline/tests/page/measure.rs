//! What the page costs: `make bench-page` prints medians of paired runs. Not a test: figures depend on the machine.

use std::{
    fs::File,
    io::Read,
    path::Path,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use reqwest::blocking::Client;

use crate::run::{Events, Run, beamline, client, definition};

/// Pairs of runs, and events of each.
const PAIRS: usize = 7;
const EVENTS: u64 = 1_000_000;
/// How long a page is watched where rates do not matter.
const WATCHED: Duration = Duration::from_secs(20);
const VIEWS: &str = "stream=particle-events&views=overview,anomalies,series,histograms,map,keys";
/// Ticks of a second of processor time, on every Linux.
const TICKS: f64 = 100.0;

/// Threads that follow a stream as a browser does.
struct Viewers {
    bytes: Arc<AtomicU64>,
    end: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Viewers {
    /// One client serves all: a browser is there before it opens a page, and a hundred clients would be made on the run's time.
    fn start(client: &Client, url: &str, count: usize) -> Self {
        let (bytes, end) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let follow = || {
            let (client, url) = (client.clone(), format!("{url}/api/v1/live?{VIEWS}"));
            let (bytes, end) = (bytes.clone(), end.clone());
            move || {
                let mut buffer = vec![0; 65_536];
                let Ok(mut response) = client.get(url).send() else { return };
                while !end.load(Ordering::Relaxed) {
                    match response.read(&mut buffer) {
                        Ok(count) if count > 0 => bytes.fetch_add(count as u64, Ordering::Relaxed),
                        _ => return,
                    };
                }
            }
        };
        let threads = (0..count).map(|_| thread::spawn(follow())).collect();
        Self { bytes, end, threads }
    }

    fn end(self) -> u64 {
        self.end.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        self.bytes.load(Ordering::Relaxed)
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Events a second of a run with so many viewers; without a page where there is no number.
fn rate(client: &Client, folder: &Path, stream: &Path, viewers: Option<usize>) -> f64 {
    let results = folder.join("rate");
    let (begun, events) = (Instant::now(), EVENTS.to_string());
    match viewers {
        None => {
            let mut command = beamline();
            command.arg("run").arg(stream).arg("--out").arg(&results).args([
                "--fresh",
                "--no-page",
                "--events",
                &events,
            ]);
            assert!(command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
        }
        Some(count) => {
            let mut run = Run::start(stream, &results, &["--fresh", "--events", &events]);
            let viewers = Viewers::start(client, &run.url, count);
            assert!(run.child.wait().unwrap().success());
            viewers.end();
        }
    }
    EVENTS as f64 / begun.elapsed().as_secs_f64()
}

/// Processor time that a process has taken, in seconds.
fn processor_seconds(pid: u32) -> f64 {
    let mut text = String::new();
    File::open(format!("/proc/{pid}/stat")).unwrap().read_to_string(&mut text).unwrap();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / TICKS
}

/// Bytes a second to one viewer, and the processor's share, while a stream runs at a rate.
fn watched(client: &Client, folder: &Path, rate: &str, viewers: usize) -> (f64, f64) {
    let run = Run::start(&definition(folder, rate), &folder.join("watched"), &["--fresh"]);
    thread::sleep(Duration::from_secs(5));
    let followed = Viewers::start(client, &run.url, viewers);
    thread::sleep(Duration::from_secs(2));
    let (begun, bytes, busy) =
        (Instant::now(), followed.bytes.load(Ordering::Relaxed), processor_seconds(run.child.id()));
    thread::sleep(WATCHED);
    let seconds = begun.elapsed().as_secs_f64();
    let busy = (processor_seconds(run.child.id()) - busy) / seconds;
    let bytes = (followed.bytes.load(Ordering::Relaxed) - bytes) as f64 / seconds / viewers.max(1) as f64;
    followed.end();
    (bytes, busy)
}

/// How old an anomaly is when it comes, 99 of 100 of them, in seconds: the source's times are those of its events.
fn freshness(folder: &Path) -> f64 {
    let run = Run::start(&definition(folder, "1000"), &folder.join("fresh"), &["--fresh"]);
    let mut events = Events::open(&run, "stream=particle-events&views=anomalies");
    events.until("tick");
    let (begun, mut ages) = (Instant::now(), Vec::new());
    while begun.elapsed() < WATCHED {
        for event in events.until("tick").iter().filter(|event| event.name == "anomalies") {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
            let times = event.data["anomalies"].as_array().unwrap().iter();
            ages.extend(times.map(|one| now - seconds(one["time"].as_str().unwrap())));
        }
    }
    ages.sort_by(f64::total_cmp);
    ages[ages.len() * 99 / 100]
}

/// Seconds since 1970 of `2025-01-31T12:34:56.123456Z`, by the days from civil algorithm.
fn seconds(text: &str) -> f64 {
    let number = |from: usize, to: usize| text[from..to].parse::<f64>().unwrap();
    let (year, month, day) = (number(0, 4) as i64, number(5, 7) as i64, number(8, 10) as i64);
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + day - 1 - 719_468;
    days as f64 * 86_400.0 + number(11, 13) * 3600.0 + number(14, 16) * 60.0 + number(17, 26)
}

#[test]
#[ignore = "a measurement: make bench-page"]
fn what_the_page_costs() {
    let folder = tempfile::tempdir().unwrap();
    let stream = definition(folder.path(), "0");
    let client = client();
    let kinds = [("without", None), ("unwatched", Some(0)), ("1 viewer", Some(1)), ("100 viewers", Some(100))];
    let mut rates = vec![Vec::new(); kinds.len()];
    for _ in 0..PAIRS {
        for (index, (_, viewers)) in kinds.iter().enumerate() {
            rates[index].push(rate(&client, folder.path(), &stream, *viewers));
        }
    }
    for (index, (name, _)) in kinds.iter().enumerate() {
        // Of each pair, so that a slow hour of the machine counts for both.
        let share = median(rates[index].iter().zip(&rates[0]).map(|(with, without)| with / without).collect());
        println!("page {name}: {:.0} events/s, {share:.3} of those without", median(rates[index].clone()));
    }
    let (slow, one) = watched(&client, folder.path(), "1000", 1);
    let (fast, _) = watched(&client, folder.path(), "0", 1);
    println!(
        "bytes a second to a viewer: {slow:.0} at 1,000 events/s, {fast:.0} as fast as it goes ({:.2} times)",
        fast / slow
    );
    let (_, idle) = watched(&client, folder.path(), "1000", 0);
    let (_, many) = watched(&client, folder.path(), "1000", 100);
    println!(
        "processor at 1,000 events/s: {idle:.3} unwatched, {one:.3} with 1 viewer, {many:.3} with 100 ({:.1} times one viewer's)",
        many / one
    );
    println!("age of an anomaly when it comes, p99: {:.2} s", freshness(folder.path()));
}
