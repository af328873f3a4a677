//! What is kept of the scored events: labels, scores and alarms, a column each.

use std::collections::HashMap;

use arrow::{
    array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch, StringArray},
    compute::cast,
    datatypes::{DataType, Float64Type},
};
use evaluate::{Events, Judge, Simple};
use stream::{FeatureKind, Stream, columns};

use super::labels::{Labels, anomalous, kinds};
use crate::Failure;

/// What all judges together are called, and all learned layers.
const ALL: &str = "all";

/// The kind of anomalies where nothing says which.
const ANOMALY: &str = "anomaly";

/// Kinds that are told apart; the others count as one.
const KINDS_MAX: usize = 64;

/// The rest of the kinds.
const OTHER: &str = "other";

/// Collects events.
pub(super) struct Collector<'a> {
    stream: &'a Stream,
    labels: &'a Labels,
    events: Events,
    simple: Simple,
    keys: HashMap<String, u32>,
    kinds: HashMap<String, u16>,
}

impl<'a> Collector<'a> {
    /// Of a stream that asks for so many false alarms in all ordinary events.
    pub(super) fn new(stream: &'a Stream, labels: &'a Labels, asked: f64) -> Self {
        let judge = |name: &str, scored: bool| Judge {
            name: name.to_owned(),
            scores: scored.then(Vec::new),
            alarms: Vec::new(),
        };
        let layers = columns::LAYERS.iter().filter(|layer| stream.scored.field_with_name(&score_column(layer)).is_ok());
        let mut judges = vec![judge(ALL, true)];
        judges.extend(layers.map(|layer| judge(layer, true)));
        judges.extend(stream.rules.iter().map(|(rule, _)| judge(rule, false)));
        let events = Events { judges, ..Events::default() };
        let simple = Simple::new(asked);
        Self { stream, labels, events, simple, keys: HashMap::new(), kinds: HashMap::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.events.kinds.len()
    }

    /// Adds the events of a batch of scored rows.
    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let spec = &self.stream.definition.spec;
        let keys = stage::key_text(column(batch, &spec.key)?).map_err(Failure::run_time)?;
        let times = stage::event_times(column(batch, &spec.time)?).map_err(Failure::run_time)?;
        self.events.times.extend(times.iter().map(Option::unwrap_or_default));
        for key in keys.iter().map(Option::unwrap_or_default) {
            let next = self.keys.len() as u32;
            let number = match self.keys.get(key) {
                Some(number) => *number,
                None => *self.keys.entry(key.to_owned()).or_insert(next),
            };
            self.events.keys.push(number);
        }
        match self.labels {
            Labels::Columns { label, kind } => self.add_labels(batch, label.as_deref(), kind.as_deref())?,
            Labels::Windows(_) => {
                for (key, time) in keys.iter().zip(&times) {
                    let windows = self.labels.windows_of(key.unwrap_or_default());
                    let inside = |time: i64| windows.iter().any(|(start, end)| (*start..=*end).contains(&time));
                    let kind = if time.is_some_and(inside) { self.kind(ANOMALY) } else { 0 };
                    self.events.kinds.push(kind);
                }
            }
        }
        self.add_simple(batch)?;
        self.add_judges(batch)
    }

    /// What simple detectors say of the features.
    fn add_simple(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let (mut numbers, mut texts) = (Vec::new(), Vec::new());
        for feature in &self.stream.features {
            let values = feature.evaluate(batch).map_err(Failure::run_time)?.values;
            match feature.kind() {
                FeatureKind::Number => numbers.push(values.as_primitive::<Float64Type>().clone()),
                FeatureKind::Frequency | FeatureKind::Hash => {
                    texts.push(cast(&values, &DataType::Utf8).map_err(Failure::run_time)?.as_string::<i32>().clone());
                }
            }
        }
        let first = self.events.keys.len() - batch.num_rows();
        for row in 0..batch.num_rows() {
            let number = |of: &Float64Array| if of.is_valid(row) { of.value(row) } else { f64::NAN };
            let numbers: Vec<f64> = numbers.iter().map(number).collect();
            let texts: Vec<Option<&str>> =
                texts.iter().map(|of: &StringArray| of.is_valid(row).then(|| of.value(row))).collect();
            self.simple.add(self.events.keys[first + row], &numbers, &texts);
        }
        Ok(())
    }

    fn add_labels(&mut self, batch: &RecordBatch, label: Option<&str>, kind: Option<&str>) -> Result<(), Failure> {
        let named = kind.map(|kind| column(batch, kind)).transpose()?;
        let Some(labels) = label.map(|label| column(batch, label)).transpose()?.or(named) else { return Ok(()) };
        let labels = anomalous(labels)?;
        let named = named.map(kinds).transpose()?;
        for (row, anomaly) in labels.iter().enumerate() {
            let name = named.as_ref().filter(|kinds| kinds.is_valid(row)).map_or(ANOMALY, |kinds| kinds.value(row));
            let kind = if anomaly == Some(true) { self.kind(name) } else { 0 };
            self.events.kinds.push(kind);
        }
        Ok(())
    }

    /// The number of a kind, from 1.
    fn kind(&mut self, name: &str) -> u16 {
        if let Some(kind) = self.kinds.get(name) {
            return *kind;
        }
        let name = if self.kinds.len() < KINDS_MAX { name } else { OTHER };
        let next = self.kinds.len() as u16 + 1;
        *self.kinds.entry(name.to_owned()).or_insert_with(|| {
            self.events.kind_names.push(name.to_owned());
            next
        })
    }

    fn add_judges(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let alarms = column(batch, columns::ANOMALOUS)?.as_boolean();
        let reasons = column(batch, columns::ANOMALY_REASONS)?.as_string::<i32>();
        for judge in &mut self.events.judges {
            let name = judge.name.as_str();
            if let Some(scores) = &mut judge.scores {
                let of = if name == ALL { columns::ANOMALY_SCORE.to_owned() } else { score_column(name) };
                let values = column(batch, &of)?.as_primitive::<Float64Type>();
                scores.extend(values.iter().map(|score| score.unwrap_or(f64::NAN)));
            }
            if name == ALL {
                judge.alarms.extend(alarms.values().iter());
            } else {
                let fired = |reasons: &str| reasons.split(',').any(|reason| reason == name);
                judge.alarms.extend(reasons.iter().map(|reasons| reasons.is_some_and(fired)));
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Events, Failure> {
        match self.events.kinds.is_empty() {
            true => Err(Failure::run_time("there are no events, nothing can be measured")),
            false => Ok(Events { simple: self.simple.judges(), ..self.events }),
        }
    }
}

fn score_column(layer: &str) -> String {
    format!("score_{layer}")
}

fn column<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b ArrayRef, Failure> {
    batch.column_by_name(name).ok_or_else(|| Failure::run_time(format!("the scored events have no column `{name}`")))
}
