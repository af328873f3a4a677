//! The detector, which all keys share, and how an event passes its layers.

use crate::{
    Cause, DetectError, FEATURES_MAX, KeyState, Layer, RowState, Scores, Settings, cause::Finding,
    covariance::Covariance, half_space::HalfSpace, judging::Judging, moments::Moments, snapshot, words::MAGNITUDE_MAX,
};

/// Settings and what follows from them, shared by all keys.
#[derive(Debug, Clone)]
pub struct Detector {
    features: usize,
    warm_up: u64,
    /// Events before chains take their first standards.
    settle: u64,
    layers: Vec<Layer>,
    ewma: bool,
    judging: Judging,
    moments: Option<Moments>,
    covariance: Option<Covariance>,
    half_space: Option<HalfSpace>,
    /// Where each part of a state's words begins; the parts follow each other in this order.
    at: Parts,
    fingerprint: u64,
}

/// Where the parts of a state begin. The first word counts events, and judging begins behind it.
#[derive(Debug, Clone)]
struct Parts {
    moments: usize,
    covariance: usize,
    half_space: usize,
    end: usize,
}

impl Detector {
    /// A detector with these settings.
    ///
    /// # Errors
    /// Where a setting is out of its range or no layer is on.
    pub fn new(settings: Settings) -> Result<Self, DetectError> {
        settings.check()?;
        let features = settings.features;
        let settle = settings.warm_up / 4;
        let standards = settings.chains.map(|chains| 1.0 / f64::from(chains.window));
        let alpha = settings.ewma.map(|ewma| ewma.alpha).or(standards);
        let moments = alpha.map(|alpha| Moments { features, alpha });
        let covariance = settings.mahalanobis.map(|layer| Covariance { features, alpha: layer.alpha });
        let half_space = settings.chains.map(|chains| HalfSpace::new(chains, features, settle));
        let judging = Judging::new(&settings);
        let at = Parts::new(&judging, moments.as_ref(), covariance.as_ref(), half_space.as_ref());
        Ok(Self {
            features,
            warm_up: u64::from(settings.warm_up),
            settle: u64::from(settle),
            layers: settings.layers(),
            ewma: settings.ewma.is_some(),
            judging,
            moments,
            covariance,
            half_space,
            at,
            fingerprint: snapshot::fingerprint(&settings),
        })
    }

    /// The layers that are on, in the order of [`Layer::ALL`].
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The state of a key of which nothing has been seen. The chains' splits are drawn from a hash of `key`.
    #[must_use]
    pub fn fresh(&self, key: &[u8]) -> KeyState {
        let mut words = vec![0; self.at.end].into_boxed_slice();
        if let Some(half_space) = &self.half_space {
            half_space.draw(&mut words[self.at.half_space..], snapshot::hash(key));
        }
        KeyState { words }
    }

    /// Scores an event, then learns from it.
    ///
    /// `features`: as many values as the settings say, what is not there counts as missing, and so does what is not
    /// finite. Missing features are skipped by the EWMA layer and taken to be at their mean by the others. Values
    /// are cut at a magnitude of 1e100. A state of a detector with other settings is left alone and scores nothing.
    pub fn score(&self, state: &mut KeyState, features: &[f64]) -> Scores {
        self.observe(state, features, None)
    }

    /// The same, and where the event alarms, why: appended to `causes`, the layer that finds it rarest first.
    pub fn score_and_explain(&self, state: &mut KeyState, features: &[f64], causes: &mut Vec<Cause>) -> Scores {
        self.observe(state, features, Some(causes))
    }

    fn observe(&self, state: &mut KeyState, features: &[f64], causes: Option<&mut Vec<Cause>>) -> Scores {
        let mut scores = Scores::default();
        if state.words.len() != self.at.end {
            return scores;
        }
        let mut padded = [f64::NAN; FEATURES_MAX];
        for (padded, x) in padded.iter_mut().zip(features) {
            *padded = if x.is_finite() { x.clamp(-MAGNITUDE_MAX, MAGNITUDE_MAX) } else { f64::NAN };
        }
        let x = &padded[..self.features];
        if x.iter().all(|x| x.is_nan()) {
            return scores;
        }
        let (head, words) = state.words.split_at_mut(1);
        let events = head[0] + 1;
        head[0] = events;
        if events <= self.warm_up {
            scores.state = RowState::WarmingUp;
        }
        let (judged, words) = words.split_at_mut(self.at.moments - 1);
        let (moments, words) = words.split_at_mut(self.at.covariance - self.at.moments);
        let (covariance, half_space) = words.split_at_mut(self.at.half_space - self.at.covariance);

        let mut places = [f64::NAN; Layer::COUNT];
        let mut judge = |layer: Layer, score: f64, scores: &mut Scores| {
            places[layer as usize] = self.judging.judge(layer, events, judged, score, scores);
        };
        if let (Some(layer), true) = (&self.moments, self.ewma) {
            judge(Layer::Ewma, layer.score(moments, x), &mut scores);
        }
        if let Some(layer) = &self.covariance {
            judge(Layer::Mahalanobis, layer.score(covariance, x), &mut scores);
        }
        let counting = self.half_space.as_ref().filter(|_| events > self.settle);
        if let Some(layer) = counting {
            judge(Layer::Chains, layer.score(half_space, x), &mut scores);
        }
        if let Some(causes) = causes.filter(|_| scores.alarms != 0) {
            self.explain([judged, moments, covariance, half_space], x, &scores, causes);
        }
        let learn = self.judging.learns(events, judged, &scores);
        self.judging.count(events, judged, &places, learn, &mut scores);
        if learn {
            if let Some(layer) = &self.covariance {
                layer.learn(covariance, x);
            }
            if let Some(layer) = &self.moments {
                layer.learn(moments, x);
            }
        } else if let Some(layer) = counting {
            layer.take_back(half_space, x);
        }
        if let (Some(layer), Some(standards)) = (&self.half_space, &self.moments) {
            match counting {
                Some(_) => layer.turn(half_space, standards, moments),
                None if events == self.settle => layer.start(half_space, standards, moments),
                None => {}
            }
        }
        scores
    }

    /// What made the layers alarm, the rarest first.
    #[cold]
    fn explain(&self, learned: [&[u64]; 4], x: &[f64], scores: &Scores, causes: &mut Vec<Cause>) {
        let [judged, moments, covariance, half_space] = learned;
        let mut alarmed: Vec<Layer> = self.layers.iter().copied().filter(|layer| scores.alarmed(*layer)).collect();
        alarmed.sort_by(|a, b| scores.bits[*b as usize].total_cmp(&scores.bits[*a as usize]));
        for layer in alarmed {
            let score = scores.scores[layer as usize];
            let threshold = self.judging.threshold(layer, judged).min(score);
            let found = match (layer, &self.moments, &self.covariance, &self.half_space) {
                (Layer::Ewma, Some(layer), ..) => layer.explain(moments, x, threshold),
                (Layer::Mahalanobis, _, Some(layer), _) => {
                    layer.explain(covariance, x, threshold).into_iter().collect()
                }
                (Layer::Chains, .., Some(layer)) => layer.explain(half_space, x, threshold).into_iter().collect(),
                _ => Vec::new(),
            };
            causes.extend(found.into_iter().map(|Finding { feature, expected, deviation }| Cause {
                layer,
                score,
                threshold,
                feature,
                value: x[feature],
                expected,
                deviation,
            }));
        }
    }

    /// The state as bytes of a fixed, versioned, little-endian layout: the same state gives the same bytes on
    /// every platform.
    #[must_use]
    pub fn snapshot(&self, state: &KeyState) -> Vec<u8> {
        snapshot::write(self.fingerprint, &state.words)
    }

    /// The state from the bytes of a snapshot.
    ///
    /// # Errors
    /// Where the bytes are not a snapshot made with the same settings by this version.
    pub fn restore(&self, bytes: &[u8]) -> Result<KeyState, DetectError> {
        Ok(KeyState { words: snapshot::read(self.fingerprint, self.at.end, bytes)? })
    }

    /// How many bytes of memory a state takes.
    #[must_use]
    pub fn state_bytes(&self) -> usize {
        size_of::<KeyState>() + self.at.end * size_of::<u64>()
    }
}

impl Parts {
    fn new(
        judging: &Judging,
        moments: Option<&Moments>,
        covariance: Option<&Covariance>,
        half_space: Option<&HalfSpace>,
    ) -> Self {
        let mut end = 1 + judging.words();
        let mut take = |words: usize| {
            end += words;
            end - words
        };
        let moments = take(moments.map_or(0, Moments::words));
        let covariance = take(covariance.map_or(0, Covariance::words));
        let half_space = take(half_space.map_or(0, HalfSpace::words));
        Self { moments, covariance, half_space, end }
    }
}
