//! Resonances and their decay to a pair of leptons.

use std::f64::consts::PI;

use super::random::Random;

/// An energy and a momentum in GeV.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FourVector {
    pub energy: f64,
    pub momentum: [f64; 3],
}

/// A resonance: mass and full width in GeV (Particle Data Group, Review of Particle Physics, 2026), its share of the
/// decays, and the scale and power of its transverse momentum spectrum.
struct Resonance {
    mass: f64,
    width: f64,
    share: f64,
    pt_scale: f64,
    pt_power: f64,
}

const RESONANCES: [Resonance; 4] = [
    // J/psi(1S)
    Resonance { mass: 3.096_9, width: 92.6e-6, share: 0.30, pt_scale: 6.0, pt_power: 3.5 },
    // psi(2S)
    Resonance { mass: 3.686_097, width: 293e-6, share: 0.05, pt_scale: 6.5, pt_power: 3.5 },
    // Upsilon(1S)
    Resonance { mass: 9.460_4, width: 54.0e-6, share: 0.15, pt_scale: 8.0, pt_power: 3.5 },
    // Z
    Resonance { mass: 91.187_9, width: 2.495_5, share: 0.50, pt_scale: 14.0, pt_power: 2.6 },
];

/// Beyond so many half-widths from the peak the line shape is cut off.
const HALF_WIDTHS_MAX: f64 = 20.0;

/// Largest rapidity of a resonance, in which the spectrum is flat.
const RAPIDITY_MAX: f64 = 2.4;

/// Largest transverse momentum of a resonance in GeV.
const PT_MAX: f64 = 500.0;

/// The two leptons, of mass `lepton` in GeV each, of one decay, in the laboratory, on their mass shell.
///
/// The mass follows a Breit–Wigner (Cauchy) line shape; the transverse momentum dN/dpT ∝ pT (1 + (pT/s)²)^-n; rapidity
/// is flat; the decay is isotropic in the resonance's rest frame.
pub(crate) fn decay(random: &mut Random, lepton: f64) -> [FourVector; 2] {
    let resonance = &RESONANCES[random.weighted(RESONANCES.iter().map(|resonance| resonance.share))];
    let angle = random.between(-1.0, 1.0) * libm::atan(HALF_WIDTHS_MAX);
    let mass = resonance.mass + 0.5 * resonance.width * libm::tan(angle);
    let tail = libm::exp(-libm::log(1.0 - random.unit()) / (resonance.pt_power - 1.0));
    let pt = (resonance.pt_scale * (tail - 1.0).sqrt()).min(PT_MAX);
    let rapidity = random.between(-RAPIDITY_MAX, RAPIDITY_MAX);
    let [x, y] = direction(random);
    let transverse_mass = mass.hypot(pt);
    let parent = FourVector {
        energy: transverse_mass * libm::cosh(rapidity),
        momentum: [pt * x, pt * y, transverse_mass * libm::sinh(rapidity)],
    };
    let momentum = (0.25 * mass * mass - lepton * lepton).sqrt();
    let cosine = random.between(-1.0, 1.0);
    let sine = (1.0 - cosine * cosine).sqrt();
    let [x, y] = direction(random);
    let at_rest = [momentum * sine * x, momentum * sine * y, momentum * cosine];
    [at_rest, at_rest.map(|component| -component)].map(|at_rest| boost(at_rest, lepton, mass, &parent))
}

/// From the rest frame of `parent`, of mass `mass`, to the laboratory. The energy is taken from the mass shell, so that
/// it holds to rounding.
fn boost(at_rest: [f64; 3], lepton: f64, mass: f64, parent: &FourVector) -> FourVector {
    let along: f64 = (0..3).map(|axis| at_rest[axis] * parent.momentum[axis]).sum();
    let factor = along / (mass * (parent.energy + mass)) + 0.5;
    let momentum = [0, 1, 2].map(|axis| at_rest[axis] + factor * parent.momentum[axis]);
    on_shell(momentum, lepton)
}

/// The four-vector of a momentum on the shell of a mass.
pub(crate) fn on_shell(momentum: [f64; 3], mass: f64) -> FourVector {
    let squared: f64 = momentum.iter().map(|component| component * component).sum();
    FourVector { energy: (squared + mass * mass).sqrt(), momentum }
}

/// A direction in the transverse plane.
fn direction(random: &mut Random) -> [f64; 2] {
    let (sine, cosine) = libm::sincos(random.between(-PI, PI));
    [cosine, sine]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_have_the_mass_of_a_resonance_and_leptons_their_own() {
        let mut random = Random::new(1, 0);
        let mut z = 0;
        for _ in 0..20_000 {
            let [a, b] = decay(&mut random, 0.105_658);
            let squared = |momentum: [f64; 3]| momentum.iter().map(|p| p * p).sum::<f64>();
            let sum = [0, 1, 2].map(|axis| a.momentum[axis] + b.momentum[axis]);
            let mass = ((a.energy + b.energy).powi(2) - squared(sum)).sqrt();
            let near =
                RESONANCES.iter().find(|r| (mass - r.mass).abs() <= 1.001 * 0.5 * r.width * HALF_WIDTHS_MAX + 1e-5);
            assert!(near.is_some(), "{mass}");
            z += u32::from((mass - 91.187_9).abs() < 0.5 * 2.495_5);
        }
        // Half of a Breit–Wigner lies within its full width; a little more as the tails are cut.
        assert!((4_900..5_500).contains(&z), "{z}");
    }
}
