//! The second step: rules and learned layers, with state by key.

mod found;
mod together;
mod traced;
mod words;

use std::sync::Arc;

use arrow::{
    array::{AsArray, BooleanArray, RecordBatch},
    datatypes::Float64Type,
};
use bytes::Bytes;
use detect::{Cause, Detector, Event, Scores, Settings};
use stream::Stream;

use self::{
    found::Found,
    together::{KEY, Together},
    traced::Traced,
    words::Feature,
};

use crate::{
    DeadLetterKind, Key, Outputs, Rows, Stage, StageError, StateSize, event_times,
    keys::{KEYS_MAX, KeyStates},
    memory::StateMemory,
    rows::Failure,
};

/// Rules and learned layers.
#[derive(Debug)]
pub struct Detect {
    stream: Arc<Stream>,
    /// `None` where no learned layer is on.
    detector: Option<Detector>,
    /// How each feature is called in words.
    told: Vec<Feature>,
    /// The bits of the asked false-alarm rate: what an alarm scores at least.
    alarm_bits: f64,
    states: KeyStates,
    /// What all keys share, where a layer looks at them together.
    together: Option<Together>,
    /// Whether a layer looks at the times of events.
    timed: bool,
    /// Scratch: the features of a batch, row by row.
    features: Vec<f64>,
}

impl Detect {
    /// The second step of `stream`, or `None` where nothing is to be detected. All its states are kept in memory.
    ///
    /// # Errors
    /// Where the definition's settings cannot be used.
    pub fn new(stream: Arc<Stream>) -> Result<Option<Self>, StageError> {
        Self::within(stream, &StateMemory::unbounded())
    }

    /// The same, with a limit to the memory that its states take.
    ///
    /// # Errors
    /// As [`Detect::new`].
    pub fn within(stream: Arc<Stream>, memory: &StateMemory) -> Result<Option<Self>, StageError> {
        let Some(settings) = settings(&stream) else { return Ok(None) };
        let learned = settings.any_layer();
        let alarm_bits = -libm::log2(settings.false_alarm_rate);
        let timed = settings.rate || settings.season || settings.burst;
        let detector = (settings.features > 0 && learned).then(|| Detector::new(settings)).transpose()?;
        let told = stream.features.iter().map(|feature| Feature::new(feature.sql())).collect();
        let together = detector.as_ref().and_then(Detector::of_partition).map(Together::new);
        let states = KeyStates::new(KEYS_MAX, memory);
        Ok(Some(Self { stream, detector, told, alarm_bits, states, together, timed, features: Vec::new() }))
    }

    /// Evaluates rules and features; rows for which one fails become dead letters, and the others are given back.
    fn evaluate(&mut self, mut rows: Rows, out: &mut Outputs) -> Result<(Rows, Vec<BooleanArray>), StageError> {
        let mut failed: Vec<(usize, String, String)> = Vec::new();
        let rules = self.rules(&rows.batch, &mut failed)?;
        self.evaluate_features(&rows.batch, &mut failed)?;
        if failed.is_empty() {
            return Ok((rows, rules));
        }
        let failures = failed.into_iter().map(|(row, rule, reason)| {
            let rows = vec![(row, reason)];
            Failure { kind: DeadLetterKind::Expression, rule, rows }
        });
        rows = rows.bury(failures.collect(), self.stream.input.arrow().fields().len(), out)?;
        let rules = self.rules(&rows.batch, &mut Vec::new())?;
        self.evaluate_features(&rows.batch, &mut Vec::new())?;
        Ok((rows, rules))
    }

    fn rules(
        &self,
        batch: &RecordBatch,
        failed: &mut Vec<(usize, String, String)>,
    ) -> Result<Vec<BooleanArray>, StageError> {
        let mut rules = Vec::with_capacity(self.stream.rules.len());
        for (name, when) in &self.stream.rules {
            let (matches, bad) = when.matches(batch).map_err(|source| in_context(name, source))?;
            failed.extend(bad.into_iter().map(|(row, reason)| (row, name.clone(), reason)));
            rules.push(matches);
        }
        Ok(rules)
    }

    /// Fills `self.features`: row by row, NaN for what is missing.
    fn evaluate_features(
        &mut self,
        batch: &RecordBatch,
        failed: &mut Vec<(usize, String, String)>,
    ) -> Result<(), StageError> {
        let width = self.stream.features.len();
        self.features.clear();
        self.features.resize(batch.num_rows() * width, f64::NAN);
        for (index, feature) in self.stream.features.iter().enumerate() {
            let evaluated = feature.evaluate(batch).map_err(|source| in_context(feature.sql(), source))?;
            let values = evaluated.values.as_primitive::<Float64Type>();
            for (row, value) in values.iter().enumerate() {
                if let Some(value) = value {
                    self.features[row * width + index] = value;
                }
            }
            failed.extend(evaluated.failed.into_iter().map(|(row, reason)| (row, feature.sql().to_owned(), reason)));
        }
        Ok(())
    }

    /// Scores each row by its key's state. Rows are taken key by key, since a state is far larger than a cache line
    /// and the order between keys changes nothing; before that in their order by what all keys share.
    fn score(&mut self, rows: &Rows, out: &mut Outputs) -> Result<Scored, StageError> {
        let mut scored =
            Scored { scores: vec![Scores::default(); rows.len()], causes: Vec::new(), causes_of: Vec::new() };
        let Some(detector) = &self.detector else { return Ok(scored) };
        let times = if self.timed { times(&self.stream, &rows.batch)? } else { Vec::new() };
        self.states.make_room(detector, 0)?;
        let mut order: Vec<(u32, u32)> = Vec::with_capacity(rows.len());
        for (row, (key, position)) in rows.keys.iter().zip(rows.positions.values()).enumerate() {
            let key = key.unwrap_or_default();
            match self.states.touch(detector, key, *position)? {
                Some(slot) => order.push((slot, row as u32)),
                None => out.unscored += 1,
            }
        }
        order.sort_unstable();
        let width = self.stream.features.len();
        let mut found: Vec<(u32, Vec<Cause>)> = Vec::new();
        for (slot, row) in order {
            let row = row as usize;
            let features = &self.features[row * width..(row + 1) * width];
            let event = Event { features, time: times.get(row).copied().flatten() };
            let mut causes = Vec::new();
            scored.scores[row] = detector.observe(self.states.state_mut(detector, slot)?, &event, Some(&mut causes));
            if !causes.is_empty() {
                found.push((row as u32, causes));
            }
        }
        if let (Some(together), Some(detector)) = (&mut self.together, detector.of_partition()) {
            for (row, (time, position)) in times.iter().zip(rows.positions.values()).enumerate() {
                let mut causes = Vec::new();
                if let Some(burst) = together.take(detector, *position, *time, &mut causes) {
                    scored.scores[row].join(&burst);
                }
                if !causes.is_empty() {
                    found.push((row as u32, causes));
                }
            }
        }
        // Stable, so that what was found in the key comes first.
        found.sort_by_key(|(row, _)| *row);
        for (row, causes) in found {
            if scored.causes_of.last().is_none_or(|(last, _)| *last != row) {
                scored.causes_of.push((row, scored.causes.len() as u32));
            }
            scored.causes.extend(causes);
        }
        Ok(scored)
    }
}

/// The event times of a batch in microseconds since 1970.
fn times(stream: &Stream, batch: &RecordBatch) -> Result<Vec<Option<i64>>, StageError> {
    let column = batch.schema_ref().index_of(&stream.definition.spec.time)?;
    Ok(event_times(batch.column(column))?.iter().collect())
}

/// What the detector says of each row.
struct Scored {
    scores: Vec<Scores>,
    causes: Vec<Cause>,
    causes_of: Vec<(u32, u32)>,
}

impl Stage for Detect {
    fn process(&mut self, rows: Rows, out: &mut Outputs) -> Result<(), StageError> {
        let (rows, rules) = self.evaluate(rows, out)?;
        if rows.is_empty() {
            return Ok(());
        }
        let Scored { scores, causes, causes_of } = self.score(&rows, out)?;
        let rules = self.stream.rules.iter().zip(rules).map(|((name, when), rows)| (name.as_str(), when.sql(), rows));
        let found = Found {
            keys: &rows.keys,
            scores,
            causes,
            causes_of,
            rules: rules.collect(),
            features: &self.told,
            layers: self.detector.as_ref().map(Detector::layers).unwrap_or_default(),
            alarm_bits: self.alarm_bits,
            traced: Traced::of(&self.stream, &rows)?,
        };
        let mut columns = rows.batch.columns().to_vec();
        columns.extend(found.columns()?);
        let batch = RecordBatch::try_new(self.stream.scored.clone(), columns)?;
        out.rows.push(Rows { batch, ..rows });
        Ok(())
    }

    fn horizon(&self) -> Option<u64> {
        self.states.horizon()
    }

    fn snapshots(&mut self, bytes: usize) -> Result<Vec<(Key, Bytes)>, StageError> {
        let Some(detector) = &self.detector else { return Ok(Vec::new()) };
        let (mut snapshots, mut size) = (Vec::new(), 0);
        let together = self.together.as_mut().zip(detector.of_partition());
        if let Some(snapshot) = together.and_then(|(together, detector)| together.snapshot(detector)) {
            snapshots.push((KEY.into(), snapshot));
        }
        while size < bytes {
            let Some((key, snapshot)) = self.states.take_dirty(detector)? else { break };
            size += key.len() + snapshot.len();
            snapshots.push((key, snapshot));
        }
        Ok(snapshots)
    }

    fn state(&self) -> StateSize {
        let (keys, of_one) = (self.states.len(), self.detector.as_ref().map_or(0, Detector::state_bytes));
        StateSize { keys, bytes: keys * of_one, spilled: (keys - self.states.held()) * of_one }
    }

    fn restore(&mut self, key: Key, snapshot: &[u8]) -> Result<(), StageError> {
        let Some(detector) = &self.detector else { return Ok(()) };
        match detector.of_partition().filter(|_| *key == *KEY) {
            Some(detector) => {
                let together = Together::restore(detector, snapshot);
                self.together = Some(together.map_err(|source| StageError::Snapshot { key, source })?);
                Ok(())
            }
            None => self.states.restore(detector, key, snapshot),
        }
    }
}

fn in_context(context: &str, source: expr::ExprError) -> StageError {
    StageError::Expression { context: context.to_owned(), source }
}

/// The detector's settings as the definition has them.
fn settings(stream: &Stream) -> Option<Settings> {
    let detect = stream.definition.spec.detect.as_ref()?;
    Some(Settings {
        features: stream.features.len(),
        ewma: detect.layers.ewma.settings().map(|layer| detect::Ewma { alpha: layer.alpha }),
        mahalanobis: detect.layers.mahalanobis.settings().map(|layer| detect::Mahalanobis { alpha: layer.alpha }),
        chains: detect.layers.chains.settings().map(|layer| detect::Chains {
            chains: layer.chains,
            depth: layer.depth,
            width: layer.width,
            window: layer.window,
        }),
        rate: detect.layers.rate,
        stuck: detect.layers.stuck,
        missing: detect.layers.missing,
        season: detect.layers.season,
        burst: detect.layers.burst,
        false_alarm_rate: detect.false_alarm_rate,
        warm_up: detect.warm_up,
        adapt_after: detect.adapt_after,
    })
}
