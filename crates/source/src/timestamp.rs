//! Times as people write them, to seconds and nanoseconds since 1970.
//!
//! ISO 8601 with `T` or a blank, with or without seconds, any number of digits after the point (beyond nanoseconds
//! they are cut off), a date alone, and a zone (`Z`, `UTC`, `+01:00`, `+0100`, `+01`) or none, which is UTC. A number
//! is seconds, milliseconds, microseconds or nanoseconds since 1970 where its digits tell: 10, 13, 16 or 19 digits
//! before the point, which covers 2001 to 2286; any other number of digits is ambiguous and no time.

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{
        DataType, Date32Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
        TimestampSecondType,
    },
};

/// The years 0 to 9999 in days since 1970, the end excluded.
const CALENDAR_DAYS: std::ops::Range<i64> = -719_528..2_932_897;

/// The rows of a column of times or dates that lie beyond the years 0 to 9999. No text holds such a moment, and a number
/// that is too large for the column becomes one.
pub(crate) fn beyond_calendar(column: &ArrayRef) -> Vec<usize> {
    const DAY: i64 = 86_400;
    let beyond = |values: &[i64], day: i64| {
        let range = CALENDAR_DAYS.start.saturating_mul(day)..CALENDAR_DAYS.end.saturating_mul(day);
        if values.iter().all(|value| range.contains(value)) {
            return Vec::new();
        }
        (0..values.len()).filter(|row| !range.contains(&values[*row]) && column.is_valid(*row)).collect()
    };
    match column.data_type() {
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>().values();
            beyond(&days.iter().map(|day| i64::from(*day)).collect::<Vec<_>>(), 1)
        }
        DataType::Timestamp(TimeUnit::Second, _) => beyond(column.as_primitive::<TimestampSecondType>().values(), DAY),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            beyond(column.as_primitive::<TimestampMillisecondType>().values(), DAY * 1_000)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            beyond(column.as_primitive::<TimestampMicrosecondType>().values(), DAY * 1_000_000)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            beyond(column.as_primitive::<TimestampNanosecondType>().values(), DAY * 1_000_000_000)
        }
        _ => Vec::new(),
    }
}

/// Why such a row is rejected.
pub(crate) fn beyond_calendar_reason(column: &str) -> String {
    format!("column `{column}`: the time is not within the years 0 to 9999")
}

/// A moment: whole seconds since 1970 (floored) and nanoseconds within the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub seconds: i64,
    pub nanos: u32,
}

impl Moment {
    /// In units of `per_second` a second; `None` beyond the range of 64 bits.
    pub(crate) fn in_units(self, per_second: i64) -> Option<i64> {
        let within = i64::from(self.nanos) / (1_000_000_000 / per_second);
        self.seconds.checked_mul(per_second)?.checked_add(within)
    }
}

/// Reads a time; `None` where it is none.
pub(crate) fn parse(text: &[u8]) -> Option<Moment> {
    if text.len() > 4 && text[4] == b'-' { parse_iso(text) } else { parse_epoch(text) }
}

/// Days since 1970 of an ISO date alone.
pub(crate) fn parse_date(text: &[u8]) -> Option<i32> {
    let (date, rest) = text.split_at_checked(10)?;
    if !rest.is_empty() {
        return None;
    }
    i32::try_from(days(date)?).ok()
}

fn parse_iso(text: &[u8]) -> Option<Moment> {
    let (date, rest) = text.split_at_checked(10)?;
    let midnight = days(date)? * 86_400;
    let rest = match rest {
        [] => return Some(Moment { seconds: midnight, nanos: 0 }),
        [b'T' | b't' | b' ', rest @ ..] => rest,
        _ => return None,
    };
    let (clock, rest) = rest.split_at_checked(5)?;
    let (hour, minute) = (two(&clock[..2])?, two(&clock[3..])?);
    let (second, nanos, zone) = match rest {
        [b':', a, b, rest @ ..] => {
            let (nanos, zone) = fraction(rest)?;
            (two(&[*a, *b])?, nanos, zone)
        }
        zone => (0, 0, zone),
    };
    if clock[2] != b':' || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = midnight + hour * 3600 + minute * 60 + second - offset(zone)?;
    Some(Moment { seconds, nanos })
}

/// Digits after a point, if there is one, as nanoseconds, and what follows.
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
fn offset(zone: &[u8]) -> Option<i64> {
    let zone = zone.trim_ascii_start();
    let (sign, digits) = match zone {
        [] | [b'Z' | b'z'] | b"UTC" | b"GMT" => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match digits {
        [a, b] => (two(&[*a, *b])?, 0),
        [a, b, b':', c, d] | [a, b, c, d] => (two(&[*a, *b])?, two(&[*c, *d])?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn parse_epoch(text: &[u8]) -> Option<Moment> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let whole: i128 = text[..digits].iter().fold(0i128, |n, b| n.saturating_mul(10) + i128::from(b - b'0'));
    let unit: i128 = match digits {
        10 => 1_000_000_000,
        13 => 1_000_000,
        16 => 1_000,
        19 => 1,
        _ => return None,
    };
    let (fraction, rest) = fraction(&text[digits..])?;
    if !rest.is_empty() {
        return None;
    }
    let nanos = whole * unit + i128::from(fraction) * unit / 1_000_000_000;
    let nanos = if negative { -nanos } else { nanos };
    let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).ok()?;
    Some(Moment { seconds, nanos: nanos.rem_euclid(1_000_000_000) as u32 })
}

/// Days since 1970 of `YYYY-MM-DD` in the Gregorian calendar (H. Hinnant, "chrono-compatible low-level date
/// algorithms", `days_from_civil`).
fn days(date: &[u8]) -> Option<i64> {
    if date[4] != b'-' || date[7] != b'-' {
        return None;
    }
    let year = two(&date[..2])? * 100 + two(&date[2..4])?;
    let (month, day) = (two(&date[5..7])?, two(&date[8..10])?);
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
        ] {
            assert_eq!(micros(text), moment, "{text}");
        }
        assert_eq!(micros("2025-01-02T03:04:05.1234567891Z"), Some(1_735_787_045_123_456));
        assert_eq!(micros("1735787045.5"), Some(1_735_787_045_500_000));
        assert_eq!(micros("2025-01-02"), Some(1_735_776_000_000_000));
        assert_eq!(micros("2025-01-02 03:04"), Some(1_735_787_040_000_000));
        assert_eq!(micros("1969-12-31T23:59:59.5"), Some(-500_000));
        assert_eq!(micros("9999-12-31T23:59:59"), Some(253_402_300_799_000_000));
        assert_eq!(micros("2024-02-29"), Some(1_709_164_800_000_000));
        assert_eq!(parse(b"9999-12-31").and_then(|moment| moment.in_units(1_000_000_000)), None);
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "2025",
            "20250102",
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
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn moments_beyond_the_calendar_are_found() {
        let last = 253_402_300_799_999_999;
        let first = -62_167_219_200_000_000;
        let times =
            vec![Some(first), Some(first - 1), Some(last), Some(last + 1), None, Some(i64::MAX), Some(i64::MIN)];
        let column: ArrayRef = std::sync::Arc::new(arrow::array::TimestampMicrosecondArray::from(times));
        assert_eq!(beyond_calendar(&column), [1, 3, 5, 6]);
        let nanos: ArrayRef = std::sync::Arc::new(arrow::array::TimestampNanosecondArray::from(vec![i64::MAX, 0]));
        assert_eq!(beyond_calendar(&nanos), [0]);
        let days: ArrayRef = std::sync::Arc::new(arrow::array::Date32Array::from(vec![2_932_896, 2_932_897, i32::MIN]));
        assert_eq!(beyond_calendar(&days), [1, 2]);
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
