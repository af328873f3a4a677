//! How the scores of each layer are counted, and what is expected of their tails.

use crate::{Layer, rarity::Rarity, scale::Scale};

/// What is expected of the tails of a layer's scores in standard deviations, in bits, and of all layers together: how the slope
/// grows a bin. Over the logarithm of a standard deviation it grows by .087 where the tail is exponential and by .173 where it is
/// normal.
pub(crate) const DEVIATIONS: Rarity = Rarity { growth: 0.05, growth_range: (0.0, 0.25), recurring: false };
const IN_BITS: Rarity = Rarity { growth: 0.0, growth_range: (-0.02, 0.06), recurring: false };

/// How a layer's scores are counted; `None` where the score is how rare it is already.
pub(crate) const fn scale(layer: Layer) -> Option<Scale> {
    match layer {
        Layer::Ewma | Layer::Mahalanobis => Some(Scale::Deviations),
        Layer::Chains => Some(Scale::Bits),
        Layer::Rate => Some(Scale::Sums),
        Layer::Stuck | Layer::Missing | Layer::Season | Layer::Burst | Layer::Frequency => None,
    }
}

/// What is expected of the tail of a layer's scores.
pub(crate) const fn tail(layer: Layer) -> &'static Rarity {
    match layer {
        Layer::Ewma | Layer::Mahalanobis => &DEVIATIONS,
        _ => &IN_BITS,
    }
}
