//! Directions and the distances between them: azimuth, pseudorapidity, and cones in the plane of the two.
//!
//! Formulas: S. Navas et al. (Particle Data Group), "Review of Particle Physics", Phys. Rev. D 110, 030001 (2024),
//! review "Kinematics". Logarithms and angles come from `libm`, which gives the same bits on every machine.

use std::f64::consts::{PI, TAU};

use crate::{
    formula::{Formula, rowwise},
    momenta::length,
};

/// The same angle in (-pi, pi].
#[inline]
pub(crate) fn wrapped(angle: f64) -> f64 {
    let wrapped = if angle.abs() <= PI {
        angle
    } else if angle.abs() < 3.0 * PI {
        angle - TAU.copysign(angle)
    } else {
        libm::remainder(angle, TAU)
    };
    if wrapped <= -PI { PI } else { wrapped }
}

/// `phi = atan2(py, px)`.
pub(crate) struct Azimuth;

impl Formula for Azimuth {
    const NAME: &'static str = "azimuth";
    const ARGUMENTS: &'static [(&'static str, &'static str)] =
        &[("px", "momentum along x"), ("py", "momentum along y")];
    const DESCRIPTION: &'static str = "Angle around the beam: atan2(py, px) in radians, in (-pi, pi]; 0 for px = py = 0. \
        Source: PDG, Review of Particle Physics, Kinematics.";

    fn values(columns: &[&[f64]]) -> Vec<f64> {
        // A negative zero plus zero is zero, so that the zero vector has one azimuth and the negative x axis is pi.
        rowwise(columns, |[px, py]| wrapped(libm::atan2(py + 0.0, px + 0.0)))
    }
}

/// `eta = asinh(pz / pt)`, which is `-ln tan(theta / 2)`.
pub(crate) struct Pseudorapidity;

impl Formula for Pseudorapidity {
    const NAME: &'static str = "pseudorapidity";
    const ARGUMENTS: &'static [(&'static str, &'static str)] =
        &[("px", "momentum along x"), ("py", "momentum along y"), ("pz", "momentum along z")];
    const DESCRIPTION: &'static str = "Pseudorapidity: asinh(pz / sqrt(px^2 + py^2)), which is -ln(tan(theta / 2)) of the \
        polar angle theta, without unit. Infinite along the beam (px = py = 0), with the sign of pz; 0 for no momentum. \
        Source: PDG, Review of Particle Physics, Kinematics.";

    fn values(columns: &[&[f64]]) -> Vec<f64> {
        rowwise(columns, |[px, py, pz]| {
            let across = length([px, py]);
            if across == 0.0 && pz == 0.0 { 0.0 } else { libm::asinh(pz / across) }
        })
    }
}

/// `phi1 - phi2`, wrapped.
pub(crate) struct DeltaPhi;

impl Formula for DeltaPhi {
    const NAME: &'static str = "delta_phi";
    const ARGUMENTS: &'static [(&'static str, &'static str)] =
        &[("phi1", "azimuth of the first, in radians"), ("phi2", "azimuth of the second, in radians")];
    const DESCRIPTION: &'static str = "Difference of two azimuths: phi1 - phi2 in radians, wrapped into (-pi, pi]. \
        Source: PDG, Review of Particle Physics, Kinematics.";

    fn values(columns: &[&[f64]]) -> Vec<f64> {
        rowwise(columns, |[phi1, phi2]| wrapped(phi1 - phi2))
    }
}

/// `sqrt((eta1 - eta2)^2 + delta_phi^2)`.
pub(crate) struct DeltaR;

impl Formula for DeltaR {
    const NAME: &'static str = "delta_r";
    const ARGUMENTS: &'static [(&'static str, &'static str)] = &[
        ("eta1", "pseudorapidity of the first"),
        ("phi1", "azimuth of the first, in radians"),
        ("eta2", "pseudorapidity of the second"),
        ("phi2", "azimuth of the second, in radians"),
    ];
    const DESCRIPTION: &'static str = "Distance of two directions: sqrt((eta1 - eta2)^2 + delta_phi(phi1, phi2)^2), without \
        unit. Source: PDG, Review of Particle Physics, Kinematics; as the size of a jet's cone: review of QCD.";

    fn values(columns: &[&[f64]]) -> Vec<f64> {
        rowwise(columns, |[eta1, phi1, eta2, phi2]| length([eta1 - eta2, wrapped(phi1 - phi2)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<F: Formula, const N: usize>(arguments: [f64; N]) -> f64 {
        F::values(&arguments.each_ref().map(std::slice::from_ref))[0]
    }

    #[test]
    fn azimuth_covers_the_circle_once() {
        assert_eq!(of::<Azimuth, 2>([1.0, 1.0]), PI / 4.0);
        assert_eq!(of::<Azimuth, 2>([0.0, -2.0]), -PI / 2.0);
        for below in [0.0, -0.0, -f64::MIN_POSITIVE] {
            assert_eq!(of::<Azimuth, 2>([-1.0, below]), PI);
        }
        for zero in [[0.0, 0.0], [-0.0, 0.0], [-0.0, -0.0]] {
            assert_eq!(of::<Azimuth, 2>(zero), 0.0);
        }
    }

    #[test]
    fn pseudorapidity_is_that_of_the_polar_angle() {
        for theta in [0.001f64, 0.3, 1.0, 1.5, 2.9] {
            let eta = of::<Pseudorapidity, 3>([0.6 * theta.sin(), 0.8 * theta.sin(), theta.cos()]);
            assert!((eta + (theta / 2.0).tan().ln()).abs() < 1e-12, "{theta} {eta}");
        }
        assert_eq!(of::<Pseudorapidity, 3>([0.0, 0.0, 3.0]), f64::INFINITY);
        assert_eq!(of::<Pseudorapidity, 3>([0.0, -0.0, -3.0]), f64::NEG_INFINITY);
        assert_eq!(of::<Pseudorapidity, 3>([0.0, 0.0, 0.0]), 0.0);
        assert!(of::<Pseudorapidity, 3>([f64::NAN, 0.0, 1.0]).is_nan());
    }

    #[test]
    fn differences_take_the_short_way_round() {
        assert!((of::<DeltaPhi, 2>([3.0, -3.0]) - (6.0 - TAU)).abs() < 1e-15);
        assert!((of::<DeltaPhi, 2>([-3.0, 3.0]) + (6.0 - TAU)).abs() < 1e-15);
        assert_eq!(of::<DeltaPhi, 2>([PI, 0.0]), PI);
        assert_eq!(of::<DeltaPhi, 2>([0.0, PI]), PI);
        assert!((of::<DeltaPhi, 2>([100.0 * TAU + 0.5, 0.0]) - 0.5).abs() < 1e-12);
        assert!(of::<DeltaPhi, 2>([f64::INFINITY, 0.0]).is_nan());
        assert!((of::<DeltaR, 4>([1.0, 3.1, -2.0, -3.1]) - 3f64.hypot(TAU - 6.2)).abs() < 1e-14);
    }
}
