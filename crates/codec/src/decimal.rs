//! Decimals: their attributes in a schema and their bytes in a message.

use arrow::{
    array::ArrowNativeTypeOp,
    datatypes::{DECIMAL256_MAX_PRECISION, i256},
};
use serde_json::{Map, Value};

use crate::avro::Decimal;

/// Reads `precision` and `scale`; `size` is that of a `fixed`.
pub(crate) fn attributes(object: &Map<String, Value>, size: Option<usize>) -> Result<Decimal, String> {
    let number = |key: &str| object.get(key).and_then(Value::as_u64);
    let precision = number("precision").ok_or("a decimal needs a `precision`")?;
    checked(precision, number("scale").unwrap_or_default(), size)
}

/// A decimal that a column can hold, and a `fixed` of this size.
pub(crate) fn checked(precision: u64, scale: u64, size: Option<usize>) -> Result<Decimal, String> {
    if precision == 0 || precision > u64::from(DECIMAL256_MAX_PRECISION) {
        return Err(format!("a decimal's `precision` must be from 1 to {DECIMAL256_MAX_PRECISION}, found {precision}"));
    }
    if scale > precision {
        return Err(format!("a decimal's `scale` ({scale}) must not exceed its `precision` ({precision})"));
    }
    // floor(log10(2^(8n - 1) - 1)) digits fit n bytes (Avro specification, "Decimal").
    let digits = size.map(|size| ((8.0 * size as f64 - 1.0) * std::f64::consts::LOG10_2).floor() as u64);
    if let (Some(digits), Some(size)) = (digits, size)
        && precision > digits
    {
        return Err(format!("a decimal of {precision} digits does not fit {size} bytes, which hold {digits}"));
    }
    Ok(Decimal { precision: precision as u8, scale: scale as u8 })
}

/// A two's complement number, highest byte first, as an integer of `N` bytes in the same form; `None` where it does
/// not fit. No bytes are zero.
pub(crate) fn extend<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    let sign = match bytes.first() {
        Some(first) if first & 0x80 != 0 => 0xff,
        _ => 0,
    };
    let mut number = [sign; N];
    if bytes.len() <= N {
        number[N - bytes.len()..].copy_from_slice(bytes);
        return Some(number);
    }
    let (spare, rest) = bytes.split_at(bytes.len() - N);
    number.copy_from_slice(rest);
    (spare.iter().all(|byte| *byte == sign) && (rest[0] ^ sign) & 0x80 == 0).then_some(number)
}

/// Whether a number has no more digits than its type.
pub(crate) fn fits_i128(value: i128, decimal: Decimal) -> bool {
    // 10^38 is the largest power of ten of an i128, and the largest precision here is 38.
    value.unsigned_abs() < 10_u128.pow(u32::from(decimal.precision))
}

/// Whether a number has no more digits than its type.
pub(crate) fn fits_i256(value: i256, decimal: Decimal) -> bool {
    let bound = i256::from_i128(10).pow_wrapping(u32::from(decimal.precision));
    value < bound && value > -bound
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extends_the_sign() {
        assert_eq!(extend::<2>(&[]), Some([0, 0]));
        assert_eq!(extend::<2>(&[0x80]), Some([0xff, 0x80]));
        assert_eq!(extend::<2>(&[0x00, 0x80]), Some([0x00, 0x80]));
        assert_eq!(extend::<2>(&[0x00, 0x00, 0x80, 0x00]), None, "a positive number cannot turn negative");
        assert_eq!(extend::<2>(&[0xff, 0xff, 0x80, 0x00]), Some([0x80, 0x00]));
        assert_eq!(extend::<2>(&[0x01, 0x00, 0x00]), None);
        assert_eq!(extend::<2>(&[0xff, 0xff, 0xff, 0x80, 0x01]), Some([0x80, 0x01]));
    }

    #[test]
    fn a_decimal_has_digits_and_fits_its_bytes() {
        let message = |precision, scale, size| checked(precision, scale, size).unwrap_err();
        for wrong in [0, 77] {
            let wanted = format!("a decimal's `precision` must be from 1 to 76, found {wrong}");
            assert_eq!(message(wrong, 0, None), wanted);
        }
        assert_eq!(message(2, 3, None), "a decimal's `scale` (3) must not exceed its `precision` (2)");
        assert_eq!(checked(76, 76, None), Ok(Decimal { precision: 76, scale: 76 }));
        // As many digits as every number has that fits so many bytes.
        for (size, digits) in [(1, 2), (2, 4), (4, 9), (8, 18), (16, 38)] {
            assert_eq!(checked(digits, 1, Some(size)), Ok(Decimal { precision: digits as u8, scale: 1 }));
            let (more, wanted) = (digits + 1, format!("does not fit {size} bytes, which hold {digits}"));
            assert_eq!(message(more, 1, Some(size)), format!("a decimal of {more} digits {wanted}"));
        }
    }

    #[test]
    fn counts_digits() {
        let three = Decimal { precision: 3, scale: 1 };
        assert!(fits_i128(-999, three) && !fits_i128(1000, three) && !fits_i128(i128::MIN, three));
        let fits = |value: i128| (fits_i128(value, three), fits_i256(i256::from_i128(value), three));
        assert!([-999, 0, 999].into_iter().all(|value| fits(value) == (true, true)));
        assert!([-1000, 1000].into_iter().all(|value| fits(value) == (false, false)));
        let most = Decimal { precision: 76, scale: 0 };
        assert!(
            fits_i256(i256::from_i128(i128::MAX), most) && !fits_i256(i256::MAX, most) && !fits_i256(i256::MIN, most)
        );
    }
}
