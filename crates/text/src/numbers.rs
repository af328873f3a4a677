//! Cells as numbers and booleans, without regard to blanks around them.

use std::str;

/// Beyond it not every whole number is a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Bytes of a number with a decimal comma at most.
const COMMA_BYTES_MAX: usize = 64;

/// A double; `NaN`, `inf` and `infinity` in any case are some, and so is what older programs on Windows print. `None` where the cell is not a number, or one that is
/// written in digits and beyond the range of a double.
#[inline]
pub fn float(cell: &[u8]) -> Option<f64> {
    let cell = cell.trim_ascii();
    let Ok(value) = fast_float2::parse::<f64, _>(cell.strip_prefix(b"+").unwrap_or(cell)) else {
        return of_windows(cell);
    };
    (value.is_finite() || !cell.iter().any(u8::is_ascii_digit)).then_some(value)
}

/// What the C library of Windows printed until 2015: `1.#INF00`, `-1.#IND`, `1.#QNAN`.
#[cold]
fn of_windows(cell: &[u8]) -> Option<f64> {
    let (sign, rest) = match cell {
        [b'-', rest @ ..] => (-1.0, rest),
        rest => (1.0, rest),
    };
    let kind = rest.strip_prefix(b"1.#")?;
    let zeros = kind.iter().rev().take_while(|byte| **byte == b'0').count();
    match &kind[..kind.len() - zeros] {
        b"INF" => Some(sign * f64::INFINITY),
        b"QNAN" | b"SNAN" | b"IND" => Some(f64::NAN),
        _ => None,
    }
}

/// A double whose decimal sign is a comma, and whose thousands may be set apart with points: `1.234,5`.
pub fn float_with_comma(cell: &[u8]) -> Option<f64> {
    let cell = cell.trim_ascii();
    if cell.len() > COMMA_BYTES_MAX {
        return None;
    }
    let (whole, fraction) = match memchr::memchr(b',', cell) {
        Some(comma) => (&cell[..comma], Some(&cell[comma + 1..])),
        None => (cell, None),
    };
    let mut plain = [0; COMMA_BYTES_MAX];
    let mut length = 0;
    let mut push = |bytes: &[u8]| {
        plain[length..length + bytes.len()].copy_from_slice(bytes);
        length += bytes.len();
    };
    let mut groups = whole.split(|byte| *byte == b'.');
    push(groups.next().unwrap_or_default());
    for group in groups {
        // A point stands before three digits, or it is the decimal sign of another language.
        if group.len() != 3 || !group.iter().all(u8::is_ascii_digit) {
            return None;
        }
        push(group);
    }
    if let Some(fraction) = fraction {
        if fraction.iter().any(|byte| matches!(byte, b'.' | b',')) {
            return None;
        }
        push(b".");
        push(fraction);
    }
    float(&plain[..length])
}

/// Whether a cell is a number whose decimal sign can only be a comma: `1,5` and `1.234,5`.
pub fn is_float_with_comma(cell: &[u8]) -> bool {
    memchr::memchr(b',', cell).is_some() && float_with_comma(cell).is_some()
}

/// A whole number, also one written `3.0`.
#[inline]
pub fn integer(cell: &[u8]) -> Option<i64> {
    let cell = cell.trim_ascii();
    if let Ok(value) = str::from_utf8(cell).ok()?.parse() {
        return Some(value);
    }
    let value = float(cell)?;
    (value.trunc() == value && value.abs() < EXACT).then_some(value as i64)
}

/// `true`, `false`, `1` or `0`, in any case.
#[inline]
pub fn boolean(cell: &[u8]) -> Option<bool> {
    match cell.trim_ascii() {
        b"1" => Some(true),
        b"0" => Some(false),
        cell if cell.eq_ignore_ascii_case(b"true") => Some(true),
        cell if cell.eq_ignore_ascii_case(b"false") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_either_decimal_sign() {
        assert_eq!(float(b" +1.5e3 "), Some(1500.0));
        assert_eq!(float(b"-INF"), Some(f64::NEG_INFINITY));
        assert!(float(b"NaN").is_some_and(f64::is_nan));
        assert_eq!((float(b"-1.#INF00"), float(b"1.#INFO"), float(b"1.#")), (Some(f64::NEG_INFINITY), None, None));
        assert!(float(b"-1.#IND").is_some_and(f64::is_nan));
        assert_eq!((float(b"1e400"), float(b"1e-400"), float(b"1,5")), (None, Some(0.0), None));
        for (cell, expected) in [
            ("1,5", Some(1.5)),
            ("-0,25", Some(-0.25)),
            ("1.234,5", Some(1234.5)),
            ("1.234.567", Some(1_234_567.0)),
            ("12", Some(12.0)),
            ("1,5e3", Some(1500.0)),
            ("1.5", None),
            ("1,234,5", None),
            ("1,2.5", None),
        ] {
            assert_eq!(float_with_comma(cell.as_bytes()), expected, "{cell}");
        }
        assert_eq!(float_with_comma(&[b'1'; 65]), None);
    }

    #[test]
    fn whole_numbers_keep_every_digit() {
        assert_eq!(integer(b"9007199254740993"), Some(9_007_199_254_740_993));
        assert_eq!((integer(b"3.0"), integer(b"3.5"), integer(b"1e300")), (Some(3), None, None));
    }
}
