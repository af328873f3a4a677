//! Times as text: which cells are some, and how to read the forms that the sources do not know.

use std::{ops::Range, sync::Arc};

use arrow::{
    array::{ArrayRef, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use expr::Expression;

use times::Scale;

use crate::names::{TIMES, has_word, literal, shown, words};

/// Other forms than ISO 8601, as chrono writes them. Where day and month cannot be told apart the first one wins.
const FORMATS: [&str; 30] = [
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
    "%m-%d-%Y %H:%M:%S%.f",
    "%m-%d-%Y %H:%M",
    "%m/%d/%y %H:%M:%S",
    "%m/%d/%y %H:%M",
    "%m/%d/%y %I:%M %p",
    "%d.%m.%y %H:%M",
    "%Y.%m.%d %H:%M:%S%.f",
    "%Y.%m.%d %H:%M",
    "%Y-%m-%d %I:%M:%S %p",
    "%Y-%jT%H:%M:%S%.f",
    "%d%b%Y:%H:%M:%S%.f",
    "%d %b %Y %H:%M:%S%.f",
    "%a %b %e %H:%M:%S %Y",
    "%B %d, %Y %H:%M:%S",
    "%B %d, %Y %I:%M %p",
    "%d/%b/%Y:%H:%M:%S %z",
    "%d-%b-%Y %H:%M:%S%.f",
    "%b %d %Y %H:%M:%S",
    "%a, %d %b %Y %H:%M:%S %z",
    "%Y%m%d %H:%M:%S",
];

/// Cells that a form is tried on first.
const TRIED: usize = 8;

/// Whether text is a time that every source reads, and not a number.
pub(crate) fn is_time(text: &str) -> bool {
    let text = text.trim();
    !is_number(text) && times::parse(text.as_bytes()).is_some()
}

/// Whether text is a number of seconds or parts of them since 1970 that every source reads.
pub(crate) fn is_epoch(text: &str) -> bool {
    is_number(text.trim()) && times::parse(text.trim().as_bytes()).is_some()
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',' | b'-' | b'+' | b'e' | b'E'))
        && text::float(text.as_bytes()).is_some()
}

/// Whether text is a date alone.
pub(crate) fn is_date(text: &str) -> bool {
    let text = text.trim();
    text.len() <= 10 && text.bytes().filter(u8::is_ascii_digit).count() >= 4 && text.contains(['-', '/', '.'])
}

/// Whether text is a time of day alone.
pub(crate) fn is_clock(text: &str) -> bool {
    times::clock(text.trim().as_bytes()).is_some()
}

/// In which unit numbers are a time since 1970: how many digits stand before the point of the longer ones (10, 13, 16 or
/// 19); the same for all of them.
pub(crate) fn epoch_digits<'a>(texts: impl Iterator<Item = &'a str>) -> Option<usize> {
    let mut found = None;
    for text in texts {
        let text = text.trim();
        let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
        let digits = match whole.len() {
            9 | 10 => 10,
            12 | 13 => 13,
            15 | 16 => 16,
            18 | 19 => 19,
            _ => return None,
        };
        if !whole.bytes().all(|byte| byte.is_ascii_digit()) || found.is_some_and(|other| other != digits) {
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

/// Numbers of days that spreadsheets write for the years 2009 to 2030. As Modified Julian Dates they would be of 1968 to
/// 1988, so that a name has to say it.
const SPREADSHEET_DAYS: Range<f64> = 40_000.0..47_500.0;

/// Seconds of a day.
const DAY_SECONDS: f64 = 86_400.0;

/// A time that counts from a day of its own, as the events of X-ray and gamma-ray missions do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reference {
    /// The day, as a Modified Julian Date.
    mjd: f64,
    /// Whether days are counted; otherwise seconds are.
    in_days: bool,
}

/// Days as astronomers count them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Days {
    /// Julian Dates; otherwise Modified Julian Dates.
    pub julian: bool,
    pub scale: Scale,
    /// Whether the column's name says what it counts; otherwise the range of its values does.
    pub named: bool,
    /// What the file says that it counts from.
    pub reference: Option<Reference>,
}

impl Days {
    /// SQL for a moment from `column`.
    pub(crate) fn sql(self, column: &str) -> String {
        if let Some(Reference { mjd, in_days }) = self.reference {
            let days = if in_days { column.to_owned() } else { format!("{column} / {DAY_SECONDS:?}") };
            return format!("mjd_to_timestamp({mjd:?} + {days}, '{}')", self.scale.name());
        }
        let function = if self.julian { "jd_to_timestamp" } else { "mjd_to_timestamp" };
        format!("{function}({column}, '{}')", self.scale.name())
    }

    /// What it is, for a comment.
    pub(crate) fn reason(self, name: &str) -> String {
        if let Some(Reference { mjd, in_days }) = self.reference {
            let unit = if in_days { "days" } else { "seconds" };
            let scale = self.scale.name().to_uppercase();
            return format!("{} counts {unit} from MJD {mjd} in {scale}, as the file's header says", shown(name));
        }
        let what = if self.julian { "a Julian Date" } else { "a Modified Julian Date" };
        let how = if self.named { "its name says" } else { "its range says" };
        let scale = self.scale.name().to_uppercase();
        format!("{} is {what}, as {how}, taken as {scale}; 'utc', 'tai' and 'tt' are possible", shown(name))
    }
}

/// Whether the numbers of a column are days as astronomers count them.
pub(crate) fn days_of(name: &str, numbers: &[f64]) -> Option<Days> {
    let words = words(name);
    let joined = words.join("");
    let is = |word: &str| words.iter().any(|own| own == word) || joined.ends_with(word);
    let mjd = is("mjd") || joined.starts_with("mjd") || joined.contains("mjdtai");
    let jd = !mjd && words.iter().any(|word| matches!(word.as_str(), "jd" | "hjd" | "bjd" | "tjd" | "jdutc"));
    let scale = match () {
        () if is("tai") => Scale::Tai,
        () if is("tt") || is("tdb") => Scale::Tt,
        () => Scale::Utc,
    };
    let within = |range: Range<f64>| !numbers.is_empty() && numbers.iter().all(|number| range.contains(number));
    let is_time = has_word(name, &TIMES) || matches!(joined.as_str(), "t" | "obsdate" | "dateobs");
    if mjd && within(0.0..200_000.0) || is_time && within(times::MJD_RANGE) && !within(SPREADSHEET_DAYS) {
        return Some(Days { julian: false, scale, named: mjd, reference: None });
    }
    if jd && within(1_721_000.0..3_000_000.0) || is_time && within(times::JD_RANGE) {
        return Some(Days { julian: true, scale, named: jd, reference: None });
    }
    None
}

/// What a column of a FITS table counts from, as its metadata say.
pub(crate) fn from_reference(field: &Field) -> Option<Days> {
    let said = |key: &str| field.metadata().get(key).map(|text| text.trim());
    let mjd = said("fits.mjdref")?.parse().ok()?;
    let in_days = match said("fits.unit")? {
        "s" | "sec" | "seconds" | "" => false,
        "d" | "day" | "days" => true,
        _ => return None,
    };
    let scale = match said("fits.timesys")?.to_ascii_uppercase().as_str() {
        "TAI" => Scale::Tai,
        // TDB differs from TT by less than two milliseconds.
        "TT" | "TDT" | "ET" | "TDB" => Scale::Tt,
        _ => Scale::Utc,
    };
    Some(Days { julian: false, scale, named: true, reference: Some(Reference { mjd, in_days }) })
}

/// The form that all of `texts` have, if it is one of the known ones.
pub(crate) fn format_of<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Option<&'static str> {
    let first = texts.clone().next()?;
    // All of them have one, and most texts have none.
    if !first.contains(':') {
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

#[cfg(test)]
mod tests;
