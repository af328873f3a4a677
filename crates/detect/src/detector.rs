//! The detector, which all keys share, and how an event passes its layers.

use crate::{
    Cause, Common, DetectError, Episode, FEATURES_MAX, KeyState, Layer, RowState, Scores, Settings, Sharing,
    arrivals::{self, ARRIVAL_WORDS},
    covariance::Covariance,
    frequencies::Frequencies,
    half_space::HalfSpace,
    judging::Judging,
    moments::Moments,
    parts::{Parts, Split},
    repeats::Repeats,
    season::Season,
    snapshot,
    words::MAGNITUDE_MAX,
    young::{Young, YoungScores},
};

/// The words of a state of 8 KiB, which chains of no stated size are fitted into.
const STATE_WORDS: usize = (8192 - size_of::<KeyState>()) / size_of::<u64>();

/// An event of a key.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// As many values as the settings say; what is not there counts as missing, and so does what is not finite.
    pub features: &'a [f64],
    /// Its own time in microseconds since 1970, where it has one.
    pub time: Option<i64>,
}

/// Settings and what follows from them, shared by all keys.
#[derive(Debug, Clone)]
pub struct Detector {
    features: usize,
    /// Which features are numbers; the others are texts.
    pub(crate) numbers: Vec<usize>,
    warm_up: u64,
    /// Events before chains take their first standards.
    settle: u64,
    layers: Vec<Layer>,
    ewma: bool,
    rate: bool,
    stuck: bool,
    missing: bool,
    pub(crate) shares_texts: bool,
    pub(crate) shares_scores: bool,
    pub(crate) judging: Judging,
    pub(crate) moments: Option<Moments>,
    pub(crate) covariance: Option<Covariance>,
    pub(crate) half_space: Option<HalfSpace>,
    pub(crate) repeats: Option<Repeats>,
    pub(crate) season: Option<Season>,
    pub(crate) frequencies: Option<Frequencies>,
    /// Where each part of a state's words begins; the parts follow each other in this order.
    at: Parts,
    pub(crate) fingerprint: u64,
    of_partition: Option<Box<Detector>>,
}

impl Detector {
    /// A detector with these settings.
    ///
    /// # Errors
    /// Where a setting is out of its range or no layer is on.
    pub fn new(settings: Settings) -> Result<Self, DetectError> {
        settings.check()?;
        let numbers: Vec<usize> =
            (0..settings.features).filter(|feature| !settings.frequencies.contains(feature)).collect();
        let (all, features) = (settings.features, numbers.len());
        let settle = settings.warm_up / 4;
        let layers = settings.layers();
        let on = |layer| layers.contains(&layer);
        let (ewma, chains) = (settings.ewma.filter(|_| on(Layer::Ewma)), settings.chains.filter(|_| on(Layer::Chains)));
        let standards = chains.map(|chains| 1.0 / f64::from(chains.window));
        let alpha = ewma.map(|ewma| ewma.alpha).or(standards);
        let moments = alpha.map(|alpha| Moments { features, alpha });
        let covariance = settings
            .mahalanobis
            .filter(|_| on(Layer::Mahalanobis))
            .map(|layer| Covariance { features, alpha: layer.alpha });
        let repeats = (settings.stuck || settings.missing).then_some(Repeats { features: all });
        let season = on(Layer::Season).then_some(Season { features });
        let texts = settings.frequencies.as_slice();
        let judging = Judging::new(&settings);
        let anomalies = judging.share();
        let frequencies = (!texts.is_empty()).then(|| Frequencies::new(texts).among(anomalies));
        let words = [
            judging.words(),
            moments.as_ref().map_or(0, Moments::words),
            covariance.as_ref().map_or(0, Covariance::words),
            if settings.rate { ARRIVAL_WORDS } else { 0 },
            repeats.as_ref().map_or(0, Repeats::words),
            season.as_ref().map_or(0, Season::words),
            frequencies.as_ref().map_or(0, Frequencies::words),
        ];
        // Where there are texts, an episode fits in too; without them the chains keep the width that they always had.
        let episode = frequencies.as_ref().map_or(0, |_| size_of::<Episode>() / size_of::<u64>());
        let left = STATE_WORDS.saturating_sub(1 + episode + words.iter().sum::<usize>());
        let half_space = chains.map(|chains| HalfSpace::within(chains, features, settle, left));
        let at = Parts::new(words, half_space.as_ref().map_or(0, HalfSpace::words));
        Ok(Self {
            features: all,
            numbers,
            warm_up: u64::from(settings.warm_up),
            settle: u64::from(settle),
            ewma: ewma.is_some(),
            layers,
            rate: settings.rate,
            stuck: settings.stuck,
            missing: settings.missing,
            shares_texts: settings.shared && frequencies.is_some(),
            shares_scores: settings.shared_scores,
            judging,
            moments,
            covariance,
            half_space,
            repeats,
            season,
            frequencies,
            at,
            fingerprint: snapshot::fingerprint(&settings),
            of_partition: settings.of_partition().map(Detector::new).transpose()?.map(Box::new),
        })
    }

    /// The layers that are on, in the order of [`Layer::ALL`].
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// How many features are texts.
    pub(crate) fn texts(&self) -> usize {
        self.features - self.numbers.len()
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

    /// The detector of a partition, whose state all its keys share, where events of all of them together are looked at. It has
    /// one layer, the rate, and takes events of no features, in their order; [`Scores::join`] takes what it finds. Nothing that
    /// it says changes a key's state.
    #[must_use]
    pub fn of_partition(&self) -> Option<&Detector> {
        self.of_partition.as_deref()
    }

    /// Scores an event without a time, then learns from it: [`Detector::observe`] without causes.
    pub fn score(&self, state: &mut KeyState, features: &[f64]) -> Scores {
        self.observe(state, &Event { features, time: None }, None)
    }

    /// Scores an event, then learns from it. Where it alarms, why is appended to `causes`, the layer that finds it rarest first.
    ///
    /// Missing features are skipped by the EWMA layer and taken to be at their mean by Mahalanobis and the chains. Values are
    /// cut at a magnitude of 1e100. Texts ([`Settings::frequencies`]) are seen by the layers of frequencies, stuck and missing values.
    /// A state of a detector with other settings is left alone and scores nothing.
    #[inline]
    pub fn observe(&self, state: &mut KeyState, event: &Event<'_>, causes: Option<&mut Vec<Cause>>) -> Scores {
        self.observe_among(state, event, None, causes)
    }

    /// The same for a key among others: what they have in common makes it useful early. Of that the event reads what is frozen,
    /// which is the same whatever other keys do meanwhile.
    pub fn observe_among(
        &self,
        state: &mut KeyState,
        event: &Event<'_>,
        sharing: Option<Sharing<'_>>,
        causes: Option<&mut Vec<Cause>>,
    ) -> Scores {
        let mut scores = Scores::default();
        if state.words.len() != self.at.end {
            return scores;
        }
        let mut padded = [f64::NAN; FEATURES_MAX];
        for (padded, x) in padded.iter_mut().zip(event.features) {
            *padded = if x.is_finite() { x.clamp(-MAGNITUDE_MAX, MAGNITUDE_MAX) } else { f64::NAN };
        }
        let all = &padded[..self.features];
        let mut numbers = [f64::NAN; FEATURES_MAX];
        for (number, feature) in numbers.iter_mut().zip(&self.numbers) {
            *number = all[*feature];
        }
        let x = &numbers[..self.numbers.len()];
        let valued = !x.iter().all(|x| x.is_nan());
        let texts = self.frequencies.is_some() && !all.iter().all(|x| x.is_nan());
        let time = event.time;
        if !(valued || texts || self.missing || self.rate && time.is_some()) {
            return scores;
        }
        let mut parts = self.at.split(&mut state.words);
        *parts.events += 1;
        let events = *parts.events;
        if events <= self.warm_up {
            scores.state = RowState::WarmingUp;
        }
        let mut places = [f64::NAN; Layer::COUNT];
        let counting = self.half_space.as_ref().filter(|_| valued && events > self.settle);
        self.judge_values(events, &mut parts, x, counting, &mut places, &mut scores);
        let frozen = sharing.as_ref().map(|sharing| sharing.frozen);
        let gap = self.judge_others(events, &mut parts, (x, all), (time, frozen), &mut places, &mut scores);
        let young = self.young(events, frozen);
        if let Some(frozen) = young {
            self.judging.judge_young(events, parts.judged, frozen, &mut scores);
        }
        if let Some(causes) = causes.filter(|_| scores.alarms != 0) {
            self.explain(&parts, (x, all), (time, frozen), &scores, causes);
        }
        if let Some(counted) = sharing.and_then(|sharing| sharing.counted) {
            if let Some(layer) = self.frequencies.as_ref().filter(|_| self.shares_texts) {
                layer.tally(parts.frequencies, all, counted);
            }
            if self.shares_scores {
                self.judging.tally(events, &scores, &mut counted.scores);
            }
        }
        let learn = self.judging.learns(events, parts.judged, &scores);
        self.judging.count(events, parts.judged, &places, learn, &mut scores);
        if young.is_some() {
            self.judging.rate_young(parts.judged, &mut scores);
        }
        if let (Some(layer), Some(time)) = (&self.season, time) {
            layer.learn(parts.season, x, time);
        }
        if learn {
            if let Some(layer) = &self.covariance {
                layer.learn(parts.covariance, x);
            }
            if let Some(layer) = &self.moments {
                layer.learn(parts.moments, x);
            }
            if let Some(layer) = &self.repeats {
                layer.learn(parts.repeats);
            }
            if let Some(layer) = &self.frequencies {
                layer.learn(parts.frequencies, all);
            }
            if let Some(gap) = gap {
                arrivals::learn(parts.arrivals, gap);
            }
        } else {
            if let Some(layer) = counting {
                layer.take_back(parts.half_space, x);
            }
            if let Some(layer) = &self.repeats {
                layer.exclude(parts.repeats);
            }
        }
        if let (Some(layer), Some(standards)) = (&self.half_space, &self.moments) {
            match counting {
                Some(_) => layer.turn(parts.half_space, standards, parts.moments),
                None if events == self.settle => layer.start(parts.half_space, standards, parts.moments),
                None => {}
            }
        }
        scores
    }

    /// What others scored, where a key goes by that.
    pub(crate) fn young<'f>(&self, events: u64, frozen: Option<&'f Common>) -> Option<&'f YoungScores> {
        let frozen = frozen.filter(|_| self.shares_scores && Young::is(events, self.warm_up));
        frozen.map(|frozen| &frozen.scores)
    }

    /// The layers that look at the values of an event.
    #[inline]
    fn judge_values(
        &self,
        events: u64,
        parts: &mut Split<'_>,
        x: &[f64],
        counting: Option<&HalfSpace>,
        places: &mut [f64; Layer::COUNT],
        scores: &mut Scores,
    ) {
        let mut judge = |layer: Layer, score: f64| {
            places[layer as usize] = self.judging.judge(layer, events, parts.judged, score, scores);
        };
        if let (Some(layer), true) = (&self.moments, self.ewma) {
            judge(Layer::Ewma, layer.score(parts.moments, x));
        }
        if let Some(layer) = &self.covariance {
            judge(Layer::Mahalanobis, layer.score(parts.covariance, x));
        }
        if let Some(layer) = counting {
            judge(Layer::Chains, layer.score(parts.half_space, x));
        }
    }

    /// The layers that look at what came before. Gives the gap before the event, where there is one to learn.
    #[inline]
    fn judge_others(
        &self,
        events: u64,
        parts: &mut Split<'_>,
        (x, all): (&[f64], &[f64]),
        (time, frozen): (Option<i64>, Option<&Common>),
        places: &mut [f64; Layer::COUNT],
        scores: &mut Scores,
    ) -> Option<f64> {
        let gap = time.filter(|_| self.rate).map(|time| {
            let gap = arrivals::gap(parts.arrivals, time);
            let score = arrivals::score(parts.arrivals, time, gap);
            places[Layer::Rate as usize] = self.judging.judge(Layer::Rate, events, parts.judged, score, scores);
            gap
        });
        if let (Some(layer), Some(time)) = (&self.season, time) {
            let score = layer.score(parts.season, x, time);
            scores.expected = layer.expected(parts.season, x, time);
            places[Layer::Season as usize] = self.judging.judge(Layer::Season, events, parts.judged, score, scores);
        }
        if let Some(layer) = &self.frequencies {
            let own = layer.score(parts.frequencies, all);
            let common = frozen.filter(|_| self.shares_texts);
            let by_others = common.map_or(f64::NAN, |common| layer.score_among(parts.frequencies, all, common));
            self.judging.judge(Layer::Frequency, events, parts.judged, own.max(by_others), scores);
            self.judging.judge_early(Layer::Frequency, events, by_others, scores);
        }
        if let Some(layer) = &self.repeats {
            let repeated = layer.score(parts.repeats, all);
            if self.stuck {
                self.judging.judge(Layer::Stuck, events, parts.judged, repeated.stuck, scores);
            }
            if self.missing {
                self.judging.judge(Layer::Missing, events, parts.judged, repeated.missing, scores);
            }
        }
        gap
    }

    /// The state as bytes of a fixed, versioned, little-endian layout: the same state gives the same bytes on
    /// every platform.
    #[must_use]
    pub fn snapshot(&self, state: &KeyState) -> Vec<u8> {
        snapshot::write(self.fingerprint, &state.words)
    }

    /// The same in fewer bytes, whose number depends on the state: of most states a quarter.
    #[must_use]
    pub fn packed(&self, state: &KeyState) -> Vec<u8> {
        snapshot::write_packed(self.fingerprint, &state.words)
    }

    /// The state from the bytes of a snapshot, packed or not.
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
