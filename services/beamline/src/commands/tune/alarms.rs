//! What a detector would have found in the history.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use arrow::{
    array::{Array, AsArray, RecordBatch, StringArray},
    compute::cast,
    datatypes::{DataType, Float64Type},
};
use stage::{Outputs, Pipeline, Stage};
use stream::{Source, Stream, columns};

use super::super::evaluate::read_events;
use crate::{Failure, cli::TuneArgs};

/// Alarms that are shown.
const SHOWN: usize = 10;

/// Episodes that are counted.
const EPISODES_MAX: usize = 1_000_000;

/// The alarms of a run.
#[derive(Default)]
pub(super) struct Alarms {
    pub(super) events: u64,
    alarms: u64,
    /// Alarms by the rule or layer that fired.
    reasons: BTreeMap<String, u64>,
    episodes: HashSet<String>,
    /// The highest alarm of each of the highest episodes.
    highest: Vec<Alarm>,
}

struct Alarm {
    score: f64,
    episode: String,
    time: String,
    id: String,
    words: String,
}

impl Alarms {
    /// Runs the history through `stream`.
    pub(super) fn of(args: &TuneArgs, stream: &Arc<Stream>, source: &Source) -> Result<Self, Failure> {
        let mut pipeline = Pipeline::new(stream).map_err(Failure::run_time)?;
        let mut found = Self::default();
        read_events(&args.stream, stream, source, args.events, |rows| {
            let mut outputs = Outputs::default();
            pipeline.process(rows, &mut outputs).map_err(Failure::run_time)?;
            outputs.rows.iter().try_for_each(|rows| found.add(stream, &rows.batch))
        })?;
        Ok(found)
    }

    /// How many events a rule or layer alarmed at.
    pub(super) fn by(&self, reason: &str) -> u64 {
        self.reasons.get(reason).copied().unwrap_or_default()
    }

    fn add(&mut self, stream: &Stream, batch: &RecordBatch) -> Result<(), Failure> {
        let spec = &stream.definition.spec;
        let text = |name: &str| -> Result<StringArray, Failure> {
            let column = batch.schema_ref().index_of(name).map_err(Failure::run_time)?;
            let text = cast(batch.column(column), &DataType::Utf8).map_err(Failure::run_time)?;
            Ok(text.as_string::<i32>().clone())
        };
        let reasons = text(columns::ANOMALY_REASONS)?;
        self.events += batch.num_rows() as u64;
        if reasons.null_count() == batch.num_rows() {
            return Ok(());
        }
        let score = batch.schema_ref().index_of(columns::ANOMALY_SCORE).map_err(Failure::run_time)?;
        let scores = batch.column(score).as_primitive::<Float64Type>();
        let (episodes, words) = (text(columns::EPISODE)?, text(columns::ANOMALY_WORDS)?);
        let (ids, times) = (text(&spec.id)?, text(&spec.time)?);
        for row in (0..batch.num_rows()).filter(|row| reasons.is_valid(*row)) {
            self.alarms += 1;
            for reason in reasons.value(row).split(',') {
                *self.reasons.entry(reason.to_owned()).or_default() += 1;
            }
            if self.episodes.len() < EPISODES_MAX {
                self.episodes.insert(episodes.value(row).to_owned());
            }
            self.show(Alarm {
                score: if scores.is_valid(row) { scores.value(row) } else { 0.0 },
                episode: episodes.value(row).to_owned(),
                time: times.value(row).to_owned(),
                id: ids.value(row).to_owned(),
                words: words.value(row).to_owned(),
            });
        }
        Ok(())
    }

    /// Keeps an alarm where it is among the highest, and the highest of its episode.
    fn show(&mut self, alarm: Alarm) {
        match self.highest.iter_mut().find(|other| other.episode == alarm.episode) {
            Some(other) if other.score >= alarm.score => return,
            Some(other) => *other = alarm,
            None => self.highest.push(alarm),
        }
        self.highest.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.id.cmp(&b.id)));
        self.highest.truncate(SHOWN);
    }

    pub(super) fn tell(&self, asked: f64) -> String {
        let in_1000 = |count: u64| 1e3 * count as f64 / self.events.max(1) as f64;
        let mut text = format!(
            "would have alarmed: {} of {} events, {:.2} in 1,000 where {:.2} is asked for, in {} episodes\n",
            self.alarms,
            self.events,
            in_1000(self.alarms),
            1e3 * asked,
            self.episodes.len()
        );
        for (reason, count) in &self.reasons {
            text.push_str(&format!("  {reason}: {count}, {:.2} in 1,000\n", in_1000(*count)));
        }
        if !self.highest.is_empty() {
            text.push_str(&format!("the highest {}, one of an episode:\n", self.highest.len()));
        }
        for Alarm { score, time, id, words, .. } in &self.highest {
            text.push_str(&format!("  {score:5.1} bits  {time}  {id}  {words}\n"));
        }
        text
    }
}
