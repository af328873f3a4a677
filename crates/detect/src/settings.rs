//! What a detector is asked to do, and the ranges in which it can do it.

use crate::{DetectError, Layer, scores::SEASON_FEATURES_MAX};

/// The largest number of features.
pub const FEATURES_MAX: usize = 16;

/// The smallest false-alarm rate that can be asked for.
const FALSE_ALARM_RATE_MIN: f64 = 1e-7;

/// The layers' shares of the asked rate add up to one over this, because they often alarm at the same events.
pub(crate) const SHARED: f64 = 0.75;

/// What a detector is asked to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How many features an event has, `1..=16`.
    pub features: usize,
    /// Which features are texts, by their numbers: their values are [`crate::hashed`], and a layer of its own looks at how rare they
    /// are for the key. The layers that look at numbers do not see them.
    pub frequencies: Vec<usize>,
    /// Largest |z| of any feature; `None` turns the layer off.
    pub ewma: Option<Ewma>,
    /// Distance from the mean in the metric of the covariance; `None` turns the layer off.
    pub mahalanobis: Option<Mahalanobis>,
    /// Half-space chains; `None` turns the layer off.
    pub chains: Option<Chains>,
    /// Whether a key's events that come faster than usual are looked for.
    pub rate: bool,
    /// Whether values that stay the same are looked for.
    pub stuck: bool,
    /// Whether values that go missing are looked for.
    pub missing: bool,
    /// Whether values are held against what is usual at the time of day; for one or two features.
    pub season: bool,
    /// Whether events of a whole partition that come faster than usual are looked for, by [`crate::Detector::of_partition`].
    pub burst: bool,
    /// Whether the keys of a partition share how often their texts are new, by [`crate::Detector::nothing_in_common`].
    pub shared: bool,
    /// Whether they share how high scores are of keys that are warming up, in the same way.
    pub shared_scores: bool,
    /// The share of ordinary events that all layers together may call anomalous, `1e-7..=0.1`.
    pub false_alarm_rate: f64,
    /// How many events of a key are learned from before its layers may alarm, `16..=1_000_000`.
    pub warm_up: u32,
    /// How many alarms of a layer in a row make a regime the new normal, `100..=10_000_000`.
    pub adapt_after: u32,
}

/// Settings of the largest |z|.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ewma {
    /// The weight of a new event, `1e-6..=0.5`.
    pub alpha: f64,
}

/// Settings of the Mahalanobis distance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mahalanobis {
    /// The weight of a new event, `1e-6..=0.5`.
    pub alpha: f64,
}

/// Settings of the half-space chains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chains {
    /// How many chains, `1..=64`.
    pub chains: u32,
    /// Splits a chain, `1..=16`.
    pub depth: u32,
    /// Counters a split, `16..=4096`.
    pub width: u32,
    /// Events a window, `64..=1_000_000`; longer than the longest burst expected.
    pub window: u32,
}

impl Default for Chains {
    /// Of these the width is an upper limit: it gets less where a state would not fit into 8 KiB.
    fn default() -> Self {
        Self { chains: 4, depth: 6, width: 64, window: 2048 }
    }
}

impl Settings {
    /// The layers that look at the values of an event, with their defaults.
    #[must_use]
    pub fn with_features(features: usize) -> Self {
        Self {
            features,
            frequencies: Vec::new(),
            ewma: Some(Ewma { alpha: 1e-3 }),
            mahalanobis: Some(Mahalanobis { alpha: 1e-3 }),
            chains: Some(Chains::default()),
            rate: false,
            stuck: false,
            missing: false,
            season: false,
            burst: false,
            shared: false,
            shared_scores: false,
            false_alarm_rate: 1e-3,
            warm_up: 256,
            adapt_after: 10_000,
        }
    }

    /// The layers that are on, in the order of [`Layer::ALL`].
    pub(crate) fn layers(&self) -> Vec<Layer> {
        let numbers = self.numbers() > 0;
        let on = [
            numbers && self.ewma.is_some(),
            numbers && self.mahalanobis.is_some(),
            numbers && self.chains.is_some(),
            self.rate,
            self.stuck,
            self.missing,
            numbers && self.season,
            self.burst,
            !self.frequencies.is_empty(),
        ];
        Layer::ALL.into_iter().zip(on).filter_map(|(layer, on)| on.then_some(layer)).collect()
    }

    /// How many features are numbers.
    pub(crate) fn numbers(&self) -> usize {
        self.features.saturating_sub(self.frequencies.len())
    }

    /// Whether any layer is on.
    #[must_use]
    pub fn any_layer(&self) -> bool {
        !self.layers().is_empty()
    }

    /// All layers that there are for so many features, with their defaults.
    #[must_use]
    pub fn all(features: usize) -> Self {
        let season = features <= SEASON_FEATURES_MAX;
        Self { rate: true, stuck: true, missing: true, season, burst: true, ..Self::with_features(features) }
    }

    /// The settings of the detector of a partition, whose only layer has the same threshold as here.
    pub(crate) fn of_partition(&self) -> Option<Self> {
        let layers = self.layers().len() as f64;
        self.burst.then(|| Self {
            ewma: None,
            mahalanobis: None,
            chains: None,
            rate: true,
            false_alarm_rate: (self.false_alarm_rate / (SHARED * layers).max(1.0)).max(FALSE_ALARM_RATE_MIN),
            warm_up: self.warm_up,
            adapt_after: self.adapt_after,
            ..Self::with_features(1)
        })
    }

    /// Names the first setting that is out of its range.
    pub(crate) fn check(&self) -> Result<(), DetectError> {
        within("features", self.features as f64, 1.0, FEATURES_MAX as f64)?;
        within("false_alarm_rate", self.false_alarm_rate, FALSE_ALARM_RATE_MIN, 0.1)?;
        within("warm_up", f64::from(self.warm_up), 16.0, 1e6)?;
        within("adapt_after", f64::from(self.adapt_after), 100.0, 1e7)?;
        for feature in &self.frequencies {
            within("frequencies", *feature as f64, 0.0, self.features as f64 - 1.0)?;
        }
        if self.season && self.numbers() > 0 {
            within("features", self.numbers() as f64, 1.0, SEASON_FEATURES_MAX as f64)?;
        }
        if let Some(ewma) = self.ewma {
            within("ewma.alpha", ewma.alpha, 1e-6, 0.5)?;
        }
        if let Some(mahalanobis) = self.mahalanobis {
            within("mahalanobis.alpha", mahalanobis.alpha, 1e-6, 0.5)?;
        }
        if let Some(chains) = self.chains {
            within("chains.chains", f64::from(chains.chains), 1.0, 64.0)?;
            within("chains.depth", f64::from(chains.depth), 1.0, 16.0)?;
            within("chains.width", f64::from(chains.width), 16.0, 4096.0)?;
            within("chains.window", f64::from(chains.window), 64.0, 1e6)?;
        }
        if self.layers().is_empty() { Err(DetectError::NoLayer) } else { Ok(()) }
    }
}

fn within(name: &'static str, value: f64, least: f64, most: f64) -> Result<(), DetectError> {
    if (least..=most).contains(&value) { Ok(()) } else { Err(DetectError::Setting { name, value, least, most }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_out_of_range_is_named() {
        let settings = Settings { warm_up: 3, ..Settings::with_features(6) };
        let message = settings.check().map_err(|error| error.to_string());
        assert_eq!(message, Err("warm_up is 3, choose from 16 to 1000000".to_owned()));
        assert!(Settings { false_alarm_rate: f64::NAN, ..Settings::with_features(6) }.check().is_err());
        let off = Settings { ewma: None, mahalanobis: None, chains: None, ..Settings::with_features(6) };
        assert_eq!(off.check(), Err(DetectError::NoLayer));
    }
}
