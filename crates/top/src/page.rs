//! The overview of a run in one process, as its page's API gives it.

use serde::Deserialize;

use crate::{
    error::TopError,
    row::{Alarms, Row},
};

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Overview {
    stream: String,
    pub(crate) sentence: String,
    rate: Rate,
    lag: Lag,
    latency: Latency,
    alarms: AlarmCounts,
    dead_letters: DeadLetters,
    ledger: Ledger,
    stages: Vec<Stage>,
}

#[derive(Debug, Clone, Deserialize)]
struct Rate {
    now: f64,
}

#[derive(Debug, Clone, Deserialize)]
struct Lag {
    records: u64,
}

#[derive(Debug, Clone, Deserialize)]
struct Latency {
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
}

#[derive(Debug, Clone, Deserialize)]
struct AlarmCounts {
    layers: Vec<Layer>,
}

#[derive(Debug, Clone, Deserialize)]
struct Layer {
    name: String,
    alarms: u64,
}

#[derive(Debug, Clone, Deserialize)]
struct DeadLetters {
    total: u64,
}

#[derive(Debug, Clone, Deserialize)]
struct Ledger {
    records: u64,
    out: u64,
}

#[derive(Debug, Clone, Deserialize)]
struct Stage {
    name: String,
    state: String,
}

pub(crate) fn parse(json: &str) -> Result<Overview, TopError> {
    Ok(serde_json::from_str(json)?)
}

impl Overview {
    /// The stages that are there, from the source to the store. What the page says of the run as a whole stands where it
    /// is decided: dead letters and latency at the last stage that works on rows, lag at the store.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let there: Vec<&Stage> = self.stages.iter().filter(|stage| stage.state != "off").collect();
        let shown = if there.is_empty() { self.stages.iter().collect() } else { there };
        let row = |stage: &&Stage| {
            let mut row = Row::new(&self.stream, &stage.name);
            row.state = stage.state.clone();
            row.processes = 1;
            row.in_total = Some(self.ledger.records);
            row.in_rate = Some(self.rate.now);
            match stage.name.as_str() {
                "enrich" => row.dead_letters = Some(self.dead_letters.total),
                "detect" => {
                    let seconds = |ms: Option<f64>| ms.map(|ms| ms / 1000.0);
                    row.latency_p50 = seconds(self.latency.p50_ms);
                    row.latency_p99 = seconds(self.latency.p99_ms);
                }
                "store" => {
                    row.lag = Some(self.lag.records);
                    row.out_total = Some(self.ledger.out);
                }
                _ => {}
            }
            row
        };
        shown.iter().map(row).collect()
    }

    /// The alarms of each rule and layer.
    pub(crate) fn alarms(&self) -> impl Iterator<Item = Alarms> {
        self.alarms.layers.iter().map(|layer| Alarms {
            stream: self.stream.clone(),
            layer: layer.name.clone(),
            total: layer.alarms,
            per_minute: None,
        })
    }
}
