//! Keys that fall silent while detectors come and are killed: every alarm as one process has it, and none twice.

use std::{
    collections::BTreeMap,
    fs, thread,
    time::{Duration, Instant},
};

use arrow::{
    array::RecordBatch,
    compute::cast,
    datatypes::DataType,
    util::display::{ArrayFormatter, FormatOptions},
};
use kafka::Step;

use crate::{
    cluster::{Cluster, Service},
    input, results,
    windows::asked,
};

const EVENTS: u64 = 100_000;
/// Events in which some detectors have none: 15 of 100 seconds.
const SILENT: std::ops::Range<u64> = 70_000..85_000;

/// All columns that say what was found, and some of those of the event.
const COLUMNS: [&str; 9] = [
    "event_id",
    "timestamp",
    "detector_id",
    "energy_gev",
    "anomalous",
    "anomaly_score",
    "anomaly_reasons",
    "anomaly_words",
    "episode",
];

/// Rows by their ids, as text. One that stands twice is a failure.
fn rows(batches: &[RecordBatch]) -> BTreeMap<String, String> {
    let mut rows = BTreeMap::new();
    let options = FormatOptions::default().with_null("-");
    for batch in batches {
        let column = |name: &&str| {
            let column = batch.column_by_name(name).unwrap();
            if *name == "timestamp" { cast(column, &DataType::Int64).unwrap() } else { column.clone() }
        };
        let columns: Vec<_> = COLUMNS.iter().map(column).collect();
        let columns: Vec<_> = columns.iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let texts: Vec<String> = columns.iter().map(|column| column.value(row).to_string()).collect();
            let twice = rows.insert(texts[0].clone(), texts.join(" | "));
            assert!(twice.is_none(), "{texts:?} stands twice");
        }
    }
    rows
}

#[test]
fn keys_that_fall_silent_are_told_as_one_process_tells_them() {
    let cluster = Cluster::start();
    input::write(&cluster.path("input.jsonl"), EVENTS);
    let text = fs::read_to_string(cluster.path("input.jsonl")).unwrap();
    let is_silent = |line: &str| (0..200).step_by(17).any(|number| line.contains(&format!("\"D{number}\"")));
    let kept = text.lines().enumerate().filter(|(event, line)| !SILENT.contains(&(*event as u64)) || !is_silent(line));
    fs::write(cluster.path("input.jsonl"), kept.map(|(_, line)| format!("{line}\n")).collect::<String>()).unwrap();
    let definition = fs::read_to_string(cluster.path("stream.yaml")).unwrap();
    let detect = "  detect:\n    layers: { chains: false, silence: true }\n    warm_up: 64\n    episode_after: 5\n";
    fs::write(cluster.path("stream.yaml"), definition.replace("  detect:\n", detect)).unwrap();

    cluster.beamline(&["topics", "apply", "stream.yaml"]);
    let generator = cluster.service("generator", "g", &["--once"]);
    let enricher = cluster.service("enricher", "e", &[]);
    let short = ["--session-timeout", "6s", "--transaction-timeout", "4s"];
    let detector = |number: u32| cluster.service("anomaly-detector", &format!("d{number}"), &short);
    let mut detectors = vec![detector(0)];
    for number in 1..=5 {
        thread::sleep(Duration::from_millis(1500));
        match number % 3 {
            0 => {
                detectors.remove(0).program.signal("KILL").unwrap();
                detectors.push(detector(number));
            }
            1 => detectors.push(detector(number)),
            _ => detectors.remove(0).stop(),
        }
    }
    let ended = generator.program.wait(Duration::from_secs(120));
    assert!(ended.is_some_and(|status| status.success()), "{}", generator.program.log());
    let services: Vec<&Service> = detectors.iter().chain([&enricher]).collect();
    let begun = Instant::now();
    let (_, detected) = cluster.wait_until_done(cluster.sent().sent, Duration::from_secs(180), &services);
    println!("{detected:?} after {:.1} s", begun.elapsed().as_secs_f64());

    let stream = service::load_stream(&cluster.path("stream.yaml")).unwrap();
    let received = results::read_all(&cluster, "particles.anomalies", stream.anomalies_schema().unwrap());
    let found = rows(&received.iter().map(|received| received.rows.clone()).collect::<Vec<_>>());
    cluster.beamline(&["--quiet", "replay", "stream.yaml", "--out", "results"]);
    let wanted = rows(&asked(&cluster, "SELECT * FROM anomalies"));
    assert_eq!(found, wanted);
    let silent = found.keys().filter(|id| id.contains(" silent at ")).count() as u64;
    println!("{silent} alarms of silence");
    assert!((10..400).contains(&silent), "{silent} alarms of 12 silent detectors and of chance");
    assert_eq!((silent, found.len() as u64), (detected.silences, detected.anomalies + detected.silences));
    assert!(detected.balances() && cluster.ledger(Step::Enrich).balances());
    let ledger = cluster.beamline(&["topics", "ledger", "stream.yaml"]);
    assert!(ledger.contains(&format!(" + {silent} silences")), "{ledger}");
    // The results are whole, and the rows of silence are among the anomalies alone.
    cluster.beamline(&["verify", "results"]);
    assert!(
        asked(&cluster, "SELECT * FROM processed_data WHERE event_id LIKE '% silent at %'")
            .iter()
            .all(|rows| rows.num_rows() == 0)
    );
    services.into_iter().for_each(Service::stop);
}
