//! The layers by name, and what they found in an event.

/// A learned layer. More may come, so match with a wildcard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Layer {
    /// Largest |z| of any feature against exponentially weighted mean and variance.
    Ewma,
    /// Mahalanobis distance from the exponentially weighted mean.
    Mahalanobis,
    /// Half-space chains: how few events came near this one.
    Chains,
}

impl Layer {
    /// All layers, in the order in which they are reported.
    pub const ALL: [Layer; Layer::COUNT] = [Layer::Ewma, Layer::Mahalanobis, Layer::Chains];

    /// How many layers there are.
    pub const COUNT: usize = 3;

    /// The layer's name in definitions, columns and reasons.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Layer::Ewma => "ewma",
            Layer::Mahalanobis => "mahalanobis",
            Layer::Chains => "chains",
        }
    }
}

/// What the layers found in an event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scores {
    /// Each layer's score in the order of [`Layer::ALL`], higher is more anomalous; NaN where it has none.
    pub scores: [f64; Layer::COUNT],
    /// The largest score over its layer's threshold, over the layers past warm-up; 0 before, above 1 at an alarm.
    pub ratio: f64,
    /// The layers that alarm: bit `n` is the `n`th of [`Layer::ALL`].
    pub alarms: u32,
}

impl Default for Scores {
    /// No score, no alarm.
    fn default() -> Self {
        Self { scores: [f64::NAN; Layer::COUNT], ratio: 0.0, alarms: 0 }
    }
}

impl Scores {
    /// The layer's score, if it has one: EWMA in standard deviations, Mahalanobis in standard deviations (not
    /// squared), chains in bits.
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
}
