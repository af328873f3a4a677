//! How a stream's anomalies are found.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Duration, feature};

/// How anomalies are found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Detect {
    /// What the learned layers look at: numeric SQL over the enriched columns (not finite counts as missing), `frequency(x)` for
    /// how rare a text is for its key, `hash(x)` for a text as a point. Where neither
    /// `features` nor `rules` is named, columns are chosen; `beamline check-config` says which.
    #[serde(default)]
    #[schemars(length(max = 16), inner(length(min = 1)))]
    #[schemars(example = ["ln(pt)", "eta", "frequency(particle_type)"])]
    pub features: Vec<String>,
    /// Conditions that are anomalies whatever was learned.
    #[serde(default)]
    pub rules: Vec<DetectRule>,
    /// The learned layers. Each is on with good defaults; `false` turns one off.
    #[serde(default)]
    pub layers: Layers,
    /// The share of ordinary events that the learned layers together may call anomalous.
    #[serde(default = "default_false_alarm_rate")]
    #[schemars(range(min = 1e-7, max = 0.1))]
    #[schemars(example = 1e-4)]
    pub false_alarm_rate: f64,
    /// How many events of a key are learned from before its learned layers may alarm.
    #[serde(default = "default_warm_up")]
    #[schemars(range(min = 16, max = 1_000_000))]
    #[schemars(example = 512)]
    pub warm_up: u32,
    /// How many alarms of a key in a row make what causes them the new normal.
    #[serde(default = "default_adapt_after")]
    #[schemars(range(min = 100, max = 10_000_000))]
    #[schemars(example = 2_000)]
    pub adapt_after: u32,
    /// How many of a key's events without an alarm end an episode: alarms that belong together carry the same `episode`. Without
    /// it there is no such column; where features are chosen it is 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    #[schemars(example = 100)]
    pub episode_after: Option<u32>,
    /// After how many events of a partition its keys read anew what they have in common: how often a text is new to a key, by how
    /// many it had before, and how high the layers' scores are of keys that are as young. A key then has scores from a sixteenth of
    /// `warm_up` on, and may alarm, by what others had at its age. Without it keys share nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 4, max = 1_000_000))]
    #[schemars(example = 4096)]
    pub share_every: Option<u32>,
}

fn default_false_alarm_rate() -> f64 {
    1e-3
}

fn default_warm_up() -> u32 {
    256
}

fn default_adapt_after() -> u32 {
    10_000
}

/// A condition that is an anomaly whatever was learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DetectRule {
    /// Letters, digits, `_`, `-` and `.`, a letter or `_` first. It is the name that the event's reasons carry.
    #[schemars(example = &"high_energy", regex(pattern = r"^[A-Za-z_][A-Za-z0-9_.-]{0,62}$"))]
    pub name: String,
    /// SQL over the enriched columns that is true for an anomaly.
    #[schemars(example = "energy_gev > 900", length(min = 1))]
    pub when: String,
}

/// The learned layers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Layers {
    /// Largest |z| of any feature against exponentially weighted mean and variance.
    pub ewma: Layer<EwmaLayer>,
    /// Mahalanobis distance from the exponentially weighted mean, which sees broken correlations.
    pub mahalanobis: Layer<MahalanobisLayer>,
    /// Half-space chains over two windows, which see density and bursts.
    pub chains: Layer<ChainsLayer>,
    /// Events of a key that come faster than usual, by their own times. Off where it is not named.
    #[serde(skip_serializing_if = "is_off")]
    #[schemars(extend("default" = false))]
    pub rate: bool,
    /// A feature's value that stays the same. Off where it is not named.
    #[serde(skip_serializing_if = "is_off")]
    #[schemars(extend("default" = false))]
    pub stuck: bool,
    /// A feature's value that goes missing. Off where it is not named.
    #[serde(skip_serializing_if = "is_off")]
    #[schemars(extend("default" = false))]
    pub missing: bool,
    /// Values that are unusual for the time of day (UTC), and jumps; for one or two features. Off where it is not named.
    #[serde(skip_serializing_if = "is_off")]
    #[schemars(extend("default" = false))]
    pub season: bool,
    /// Events of all keys of a partition together that come faster than usual. Off where it is not named.
    #[serde(skip_serializing_if = "is_off")]
    #[schemars(extend("default" = false))]
    pub burst: bool,
    /// Keys that no longer have events while others do: an alarm is a row of its own among the anomalies. Off where it is not named;
    /// `true` or settings turn it on.
    #[serde(skip_serializing_if = "Layer::is_off")]
    #[schemars(extend("default" = false))]
    pub silence: Layer<SilenceLayer>,
}

impl Default for Layers {
    fn default() -> Self {
        Self {
            ewma: Layer::default(),
            mahalanobis: Layer::default(),
            chains: Layer::default(),
            rate: false,
            stuck: false,
            missing: false,
            season: false,
            burst: false,
            silence: Layer::Switch(false),
        }
    }
}

/// A layer that is off is left out, so that it is in no fingerprint.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_off(on: &bool) -> bool {
    !on
}

impl Detect {
    /// How many columns say what was expected: one for each number, where the layer `season` is on.
    pub(crate) fn expected(&self) -> usize {
        let numbers = self.features.iter().filter(|feature| !feature::is_frequency(feature));
        if self.layers.season { numbers.count() } else { 0 }
    }

    /// The learned layers in the order in which they are reported, by name, and whether each is on. Those that look at numbers need
    /// a feature that is one, and that of frequencies a text.
    pub fn layers_by_name(&self) -> [(&'static str, bool); 9] {
        let texts = self.features.iter().filter(|feature| feature::is_frequency(feature)).count();
        let (numbers, any) = (self.features.len() > texts, !self.features.is_empty());
        let layers = &self.layers;
        [
            ("ewma", numbers && layers.ewma.settings().is_some()),
            ("mahalanobis", numbers && layers.mahalanobis.settings().is_some()),
            ("chains", numbers && layers.chains.settings().is_some()),
            ("rate", any && layers.rate),
            ("stuck", any && layers.stuck),
            ("missing", any && layers.missing),
            ("season", numbers && layers.season),
            ("burst", any && layers.burst),
            ("frequency", texts > 0),
        ]
    }
}

/// A layer that is on with its defaults, on with these settings, or off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Layer<T> {
    /// `true`: on with its defaults; `false`: off.
    Switch(bool),
    /// On with these settings.
    Settings(T),
}

impl<T> Default for Layer<T> {
    fn default() -> Self {
        Layer::Switch(true)
    }
}

impl<T> Layer<T> {
    /// Whether it is off.
    pub fn is_off(&self) -> bool {
        matches!(self, Layer::Switch(false))
    }
}

impl<T: Clone + Default> Layer<T> {
    /// The settings in force, or `None` where the layer is off.
    pub fn settings(&self) -> Option<T> {
        match self {
            Layer::Switch(true) => Some(T::default()),
            Layer::Switch(false) => None,
            Layer::Settings(settings) => Some(settings.clone()),
        }
    }
}

/// Settings of the EWMA layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EwmaLayer {
    /// The weight of a new event.
    #[schemars(range(min = 1e-6, max = 0.5))]
    #[schemars(example = 0.01)]
    pub alpha: f64,
}

impl Default for EwmaLayer {
    fn default() -> Self {
        Self { alpha: 1e-3 }
    }
}

/// Settings of the Mahalanobis layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MahalanobisLayer {
    /// The weight of a new event.
    #[schemars(range(min = 1e-6, max = 0.5))]
    #[schemars(example = 0.01)]
    pub alpha: f64,
}

impl Default for MahalanobisLayer {
    fn default() -> Self {
        Self { alpha: 1e-3 }
    }
}

/// Settings of the half-space chains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ChainsLayer {
    /// How many chains.
    #[schemars(range(min = 1, max = 64))]
    #[schemars(example = 8)]
    pub chains: u32,
    /// Splits a chain.
    #[schemars(range(min = 1, max = 16))]
    #[schemars(example = 8)]
    pub depth: u32,
    /// Counters a split. The default gets less where a key's state would not fit into 8 KiB.
    #[schemars(range(min = 16, max = 4096))]
    #[schemars(example = 128)]
    pub width: u32,
    /// Events a window; longer than the longest burst expected.
    #[schemars(range(min = 64, max = 1_000_000))]
    #[schemars(example = 4096)]
    pub window: u32,
}

impl Default for ChainsLayer {
    fn default() -> Self {
        Self { chains: 4, depth: 6, width: 64, window: 2048 }
    }
}

/// Settings of the layer of silence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SilenceLayer {
    /// How long after its last event a key that does not come back is forgotten, in event time. A key that is usually silent for longer
    /// is not watched.
    #[schemars(example = &"7d")]
    pub forget_after: Duration,
}

impl Default for SilenceLayer {
    fn default() -> Self {
        Self { forget_after: Duration(std::time::Duration::from_secs(24 * 3600)) }
    }
}
