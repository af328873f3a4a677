//! The invariant mass of two and more particles, from four-momenta and from collider coordinates.
//!
//! Formulas: S. Navas et al. (Particle Data Group), "Review of Particle Physics", Phys. Rev. D 110, 030001 (2024),
//! review "Kinematics": `M^2 = (sum E)^2 - |sum p|^2`, and in transverse masses, rapidities and azimuths.

use crate::{
    formula::Formula,
    momenta::{length, minkowski_square},
};

/// The root of a mass squared, with its sign: measured four-momenta may be space-like (`M^2 < 0`), and how far they are
/// is worth knowing. ROOT's `LorentzVector::M` has the same convention.
#[inline]
fn signed_root(square: f64) -> f64 {
    let square = square + 0.0;
    square.abs().sqrt().copysign(square)
}

/// `M^2 = (sum E)^2 - |sum p|^2`.
pub(crate) struct InvariantMass;

impl Formula for InvariantMass {
    const NAME: &'static str = "invariant_mass";
    const ARGUMENTS: &'static [(&'static str, &'static str)] =
        &[("e", "energy"), ("px", "momentum along x"), ("py", "momentum along y"), ("pz", "momentum along z")];
    const VARIADIC: bool = true;
    const DESCRIPTION: &'static str = "Invariant mass of one or more particles together, from their four-momenta: \
        sqrt((sum e)^2 - (sum px)^2 - (sum py)^2 - (sum pz)^2), with c = 1, in the unit of the arguments. Where rounding \
        or measurement makes the square negative, it is minus the root of its magnitude. Source: PDG, Review of Particle \
        Physics, Kinematics; the sign as in ROOT's LorentzVector.";

    fn values(columns: &[&[f64]]) -> Vec<f64> {
        let mut particles = columns.chunks_exact(4);
        let Some(first) = particles.next() else { return Vec::new() };
        let [mut e, mut px, mut py, mut pz] = [0, 1, 2, 3].map(|component| first[component].to_vec());
        for particle in particles {
            for (sum, column) in [&mut e, &mut px, &mut py, &mut pz].into_iter().zip(particle) {
                sum.iter_mut().zip(*column).for_each(|(sum, value)| *sum += value);
            }
        }
        for (row, mass) in e.iter_mut().enumerate() {
            *mass = signed_root(minkowski_square(*mass, px[row], py[row], pz[row]));
        }
        e
    }
}

/// `M^2 = sum m_i^2 + 2 sum (mT_i mT_j cosh(y_i - y_j) - pt_i pt_j cos(phi_i - phi_j))`.
pub(crate) struct InvariantMassPtEtaPhiM;

impl Formula for InvariantMassPtEtaPhiM {
    const NAME: &'static str = "invariant_mass_ptetaphim";
    const ARGUMENTS: &'static [(&'static str, &'static str)] =
        &[("pt", "transverse momentum"), ("eta", "pseudorapidity"), ("phi", "azimuth, in radians"), ("m", "mass")];
    const VARIADIC: bool = true;
    const DESCRIPTION: &'static str = "Invariant mass of one or more particles together, from collider coordinates: the \
        root of sum m_i^2 + 2 sum (mT_i mT_j cosh(y_i - y_j) - pt_i pt_j cos(phi_i - phi_j)) over pairs i < j, with the \
        transverse mass mT = sqrt(m^2 + pt^2) and the rapidity y = asinh(pt sinh(eta) / mT), c = 1, in the unit of pt and \
        m. Computed without cancellation, so that near and fast particles keep their mass. Source: PDG, Review of \
        Particle Physics, Kinematics.";

    fn values(columns: &[&[f64]]) -> Vec<f64> {
        let particles: Vec<Transverse> = columns.chunks_exact(4).map(Transverse::new).collect();
        let Some(first) = particles.first() else { return Vec::new() };
        let mut square: Vec<f64> = vec![0.0; first.pt.len()];
        for (index, one) in particles.iter().enumerate() {
            square.iter_mut().zip(one.m).for_each(|(square, m)| *square += m * m);
            for other in &particles[index + 1..] {
                for (row, square) in square.iter_mut().enumerate() {
                    *square += 2.0 * one.product(other, row);
                }
            }
        }
        square.into_iter().map(signed_root).collect()
    }
}

/// The columns of one particle, in the coordinates in which a boost along the beam is a shift.
struct Transverse<'a> {
    pt: &'a [f64],
    phi: &'a [f64],
    m: &'a [f64],
    mass: Vec<f64>,
    rapidity: Vec<f64>,
}

impl<'a> Transverse<'a> {
    fn new(columns: &[&'a [f64]]) -> Self {
        let (pt, eta, phi, m) = (columns[0], columns[1], columns[2], columns[3]);
        let mass: Vec<f64> = pt.iter().zip(m).map(|(&pt, &m)| length([pt, m])).collect();
        let rapidity = (0..mass.len())
            .map(|row| if m[row] == 0.0 { eta[row] } else { libm::asinh(pt[row] * libm::sinh(eta[row]) / mass[row]) })
            .collect();
        Self { pt, phi, m, mass, rapidity }
    }

    /// `E_i E_j - p_i . p_j`, as a sum of terms that are not negative. With `cosh x = 1 + 2 sinh^2(x/2)` and
    /// `cos x = 1 - 2 sin^2(x/2)` what cancels in `mT_i mT_j cosh(dy) - pt_i pt_j cos(dphi)` is `mT_i mT_j - pt_i pt_j`,
    /// which is `(m_i^2 mT_j^2 + pt_i^2 m_j^2) / (mT_i mT_j + pt_i pt_j)`.
    #[inline]
    fn product(&self, other: &Self, row: usize) -> f64 {
        let masses = self.mass[row] * other.mass[row];
        let momenta = self.pt[row] * other.pt[row];
        let along = libm::sinh(0.5 * (self.rapidity[row] - other.rapidity[row]));
        let across = libm::sin(0.5 * (self.phi[row] - other.phi[row]));
        let own = self.m[row] * other.mass[row];
        let others = self.pt[row] * other.m[row];
        let rest = own * own + others * others;
        let rest = if rest == 0.0 { 0.0 } else { rest / (masses + momenta) };
        rest + 2.0 * (masses * along * along + momenta * across * across)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<F: Formula>(arguments: &[f64]) -> f64 {
        let columns: Vec<&[f64]> = arguments.chunks(1).collect();
        F::values(&columns)[0]
    }

    /// `E, px, py, pz` of collider coordinates.
    fn four_momentum([pt, eta, phi, m]: [f64; 4]) -> [f64; 4] {
        let p = pt * eta.cosh();
        [p.hypot(m), pt * phi.cos(), pt * phi.sin(), pt * eta.sinh()]
    }

    const MUON: f64 = 0.105_658_375_5;

    #[test]
    fn a_z_at_rest_decays_to_two_muons() {
        let z = 91.1876f64;
        let p = (z * z / 4.0 - MUON * MUON).sqrt();
        let (x, y, along) = (p * 0.48, p * 0.64, p * 0.6);
        let mass = of::<InvariantMass>(&[z / 2.0, x, y, along, z / 2.0, -x, -y, -along]);
        assert!((mass - z).abs() < 1e-12, "{mass}");
        let (pt, eta, phi) = (p * 0.8, (0.75f64).asinh(), (0.64f64).atan2(0.48));
        let back = phi - std::f64::consts::PI;
        let mass = of::<InvariantMassPtEtaPhiM>(&[pt, eta, phi, MUON, pt, -eta, back, MUON]);
        assert!((mass - z).abs() < 1e-12, "{mass}");
    }

    #[test]
    fn both_forms_agree_for_two_and_three_particles() {
        let particles = [[45.2, 0.7, -2.9, MUON], [38.9, -1.3, 0.4, MUON], [12.5, 2.2, 1.9, 0.139_570_39]];
        for count in 1..=3 {
            let collider: Vec<f64> = particles[..count].concat();
            let cartesian: Vec<f64> = particles[..count].iter().flat_map(|particle| four_momentum(*particle)).collect();
            let (one, other) = (of::<InvariantMassPtEtaPhiM>(&collider), of::<InvariantMass>(&cartesian));
            let tolerance = if count == 1 { 1e-10 } else { 1e-12 };
            assert!((one / other - 1.0).abs() < tolerance, "{count}: {one} {other}");
        }
    }

    #[test]
    fn a_boost_along_the_beam_changes_nothing() {
        let pair = [four_momentum([45.2, 0.7, -2.9, MUON]), four_momentum([38.9, -1.3, 0.4, MUON])];
        let rest = of::<InvariantMass>(&pair.concat());
        for boost in [-3.0f64, 0.5, 2.0, 5.0] {
            let boosted = pair.map(|[e, px, py, pz]| {
                [e * boost.cosh() + pz * boost.sinh(), px, py, pz * boost.cosh() + e * boost.sinh()]
            });
            assert!((of::<InvariantMass>(&boosted.concat()) / rest - 1.0).abs() < 1e-10, "{boost}");
        }
    }

    #[test]
    fn close_particles_at_high_energy_keep_their_mass() {
        // An electron pair from a photon that turned into it: M is close to twice the electron's mass, at a TeV.
        let m = 0.000_510_998_95f64;
        let mass = of::<InvariantMassPtEtaPhiM>(&[1000.0, 2.0, 1.0, m, 1000.0, 2.0, 1.0, m]);
        assert!((mass / (2.0 * m) - 1.0).abs() < 1e-12, "{mass}");
        // Massless ones at a small angle: M = pt * dphi.
        let mass = of::<InvariantMassPtEtaPhiM>(&[500.0, 1.0, 0.0, 0.0, 500.0, 1.0, 1e-9, 0.0]);
        assert!((mass / 5e-7 - 1.0).abs() < 1e-12, "{mass}");
    }

    #[test]
    fn odd_input_gives_odd_numbers_and_no_panic() {
        assert_eq!(of::<InvariantMass>(&[3.0, 0.0, 0.0, 5.0]), -4.0, "space-like");
        assert_eq!(of::<InvariantMass>(&[5.0, 0.0, 0.0, 5.0]), 0.0, "light-like");
        assert_eq!(of::<InvariantMassPtEtaPhiM>(&[0.0, 0.0, 0.0, 2.0, 0.0, 9.0, 1.0, 3.0]), 5.0, "at rest");
        assert_eq!(of::<InvariantMassPtEtaPhiM>(&[0.0; 8]), 0.0);
        for odd in [f64::NAN, f64::INFINITY, f64::MAX, f64::MIN_POSITIVE] {
            let _ = of::<InvariantMass>(&[odd; 8]);
            let _ = of::<InvariantMassPtEtaPhiM>(&[odd; 8]);
        }
        assert!(of::<InvariantMassPtEtaPhiM>(&[1.0, f64::NAN, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]).is_nan());
    }
}
