//! How scores are laid out over the bins of a histogram, and the logarithm that this takes.

/// Up to about this surprise, in bits, bins are even.
const EVEN: f64 = 8.0;

/// How scores are laid out over the bins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Standard deviations: an eighth of an octave a bin, from 1/2 on.
    Deviations,
    /// Bits: an eighth of half a bit a bin, from -2 on.
    Bits,
    /// Cumulative sums in bits: half a bit a bin, from 0 on.
    Sums,
    /// Surprises in bits: a third of a bit a bin at 0, wider and wider beyond [`EVEN`].
    Surprises,
}

impl Scale {
    /// The place of a score.
    #[inline]
    pub(crate) fn place(self, score: f64) -> f64 {
        match self {
            Self::Deviations => 8.0 * (log2(score.max(1e-9)) + 1.0),
            Self::Bits => 4.0 * (score + 2.0),
            Self::Sums => 2.0 * score,
            Self::Surprises => 16.0 * log2(1.0 + score / EVEN),
        }
    }

    /// The score as a normal tail is linear in it.
    pub(crate) fn tail(self, score: f64) -> f64 {
        if self == Self::Deviations { score * score } else { score }
    }

    /// The score at a place.
    pub(crate) fn score(self, place: f64) -> f64 {
        match self {
            Self::Deviations => libm::exp2(place / 8.0 - 1.0),
            Self::Bits => place / 4.0 - 2.0,
            Self::Sums => place / 2.0,
            Self::Surprises => EVEN * (libm::exp2(place / 16.0) - 1.0),
        }
    }
}

/// The logarithm to base 2 of a positive, normal number, to within 0.01, by its exponent and a parabola: the same on
/// every platform, and a few nanoseconds.
#[inline]
pub(crate) fn log2(x: f64) -> f64 {
    let bits = x.to_bits();
    let exponent = (bits >> 52) as i64 - 1023;
    let mantissa = f64::from_bits(bits & 0x000f_ffff_ffff_ffff | 0x3ff0_0000_0000_0000) - 1.0;
    exponent as f64 + mantissa + 0.339 * mantissa * (1.0 - mantissa)
}
