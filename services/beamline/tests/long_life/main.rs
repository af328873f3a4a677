//! A run of months: results of an older program are carried on, retention drops what is old and accounts for it, queries keep
//! what they began with, and neither memory nor disk nor the time of a commit grows (`make long-life`).

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod grown;
mod soak;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use store::{OutputFormat, QueryOptions, Results, Session, Table, TableLimits, query as sql};

/// Results that the program of revision f956084 has left in the middle of a stream, with the stream.
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/long_life/f956084");
/// The same of a definition that detects nothing.
const GOLDEN_PLAIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/long_life/f956084-plain");

/// A folder with a stream, and the program in it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The golden stream over so many readings, one a second, with these lines more in its definition.
    fn define(&self, readings: usize, more: &str) {
        fs::copy(Path::new(GOLDEN).join("reading.avsc"), self.path("reading.avsc")).unwrap();
        let text = fs::read_to_string(Path::new(GOLDEN).join("readings.yaml")).unwrap();
        fs::write(self.path("readings.yaml"), text + more).unwrap();
        let line = |n: usize| {
            let value = if n % 50 == 7 { "warm".to_owned() } else { (20.0 + (n * 37 % 101) as f64 / 10.0).to_string() };
            format!("r-{n},s{},{},{value}\n", n % 3, 1_700_000_000_000_000_u64 + 1_000_000 * n as u64)
        };
        let lines: String = (0..readings).map(line).collect();
        fs::write(self.path("readings.csv"), format!("id,sensor,time,value\n{lines}")).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_beamline"));
        command.env_remove("BEAMLINE_OUT").env_remove("BEAMLINE_RESULTS").env_remove("BEAMLINE_COMMIT_EVENTS");
        command.current_dir(self.folder.path()).args(arguments);
        command
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert!(status.success(), "{arguments:?}: {stdout}{stderr}");
        stdout.into_owned()
    }

    fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn query(&self, results: &str, query: &str) -> String {
        sql::block_on(async {
            let session = sql::open(&[self.path(results)], &QueryOptions::default()).await.unwrap();
            answer(&session, query).await
        })
        .unwrap()
    }

    fn position(&self, results: &str) -> u64 {
        Results::new(self.path(results)).manifest().unwrap().map_or(0, |manifest| manifest.position)
    }
}

/// An answer as CSV, without its header.
async fn answer(session: &Session, query: &str) -> String {
    let mut text = Vec::new();
    store::print(session.sql(query).await.unwrap(), OutputFormat::Csv, TableLimits::FILE, &mut text).await.unwrap();
    String::from_utf8(text).unwrap().split_once('\n').unwrap().1.trim_end().to_owned()
}

const COUNT: &str = "SELECT count(*) FROM processed_data";

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

/// The logarithms of results by the event's id.
fn logarithms(place: &Place, results: &str) -> BTreeMap<String, f64> {
    let rows = place.query(results, "SELECT id, logarithm FROM processed_data");
    let row = |line: &str| line.split_once(',').map(|(id, value)| (id.to_owned(), value.parse().unwrap())).unwrap();
    rows.lines().map(row).collect()
}

/// The older program took its logarithms from the system's library, and this one takes them from libm: two of them differ
/// by one unit in the last place. It also worded reasons otherwise. Rows and dead letters that were there keep theirs, and nothing else
/// differs from a fresh run.
#[test]
fn results_of_an_older_program_are_read_and_carried_on() {
    let place = Place::new();
    copy(Path::new(GOLDEN_PLAIN), place.folder.path());
    assert_eq!(place.query("results", COUNT), "39", "as the older program left them");
    place.ok(&["verify", "results"]);
    let older = logarithms(&place, "results");
    place.ok(&["run", "readings.yaml", "--out", "results", "--commit-events", "10"]);
    place.ok(&["verify", "results"]);
    place.ok(&["run", "readings.yaml", "--out", "fresh"]);
    let (carried, fresh) = (logarithms(&place, "results"), logarithms(&place, "fresh"));
    assert_eq!((carried.len(), carried.keys().collect::<Vec<_>>()), (58, fresh.keys().collect()));
    let mut differ = Vec::new();
    for (id, value) in &carried {
        assert!(older.get(id).is_none_or(|older| older.to_bits() == value.to_bits()), "{id} was {older:?}, is {value}");
        // Neighbouring numbers of one sign have neighbouring bits.
        match value.to_bits().abs_diff(fresh[id].to_bits()) {
            0 => {}
            1 => differ.push(id.as_str()),
            _ => panic!("{id}: {value} and {}", fresh[id]),
        }
    }
    assert_eq!(differ, ["r-20", "r-32"]);
    assert!(differ.iter().all(|id| older.contains_key(*id)), "rows of this program are those of a fresh run");
    let compared = place.command(&["verify", "results", "fresh"]).output().unwrap();
    let said = String::from_utf8_lossy(&compared.stdout).into_owned();
    let of = |begin: &str| said.lines().map(str::trim).filter(|line| line.starts_with(begin)).collect::<Vec<_>>();
    let differences = [
        "FAIL  readings.processed_data and readings_2.processed_data: 2 rows differ",
        "FAIL  readings.dead_letters and readings_2.dead_letters: 1 rows differ",
    ];
    assert_eq!(of("FAIL"), differences, "{said}");
    assert_eq!(of("id r-"), ["id r-20: logarithm", "id r-32: logarithm"], "{said}");
    assert_eq!(of("position "), ["position 7: reason"], "{said}");
    assert_eq!(Results::new(place.path("results")).manifest().unwrap().unwrap().version, store::MANIFEST_VERSION);
}

/// Scores of two versions do not belong into one table.
#[test]
fn results_with_scores_of_an_older_version_are_read_and_not_mixed() {
    let place = Place::new();
    copy(Path::new(GOLDEN), place.folder.path());
    assert_eq!(place.query("results", COUNT), "39");
    place.ok(&["verify", "results"]);
    let done = place.command(&["run", "readings.yaml", "--out", "results"]).output().unwrap();
    assert_eq!(done.status.code(), Some(64));
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(said.contains("name another folder with --out, or start over with --fresh"), "{said}");
    assert_eq!(place.query("results", COUNT), "39");
}

#[test]
fn retention_drops_old_files_and_accounts_for_them() {
    let place = Place::new();
    place.define(20_000, "  store: { files: { keep: 1h } }\n");
    let summary = place.ok(&["run", "readings.yaml", "--out", "results", "--commit-events", "200"]);
    assert!(summary.contains("older than `keep`"), "{summary}");
    let verified = place.ok(&["verify", "results"]);
    assert!(verified.contains("dropped by retention"), "{verified}");
    let manifest = Results::new(place.path("results")).manifest().unwrap().unwrap();
    let kept: u64 = manifest.files_of(Table::ProcessedData).map(|file| file.rows).sum();
    assert_eq!(kept + manifest.dropped_rows(Table::ProcessedData), 20_000 - 400);
    // What is younger is there whole: an hour, and at most the rest of the files that it is in.
    let young = "SELECT count(*) FROM processed_data WHERE time > to_timestamp_seconds(1700000000 + 19999 - 3600)";
    assert_eq!(place.query("results", young), (3_600 - 72).to_string());
    assert!(kept < 12_000, "{kept} rows are kept");
    let files = fs::read_dir(place.path("results/processed_data")).unwrap().count();
    assert_eq!(files, manifest.files_of(Table::ProcessedData).count(), "nothing else is on the disk");
}

#[test]
fn kills_while_files_are_merged_and_dropped_lose_nothing() {
    let place = Place::new();
    place.define(20_000, "  store: { files: { keep: 1h } }\n");
    let run = ["run", "readings.yaml", "--out", "results", "--commit-events", "100"];
    let mut positions = Vec::new();
    for kill in 1..=8 {
        let mut child = place.start(&run);
        let begun = Instant::now();
        while place.position("results") < kill * 2_000 && begun.elapsed() < Duration::from_secs(60) {
            thread::sleep(Duration::from_millis(3));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        place.ok(&["verify", "results"]);
        positions.push(place.position("results"));
    }
    assert!(positions.iter().any(|position| *position < 20_000), "no kill came before the end: {positions:?}");
    place.ok(&run);
    let verified = place.ok(&["verify", "results"]);
    assert!(verified.contains("dropped by retention"), "{verified}");
}

#[test]
fn a_query_that_began_before_a_merge_ends_well() {
    let place = Place::new();
    place.define(10_000, "");
    let mut child = place.start(&["run", "readings.yaml", "--out", "results", "--commit-events", "100"]);
    while place.position("results") < 500 {
        thread::sleep(Duration::from_millis(3));
    }
    sql::block_on(async {
        let session = sql::open(&[place.path("results")], &QueryOptions::default()).await.unwrap();
        let listed = Results::new(place.path("results")).manifest().unwrap().unwrap().files;
        assert!(child.wait().unwrap().success());
        let now = Results::new(place.path("results")).manifest().unwrap().unwrap().files;
        assert!(listed.iter().any(|file| !now.iter().any(|other| other.path == file.path)), "something was merged");
        let rows: u64 = answer(&session, COUNT).await.parse().unwrap();
        assert!((490..9_800).contains(&rows), "as it was when the query began: {rows}");
    })
    .unwrap();
    place.ok(&["run", "readings.yaml", "--out", "results"]);
    let files = |folder: &str| fs::read_dir(place.path(folder)).map_or(0, Iterator::count);
    // Partitions with few rows share a file.
    assert_eq!(files("results/processed_data"), 1, "what the query held was cleared away by the next run");
    assert_eq!(files("results/_beamline/readers"), 0);
}
