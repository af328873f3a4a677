//! How rare the layers' scores are, whether they alarm, and which events are learned from.
//!
//! Each layer alarms at its share of the asked false-alarm rate, so that the alarms of all together keep to it. An event that
//! is far beyond a threshold is not learned from, or anomalies would become normal; one that is just beyond may belong to
//! the tail, or to values that wander, and is. What alarms in a row for `adapt_after` events is the new normal.

use crate::{
    Layer, RowState, Scores, Seen, Settings,
    rarity::{BINS, RARITY_WORDS, Rarity},
    scale::Scale,
    settings::SHARED,
    tails::{DEVIATIONS, scale, tail},
    words::{get, set},
    young::{Young, YoungScores},
};

/// Scores below this are never anomalous, however rare: EWMA and Mahalanobis in standard deviations, the others in bits.
const LEAST_SCORES: [f64; Layer::COUNT] = [1.0, 1.0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];

/// How what all layers say together is counted: the largest surprise of any, in bits.
const TOGETHER: Scale = Scale::Surprises;

/// An alarm by no more than this, in bits beyond the threshold, is learned from.
const NEAR_BITS: f64 = 2.5;

/// Events over which exclusions are forgotten, and how many of them make what is excluded the new normal, as multiples of
/// `adapt_after`: an unbroken run of that length reaches 4 (1 - e^(-1/4)), a steady share of a fifth does not.
const FORGET: f64 = 4.0;
const CAP: f64 = 0.884_796_868_473_1;

/// The share of recent far alarms that is kept at each event, the count beyond which a run of them is on, and the bits from
/// which on everything is then taken to be part of it: else its tamest events would be learned.
const RUN_KEEP: f64 = 15.0 / 16.0;
const RUN_LONG: f64 = 4.0;
const SUSPICIOUS_BITS: f64 = 4.0;

/// Far alarms of the chains alone that are learned from, as a multiple of the false-alarm rate, and how many may be saved up:
/// chains that never counted the rarest ordinary events would find them rarer and rarer.
const LEARNABLE: f64 = 8.0;
const LEARNABLE_MAX: f64 = 4.0;

/// Counted events below which every score of few distinct values is counted, alarm or not.
const YOUNG_EVENTS: u32 = 1024;

/// A tail may be heavier than it looks from below, so alarms just beyond a threshold are counted against their expected number:
/// each lifts the threshold by this many bits, and every event lowers it by as much as balances the expected ones.
const LIFT: f64 = 0.25;
const LIFT_RANGE: (f64, f64) = (-0.5, 4.0);

/// Warm-ups before a threshold is lifted: until then anomalies that were learned from may still be just beyond it.
const LIFT_AFTER: u64 = 4;

/// A lift applies in full from the threshold on, and not at all below these bits.
const LIFT_FROM: f64 = 4.0;

/// How many events of a key what others of its age scored is worth.
const OTHERS_EVENTS: f64 = 1024.0;

/// Where the numbers are: recent exclusions, recent far alarms, alarms of the chains that may be learned from, the lift of each
/// layer before the burst; then the histograms of the layers that are on, and of all together; then the lifts of the layers behind
/// the burst that are on, so that a layer which is off moves nothing.
const EXCLUDED: usize = 0;
const RUN: usize = 1;
const BUDGET: usize = 2;
const LIFTS: usize = 3;
const HISTOGRAMS: usize = LIFTS + Layer::Burst as usize;

/// How scores are judged.
#[derive(Debug, Clone)]
pub(crate) struct Judging {
    warm_up: u64,
    /// The layers that are on and judged here.
    on: Vec<Layer>,
    /// Events after which scores are counted; the chains' and those of all together are after twice as many.
    settle: u64,
    /// The bits beyond which a layer alarms.
    threshold: f64,
    /// The bits of the asked false-alarm rate: no alarm has fewer.
    alarm_bits: f64,
    /// The share of ordinary events that should be beyond a threshold by no more than `NEAR_BITS`.
    near_share: f64,
    learnable: f64,
    /// What the count of exclusions keeps at each event, and its limit.
    keep: f64,
    cap: f64,
    /// Events over which exclusions are forgotten.
    forget: f64,
    /// Where the histograms are: of each layer, then of all together.
    at: [usize; Layer::COUNT + 1],
    /// Where the lift of each layer that is on and judged here is.
    lifts: [usize; Layer::COUNT],
    /// How many words all of it takes.
    words: usize,
}

impl Judging {
    pub(crate) fn new(settings: &Settings) -> Self {
        let layers = settings.layers();
        let mut at = [HISTOGRAMS; Layer::COUNT + 1];
        let mut end = HISTOGRAMS;
        for (index, layer) in Layer::ALL.into_iter().enumerate() {
            at[index] = end;
            end += if layers.contains(&layer) && scale(layer).is_some() { RARITY_WORDS } else { 0 };
        }
        at[Layer::COUNT] = end;
        let burst = Layer::Burst as usize;
        let mut lifts = std::array::from_fn(|index| if index < burst { LIFTS + index } else { usize::MAX });
        let mut words = end + RARITY_WORDS;
        for layer in layers.iter().filter(|layer| **layer as usize > burst) {
            lifts[*layer as usize] = words;
            words += 1;
        }
        let alarm_bits = -libm::log2(settings.false_alarm_rate);
        let forget = FORGET * f64::from(settings.adapt_after);
        let threshold = alarm_bits + libm::log2((SHARED * layers.len() as f64).max(1.0));
        Self {
            warm_up: u64::from(settings.warm_up),
            on: layers.into_iter().filter(|layer| *layer != Layer::Burst).collect(),
            settle: u64::from(settings.warm_up / 4),
            threshold,
            near_share: libm::exp2(-threshold) - libm::exp2(-threshold - NEAR_BITS),
            alarm_bits,
            learnable: LEARNABLE * settings.false_alarm_rate,
            keep: 1.0 - 1.0 / forget,
            cap: CAP * f64::from(settings.adapt_after),
            forget,
            at,
            lifts,
            words,
        }
    }

    pub(crate) fn words(&self) -> usize {
        self.words
    }

    /// The share of ordinary events that each layer may call anomalous.
    pub(crate) fn share(&self) -> f64 {
        libm::exp2(-self.threshold)
    }

    /// Enters the score of a layer that is on: how rare it is, and whether it alarms. Gives its place in the histogram, NaN
    /// where it has none.
    #[inline]
    pub(crate) fn judge(&self, layer: Layer, events: u64, words: &[u64], score: f64, scores: &mut Scores) -> f64 {
        let index = layer as usize;
        scores.scores[index] = score;
        let settle = if layer == Layer::Chains { 2 * self.settle } else { self.settle };
        if score.is_nan() || events <= settle {
            return f64::NAN;
        }
        let (place, rarity) = match scale(layer) {
            Some(scale) => {
                let place = scale.place(score);
                (place, Rarity::bits(self.histogram(words, index), place))
            }
            None => (f64::NAN, score),
        };
        let bits = self.lifted(rarity, get(words, self.lifts[index]));
        scores.bits[index] = bits;
        if events > self.warm_up && bits > self.threshold && score >= LEAST_SCORES[index] {
            scores.alarms |= 1 << index;
        }
        place
    }

    /// Enters an alarm of a key that is warming up still, by a score that others answer for.
    #[inline]
    pub(crate) fn judge_early(&self, layer: Layer, events: u64, score: f64, scores: &mut Scores) {
        let index = layer as usize;
        if events > self.settle && events <= self.warm_up && score > self.threshold.max(LEAST_SCORES[index]) {
            scores.alarms |= 1 << index;
            scores.rarity = score.max(self.alarm_bits);
        }
    }

    /// Lets layers judge a young key by what others of its age scored as well as by what it scored itself, the more so the less it has.
    pub(crate) fn judge_young(&self, events: u64, words: &[u64], frozen: &YoungScores, scores: &mut Scores) {
        for layer in &self.on {
            let index = *layer as usize;
            let (Some(young), Some(scale)) = (Young::new(*layer, events, self.warm_up), scale(*layer)) else {
                continue;
            };
            let (score, own) = (scores.scores[index], scores.bits[index]);
            if score.is_nan() {
                continue;
            }
            let Some(others) = frozen.bits(young, scale.place(score)) else { continue };
            let bits = self.of_both(index, words, own, others);
            scores.bits[index] = bits;
            scores.alarms &= !(1 << index);
            if bits > self.threshold && score >= LEAST_SCORES[index] {
                scores.alarms |= 1 << index;
            }
        }
    }

    /// What a key says itself by the events that it has counted, which may be NaN, and what others say.
    fn of_both(&self, index: usize, words: &[u64], own: f64, others: f64) -> f64 {
        if own.is_nan() {
            return others;
        }
        let counted = f64::from(Rarity::counted(self.histogram(words, index)));
        others + (own - others) * counted / (counted + OTHERS_EVENTS)
    }

    /// Counts the scores of a young key among those of all keys.
    pub(crate) fn tally(&self, events: u64, scores: &Scores, counted: &mut YoungScores) {
        for layer in &self.on {
            let score = scores.scores[*layer as usize];
            if let (Some(young), Some(scale)) = (Young::new(*layer, events, self.warm_up), scale(*layer))
                && !score.is_nan()
            {
                counted.count(young, scale.place(score));
            }
        }
    }

    /// Enters how rare an event of a young key is by all layers together: by the rarest of them, where the key has counted too little
    /// itself.
    pub(crate) fn rate_young(&self, words: &[u64], scores: &mut Scores) {
        let rarest = self.on.iter().map(|layer| scores.bits[*layer as usize]).fold(f64::NAN, f64::max);
        if rarest.is_nan() {
            return;
        }
        // Of several layers the rarest is not that rare.
        let by_layers = (rarest - (self.threshold - self.alarm_bits)).max(0.0);
        let bits = self.of_both(Layer::COUNT, words, scores.rarity, by_layers);
        scores.rarity = if scores.alarms == 0 { bits } else { bits.max(self.alarm_bits) };
    }

    /// The score from which on a layer alarms of a young key, and while that warms up how many of others' scores are as high as this
    /// one; `None` where it goes by itself alone.
    pub(crate) fn threshold_young(
        &self,
        layer: Layer,
        (events, words): (u64, &[u64]),
        score: f64,
        frozen: &YoungScores,
    ) -> Option<(f64, Option<Seen>)> {
        let (young, scale, index) = (Young::new(layer, events, self.warm_up)?, scale(layer)?, layer as usize);
        let bits = |place: f64| {
            let own = self.lifted(Rarity::bits(self.histogram(words, index), place), get(words, self.lifts[index]));
            let own = if events > self.settle { own } else { f64::NAN };
            Some(self.of_both(index, words, own, frozen.bits(young, place)?))
        };
        let beyond = (0..BINS).find(|bin| bits(*bin as f64).is_some_and(|bits| bits > self.threshold))?;
        let others = (events <= self.warm_up).then(|| frozen.as_high(young, scale.place(score)));
        Some((scale.score(beyond as f64).max(LEAST_SCORES[index]), others))
    }

    /// The score from which on a layer alarms.
    pub(crate) fn threshold(&self, layer: Layer, words: &[u64]) -> f64 {
        let index = layer as usize;
        let bits = self.threshold + get(words, self.lifts[index]);
        let score =
            scale(layer).map_or(bits, |scale| scale.score(Rarity::place_of(self.histogram(words, index), bits)));
        score.max(LEAST_SCORES[index])
    }

    /// Whether the layers learn from the event; keeps account of those that they do not learn from.
    #[inline]
    pub(crate) fn learns(&self, events: u64, words: &mut [u64], scores: &Scores) -> bool {
        if events <= self.warm_up {
            return true;
        }
        let (excluded, run) = (get(words, EXCLUDED) * self.keep, get(words, RUN) * RUN_KEEP);
        let budget = (get(words, BUDGET) + self.learnable).min(LEARNABLE_MAX);
        let most = self.on.iter().fold(0.0, |most: f64, layer| most.max(scores.bits[*layer as usize]));
        let far = scores.alarms != 0 && most > self.threshold + NEAR_BITS;
        let in_run = run > RUN_LONG;
        let suspicious = far || (in_run && most > SUSPICIOUS_BITS);
        let by_chains_alone = !in_run && scores.alarms == 1 << Layer::Chains as u32 && budget >= 1.0;
        let excludes = suspicious && !by_chains_alone && excluded < self.cap;
        set(words, EXCLUDED, excluded + f64::from(u8::from(excludes)));
        set(words, RUN, run + f64::from(u8::from(far)));
        set(words, BUDGET, budget - f64::from(u8::from(suspicious && by_chains_alone)));
        if !in_run && events > LIFT_AFTER * self.warm_up {
            self.lift(words, scores);
        }
        !excludes
    }

    /// Moves the layers' thresholds towards where as many events as asked are just beyond.
    fn lift(&self, words: &mut [u64], scores: &Scores) {
        for layer in &self.on {
            let index = *layer as usize;
            let beyond = scores.bits[index] - self.threshold;
            if beyond.is_nan() {
                continue;
            }
            let near = f64::from(u8::from(beyond > 0.0 && beyond <= NEAR_BITS));
            let lift = get(words, self.lifts[index]) + LIFT * (near - self.near_share);
            set(words, self.lifts[index], lift.clamp(LIFT_RANGE.0, LIFT_RANGE.1));
        }
    }

    /// A rarity less the lift, which grows into its full size up to the threshold.
    fn lifted(&self, bits: f64, lift: f64) -> f64 {
        bits - lift * ((bits - LIFT_FROM) / (self.threshold - LIFT_FROM).max(1.0)).clamp(0.0, 1.0)
    }

    /// Counts the scores among the ordinary ones, and enters how rare the event is by all layers together.
    #[inline]
    pub(crate) fn count(
        &self,
        events: u64,
        words: &mut [u64],
        places: &[f64; Layer::COUNT],
        learn: bool,
        scores: &mut Scores,
    ) {
        let excluded = get(words, EXCLUDED) / (events as f64).min(self.forget);
        let (mut most, mut rarest, mut said) = (0.0f64, 0.0f64, false);
        for layer in &self.on {
            let (index, bits) = (*layer as usize, scores.bits[*layer as usize]);
            if bits.is_nan() {
                continue;
            }
            said = true;
            rarest = rarest.max(bits);
            let Some(scale) = scale(*layer) else {
                most = most.max(bits);
                continue;
            };
            let histogram = self.histogram_mut(words, index);
            let surprise = Rarity::surprise(histogram, scale, scores.scores[index]);
            most = most.max(if Rarity::discrete(histogram) { bits } else { surprise });
            if learn || (Rarity::discrete(histogram) && Rarity::counted(histogram) < YOUNG_EVENTS) {
                tail(*layer).count(histogram, scale, places[index], excluded);
            }
        }
        if !said || events <= 2 * self.settle {
            return;
        }
        let histogram = self.histogram_mut(words, Layer::COUNT);
        let place = TOGETHER.place(most);
        // What is not rare to any layer is not rare to all together: the tail of surprises knows nothing of gaps between values.
        // A layer that is alone says all there is to say.
        let bits = if self.on.len() > 1 { Rarity::bits(histogram, place).min(rarest) } else { rarest };
        if learn {
            DEVIATIONS.count(histogram, TOGETHER, place, excluded);
        }
        if events > self.warm_up {
            scores.rarity = if scores.alarms == 0 { bits } else { bits.max(self.alarm_bits) };
            scores.state = RowState::Scored;
        }
    }

    fn histogram<'w>(&self, words: &'w [u64], index: usize) -> &'w [u64] {
        &words[self.at[index]..self.at[index] + RARITY_WORDS]
    }

    fn histogram_mut<'w>(&self, words: &'w mut [u64], index: usize) -> &'w mut [u64] {
        &mut words[self.at[index]..self.at[index] + RARITY_WORDS]
    }
}
