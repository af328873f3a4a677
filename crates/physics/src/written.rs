//! How precisely numbers are written, and what rounding does to a particle's mass shell.

use std::fmt::LowerExp;

use crate::{
    formula::{Formula, rowwise},
    momenta::{MassShellPull, length},
};

/// Digits that a generator's own arithmetic is taken to get right, however many it writes: a double has 16, and each boost from one
/// frame to another loses some of them.
const DIGITS_MAX: i32 = 12;

/// The same of numbers in single precision, which have 7.
const SINGLE_DIGITS_MAX: i32 = 6;

/// The standard deviation of a rounding error in units of the last digit: that of a uniform distribution, 1 / sqrt(12).
const ROUNDING: f64 = 0.288_675_134_594_812_9;

/// The standard deviation of `E^2 - p^2 - m^2` that comes from rounding.
pub(crate) struct MassShellSigma;

impl Formula for MassShellSigma {
    const NAME: &'static str = "mass_shell_sigma";
    /// Those of the pull without its sigma.
    const ARGUMENTS: &'static [(&'static str, &'static str)] = MassShellPull::ARGUMENTS.split_at(5).0;
    const DESCRIPTION: &'static str = "Standard deviation of e^2 - px^2 - py^2 - pz^2 - m^2 where nothing but rounding is \
        wrong with the numbers, in the unit of energy squared: the sigma of mass_shell_pull for what a generator wrote. Energy \
        and momenta count with as many digits as that of the four with the most of them has, the mass with its own, and none \
        with more than 12 (6 in single precision). \
        Source: PDG, Review of Particle Physics, Probability: propagation of errors, uniform distribution.";

    fn values(columns: &[&[f64]]) -> Vec<f64> {
        rowwise(columns, |numbers: [f64; 5]| {
            let single = numbers.iter().all(|x| f64::from(*x as f32) == *x);
            let most = if single { SINGLE_DIGITS_MAX } else { DIGITS_MAX };
            let written = numbers.map(|x| if single { Written::of(x as f32) } else { Written::of(x) });
            let [momenta @ .., mass] = written.map(|written| written.digits.min(most));
            // A number may have ended in zeros, which nothing tells of any more. Hardly ever do all four.
            let of_momenta = momenta.into_iter().max().unwrap_or_default();
            let errors: [f64; 5] = std::array::from_fn(|index| {
                let digits = if index < momenta.len() { of_momenta } else { mass };
                2.0 * numbers[index] * ROUNDING * libm::exp10(f64::from(written[index].exponent - digits + 1))
            });
            match length(errors) {
                0.0 => f64::MIN_POSITIVE,
                sigma => sigma,
            }
        })
    }
}

/// A number in the fewest digits that tell it from its neighbours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Written {
    digits: i32,
    /// The power of ten of the first digit.
    exponent: i32,
}

impl Written {
    /// Nothing of what is not a finite number.
    fn of(x: impl LowerExp) -> Self {
        let text = format!("{x:e}");
        let Some((mantissa, exponent)) = text.split_once('e') else { return Self::default() };
        let digits = mantissa.bytes().filter(u8::is_ascii_digit).count() as i32;
        Self { digits, exponent: exponent.parse().unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sigma(numbers: [f64; 5]) -> f64 {
        MassShellSigma::values(&numbers.each_ref().map(std::slice::from_ref))[0]
    }

    fn pull(numbers: [f64; 5]) -> f64 {
        let [e, px, py, pz, m] = numbers;
        MassShellPull::values(&[e, px, py, pz, m, sigma(numbers)].each_ref().map(std::slice::from_ref))[0]
    }

    #[test]
    fn a_number_has_the_digits_it_was_written_with() {
        let of = |x: f64| (Written::of(x).digits, Written::of(x).exponent);
        assert_eq!((of(-0.001_25), of(25.775_160_034), of(1e300), of(f64::NAN)), ((3, -3), (11, 1), (1, 300), (0, 0)));
        assert_eq!(Written::of(0.1_f32).digits, 1);
    }

    #[test]
    fn sigma_is_the_rounding_of_all_numbers_together() {
        // 2 x times the last digit's unit over sqrt(12): of 9.0004 and 1.0 it is 1e-4, of a mass of 0.2 a tenth.
        let of = |mass: f64| 2.0 * ROUNDING * (9.0004f64 * 1e-4).hypot(1e-4).hypot(mass * 0.1);
        for mass in [0.0, 0.2] {
            assert!((sigma([9.0004, 1.0, 0.0, 0.0, mass]) / of(mass) - 1.0).abs() < 1e-12);
        }
        assert_eq!(sigma([0.0; 5]), f64::MIN_POSITIVE, "nothing to be divided by zero");
        assert!(sigma([f64::NAN, 1.0, 0.0, 0.0, 0.0]).is_nan());
    }

    /// Particles of several kinds, at rest and fast, at two energies and boosted, as a generator would write them.
    fn particles() -> impl Iterator<Item = [f64; 5]> {
        const MASSES: [f64; 6] = [0.0, 0.000_510_998_95, 0.105_658_375, 0.139_570_39, 0.938_272_088, 91.1876];
        // Low-discrepancy sequences, so that the test is the same every time.
        let spread = |n: usize, step: f64| (n as f64 * step).fract();
        (1..=24_000).map(move |n| {
            let m = MASSES[n % MASSES.len()];
            let most: f64 = if n % 2 == 0 { 45.6 } else { 6_500.0 };
            let p = most * libm::exp(-7.0 * spread(n, 0.618_033_988_749_895));
            let cosine = 2.0 * spread(n, 0.754_877_666_246_693) - 1.0;
            let (sine, azimuth) =
                ((1.0 - cosine * cosine).sqrt(), std::f64::consts::TAU * spread(n, 0.569_840_290_998_053));
            let (px, py, pz) = (p * sine * libm::cos(azimuth), p * sine * libm::sin(azimuth), p * cosine);
            let e = (p * p + m * m).sqrt();
            let rapidity = if n % 3 == 0 { 3.0 } else { 0.0 };
            let (cosh, sinh) = (libm::cosh(rapidity), libm::sinh(rapidity));
            [e * cosh + pz * sinh, px, py, pz * cosh + e * sinh, m]
        })
    }

    /// A number with so many digits.
    fn rounded(x: f64, digits: usize) -> f64 {
        format!("{x:.*e}", digits - 1).parse().unwrap()
    }

    #[test]
    fn rows_of_any_precision_lie_on_their_shell_and_wrong_energies_do_not() {
        // Of energy and momenta, and of the mass.
        for (digits, of_mass) in [(5, 5), (8, 8), (10, 10), (16, 16), (5, 9), (10, 4)] {
            let write = |[e, px, py, pz, m]: [f64; 5]| {
                let [e, px, py, pz] = [e, px, py, pz].map(|x| rounded(x, digits));
                [e, px, py, pz, rounded(m, of_mass)]
            };
            let off = particles().filter(|numbers| pull(write(*numbers)).abs() > 5.0).count();
            assert!(off <= 48, "{off} of 24,000 with {digits} digits");
            let scaled =
                particles().filter(|[e, px, py, pz, m]| pull(write([e * 1.01, *px, *py, *pz, *m])).abs() > 5.0);
            let found = scaled.count();
            assert!(found >= 23_900, "{found} of 24,000 with {digits} digits");
        }
    }

    #[test]
    fn rows_in_single_precision_lie_on_their_shell() {
        let rows = particles().map(|numbers| numbers.map(|x| f64::from(x as f32)));
        let off = rows.filter(|numbers| pull(*numbers).abs() > 5.0).count();
        assert!(off <= 48, "{off} of 24,000");
    }
}
