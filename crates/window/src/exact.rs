//! Sums of floating-point numbers without any rounding, so that their order cannot matter.
//!
//! A sum is a number in base 2^32 whose digits are kept in signed 64-bit limbs, from the lowest that was needed to the
//! highest (a sparse "small superaccumulator", R. M. Neal, 2015, arXiv:1505.05571). A double is added as an integer
//! with an exponent, into three limbs; carries are propagated only once in a while. The double nearest to the exact
//! sum is computed at the end. So the same numbers give the same sum to the last bit in any order, over any number of
//! partitions, and it is the best that a double can say.

use crate::{WindowError, bytes::Reader};

/// Additions after which carries are propagated: each adds less than 2^32 to a limb of 63 bits.
const ADDITIONS_MAX: u32 = 1 << 29;

/// Doubles that a sum is taken apart into: more than the 4,200 bits of products have.
const PARTS_MAX: usize = 128;

/// A sum that is exact.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exact {
    limbs: Vec<i64>,
    /// The exponent of the first limb, in units of 32.
    first: i32,
    additions: u32,
    /// The sum of what is not finite; 0 where there is none.
    special: f64,
}

impl Exact {
    /// Adds a number.
    pub(crate) fn add(&mut self, value: f64) {
        match decompose(value) {
            Some((negative, digits, exponent)) => self.add_scaled(negative, digits, exponent),
            None => self.special += value,
        }
    }

    /// Adds the product of two numbers, exactly.
    pub(crate) fn add_product(&mut self, a: f64, b: f64) {
        let (Some((a_negative, a_digits, a_exponent)), Some((b_negative, b_digits, b_exponent))) =
            (decompose(a), decompose(b))
        else {
            self.special += a * b;
            return;
        };
        let product = u128::from(a_digits) * u128::from(b_digits);
        let (negative, exponent) = (a_negative != b_negative, a_exponent + b_exponent);
        self.add_scaled(negative, product as u64, exponent);
        self.add_scaled(negative, (product >> 64) as u64, exponent + 64);
    }

    /// Adds another sum.
    pub(crate) fn merge(&mut self, other: &Exact) {
        self.special += other.special;
        let mut other = other.clone();
        other.carry();
        for (index, limb) in other.limbs.iter().enumerate() {
            let exponent = (other.first + index as i32) * 32;
            self.add_scaled(*limb < 0, limb.unsigned_abs(), exponent);
        }
    }

    /// The double nearest to the sum; of two that are equally near the even one.
    pub(crate) fn round(&self) -> f64 {
        if self.special.is_nan() {
            return f64::NAN;
        }
        if self.special != 0.0 {
            return self.special;
        }
        let mut sum = self.clone();
        sum.carry();
        let negative = sum.limbs.last().is_some_and(|limb| *limb < 0);
        if negative {
            sum.limbs.iter_mut().for_each(|limb| *limb = -*limb);
            sum.carry();
        }
        let Some(top) = sum.limbs.iter().rposition(|limb| *limb != 0) else { return 0.0 };
        // The highest 128 bits, and whether there is anything below them.
        let mut digits = 0_u128;
        for index in 0..4 {
            let limb = top.checked_sub(index).map_or(0, |index| sum.limbs[index]);
            digits |= (limb as u128) << (96 - 32 * index);
        }
        let rest = sum.limbs[..(top + 1).saturating_sub(4)].iter().any(|limb| *limb != 0);
        let rounded = nearest(digits, rest, (sum.first + top as i32 - 3) * 32);
        if negative { -rounded } else { rounded }
    }

    /// Doubles whose sum this is, the largest first; of what a double cannot hold, less than any double.
    pub(crate) fn parts(&self) -> Vec<f64> {
        let mut left = self.clone();
        let part = |_| {
            let part = left.round();
            left.add(-part);
            (part != 0.0 && part.is_finite()).then_some(part)
        };
        (0..PARTS_MAX).map_while(part).collect()
    }

    /// What is not finite among what was added, where there is any.
    pub(crate) fn is_special(&self) -> bool {
        self.special != 0.0
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let mut sum = self.clone();
        sum.carry();
        out.extend_from_slice(&sum.special.to_le_bytes());
        out.extend_from_slice(&sum.first.to_le_bytes());
        out.push(sum.limbs.len() as u8);
        sum.limbs.iter().for_each(|limb| out.extend_from_slice(&limb.to_le_bytes()));
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, WindowError> {
        let special = reader.f64()?;
        let first = reader.u32()? as i32;
        let limbs = (0..reader.u8()?).map(|_| reader.i64()).collect::<Result<Vec<i64>, _>>()?;
        Ok(Self { limbs, first, additions: 1, special })
    }

    /// Adds `digits * 2^exponent`.
    fn add_scaled(&mut self, negative: bool, digits: u64, exponent: i32) {
        if digits == 0 {
            return;
        }
        let place = exponent.div_euclid(32);
        let shifted = u128::from(digits) << exponent.rem_euclid(32);
        let index = self.limb(place);
        let parts = [shifted as u32, (shifted >> 32) as u32, (shifted >> 64) as u32];
        for (limb, part) in self.limbs[index..index + 3].iter_mut().zip(parts) {
            *limb += if negative { -i64::from(part) } else { i64::from(part) };
        }
        self.additions += 1;
        if self.additions >= ADDITIONS_MAX {
            self.carry();
        }
    }

    /// The index of the limb at `place`, with it and the two above it there.
    fn limb(&mut self, place: i32) -> usize {
        if self.limbs.is_empty() {
            self.first = place;
        } else if place < self.first {
            let missing = (self.first - place) as usize;
            self.limbs.splice(0..0, std::iter::repeat_n(0, missing));
            self.first = place;
        }
        let index = (place - self.first) as usize;
        if self.limbs.len() < index + 3 {
            self.limbs.reserve_exact(index + 3 - self.limbs.len());
            self.limbs.resize(index + 3, 0);
        }
        index
    }

    /// Brings every limb but the highest into 0..2^32, and the highest into its 32 bits with a sign.
    fn carry(&mut self) {
        self.additions = 1;
        let mut carry = 0_i64;
        for limb in &mut self.limbs {
            let value = *limb + carry;
            *limb = value & 0xffff_ffff;
            carry = value >> 32;
        }
        if carry != 0 {
            match self.limbs.last_mut() {
                // A sign alone is not a reason for another limb.
                Some(top) if carry == -1 && *top != 0 => *top -= 1 << 32,
                _ => self.limbs.push(carry),
            }
        }
    }
}

/// Sign, digits and exponent of a finite number: `digits * 2^exponent`.
fn decompose(value: f64) -> Option<(bool, u64, i32)> {
    let bits = value.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32;
    let digits = bits & ((1 << 52) - 1);
    match exponent {
        0x7ff => None,
        0 => Some((value.is_sign_negative(), digits, -1074)),
        exponent => Some((value.is_sign_negative(), digits | 1 << 52, exponent - 1075)),
    }
}

/// The double nearest to `digits * 2^exponent`, a little more where there is a `rest`.
fn nearest(digits: u128, rest: bool, exponent: i32) -> f64 {
    let length = 128 - digits.leading_zeros() as i32;
    let shift = (length - 53).max(-1074 - exponent).max(0);
    if shift > 127 {
        return 0.0;
    }
    let (mut kept, dropped) = (digits >> shift, digits & ((1_u128 << shift) - 1));
    let half = (1_u128 << shift) >> 1;
    if shift > 0 && (dropped > half || (dropped == half && (rest || kept & 1 == 1))) {
        kept += 1;
    }
    // In two steps, since the power alone may be beyond the range.
    let power = exponent + shift;
    (kept as f64) * power_of_two(power / 2) * power_of_two(power - power / 2)
}

fn power_of_two(exponent: i32) -> f64 {
    if exponent > 1023 {
        return f64::INFINITY;
    }
    f64::from_bits(((exponent.max(-1022) + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests;
