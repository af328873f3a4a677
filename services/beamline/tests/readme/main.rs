//! The commands of the README work as they stand there, and no library writes a line on standard error at default
//! settings.

#![allow(clippy::unwrap_used)]

mod on_servers;

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

use arrow::array::{RecordBatch, UInt64Array};
use flate2::{Compression, write::GzEncoder};
use serde_json::Value;
use sink::{Batch, Sink, Table};
use source::Next;

/// What a command names that needs a server, or that the README says in words only.
const NEEDS_MORE: [&str; 6] = ["--kafka", "--cql", "--lake", "topics ", "smoke ", "sample.csv"];
/// The services, whose commands stand in the README too.
const SERVICES: [&str; 4] = ["generator ", "enricher ", "anomaly-detector ", "aggregator "];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The commands of the README in their order: lines of its code blocks, and what stands in backticks.
fn all_commands() -> Vec<String> {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let mut commands = Vec::new();
    for line in readme.lines() {
        let blocks = line.strip_prefix("    ").map(str::to_owned).into_iter();
        let quoted = line.split('`').skip(1).step_by(2).map(str::to_owned);
        let ours = |command: &String| ["beamline "].iter().chain(&SERVICES).any(|program| command.starts_with(program));
        for command in blocks.chain(quoted).filter(ours) {
            let command = command.split("  #").next().unwrap().trim().to_owned();
            let complete = command.split_whitespace().count() > 2 || command == "beamline demo";
            if complete && !commands.contains(&command) {
                commands.push(command);
            }
        }
    }
    commands
}

/// Whether a command needs no server.
fn is_alone(command: &str) -> bool {
    command.starts_with("beamline ") && !NEEDS_MORE.iter().any(|part| command.contains(part))
}

/// Where our programs are.
fn programs() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_beamline")).parent().unwrap()
}

fn shell(folder: &Path, command: &str) -> Output {
    let path = format!("{}:/usr/bin:/bin", programs().display());
    Command::new("sh").args(["-c", command]).current_dir(folder).env_clear().env("PATH", path).output().unwrap()
}

/// The crates of this workspace, as log lines call them.
fn our_crates() -> Vec<String> {
    let folders = ["crates", "services"].map(|folder| fs::read_dir(root().join(folder)).unwrap());
    let names = folders.into_iter().flatten().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.map(|name| name.replace('-', "_")).collect()
}

/// Every line of standard error is a log line of our own code, or says where the live page is.
fn assert_quiet(command: &str, output: &Output) {
    assert_ours(command, &String::from_utf8_lossy(&output.stderr));
}

fn assert_ours(command: &str, stderr: &str) {
    let ours = our_crates();
    for line in stderr.lines().filter(|line| !line.starts_with("page: http://127.0.0.1:")) {
        let target =
            serde_json::from_str::<Value>(line).ok().and_then(|line| Some(line["target"].as_str()?.to_owned()));
        let of = target.as_deref().and_then(|target| target.split("::").next());
        assert!(of.is_some_and(|of| ours.iter().any(|own| own == of)), "{command} writes: {line}");
    }
}

/// The files that the README's commands name, as the repository has them, and some clicks.
fn prepare(folder: &Path) {
    let written = shell(folder, "beamline demo --write .");
    assert!(written.status.success(), "{written:?}");
    let click = r#"user_id,event_id,event_time,event_type,session_id,product_id,category,price,quantity"#;
    let mut clicks = GzEncoder::new(File::create(folder.join("clicks-1.csv.gz")).unwrap(), Compression::fast());
    writeln!(clicks, "{click}\nu1,e1,2025-01-01T00:00:00Z,view,s1,p1,toys,9.5,1").unwrap();
    clicks.finish().unwrap();
}

#[test]
fn commands_of_the_readme_work_and_no_library_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let commands: Vec<String> = all_commands().into_iter().filter(|command| is_alone(command)).collect();
    for part in ["run streams/", "replay streams/", "--format csv", "verify beamline-results/", "completions"] {
        assert!(commands.iter().any(|command| command.contains(part)), "{part} is not among {commands:?}");
    }
    // A question of the README comes before the run that it is about, which is the job of `make run`.
    let first = shell(folder.path(), "beamline run streams/particle-events.yaml --for 1s");
    assert!(first.status.success(), "{first:?}");
    for command in commands {
        let endless = command.starts_with("beamline run ") || command.starts_with("beamline demo");
        let command = if endless && !command.contains("--for") { format!("{command} --for 1s") } else { command };
        let output = shell(folder.path(), &command);
        assert!(output.status.success(), "{command}: {output:?}");
        assert_quiet(&command, &output);
    }
}

#[test]
fn a_question_to_a_delta_table_is_answered_without_a_line_of_the_kernel() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    fill(&lake);
    let command =
        format!("beamline query --lake {} --format csv \"SELECT count(*) FROM processed_data\"", lake.display());
    let output = shell(folder.path(), &command);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().nth(1), Some("8"), "{output:?}");
    assert_quiet(&command, &output);
    // The lines are there for whoever asks.
    let loud = shell(folder.path(), &format!("RUST_LOG=debug {command}"));
    assert!(loud.stderr.len() > output.stderr.len(), "{loud:?}");
}

/// A Delta table with a few raw sensor readings, in two commits.
fn fill(lake: &Path) {
    let example = examples::Example::named("sensors").unwrap();
    let stream = Arc::new(example.load().unwrap());
    let source = stream.definition.spec.source.clone().unwrap();
    let mut source =
        source::open(&source, &stream, &source::Options { speed: Some(0.0), ..Default::default() }).unwrap();
    let location = lake::Location::parse(lake.to_str().unwrap()).unwrap();
    let tables = [(Table::ProcessedData, "readings".to_owned(), stream.input.arrow().clone())];
    let mut sink = lake::DeltaSink::new(location, stream.name(), &stream.definition.spec.time, &tables, 1).unwrap();
    for commit in 0..2 {
        let Next::Records(records) = source.next(4).unwrap() else { panic!("the source has no events") };
        let rows: RecordBatch = records.rows;
        let (first, next) = (commit * 4, commit * 4 + 4);
        let positions = UInt64Array::from_iter_values(first..next);
        let (table, topic) = (Table::ProcessedData, "readings".to_owned());
        let times = positions.values().iter().map(|_| 0).collect();
        sink.write(vec![Batch {
            table,
            topic,
            partition: 0,
            rows,
            positions,
            times,
            next,
            probes: Vec::new(),
            keys: None,
        }])
        .unwrap();
    }
}
