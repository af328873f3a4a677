//! Times as text: which cells are some, and how to read the forms that the sources do not know.

use std::{str::FromStr, sync::Arc};

use arrow::{
    array::{ArrayRef, RecordBatch, StringArray, timezone::Tz},
    compute::kernels::cast_utils::string_to_datetime,
    datatypes::{DataType, Field, Schema},
};
use expr::Expression;

use crate::names::literal;

/// Other forms than ISO 8601, as chrono writes them. Where day and month cannot be told apart the first one wins.
const FORMATS: [&str; 17] = [
    "%Y/%m/%d %H:%M:%S%.f",
    "%Y/%m/%d %H:%M",
    "%m/%d/%Y %H:%M:%S%.f",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
    "%d/%m/%Y %H:%M:%S%.f",
    "%d/%m/%Y %H:%M",
    "%d.%m.%Y %H:%M:%S%.f",
    "%d.%m.%Y %H:%M",
    "%d-%m-%Y %H:%M:%S%.f",
    "%d-%m-%Y %H:%M",
    "%d/%b/%Y:%H:%M:%S %z",
    "%d-%b-%Y %H:%M:%S%.f",
    "%b %d %Y %H:%M:%S",
    "%a, %d %b %Y %H:%M:%S %z",
    "%Y%m%d %H:%M:%S",
];

/// Cells that a form is tried on first.
const TRIED: usize = 8;

/// Whether text is a time in ISO 8601 as every source reads it: a date, and perhaps a time of day and a zone.
pub(crate) fn is_iso(text: &str) -> bool {
    let text = text.trim();
    let bytes = text.as_bytes();
    let shaped = bytes.len() >= 10
        && text.is_ascii()
        && bytes[..10].iter().enumerate().all(|(index, byte)| match index {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    // Arrow knows the calendar, and is what reads the times of JSON.
    shaped
        && (bytes.len() == 10 || has_clock(&bytes[10..]))
        && Tz::from_str("+00:00").is_ok_and(|utc| string_to_datetime(&utc, text).is_ok())
}

/// `T12:34`, with seconds, a fraction and a zone or not.
fn has_clock(rest: &[u8]) -> bool {
    let two = |bytes: &[u8]| bytes.len() == 2 && bytes.iter().all(u8::is_ascii_digit);
    let [b'T' | b't' | b' ', h1, h2, b':', m1, m2, b':', s1, s2, rest @ ..] = rest else { return false };
    // A leap second is no moment of the sources' clock.
    if !(two(&[*h1, *h2]) && two(&[*m1, *m2]) && two(&[*s1, *s2])) || *s1 == b'6' {
        return false;
    }
    let zone = match rest {
        [b'.', digits @ ..] => {
            let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if count == 0 || count > 9 {
                return false;
            }
            &digits[count..]
        }
        rest => rest,
    };
    match zone {
        [] | b"Z" => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => two(&[*h1, *h2]) && two(&[*m1, *m2]),
        _ => false,
    }
}

/// Digits of a number that the sources take for a time since 1970; the same for all of them.
pub(crate) fn epoch_digits<'a>(texts: impl Iterator<Item = &'a str>) -> Option<usize> {
    let mut found = None;
    for text in texts {
        let text = text.trim();
        let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
        let digits = whole.len();
        let fits = matches!(digits, 10 | 13 | 16 | 19) && whole.bytes().all(|byte| byte.is_ascii_digit());
        if !fits || found.is_some_and(|other| other != digits) {
            return None;
        }
        found = Some(digits);
    }
    found
}

/// SQL for a moment from `column`, a number with so many digits before its point.
pub(crate) fn from_epoch(column: &str, digits: usize) -> String {
    match digits {
        10 => format!("to_timestamp_micros(CAST(round({column} * 1000000.0) AS BIGINT))"),
        13 => format!("to_timestamp_micros(CAST({column} * 1000 AS BIGINT))"),
        16 => format!("to_timestamp_micros(CAST({column} AS BIGINT))"),
        _ => format!("to_timestamp_micros(CAST({column} / 1000 AS BIGINT))"),
    }
}

/// The form that all of `texts` have, if it is one of the known ones.
pub(crate) fn format_of<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Option<&'static str> {
    let first = texts.clone().next()?;
    if first.len() > 40 || first.bytes().filter(u8::is_ascii_digit).count() < 6 || !first.contains(':') {
        return None;
    }
    FORMATS.into_iter().find(|format| reads(format, texts.clone().take(TRIED)) && reads(format, texts.clone()))
}

fn reads<'a>(format: &str, texts: impl Iterator<Item = &'a str>) -> bool {
    let schema = Arc::new(Schema::new(vec![Field::new("x", DataType::Utf8, true)]));
    let sql = format!("to_timestamp_micros(x, {})", literal(format));
    let Ok(expression) = Expression::compile(&sql, &schema) else { return false };
    let column: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
    let Ok(batch) = RecordBatch::try_new(schema, vec![column]) else { return false };
    expression.evaluate(&batch).is_ok_and(|found| found.failed.is_empty() && found.values.null_count() == 0)
}
