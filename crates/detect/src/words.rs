//! Numbers in a key's block of 64-bit words: doubles one a word, singles and counters two a word, low half first.

/// The largest magnitude of a value or a difference that is taken at face value; its square is still finite.
pub(crate) const MAGNITUDE_MAX: f64 = 1e100;

/// The largest score; it and any difference of scores fit a single.
pub(crate) const SCORE_MAX: f64 = 1e15;

pub(crate) fn get(words: &[u64], index: usize) -> f64 {
    f64::from_bits(words[index])
}

pub(crate) fn set(words: &mut [u64], index: usize, value: f64) {
    words[index] = value.to_bits();
}

pub(crate) fn half(words: &[u64], index: usize) -> u32 {
    (words[index / 2] >> (32 * (index & 1))) as u32
}

pub(crate) fn set_half(words: &mut [u64], index: usize, value: u32) {
    let shift = 32 * (index & 1);
    let word = &mut words[index / 2];
    *word = (*word & !(0xffff_ffff << shift)) | (u64::from(value) << shift);
}

/// The weight of the `count`th event: the plain mean until there are more than `1 / alpha` events.
pub(crate) fn weight(alpha: f64, count: f64) -> f64 {
    if count * alpha < 1.0 { 1.0 / count } else { alpha }
}

/// The variance below which a feature counts as stuck: the square of 1e-9 of its magnitude.
pub(crate) fn variance_floor(mean: f64) -> f64 {
    let deviation = 1e-9 * mean.abs() + 1e-30;
    deviation * deviation
}

/// How far from the mean an event that is learned from may pull: far enough to follow any level shift within some
/// tens of events, too near for one wild value to blind a layer for good.
pub(crate) fn pull(deviation: f64, mean: f64, variance: f64, count: f64) -> f64 {
    if count < 16.0 {
        return deviation;
    }
    let limit = if variance > variance_floor(mean) {
        (if count < 256.0 { 5.0 } else { 12.0 }) * variance.sqrt()
    } else {
        1e6 * mean.abs().max(1.0)
    };
    deviation.clamp(-limit, limit)
}
