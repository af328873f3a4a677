//! What a run costs while little comes: processor time, and bytes written beside those that are kept. `make bench-idle`.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

/// Events a second.
const RATE: u64 = 1000;
/// What happens before counts for nothing: the page is opened, memory is warm.
const WARM_UP: Duration = Duration::from_secs(5);
/// Ticks of a second in which Linux counts processor time.
const TICKS: f64 = 100.0;

/// What a process has used so far.
struct Used {
    cpu_seconds: f64,
    /// Handed to the system by calls.
    written: u64,
    /// Sent to the disk, in whole pages.
    to_disk: u64,
}

impl Used {
    fn of(process: &Child) -> Self {
        let read = |name: &str| fs::read_to_string(format!("/proc/{}/{name}", process.id())).unwrap();
        let stat = read("stat");
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks = |field: &str| field.parse::<f64>().unwrap();
        let io = read("io");
        let bytes = |name: &str| io.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().parse().unwrap();
        Self {
            cpu_seconds: (ticks(fields[11]) + ticks(fields[12])) / TICKS,
            written: bytes("wchar:"),
            to_disk: bytes("write_bytes:"),
        }
    }
}

/// The bytes of all files in a folder, but for what belongs to the run.
fn bytes_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let size = |entry: fs::DirEntry| match entry.file_type().unwrap().is_dir() {
        true if entry.file_name() == "_beamline" => 0,
        true => bytes_in(&entry.path()),
        false => entry.metadata().unwrap().len(),
    };
    entries.map(size).sum()
}

#[test]
#[ignore = "a measurement: make bench-idle"]
fn bench_idle_one_process() {
    let seconds: u64 = env::var("BEAMLINE_IDLE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    println!("`beamline run` at {RATE} events/s over {seconds} s, default settings, with its page");
    for stream in ["particle-physics", "bench"] {
        let folder = tempfile::tempdir().unwrap();
        let out: PathBuf = folder.path().join("out");
        let mut run = Command::new(env!("CARGO_BIN_EXE_beamline"));
        run.current_dir(&root).arg("run").arg(format!("streams/{stream}.yaml")).arg("--out").arg(&out);
        run.args(["--rate", &RATE.to_string(), "--page", "127.0.0.1:0"]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut run = run.spawn().unwrap();
        thread::sleep(WARM_UP);
        let before = Used::of(&run);
        thread::sleep(Duration::from_secs(seconds));
        let after = Used::of(&run);
        assert!(Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap().success());
        assert!(run.wait().unwrap().success());
        let share = (after.cpu_seconds - before.cpu_seconds) / seconds as f64;
        let each = |bytes: u64| bytes as f64 / (RATE * seconds) as f64;
        let (written, to_disk) = (each(after.written - before.written), each(after.to_disk - before.to_disk));
        let manifest = fs::read_to_string(out.join("_beamline/manifest.json")).unwrap();
        let events = serde_json::from_str::<serde_json::Value>(&manifest).unwrap()["position"].as_u64().unwrap();
        let kept = bytes_in(&out) as f64 / events as f64;
        println!(
            "{stream:<18} {:>5.2} % of a core, {written:.0} bytes written an event ({to_disk:.0} to the disk), {kept:.0} kept: \
             {:.2} times",
            100.0 * share,
            written / kept
        );
    }
}
