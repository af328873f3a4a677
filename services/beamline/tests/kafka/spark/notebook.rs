//! `notebooks/spark.ipynb`, executed on a lake: each figure that it shows is what `beamline query` says.

use std::{fs, path::Path};

use servers::Spark;

use super::{ask, file};
use crate::cluster::Cluster;

/// What the notebook asks, in its order. The results of windows are the last versions.
const QUESTIONS: [&str; 6] = [
    "SELECT count(*), count(DISTINCT event_id), sum(CAST(anomalous AS BIGINT)), min(timestamp), max(timestamp) FROM processed_data",
    "SELECT detector_id, count(*), min(energy_gev), max(energy_gev) FROM processed_data GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10",
    "SELECT anomaly_reasons, count(*), max(anomaly_score) FROM anomalies GROUP BY 1 ORDER BY 2 DESC, 1",
    "SELECT event_id, timestamp, detector_id, energy_gev, anomaly_score FROM anomalies ORDER BY 5 DESC, 1 LIMIT 5",
    "SELECT aggregate, count(*), sum(events), min(window_start), max(window_end) FROM aggregates GROUP BY 1 ORDER BY 1",
    "SELECT aggregate, window_start, detector_id, events FROM aggregates ORDER BY 4 DESC, 2, 3 LIMIT 10",
];

pub(super) fn same_figures(spark: &Spark, cluster: &Cluster, lake: &str) {
    let plots = cluster.path("plots").display().to_string();
    fs::create_dir_all(&plots).unwrap();
    let variables = [("BEAMLINE_LAKE", lake), ("BEAMLINE_PLOTS", plots.as_str())];
    let printed =
        spark.run(Path::new(&file("notebooks/run.py")), &[&file("notebooks/spark.ipynb")], &variables).unwrap();
    let found = tables(&printed);
    assert_eq!(found.len(), QUESTIONS.len(), "{printed}");
    let mut figures = 0;
    for (found, sql) in found.iter().zip(QUESTIONS) {
        let asked: Vec<Vec<String>> =
            ask(cluster, lake, sql).into_iter().map(|row| row.iter().map(|cell| as_shown(cell)).collect()).collect();
        assert!(!asked.is_empty() && found == &asked, "{sql}\n{found:?}\n{asked:?}");
        figures += found.iter().map(Vec::len).sum::<usize>();
    }
    let [events, _, anomalous, ..] = &found[0][0][..] else { panic!("{printed}") };
    assert!(printed.contains(&format!("{events} events and {anomalous} anomalies are in the plot")), "{printed}");
    let plot = fs::metadata(Path::new(&plots).join("over_time.png")).unwrap().len();
    assert!(plot > 5_000 && printed.lines().any(|line| line == "plot"), "{plot} bytes");
    println!(
        "the notebook: {figures} figures of {} tables as in `beamline query`, and a plot of {plot} bytes",
        found.len()
    );
}

/// The tables that Spark has shown: their rows without the heads, numbers with a point by their bits.
fn tables(printed: &str) -> Vec<Vec<Vec<String>>> {
    let mut tables: Vec<Vec<Vec<String>>> = Vec::new();
    let mut rules = 0;
    for line in printed.lines() {
        match line.chars().next() {
            Some('+') => {
                // Above the head, below it, and at the end.
                if rules % 3 == 0 {
                    tables.push(Vec::new());
                }
                rules += 1;
            }
            Some('|') if rules % 3 == 2 => {
                let cells = line.trim_matches('|').split('|').map(|cell| super::cell(cell.trim()));
                tables.last_mut().unwrap().push(cells.collect());
            }
            _ => {}
        }
    }
    tables
}

/// A cell of our CSV as Spark shows it: a time without its zone and without zeros at its end, null by its name.
fn as_shown(cell: &str) -> String {
    match cell.strip_suffix('Z').and_then(|time| time.split_once('T')) {
        Some((day, time)) => {
            let time = if time.contains('.') { time.trim_end_matches('0').trim_end_matches('.') } else { time };
            format!("{day} {time}")
        }
        None if cell.is_empty() => "NULL".to_owned(),
        None => cell.to_owned(),
    }
}
