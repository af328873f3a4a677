//! Functions of one momentum or four-momentum, in natural units (c = 1): momenta, energies and masses share one unit.
//!
//! Formulas: S. Navas et al. (Particle Data Group), "Review of Particle Physics", Phys. Rev. D 110, 030001 (2024),
//! review "Kinematics", sections 49.1 (four-momenta) and 49.6 (inclusive reactions: rapidity, pseudorapidity).

use crate::formula::{Formula, rowwise};

/// Squares between these neither overflow nor lose digits to underflow.
const SQUARE_SAFE: std::ops::Range<f64> = 1e-280..1e300;

/// The length of a vector, also where its squares would overflow or underflow.
#[inline]
pub(crate) fn length<const N: usize>(components: [f64; N]) -> f64 {
    let square = components.iter().fold(0.0, |sum, component| sum + component * component);
    if SQUARE_SAFE.contains(&square) {
        square.sqrt()
    } else {
        components.iter().fold(0.0, |sum, &x| libm::hypot(sum, x))
    }
}

/// `E^2 - px^2 - py^2 - pz^2` as `(E - |pz|) (E + |pz|) - (px^2 + py^2)`: the difference along the beam, where the large
/// cancellation is, is taken before squaring and is exact for `E/2 <= |pz| <= 2 E`.
#[inline]
pub(crate) fn minkowski_square(e: f64, px: f64, py: f64, pz: f64) -> f64 {
    (e - pz.abs()) * (e + pz.abs()) - (px * px + py * py)
}

/// `pt = sqrt(px^2 + py^2)`.
pub(crate) struct TransverseMomentum;

impl Formula for TransverseMomentum {
    const NAME: &'static str = "transverse_momentum";
    const ARGUMENTS: &'static [(&'static str, &'static str)] =
        &[("px", "momentum along x"), ("py", "momentum along y")];
    const DESCRIPTION: &'static str = "Momentum across the beam (the z axis): sqrt(px^2 + py^2), in the unit of the \
        arguments. Source: PDG, Review of Particle Physics, Kinematics.";

    fn values(columns: &[&[f64]]) -> Vec<f64> {
        rowwise(columns, length::<2>)
    }
}

/// `p = sqrt(px^2 + py^2 + pz^2)`.
pub(crate) struct Momentum;

impl Formula for Momentum {
    const NAME: &'static str = "momentum";
    const ARGUMENTS: &'static [(&'static str, &'static str)] =
        &[("px", "momentum along x"), ("py", "momentum along y"), ("pz", "momentum along z")];
    const DESCRIPTION: &'static str = "Magnitude of a momentum: sqrt(px^2 + py^2 + pz^2), in the unit of the arguments. \
        Source: PDG, Review of Particle Physics, Kinematics.";

    fn values(columns: &[&[f64]]) -> Vec<f64> {
        rowwise(columns, length::<3>)
    }
}

/// `E = sqrt(p^2 + m^2)`.
pub(crate) struct Energy;

impl Formula for Energy {
    const NAME: &'static str = "energy";
    const ARGUMENTS: &'static [(&'static str, &'static str)] =
        &[("px", "momentum along x"), ("py", "momentum along y"), ("pz", "momentum along z"), ("m", "mass")];
    const DESCRIPTION: &'static str = "Energy of a particle on its mass shell: sqrt(px^2 + py^2 + pz^2 + m^2), with \
        c = 1, in the unit of the arguments. Source: PDG, Review of Particle Physics, Kinematics.";

    fn values(columns: &[&[f64]]) -> Vec<f64> {
        rowwise(columns, length::<4>)
    }
}

/// `y = ln((E + pz) / (E - pz)) / 2`.
pub(crate) struct Rapidity;

impl Formula for Rapidity {
    const NAME: &'static str = "rapidity";
    const ARGUMENTS: &'static [(&'static str, &'static str)] = &[("e", "energy"), ("pz", "momentum along z")];
    const DESCRIPTION: &'static str = "Rapidity along the beam: ln((e + pz) / (e - pz)) / 2, without unit. Infinite \
        where |pz| = e, NaN where |pz| > e (no particle) and for e = pz = 0. Source: PDG, Review of Particle Physics, \
        Kinematics.";

    fn values(columns: &[&[f64]]) -> Vec<f64> {
        // As ln(1 + 2 |pz| / (E - |pz|)) / 2 with the sign of pz: exactly antisymmetric, and accurate for small pz.
        rowwise(columns, |[e, pz]| {
            let along = pz.abs();
            0.5 * libm::log1p(2.0 * along / (e - along)) * 1f64.copysign(pz)
        })
    }
}

/// `(E^2 - p^2 - m^2) / sigma`.
pub(crate) struct MassShellPull;

impl Formula for MassShellPull {
    const NAME: &'static str = "mass_shell_pull";
    const ARGUMENTS: &'static [(&'static str, &'static str)] = &[
        ("e", "energy"),
        ("px", "momentum along x"),
        ("py", "momentum along y"),
        ("pz", "momentum along z"),
        ("m", "the mass it should have"),
        ("sigma", "resolution of e^2 - p^2, in the unit of energy squared"),
    ];
    const DESCRIPTION: &'static str = "How many standard deviations a particle is off its mass shell: \
        (e^2 - px^2 - py^2 - pz^2 - m^2) / sigma, without unit. Standard normal for a well-measured particle of mass m. \
        Source: the relation E^2 - p^2 = m^2 of PDG, Review of Particle Physics, Kinematics; pull: PDG, Statistics.";

    fn values(columns: &[&[f64]]) -> Vec<f64> {
        rowwise(columns, |[e, px, py, pz, m, sigma]| (minkowski_square(e, px, py, pz) - m * m) / sigma)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<F: Formula, const N: usize>(arguments: [f64; N]) -> f64 {
        F::values(&arguments.each_ref().map(std::slice::from_ref))[0]
    }

    #[test]
    fn pythagorean_numbers_are_exact_at_any_scale() {
        for scale in [1.0, 1e-200, 1e200] {
            assert_eq!(of::<TransverseMomentum, 2>([3.0 * scale, -4.0 * scale]), 5.0 * scale);
        }
        assert_eq!(of::<Momentum, 3>([2.0, 3.0, -6.0]), 7.0);
        assert_eq!(of::<Energy, 4>([2.0, 4.0, 5.0, 6.0]), 9.0);
        assert_eq!(of::<TransverseMomentum, 2>([0.0, -0.0]), 0.0);
        assert_eq!(of::<Momentum, 3>([f64::NEG_INFINITY, 0.0, 1.0]), f64::INFINITY);
        assert!(of::<Momentum, 3>([f64::NAN, 0.0, 1.0]).is_nan());
    }

    #[test]
    fn rapidity_adds_up_under_boosts_and_is_antisymmetric() {
        // tanh y = pz / E: y = ln 2 for pz / E = 3 / 5.
        assert!((of::<Rapidity, 2>([5.0, 3.0]) - 2f64.ln()).abs() < 1e-15);
        assert_eq!(of::<Rapidity, 2>([5.0, -3.0]), -of::<Rapidity, 2>([5.0, 3.0]));
        assert!((of::<Rapidity, 2>([1.0, 1e-12]) / 1e-12 - 1.0).abs() < 1e-11);
        let (e, pz, boost) = (7.0f64, 2.0f64, 1.25f64);
        let boosted = of::<Rapidity, 2>([e * boost.cosh() + pz * boost.sinh(), pz * boost.cosh() + e * boost.sinh()]);
        assert!((boosted - of::<Rapidity, 2>([e, pz]) - boost).abs() < 1e-14);
        assert_eq!(of::<Rapidity, 2>([2.0, 2.0]), f64::INFINITY);
        assert_eq!(of::<Rapidity, 2>([2.0, -2.0]), f64::NEG_INFINITY);
        assert!(of::<Rapidity, 2>([1.0, 2.0]).is_nan());
    }

    #[test]
    fn the_pull_counts_resolutions_off_the_shell() {
        assert_eq!(of::<MassShellPull, 6>([9.0, 2.0, 4.0, 5.0, 6.0, 0.5]), 0.0);
        assert_eq!(of::<MassShellPull, 6>([9.0, 2.0, 4.0, 5.0, 5.0, 2.0]), 5.5);
        assert_eq!(of::<MassShellPull, 6>([9.0, 2.0, 4.0, 5.0, 5.0, 0.0]), f64::INFINITY);
    }

    #[test]
    fn a_tev_electron_along_the_beam_keeps_its_mass() {
        // With E^2 - p^2 the rounding of the squares alone is 1e-10; the mass squared is 2.6e-7.
        let (m, pz) = (0.000_510_998_95f64, 1000.0f64);
        let square = minkowski_square(pz.hypot(m), 0.0, 0.0, pz);
        // The energy is a multiple of 1.1e-13, times 2 pz.
        assert!((square - m * m).abs() < 1.2e-10, "{square}");
    }
}
