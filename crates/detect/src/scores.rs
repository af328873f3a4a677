//! The layers by name, and what they found in an event.

/// The most features that the layer of values in time takes.
pub(crate) const SEASON_FEATURES_MAX: usize = 2;

/// A learned layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Largest |z| of any feature against exponentially weighted mean and variance.
    Ewma,
    /// Mahalanobis distance from the exponentially weighted mean.
    Mahalanobis,
    /// Half-space chains: how few events came near this one.
    Chains,
    /// Events of the key that come faster than usual.
    Rate,
    /// A value that stays the same.
    Stuck,
    /// A value that goes missing.
    Missing,
    /// Values that are not what was to be expected after those before them and at the time of day.
    Season,
    /// Events of all keys of a partition together that come faster than usual.
    Burst,
    /// A text that is rare for its key.
    Frequency,
}

impl Layer {
    /// All layers, in the order in which they are reported.
    pub const ALL: [Layer; Layer::COUNT] = [
        Layer::Ewma,
        Layer::Mahalanobis,
        Layer::Chains,
        Layer::Rate,
        Layer::Stuck,
        Layer::Missing,
        Layer::Season,
        Layer::Burst,
        Layer::Frequency,
    ];

    /// How many layers there are.
    pub const COUNT: usize = 9;

    /// The layer's name in definitions, columns and reasons.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Layer::Ewma => "ewma",
            Layer::Mahalanobis => "mahalanobis",
            Layer::Chains => "chains",
            Layer::Rate => "rate",
            Layer::Stuck => "stuck",
            Layer::Missing => "missing",
            Layer::Season => "season",
            Layer::Burst => "burst",
            Layer::Frequency => "frequency",
        }
    }
}

/// What became of an event at the learned layers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum RowState {
    /// It was scored.
    Scored,
    /// Its key was still being learned.
    WarmingUp,
    /// No layer looked at it: its key has no state, or none of its features is there.
    #[default]
    NotScored,
}

impl RowState {
    /// The state's name in the column of the scored events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            RowState::Scored => "scored",
            RowState::WarmingUp => "warming_up",
            RowState::NotScored => "not_scored",
        }
    }
}

/// What the layers found in an event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scores {
    /// Each layer's score in the order of [`Layer::ALL`], higher is more anomalous; NaN where it has none.
    pub scores: [f64; Layer::COUNT],
    /// How rare each layer's score is, in bits; NaN where it has none.
    pub bits: [f64; Layer::COUNT],
    /// Minus log2 of the estimated chance of an ordinary event at least as odd, by all layers together; NaN where the event
    /// was not scored.
    pub rarity: f64,
    /// What became of the event.
    pub state: RowState,
    /// The layers that alarm: bit `n` is the `n`th of [`Layer::ALL`].
    pub alarms: u32,
    /// What the layer of values in time expects of each of its features; NaN where it expects nothing.
    pub expected: [f64; SEASON_FEATURES_MAX],
}

impl Default for Scores {
    /// No score, no alarm.
    fn default() -> Self {
        let nothing = [f64::NAN; Layer::COUNT];
        let expected = [f64::NAN; SEASON_FEATURES_MAX];
        Self { scores: nothing, bits: nothing, rarity: f64::NAN, state: RowState::NotScored, alarms: 0, expected }
    }
}

impl Scores {
    /// The layer's score, if it has one: EWMA and Mahalanobis (not squared) in standard deviations, the others in bits.
    #[must_use]
    pub fn score(&self, layer: Layer) -> Option<f64> {
        let score = self.scores[layer as usize];
        (!score.is_nan()).then_some(score)
    }

    /// Whether the layer calls the event anomalous.
    #[must_use]
    pub fn alarmed(&self, layer: Layer) -> bool {
        self.alarms & (1 << layer as u32) != 0
    }

    /// Whether any layer calls the event anomalous.
    #[must_use]
    pub fn anomalous(&self) -> bool {
        self.alarms != 0
    }

    /// Adds what the detector of the partition ([`crate::Detector::of_partition`]) found in the same event. The event is as odd
    /// as the odder of both; of two independent shares the smaller is below p as often as 1 - (1 - p)^2.
    #[inline]
    pub fn join(&mut self, partition: &Scores) {
        let burst = Layer::Burst as usize;
        (self.scores[burst], self.bits[burst]) =
            (partition.scores[Layer::Rate as usize], partition.bits[Layer::Rate as usize]);
        let alarmed = partition.anomalous();
        if alarmed {
            self.alarms |= 1 << burst;
        }
        if !partition.rarity.is_nan() && (alarmed || !self.rarity.is_nan()) {
            let most = self.rarity.max(partition.rarity);
            self.rarity = most - libm::log2(2.0 - libm::exp2(-most));
        }
    }
}
