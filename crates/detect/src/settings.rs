//! What a detector is asked to do, and the ranges in which it can do it.

use crate::{DetectError, Layer};

/// The largest number of features.
pub const FEATURES_MAX: usize = 16;

/// What a detector is asked to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How many features an event has, `1..=16`.
    pub features: usize,
    /// Largest |z| of any feature; `None` turns the layer off.
    pub ewma: Option<Ewma>,
    /// Distance from the mean in the metric of the covariance; `None` turns the layer off.
    pub mahalanobis: Option<Mahalanobis>,
    /// Half-space chains; `None` turns the layer off.
    pub chains: Option<Chains>,
    /// The share of ordinary events that each layer may call anomalous, `1e-7..=0.1`.
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

impl Settings {
    /// All layers with their defaults.
    #[must_use]
    pub fn with_features(features: usize) -> Self {
        Self {
            features,
            ewma: Some(Ewma { alpha: 1e-3 }),
            mahalanobis: Some(Mahalanobis { alpha: 1e-3 }),
            chains: Some(Chains { chains: 4, depth: 6, width: 64, window: 2048 }),
            false_alarm_rate: 1e-3,
            warm_up: 256,
            adapt_after: 10_000,
        }
    }

    /// The layers that are on, in the order of [`Layer::ALL`].
    pub(crate) fn layers(&self) -> Vec<Layer> {
        let on = [self.ewma.is_some(), self.mahalanobis.is_some(), self.chains.is_some()];
        Layer::ALL.into_iter().zip(on).filter_map(|(layer, on)| on.then_some(layer)).collect()
    }

    /// Names the first setting that is out of its range.
    pub(crate) fn check(&self) -> Result<(), DetectError> {
        within("features", self.features as f64, 1.0, FEATURES_MAX as f64)?;
        within("false_alarm_rate", self.false_alarm_rate, 1e-7, 0.1)?;
        within("warm_up", f64::from(self.warm_up), 16.0, 1e6)?;
        within("adapt_after", f64::from(self.adapt_after), 100.0, 1e7)?;
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
