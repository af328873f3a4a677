//! The layers that there were when golden numbers were written down.

use detect::Settings;

/// All of them, with their defaults. A layer that is added is off here, where it changes none of these numbers.
pub(crate) fn earlier(features: usize) -> Settings {
    let season = features <= 2;
    Settings { rate: true, stuck: true, missing: true, season, burst: true, ..Settings::with_features(features) }
}
