//! `kill -9` at any moment, then the same command again: the results are those of an undisturbed run.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const KILLS: u32 = 20;
const EVENTS: u64 = 2_000_000;
/// Memory for states, in MiB: for all of them, and for about half, so that the others go to files and come back.
const PLENTY: &str = "64";
const LITTLE: &str = "1";

/// A small, seeded stand-in for chance, so that a failing run can be repeated.
struct Chance(u64);

impl Chance {
    /// A number from 0 up to 1 (splitmix64).
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The physical particle stream with a fixed start, as fast as it goes.
fn definition(folder: &Path) -> PathBuf {
    let text = fs::read_to_string(project().join("streams/particle-physics.yaml")).unwrap();
    let text = text.replace("../", &format!("{}/", project().canonicalize().unwrap().display()));
    // Every layer of the detector, keys that may fall silent, more keys and more alarms than the example has, and keys that share what is rare among them.
    let changes = [
        ("rate: 1000", "rate: 0, start: \"2025-01-01T00:00:00Z\""),
        ("keys: 16", "keys: 256"),
        ("anomalies: 0.0002", "anomalies: 0.005"),
        ("layers: { chains: false }", "layers: { chains: true, silence: true }"),
        ("false_alarm_rate: 1e-6", "false_alarm_rate: 1e-3\n    share_every: 3000"),
        ("asinh(pull)\"]", "asinh(pull)\", \"frequency(particle_type)\"]"),
    ];
    let text = changes.into_iter().fold(text, |text, (old, new)| {
        assert!(text.contains(old), "{old}");
        text.replace(old, new)
    });
    let path = folder.join("stream.yaml");
    fs::write(&path, text).unwrap();
    path
}

fn beamline() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_beamline"));
    command.env_remove("BEAMLINE_OUT").env_remove("BEAMLINE_RESULTS");
    command
}

/// Starts a run with so much memory for states, in MiB.
fn start(stream: &Path, results: &Path, memory: &str) -> Child {
    let mut command = beamline();
    command.arg("run").arg(stream).arg("--out").arg(results);
    command.args(["--events", &EVENTS.to_string(), "--commit-events", "50000", "--state-mib", memory]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn finish(mut child: Child) {
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}");
}

/// Every event's scores and reasons as text, in order: shortest text that reads back as the same number, so equal
/// text is equal bytes.
fn scores(results: &Path, file: &Path) {
    let sql = "SELECT event_id, anomalous, anomaly_score, score_ewma, score_mahalanobis, score_chains, score_frequency, anomaly_reasons \
               FROM processed_data ORDER BY event_id";
    let mut command = beamline();
    command.args(["query", "--format", "csv", "--limit", "0", sql, "--results"]).arg(results);
    let status = command.stdout(File::create(file).unwrap()).status().unwrap();
    assert!(status.success(), "{status}");
}

/// Every result of the windows as text, in order.
fn aggregates(results: &Path, file: &Path) {
    let sql = "SELECT * FROM aggregates ORDER BY aggregate, window_start, particle_type";
    let mut command = beamline();
    command.args(["query", "--format", "csv", "--limit", "0", sql, "--results"]).arg(results);
    let status = command.stdout(File::create(file).unwrap()).status().unwrap();
    assert!(status.success(), "{status}");
}

/// What differs between the windows and one query over all events.
fn unlike_one_query(results: &Path) -> String {
    let windows = "SELECT window_start, particle_type, events, anomalies, detectors FROM rates";
    let query = "SELECT date_bin(INTERVAL '1 minute', timestamp) AS window_start, particle_type, count(*) AS events, \
                 count(*) FILTER (WHERE anomalous) AS anomalies, CAST(approx_distinct(detector_id) AS BIGINT) AS detectors \
                 FROM processed_data GROUP BY 1, 2";
    let sql = format!("({windows} EXCEPT {query}) UNION ALL ({query} EXCEPT {windows})");
    let mut command = beamline();
    let output = command.args(["query", "--format", "csv", &sql, "--results"]).arg(results).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn same(a: &Path, b: &Path) -> bool {
    let read = |path: &Path| {
        let mut text = String::new();
        File::open(path).unwrap().read_to_string(&mut text).unwrap();
        text
    };
    let (a, b) = (read(a), read(b));
    assert!(a.lines().count() > EVENTS as usize / 2, "the quiet run has its events");
    a == b
}

#[test]
fn twenty_kills_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let stream = definition(folder.path());
    let (quiet, killed) = (folder.path().join("quiet"), folder.path().join("killed"));

    let begun = Instant::now();
    finish(start(&stream, &quiet, PLENTY));
    let undisturbed = begun.elapsed();

    let seed = u64::from(std::process::id());
    println!("seed {seed}; the undisturbed run took {undisturbed:?}");
    let mut chance = Chance(seed);
    let mut kills = 0;
    // A machine that is busy in one run and not in the next may get to the end early: then the runs become shorter.
    let mut longest = undisturbed / 8;
    while kills < KILLS {
        let mut child = start(&stream, &killed, LITTLE);
        let delay = longest.mul_f64(chance.next()) + Duration::from_millis(20);
        thread::sleep(delay);
        if child.try_wait().unwrap().is_some() {
            println!("the end was reached after {kills} kills: once more, with shorter runs");
            fs::remove_dir_all(&killed).unwrap();
            (kills, longest) = (0, longest / 2);
            assert!(longest > Duration::from_millis(5), "the run ends before it can be killed often enough");
            continue;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        println!("kill {kills} after {delay:?}");
    }
    finish(start(&stream, &killed, LITTLE));

    let verified = beamline().arg("verify").arg(&killed).arg(&quiet).status().unwrap();
    assert!(verified.success(), "beamline verify finds a difference");
    let (a, b) = (folder.path().join("quiet.csv"), folder.path().join("killed.csv"));
    scores(&quiet, &a);
    scores(&killed, &b);
    assert!(same(&a, &b), "scores differ");

    aggregates(&quiet, &a);
    aggregates(&killed, &b);
    let text = fs::read_to_string(&a).unwrap();
    assert!(text.lines().count() > 100, "the windows have their results");
    assert!(text == fs::read_to_string(&b).unwrap(), "aggregates differ");
    let unlike = unlike_one_query(&killed);
    assert_eq!(unlike.lines().count(), 1, "{unlike}");
}
