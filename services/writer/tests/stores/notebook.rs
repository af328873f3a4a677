//! The notebook, executed on the results of a real run: from files, and from a Delta table.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use arrow::array::UInt64Array;
use sink::{Batch, Sink, Table};

use crate::same_rows::{beamline, rows_of};

const PLOTS: [&str; 4] = ["energy_spectrum", "z_peak", "anomalies_over_time", "events_by_type"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs the notebook and gives what it prints.
fn execute(python: &Path, variable: &str, place: &Path, plots: &Path) -> String {
    std::fs::create_dir_all(plots).unwrap();
    let notebooks = repository().join("notebooks");
    let output = Command::new(python)
        .args(["run.py", "overview.ipynb"])
        .current_dir(notebooks)
        .env_remove("BEAMLINE_RESULTS")
        .env_remove("BEAMLINE_LAKE")
        .env(variable, place)
        .env("BEAMLINE_PLOTS", plots)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for plot in PLOTS {
        let bytes = std::fs::metadata(plots.join(plot).with_extension("png")).unwrap().len();
        assert!(bytes > 5_000, "{plot}: {bytes} bytes");
    }
    String::from_utf8(output.stdout).unwrap()
}

/// Where the notebook says the peak is.
fn peak(text: &str) -> f64 {
    let line = text.lines().find(|line| line.contains("the peak at")).unwrap_or_else(|| panic!("{text}"));
    line.split("the peak at ").nth(1).unwrap().trim_end_matches(" GeV").parse().unwrap()
}

#[test]
fn the_notebook_finds_the_z_in_files_and_in_a_delta_table() {
    let Some(python) = servers::python().unwrap() else {
        println!("skipped: this machine has no Python to run a notebook with");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("results");
    let definition = repository().join("streams/particle-physics.yaml");
    beamline(&[
        "run",
        definition.to_str().unwrap(),
        "--rate",
        "0",
        "--events",
        "60000",
        "--out",
        results.to_str().unwrap(),
    ]);
    let text = execute(&python, "BEAMLINE_RESULTS", &results, &folder.path().join("plots"));
    assert!((peak(&text) - 91.19).abs() < 1.0, "{text}");

    let stream = service::load_stream(&definition).unwrap();
    let lake = folder.path().join("lake");
    let location = lake::Location::parse(lake.to_str().unwrap()).unwrap();
    let tables = [(Table::ProcessedData, stream.topics().scored, stream.scored.clone())];
    let mut sink = lake::DeltaSink::new(location, stream.name(), &stream.definition.spec.time, &tables, 1).unwrap();
    let mut position = 0;
    for rows in rows_of(&ask::Source::Results(vec![results]), Table::ProcessedData) {
        let next = position + rows.num_rows() as u64;
        let positions = UInt64Array::from_iter_values(position..next);
        let (table, topic) = (Table::ProcessedData, stream.topics().scored);
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
        position = next;
    }
    let again = execute(&python, "BEAMLINE_LAKE", &lake, &folder.path().join("plots-of-delta"));
    assert_eq!(again, text, "a Delta table shows what files show");
}
