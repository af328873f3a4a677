//! The detector's settings as the definition has them.

use detect::{Chains, Ewma, Mahalanobis, Settings};
use stream::{FeatureKind, Stream};

/// The detector's settings as the definition has them.
pub(super) fn settings(stream: &Stream) -> Option<Settings> {
    let detect = stream.definition.spec.detect.as_ref()?;
    Some(Settings {
        features: stream.features.len(),
        frequencies: (0..stream.features.len())
            .filter(|feature| stream.features[*feature].kind() == FeatureKind::Frequency)
            .collect(),
        ewma: detect.layers.ewma.settings().map(|layer| Ewma { alpha: layer.alpha }),
        mahalanobis: detect.layers.mahalanobis.settings().map(|layer| Mahalanobis { alpha: layer.alpha }),
        chains: detect.layers.chains.settings().map(|layer| Chains {
            chains: layer.chains,
            depth: layer.depth,
            width: layer.width,
            window: layer.window,
        }),
        rate: detect.layers.rate,
        stuck: detect.layers.stuck,
        missing: detect.layers.missing,
        season: detect.layers.season,
        burst: detect.layers.burst,
        shared: detect.share_every.is_some(),
        shared_scores: detect.share_every.is_some(),
        false_alarm_rate: detect.false_alarm_rate,
        warm_up: detect.warm_up,
        adapt_after: detect.adapt_after,
    })
}
