//! The detector, which all keys share, and how an event passes its layers.

use crate::{
    DetectError, FEATURES_MAX, KeyState, Layer, Scores, Settings,
    covariance::Covariance,
    half_space::HalfSpace,
    moments::Moments,
    snapshot,
    tail::{Exclusion, TAIL_WORDS, Tail, calibration_max},
    words::MAGNITUDE_MAX,
};

/// Scores below this are never anomalous, whatever the tail says: EWMA and Mahalanobis in standard deviations,
/// chains in bits.
const LEAST_THRESHOLDS: [f64; Layer::COUNT] = [1.0, 1.0, 0.5];

/// The share of its memory that a layer keeps out as alarms before it learns from them. Chains keep out longer:
/// a burst of a quarter of their window must stay anomalous to its end.
const EXCLUSION_CAPS: [f64; Layer::COUNT] = [0.1, 0.1, 0.3];

/// Alarms that a layer learns from all the same, as a multiple of the false-alarm rate. Chains that never counted
/// the rarest ordinary events would find them rarer and rarer; moments would be pulled by an outlier's size.
const LEARNABLE: [f64; Layer::COUNT] = [0.0, 0.0, 4.0];

/// Settings and what follows from them, shared by all keys.
#[derive(Debug, Clone)]
pub struct Detector {
    features: usize,
    warm_up: u64,
    /// Events before chains take their first standards.
    settle: u64,
    /// For each layer, the events after which its scores calibrate its threshold.
    calibrate_after: [u64; Layer::COUNT],
    layers: Vec<Layer>,
    ewma: bool,
    moments: Option<Moments>,
    covariance: Option<Covariance>,
    half_space: Option<HalfSpace>,
    tails: [Tail; Layer::COUNT],
    /// Where each part of a state's words begins; the parts follow each other in this order.
    at: Parts,
    fingerprint: u64,
}

/// Where the parts of a state begin. The first word counts events.
#[derive(Debug, Clone)]
struct Parts {
    tails: [usize; Layer::COUNT],
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
        let memories = [
            settings.ewma.map_or(0.0, |ewma| 1.0 / ewma.alpha),
            settings.mahalanobis.map_or(0.0, |mahalanobis| 1.0 / mahalanobis.alpha),
            settings.chains.map_or(0.0, |chains| f64::from(chains.window)),
        ];
        let latest = settings.warm_up.saturating_sub(calibration_max(settings.false_alarm_rate));
        let calibrate_after = [settle, settle, 2 * settle].map(|first| first.max(latest));
        let tails = std::array::from_fn(|layer| {
            let calibration = settings.warm_up - calibrate_after[layer];
            let exclusion =
                Exclusion { memory: memories[layer], cap: EXCLUSION_CAPS[layer], learnable: LEARNABLE[layer] };
            Tail::new(settings.false_alarm_rate, LEAST_THRESHOLDS[layer], calibration, exclusion)
        });
        let layers = settings.layers();
        let at = Parts::new(&layers, moments.as_ref(), covariance.as_ref(), half_space.as_ref());
        Ok(Self {
            features,
            warm_up: u64::from(settings.warm_up),
            settle: u64::from(settle),
            calibrate_after: calibrate_after.map(u64::from),
            layers,
            ewma: settings.ewma.is_some(),
            moments,
            covariance,
            half_space,
            tails,
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
        let mut scores = Scores::default();
        if state.words.len() != self.at.end {
            return scores;
        }
        let mut padded = [f64::NAN; FEATURES_MAX];
        for (padded, x) in padded.iter_mut().zip(features) {
            *padded = if x.is_finite() { x.clamp(-MAGNITUDE_MAX, MAGNITUDE_MAX) } else { f64::NAN };
        }
        let x = &padded[..self.features];
        let (head, words) = state.words.split_at_mut(1);
        let events = head[0] + 1;
        head[0] = events;
        let (tails, words) = words.split_at_mut(self.at.moments - 1);
        let (moments, words) = words.split_at_mut(self.at.covariance - self.at.moments);
        let (covariance, half_space) = words.split_at_mut(self.at.half_space - self.at.covariance);

        let mut learn_moments = true;
        if let (Some(layer), true) = (&self.moments, self.ewma) {
            learn_moments = self.judge(Layer::Ewma, events, tails, layer.score(moments, x), &mut scores);
        }
        if let Some(layer) = &self.covariance
            && self.judge(Layer::Mahalanobis, events, tails, layer.score(covariance, x), &mut scores)
        {
            layer.learn(covariance, x);
        }
        if let (Some(layer), Some(standards)) = (&self.half_space, &self.moments)
            && events > self.settle
        {
            let score = layer.score(half_space, x);
            if !self.judge(Layer::Chains, events, tails, score, &mut scores) {
                layer.take_back(half_space, x);
                learn_moments &= self.ewma;
            }
            layer.turn(half_space, standards, moments);
        }
        if let Some(layer) = &self.moments
            && learn_moments
        {
            layer.learn(moments, x);
        }
        if let (Some(layer), Some(standards)) = (&self.half_space, &self.moments)
            && events == self.settle
        {
            layer.start(half_space, standards, moments);
        }
        scores
    }

    /// Enters a layer's score and what its threshold says of it; whether the layer should learn from the event.
    fn judge(&self, layer: Layer, events: u64, tails: &mut [u64], score: f64, scores: &mut Scores) -> bool {
        let index = layer as usize;
        scores.scores[index] = score;
        if events <= self.calibrate_after[index] {
            return true;
        }
        let at = self.at.tails[index] - 1;
        let verdict = self.tails[index].observe(&mut tails[at..at + TAIL_WORDS], score);
        if events > self.warm_up {
            scores.ratio = scores.ratio.max(verdict.ratio);
            scores.alarms |= u32::from(verdict.alarm) << index;
        }
        verdict.learn
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
        layers: &[Layer],
        moments: Option<&Moments>,
        covariance: Option<&Covariance>,
        half_space: Option<&HalfSpace>,
    ) -> Self {
        let mut end = 1;
        let mut take = |words: usize| {
            end += words;
            end - words
        };
        let tails = Layer::ALL.map(|layer| take(if layers.contains(&layer) { TAIL_WORDS } else { 0 }));
        let moments = take(moments.map_or(0, Moments::words));
        let covariance = take(covariance.map_or(0, Covariance::words));
        let half_space = take(half_space.map_or(0, HalfSpace::words));
        Self { tails, moments, covariance, half_space, end }
    }
}
