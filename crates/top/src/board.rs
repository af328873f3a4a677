//! What all sources answer, summed up by stream and stage.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    answer::{Answer, Kind},
    exposition::Sample,
    histogram::Buckets,
    row::{Alarms, Row},
};

/// The stages in the order in which records go through them; others stand behind, by name.
const ORDER: [&str; 14] = [
    "source",
    "generator",
    "enrich",
    "enricher",
    "detect",
    "anomaly-detector",
    "aggregate",
    "aggregator",
    "merger",
    "store",
    "cql",
    "delta",
    "orc",
    "parquet",
];

/// Counters by source, metric, stream, and stage or layer.
type Counts = BTreeMap<[String; 4], f64>;

/// What has been answered so far.
#[derive(Debug, Default)]
pub struct Board {
    at_ms: Option<i64>,
    counts: Counts,
    latencies: BTreeMap<[String; 3], Buckets>,
    rows: Vec<Row>,
    alarms: Vec<Alarms>,
    notes: Vec<String>,
}

impl Board {
    /// Takes what each source answers at `now_ms` (milliseconds since any moment): its name, and its answer or why there
    /// is none. Rates are known from the second time on.
    pub fn update(&mut self, now_ms: i64, answers: &[(String, Result<Answer, String>)]) {
        let elapsed = self.at_ms.map(|before| (now_ms - before) as f64 / 1000.0).filter(|seconds| *seconds > 0.0);
        let mut next = Self { at_ms: Some(now_ms), ..Self::default() };
        let mut metrics = Gathered::default();
        for (source, answer) in answers {
            match answer {
                Ok(Answer(Kind::Metrics(samples))) => metrics.take(source, samples),
                Ok(Answer(Kind::Overview(overview))) => {
                    next.notes.push(overview.sentence.clone());
                    next.rows.extend(overview.rows());
                    next.alarms.extend(overview.alarms());
                }
                Err(reason) => next.notes.push(format!("{source}: {reason}")),
            }
        }
        next.rows.extend(metrics.rows(&self.counts, &self.latencies, elapsed));
        next.alarms.extend(metrics.alarms(&self.counts, elapsed));
        (next.counts, next.latencies) = (metrics.counts, metrics.latencies);
        let place = |stage: &str| ORDER.iter().position(|known| *known == stage).unwrap_or(ORDER.len());
        next.rows.sort_by(|a, b| (&a.stream, place(&a.stage), &a.stage).cmp(&(&b.stream, place(&b.stage), &b.stage)));
        next.alarms.sort_by(|a, b| (&a.stream, &a.layer).cmp(&(&b.stream, &b.layer)));
        *self = next;
    }

    /// The stages, by stream and in the order in which records go through them.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The alarms, by stream and layer.
    pub fn alarms(&self) -> &[Alarms] {
        &self.alarms
    }

    /// What there is to say: how streams are, and which sources do not answer.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

const RECORDS_IN: &str = "beamline_records_in_total";
const RECORDS_OUT: &str = "beamline_records_out_total";
const STORED: &str = "beamline_store_rows_total";
const SENT: &str = "beamline_generator_records_total";
const DEAD: &str = "beamline_dead_letters_total";
const ALARMS: &str = "beamline_alarms_total";
const LAG: &str = "beamline_consumer_lag_records";
const LATENCY: &str = "beamline_end_to_end_latency_seconds_bucket";

/// The metrics of all services.
#[derive(Debug, Default)]
struct Gathered {
    counts: Counts,
    latencies: BTreeMap<[String; 3], Buckets>,
    lags: BTreeMap<[String; 2], f64>,
}

impl Gathered {
    fn take(&mut self, source: &str, samples: &[Sample]) {
        for sample in samples {
            let (name, stream) = (sample.name.as_str(), sample.label("stream").to_owned());
            let stage = match name {
                SENT => "generator",
                ALARMS => sample.label("layer"),
                _ => sample.label("stage"),
            };
            let stage = stage.to_owned();
            match name {
                RECORDS_IN | RECORDS_OUT | STORED | SENT | DEAD | ALARMS => {
                    *self.counts.entry([source.to_owned(), name.to_owned(), stream, stage]).or_default() +=
                        sample.value;
                }
                LAG => *self.lags.entry([stream, stage]).or_default() += sample.value,
                LATENCY => {
                    let bound = sample.label("le").parse().unwrap_or(f64::INFINITY);
                    let buckets = self.latencies.entry([source.to_owned(), stream, stage]).or_default();
                    buckets.add(bound, sample.value);
                }
                _ => {}
            }
        }
    }

    /// The total of a metric over all sources, and how much of it came since `before`.
    fn total(&self, before: &Counts, metrics: &[&str], stream: &str, stage: &str) -> Option<(f64, f64)> {
        let is_it = |key: &&[String; 4]| metrics.contains(&key[1].as_str()) && key[2] == stream && key[3] == stage;
        let mut found = None;
        for (key, value) in self.counts.iter().filter(|(key, _)| is_it(key)) {
            let (total, new) = found.unwrap_or((0.0, 0.0));
            // A process that has begun again counts from zero; one that was not there before counts from now on.
            let more = match before.get(key) {
                Some(earlier) if earlier <= value => value - earlier,
                Some(_) => *value,
                None => 0.0,
            };
            found = Some((total + value, new + more));
        }
        found
    }

    fn rows(&self, before: &Counts, latencies: &BTreeMap<[String; 3], Buckets>, elapsed: Option<f64>) -> Vec<Row> {
        let counted = self.counts.keys().filter(|[_, name, ..]| name != ALARMS);
        let stages: BTreeSet<(&String, &String)> = counted
            .map(|[_, _, stream, stage]| (stream, stage))
            .chain(self.lags.keys().map(|[stream, stage]| (stream, stage)))
            .collect();
        let row = |(stream, stage): (&String, &String)| {
            let mut row = Row::new(stream, stage);
            let sources = self.counts.keys().filter(|key| key[1] != ALARMS && &key[2] == stream && &key[3] == stage);
            row.processes = sources.map(|key| &key[0]).collect::<BTreeSet<_>>().len();
            let of = |metrics: &[&str]| self.total(before, metrics, stream, stage);
            let rate = |found: Option<(f64, f64)>| Some(found?.1 / elapsed?);
            let (read, written) = (of(&[RECORDS_IN]), of(&[RECORDS_OUT, STORED, SENT]));
            (row.in_total, row.in_rate) = (read.map(|(total, _)| total as u64), rate(read));
            (row.out_total, row.out_rate) = (written.map(|(total, _)| total as u64), rate(written));
            row.dead_letters = of(&[DEAD]).map(|(total, _)| total as u64);
            row.lag = self.lags.get(&[stream.clone(), stage.clone()]).map(|lag| *lag as u64);
            let recent = self.latency(latencies, stream, stage);
            (row.latency_p50, row.latency_p99) = (recent.quantile(0.5), recent.quantile(0.99));
            row
        };
        stages.into_iter().map(row).collect()
    }

    /// The latencies since the last answer, of all processes.
    fn latency(&self, before: &BTreeMap<[String; 3], Buckets>, stream: &str, stage: &str) -> Buckets {
        let mut all = Buckets::default();
        for (key, buckets) in self.latencies.iter().filter(|(key, _)| key[1] == stream && key[2] == stage) {
            let nothing = Buckets::default();
            all.add_all(&buckets.since(before.get(key).unwrap_or(&nothing)));
        }
        all
    }

    fn alarms(&self, before: &Counts, elapsed: Option<f64>) -> Vec<Alarms> {
        let of = self.counts.keys().filter(|key| key[1] == ALARMS);
        let layers: BTreeSet<(&String, &String)> = of.map(|key| (&key[2], &key[3])).collect();
        let alarms = |(stream, layer): (&String, &String)| {
            let (total, new) = self.total(before, &[ALARMS], stream, layer).unwrap_or_default();
            Alarms {
                stream: stream.clone(),
                layer: layer.clone(),
                total: total as u64,
                per_minute: elapsed.map(|seconds| new * 60.0 / seconds),
            }
        };
        layers.into_iter().map(alarms).collect()
    }
}
