//! Times as people write them, to seconds and nanoseconds since 1970.
//!
//! ISO 8601 with `T` or a blank, with dashes, slashes or neither, with or without seconds, any number of digits after
//! the point or comma (beyond nanoseconds they are cut off), a date alone, and a zone (`Z`, `UTC`, `GMT`, `+01:00`,
//! `+0100`, `+01`, behind which a name may stand, as in Go's `+0000 UTC`) or none, which is UTC. A leap second is the second after it. The form of mail and HTTP
//! (`Wed, 01 Jan 2025 00:00:00 GMT`). A number is seconds, milliseconds, microseconds or nanoseconds since 1970 where
//! its digits tell: 9 or 10, 12 or 13, 15 or 16, 18 or 19 digits before the point, which covers 1973 to 2286; any other
//! number of digits is ambiguous and is not a time. It may have an exponent (`1.7408232e+09`), as NumPy writes it.

use jiff::fmt::rfc2822::DateTimeParser;

/// Bytes that the longest form takes; anything longer is not a time.
const TEXT_BYTES_MAX: usize = 64;

/// Digits before the point of a number of nanoseconds since 1970.
const EPOCH_DIGITS_MAX: usize = 19;

const SECONDS_A_DAY: i64 = 86_400;

/// A moment: whole seconds since 1970 (floored) and nanoseconds within the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// From 0 to 999,999,999.
    pub nanos: u32,
}

impl Moment {
    /// In units of `per_second` a second (1, a thousand, a million or a billion); `None` beyond the range of 64 bits.
    pub fn in_units(self, per_second: i64) -> Option<i64> {
        let within = i64::from(self.nanos) / (1_000_000_000 / per_second);
        self.seconds.checked_mul(per_second)?.checked_add(within)
    }

    /// From nanoseconds since 1970.
    pub(crate) fn from_nanos(nanos: i128) -> Option<Self> {
        let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).ok()?;
        Some(Self { seconds, nanos: nanos.rem_euclid(1_000_000_000) as u32 })
    }
}

/// Reads a time without blanks around it; `None` where the text is not one.
#[inline]
pub fn parse(text: &[u8]) -> Option<Moment> {
    match text {
        [_, _, _, _, b'-' | b'/', ..] => parse_iso(text),
        [b'0'..=b'9' | b'-', ..] => parse_epoch(text).or_else(|| parse_compact(text)).or_else(|| parse_mail(text)),
        _ => parse_mail(text),
    }
}

/// Days since 1970 of an ISO date alone.
pub fn parse_date(text: &[u8]) -> Option<i32> {
    let (date, rest) = text.split_at_checked(10)?;
    if !rest.is_empty() {
        return None;
    }
    i32::try_from(days(date)?).ok()
}

/// Reads a time of day (`12:34`, `12:34:56.789`, perhaps with a zone) as a moment of 1970-01-01.
pub fn clock(text: &[u8]) -> Option<Moment> {
    let (seconds, nanos) = of_day(text)?;
    Some(Moment { seconds, nanos })
}

#[inline]
fn parse_iso(text: &[u8]) -> Option<Moment> {
    let (date, rest) = text.split_at_checked(10)?;
    at(days(date)?, rest)
}

/// `20250102T030405Z`, `20250102 03:04:05`, `20250102030405`.
fn parse_compact(text: &[u8]) -> Option<Moment> {
    let (date, rest) = text.split_at_checked(8)?;
    let day = day_of(two(&date[..2])? * 100 + two(&date[2..4])?, two(&date[4..6])?, two(&date[6..])?)?;
    let clock = match rest {
        [b'T' | b't' | b' ', clock @ ..] => clock,
        clock if clock.len() == 6 => clock,
        _ => return None,
    };
    match clock {
        [_, _, b':', ..] => at(day, rest),
        [h1, h2, m1, m2, s1, s2, rest @ ..] => {
            let colons = [*h1, *h2, b':', *m1, *m2, b':', *s1, *s2];
            at(day, &[b"T", &colons[..], rest].concat())
        }
        _ => None,
    }
}

/// A day with what follows its date: nothing, or `T` or a blank and a time of day.
#[inline]
fn at(day: i64, rest: &[u8]) -> Option<Moment> {
    let (seconds, nanos) = match rest {
        [] => (0, 0),
        [b'T' | b't' | b' ', clock @ ..] => of_day(clock)?,
        _ => return None,
    };
    Some(Moment { seconds: day * SECONDS_A_DAY + seconds, nanos })
}

/// Seconds and nanoseconds since midnight, the zone taken off. A leap second is the second after it.
#[inline]
fn of_day(text: &[u8]) -> Option<(i64, u32)> {
    let (clock, rest) = text.split_at_checked(5)?;
    let (hour, minute) = (two(&clock[..2])?, two(&clock[3..])?);
    let (second, nanos, zone) = match rest {
        [b':', a, b, rest @ ..] => {
            let (nanos, zone) = fraction(rest)?;
            (two(&[*a, *b])?, nanos, zone)
        }
        zone => (0, 0, zone),
    };
    if clock[2] != b':' || hour > 23 || minute > 59 || second > 59 + i64::from(minute == 59) {
        return None;
    }
    let nanos = if second == 60 { 0 } else { nanos };
    Some((hour * 3600 + minute * 60 + second - offset(zone)?, nanos))
}

/// The form of mail (RFC 2822) and of HTTP, as jiff reads it.
fn parse_mail(text: &[u8]) -> Option<Moment> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    if text.len() > TEXT_BYTES_MAX || !text.contains(&b':') {
        return None;
    }
    Moment::from_nanos(PARSER.parse_timestamp(text).ok()?.as_nanosecond())
}

/// Digits after a point, if there is one, as nanoseconds, and what follows.
#[inline]
fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let [b'.' | b',', rest @ ..] = text else { return Some((0, text)) };
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 {
        return None;
    }
    let nanos = (0..9).fold(0, |nanos, i| nanos * 10 + if i < digits { u32::from(rest[i] - b'0') } else { 0 });
    Some((nanos, &rest[digits..]))
}

/// Seconds east of Greenwich.
#[inline]
fn offset(zone: &[u8]) -> Option<i64> {
    let zone = zone.trim_ascii_start();
    let (sign, digits) = match zone {
        [] | [b'Z' | b'z'] => return Some(0),
        name if name.eq_ignore_ascii_case(b"UTC") || name.eq_ignore_ascii_case(b"GMT") => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    // The name of a zone says nothing that its offset does not.
    let digits = match digits.iter().position(|byte| *byte == b' ') {
        Some(blank) if is_zone_name(&digits[blank + 1..]) => &digits[..blank],
        _ => digits,
    };
    let (hours, minutes) = match digits {
        [a, b] => (two(&[*a, *b])?, 0),
        [a, b, b':', c, d] | [a, b, c, d] => (two(&[*a, *b])?, two(&[*c, *d])?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Whether it may name a zone: `UTC`, `CEST`, or the offset once more.
fn is_zone_name(name: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-');
    (1..=5).contains(&name.len()) && name.iter().all(is_part)
}

/// A number with an exponent at this place, written without: `1.7408232e+09` is `1740823200`.
fn without_exponent(text: &[u8], at: usize) -> Option<Vec<u8>> {
    let exponent: i32 = std::str::from_utf8(&text[at + 1..]).ok()?.parse().ok()?;
    let mantissa = &text[..at];
    let (sign, number) = mantissa.split_at(usize::from(mantissa.first() == Some(&b'-')));
    let point = number.iter().position(|byte| *byte == b'.').unwrap_or(number.len());
    let digits = [&number[..point], number.get(point + 1..).unwrap_or_default()].concat();
    let whole = usize::try_from(i32::try_from(point).ok()?.checked_add(exponent)?).ok()?;
    if !(1..=EPOCH_DIGITS_MAX).contains(&whole) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut plain = [sign, &digits[..whole.min(digits.len())]].concat();
    plain.resize(sign.len() + whole, b'0');
    if let Some(fraction) = digits.get(whole..).filter(|fraction| !fraction.is_empty()) {
        plain.push(b'.');
        plain.extend(fraction);
    }
    Some(plain)
}

fn parse_epoch(text: &[u8]) -> Option<Moment> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    if let Some(at) = text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        return parse_epoch(&without_exponent(text, at)?);
    }
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let whole: i128 = text[..digits].iter().fold(0i128, |n, b| n.saturating_mul(10) + i128::from(b - b'0'));
    let unit: i128 = match digits {
        9 | 10 => 1_000_000_000,
        // A date and time of day to the minute has twelve digits as well: `202501020304`.
        12 if !negative && is_minute(&text[..digits]) => return None,
        12 | 13 => 1_000_000,
        15 | 16 => 1_000,
        18 | 19 => 1,
        _ => return None,
    };
    let (fraction, rest) = fraction(&text[digits..])?;
    if !rest.is_empty() {
        return None;
    }
    let nanos = whole * unit + i128::from(fraction) * unit / 1_000_000_000;
    let nanos = if negative { -nanos } else { nanos };
    Moment::from_nanos(nanos)
}

/// Whether twelve digits are a date of 1900 to 2099 with hour and minute.
fn is_minute(digits: &[u8]) -> bool {
    let date = (two(&digits[..2]), two(&digits[2..4]), two(&digits[4..6]), two(&digits[6..8]));
    let (Some(century @ (19 | 20)), Some(year), Some(month), Some(day)) = date else { return false };
    let clock =
        two(&digits[8..10]).is_some_and(|hour| hour < 24) && two(&digits[10..]).is_some_and(|minute| minute < 60);
    clock && day_of(century * 100 + year, month, day).is_some()
}

/// Days since 1970 of `YYYY-MM-DD` or `YYYY/MM/DD`.
#[inline]
fn days(date: &[u8]) -> Option<i64> {
    if date[4] != date[7] || !matches!(date[4], b'-' | b'/') {
        return None;
    }
    day_of(two(&date[..2])? * 100 + two(&date[2..4])?, two(&date[5..7])?, two(&date[8..10])?)
}

/// Days since 1970 in the Gregorian calendar (H. Hinnant, "chrono-compatible low-level date algorithms",
/// `days_from_civil`); `None` where there is no such day.
#[inline]
fn day_of(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if day == 0 || day > length {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468)
}

#[inline]
fn two(digits: &[u8]) -> Option<i64> {
    let (a, b) = (digits[0].wrapping_sub(b'0'), digits[1].wrapping_sub(b'0'));
    (a < 10 && b < 10).then_some(i64::from(a) * 10 + i64::from(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> Option<i64> {
        parse(text.as_bytes())?.in_units(1_000_000)
    }

    #[test]
    fn reads_the_ways_people_write_times() {
        let moment = Some(1_735_787_045_000_000);
        for text in [
            "2025-01-02T03:04:05Z",
            "2025-01-02 03:04:05",
            "2025-01-02 03:04:05 UTC",
            "2025-01-02T04:04:05+01:00",
            "2025-01-01T22:04:05-0500",
            "1735787045",
            "1735787045000",
            "1735787045000000",
            "1735787045000000000",
            "2025/01/02 03:04:05",
            "20250102T030405Z",
            "20250102 03:04:05",
            "20250102030405",
            "Thu, 02 Jan 2025 03:04:05 GMT",
            "2 Jan 2025 04:04:05 +0100",
            "2025-01-02T03:04:05z",
            "2025-01-02T08:34:05+05:30",
            "2025-01-02T08:34:05+0530",
            "2025-01-02T08:04:05+05",
            "2025-01-02 03:04:05 gmt",
            "2025-01-02 03:04:05 +0000 UTC",
            "2025-01-02 05:04:05 +0200 CEST",
            "2025-01-02 08:34:05 +0530 +0530",
            "1.735787045e9",
            "1.735787045000000000e+09",
            "1735787045E+0",
            "17357870450e-1",
            "1.735787045e+12",
        ] {
            assert_eq!(micros(text), moment, "{text}");
        }
        assert_eq!(micros("2025-01-02T03:04:05.1234567891Z"), Some(1_735_787_045_123_456));
        assert_eq!(micros("1735787045.5"), Some(1_735_787_045_500_000));
        assert_eq!(micros("1.7357870455e9"), Some(1_735_787_045_500_000));
        assert_eq!(micros("-9.466848e8"), Some(-946_684_800_000_000));
        assert_eq!(micros("2025-01-02 03:04:05,123"), Some(1_735_787_045_123_000));
        assert_eq!(micros("946684800"), Some(946_684_800_000_000));
        assert_eq!(micros("946684800123"), Some(946_684_800_123_000));
        assert_eq!(micros("2016-12-31T23:59:60Z"), micros("2017-01-01T00:00:00Z"));
        assert_eq!(micros("2017-01-01T01:59:60.5+02:00"), micros("2017-01-01T00:00:00Z"));
        assert_eq!(micros("2025-01-02"), Some(1_735_776_000_000_000));
        assert_eq!(micros("2025-01-02 03:04"), Some(1_735_787_040_000_000));
        assert_eq!(micros("1969-12-31T23:59:59.5"), Some(-500_000));
        assert_eq!(micros("9999-12-31T23:59:59"), Some(253_402_300_799_000_000));
        assert_eq!(micros("2024-02-29"), Some(1_709_164_800_000_000));
        assert_eq!(parse(b"9999-12-31").and_then(|moment| moment.in_units(1_000_000_000)), None);
    }

    #[test]
    fn refuses_what_is_not_a_time() {
        for text in [
            "",
            "2025",
            "20250102",
            "202501020304",
            "20250102T0304",
            "20251302030405",
            "2025-01/02",
            "Thu, 32 Jan 2025 03:04:05 GMT",
            "2025-13-01",
            "2025-02-29",
            "2025-00-10",
            "2025-01-01T24:00:00",
            "2025-01-01T1:2:3",
            "2025-01-01T00:00:60",
            "2025-01-01T00:00:00.",
            "2025-01-01T00:00:00X",
            "2025-01-01x",
            "abc",
            "12345678901",
            "1.7e5",
            "1.7e99",
            "1.7e",
            "e9",
            "1.7.3e9",
            "2025-01-02 03:04:05 +0000 a long name",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn days_agree_with_a_walk_through_the_calendar() {
        let mut expected = -719_162; // 0001-01-01
        for year in 1..=2400 {
            for (month, length) in [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].into_iter().enumerate() {
                let leap = month == 1 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
                let date = |day: i32| format!("{year:04}-{:02}-{day:02}", month + 1);
                let length = length + i32::from(leap);
                assert_eq!(parse_date(date(1).as_bytes()), Some(expected));
                assert_eq!(parse_date(date(length + 1).as_bytes()), None);
                expected += length;
            }
        }
    }
}
