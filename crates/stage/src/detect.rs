//! The second step: rules and learned layers, with state by key.

mod episodes;
mod evaluate;
mod found;
mod row_scores;
mod scoring;
mod settings;
mod shared;
mod silence;
mod together;
mod traced;
mod words;

use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use bytes::Bytes;
use detect::Detector;
use stream::Stream;

use self::{
    found::Found,
    scoring::Scored,
    settings::settings,
    shared::Shared,
    silence::SilentKeys,
    together::{KEY, Together},
    traced::Traced,
    words::Feature,
};
use crate::{
    Key, Outputs, Rows, Stage, StageError, StateSize, event_times,
    keys::{KEYS_MAX, KeyStates},
    memory::StateMemory,
};

/// Rules and learned layers.
#[derive(Debug)]
pub struct Detect {
    stream: Arc<Stream>,
    /// `None` where no learned layer is on.
    detector: Option<Detector>,
    /// How each feature is called in words.
    told: Vec<Feature>,
    /// The features that a value is expected of.
    expecting: Vec<usize>,
    /// The bits of the asked false-alarm rate: what an alarm scores at least.
    alarm_bits: f64,
    states: KeyStates,
    /// How many of a key's events without an alarm end an episode, where there are episodes.
    episode_after: Option<u32>,
    /// What all keys share, where a layer looks at them together.
    together: Option<Together>,
    /// What keys read of each other, where they do.
    shared: Option<Shared>,
    /// Which keys are silent, where that is looked for.
    silent: Option<SilentKeys>,
    /// Whether a layer looks at the times of events.
    timed: bool,
    /// Scratch: the features of a batch, row by row; of texts their hashes.
    features: Vec<f64>,
    /// Scratch: the texts of each feature that is one.
    texts: Vec<Option<StringArray>>,
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
        let silent = SilentKeys::new(&stream);
        let timed = settings.rate || settings.season || settings.burst || silent.is_some();
        let is_number = |feature: &usize| settings.season && !settings.frequencies.contains(feature);
        let expecting = (0..settings.features).filter(is_number).collect();
        let detector = (settings.features > 0 && learned).then(|| Detector::new(settings)).transpose()?;
        let told = stream.features.iter().map(Feature::new).collect();
        let together = detector.as_ref().and_then(Detector::of_partition).map(Together::new);
        let asked = stream.definition.spec.detect.as_ref();
        let episode_after = asked.and_then(|detect| detect.episode_after);
        let share_every = asked.and_then(|detect| detect.share_every);
        let shared = detector.as_ref().and_then(|detector| Shared::new(detector, share_every));
        let states = KeyStates::new(KEYS_MAX, memory);
        let (features, texts) = (Vec::new(), Vec::new());
        Ok(Some(Self {
            stream,
            detector,
            told,
            expecting,
            alarm_bits,
            states,
            episode_after,
            together,
            shared,
            silent,
            timed,
            features,
            texts,
        }))
    }
}

/// The event times of a batch in microseconds since 1970.
fn times(stream: &Stream, batch: &RecordBatch) -> Result<Vec<Option<i64>>, StageError> {
    let column = batch.schema_ref().index_of(&stream.definition.spec.time)?;
    Ok(event_times(batch.column(column))?.iter().collect())
}

impl Stage for Detect {
    fn process(&mut self, rows: Rows, out: &mut Outputs) -> Result<(), StageError> {
        let (rows, rules) = self.evaluate(rows, out)?;
        if rows.is_empty() {
            return Ok(());
        }
        let times = if self.timed { times(&self.stream, &rows.batch)? } else { Vec::new() };
        let scored = self.score(&rows, &times, out)?;
        if let Some(silent) = &mut self.silent {
            out.alarms.extend(silent.take(&rows, &times)?);
        }
        let episodes = self.episodes(&rows, &rules, &scored)?;
        let Scored { scores, causes, causes_of, .. } = scored;
        let rules = self.stream.rules.iter().zip(rules).map(|((name, when), rows)| (name.as_str(), when.sql(), rows));
        let found = Found {
            keys: &rows.keys,
            scores,
            causes,
            causes_of,
            rules: rules.collect(),
            episodes,
            features: &self.told,
            expecting: &self.expecting,
            texts: &self.texts,
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
        let (detector, episodes) = (self.detector.as_ref(), self.episode_after.is_some());
        let (mut snapshots, mut size) = (Vec::new(), 0);
        let together = self.together.as_mut().zip(detector.and_then(Detector::of_partition));
        if let Some(snapshot) = together.and_then(|(together, detector)| together.snapshot(detector, episodes)) {
            snapshots.push((KEY.into(), snapshot));
        }
        let waits_too_long = |states: &KeyStates| {
            self.shared.as_ref().zip(states.horizon()).is_some_and(|(shared, horizon)| horizon < shared.oldest())
        };
        while size < bytes || waits_too_long(&self.states) {
            let Some((key, snapshot)) = self.states.take_dirty(detector, episodes)? else { break };
            size += key.len() + snapshot.len();
            snapshots.push((key, snapshot));
        }
        if let (Some(shared), Some(detector)) = (&mut self.shared, detector) {
            snapshots.extend(shared.snapshots(detector, self.states.horizon()));
        }
        snapshots.extend(self.silent.iter_mut().flat_map(SilentKeys::snapshots));
        Ok(snapshots)
    }

    fn state(&self) -> StateSize {
        let keys = self.states.len();
        let Some(detector) = &self.detector else { return StateSize { keys, ..StateSize::default() } };
        let of_one = detector.state_bytes();
        StateSize { keys, bytes: keys * of_one, spilled: (keys - self.states.held()) * of_one }
    }

    fn restore(&mut self, key: Key, snapshot: &[u8]) -> Result<(), StageError> {
        let detector = self.detector.as_ref();
        if let (Some(silent), true) = (&mut self.silent, SilentKeys::owns(&key)) {
            return silent.restore(&key, snapshot).map_err(|source| StageError::Snapshot { key, source });
        }
        if detector.is_none() && self.episode_after.is_none() {
            return Ok(());
        }
        if let (Some(shared), Some(detector), true) = (&mut self.shared, detector, Shared::owns(&key)) {
            let restored = shared.restore(detector, &key, snapshot);
            return restored.map_err(|source| StageError::Snapshot { key, source });
        }
        match detector.and_then(Detector::of_partition).filter(|_| *key == *KEY) {
            Some(detector) => {
                let together = Together::restore(detector, snapshot);
                self.together = Some(together.map_err(|source| StageError::Snapshot { key, source })?);
                Ok(())
            }
            None => self.states.restore(detector, key, snapshot),
        }
    }
}
