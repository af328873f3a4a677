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
mod tests {
    use super::*;

    #[test]
    fn each_known_form_is_found_and_the_first_one_wins() {
        for (text, format) in [
            ("03/04/2025 10:00:00", "%m/%d/%Y %H:%M:%S%.f"),
            ("3/13/25 10:00", "%m/%d/%y %H:%M"),
            ("13/03/2025 10:00", "%d/%m/%Y %H:%M"),
            ("03-04-2025 10:00:00", "%d-%m-%Y %H:%M:%S%.f"),
            ("03-28-2025 10:00:00", "%m-%d-%Y %H:%M:%S%.f"),
            ("2025.03.01 10:00:00", "%Y.%m.%d %H:%M:%S%.f"),
            ("2025-060T10:00:00.5", "%Y-%jT%H:%M:%S%.f"),
            ("2025-03-01 10:00:00 PM", "%Y-%m-%d %I:%M:%S %p"),
            ("01MAR2025:10:00:00", "%d%b%Y:%H:%M:%S%.f"),
            ("Sat Mar  1 10:00:00 2025", "%a %b %e %H:%M:%S %Y"),
            ("March 1, 2025 10:00 AM", "%B %d, %Y %I:%M %p"),
        ] {
            assert_eq!(format_of(std::iter::once(text)), Some(format), "{text}");
        }
        assert_eq!(format_of(["03/04/2025 10:00", "13/04/2025 10:00"].into_iter()), Some("%d/%m/%Y %H:%M"));
        assert_eq!(format_of(std::iter::once("Mar  1 10:00:00")), None);
    }

    #[test]
    fn a_time_of_a_mission_counts_from_its_day() {
        let metadata = [("fits.mjdref", "50814"), ("fits.unit", "s"), ("fits.timesys", "TT")];
        let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let field = Field::new("TIME", DataType::Float64, true).with_metadata(metadata);
        let days = from_reference(&field).unwrap();
        assert_eq!(days.sql("\"TIME\""), "mjd_to_timestamp(50814.0 + \"TIME\" / 86400.0, 'tt')");
        assert_eq!(days.reason("TIME"), "`TIME` counts seconds from MJD 50814 in TT, as the file's header says");
        assert_eq!(from_reference(&Field::new("TIME", DataType::Float64, true)), None);
    }

    #[test]
    fn days_are_told_by_their_name_or_their_range() {
        let found = |name: &str, numbers: &[f64]| {
            days_of(name, numbers).map(|days| (if days.julian { "jd" } else { "mjd" }, days.scale.name(), days.named))
        };
        for (name, numbers, wanted) in [
            ("mjd", vec![0.0, 199_999.0], Some(("mjd", "utc", true))),
            ("mjd", vec![200_000.0], None),
            ("mjd", vec![], None),
            ("obsmjd", vec![1.0], Some(("mjd", "utc", true))),
            ("mjd_tai", vec![1.0], Some(("mjd", "tai", true))),
            ("mjdTt", vec![1.0], Some(("mjd", "tt", true))),
            ("mjd tdb", vec![1.0], Some(("mjd", "tt", true))),
            ("midpointMjdTai", vec![1.0], Some(("mjd", "tai", true))),
            ("jd", vec![1_721_000.0, 2_999_999.0], Some(("jd", "utc", true))),
            ("bjd_tdb", vec![2_460_000.0], Some(("jd", "tt", true))),
            ("jd", vec![1_720_999.0], None),
            ("jd", vec![3_000_000.0], None),
            ("time", vec![60_000.5], Some(("mjd", "utc", false))),
            ("time", vec![45_000.0, 47_499.0], None),
            ("time", vec![45_000.0, 47_500.0], Some(("mjd", "utc", false))),
            ("time", vec![33_281.0], None),
            ("time", vec![2_460_000.5], Some(("jd", "utc", false))),
            ("t", vec![60_000.5], Some(("mjd", "utc", false))),
            ("dateObs", vec![60_000.5], Some(("mjd", "utc", false))),
            ("x", vec![60_000.5], None),
            ("x", vec![2_460_000.5], None),
        ] {
            assert_eq!(found(name, &numbers), wanted, "{name} {numbers:?}");
        }
        let reason = |name: &str, number: f64| days_of(name, &[number]).unwrap().reason(name);
        assert_eq!(
            reason("jd", 2_460_000.5),
            "`jd` is a Julian Date, as its name says, taken as UTC; 'utc', 'tai' and 'tt' are possible"
        );
        assert!(
            reason("time", 60_000.5).starts_with("`time` is a Modified Julian Date, as its range says, taken as UTC;")
        );
        assert_eq!(days_of("bjd tdb", &[2_460_000.5]).unwrap().sql("x"), "jd_to_timestamp(x, 'tt')");
        assert_eq!(days_of("mjd", &[1.0]).unwrap().sql("x"), "mjd_to_timestamp(x, 'utc')");
    }

    #[test]
    fn a_reference_needs_a_day_a_unit_and_a_scale() {
        let days = |unit: &str, scale: &str, mjd: &str| {
            let metadata = [("fits.mjdref", mjd), ("fits.unit", unit), ("fits.timesys", scale)];
            let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
            let found = from_reference(&Field::new("T", DataType::Float64, true).with_metadata(metadata));
            found.map(|days| days.sql("T"))
        };
        for (unit, scale, sql) in [
            ("s", "tai", "mjd_to_timestamp(50814.5 + T / 86400.0, 'tai')"),
            ("day", "TDB", "mjd_to_timestamp(50814.5 + T, 'tt')"),
            ("", "ET", "mjd_to_timestamp(50814.5 + T / 86400.0, 'tt')"),
            (" d ", "UTC", "mjd_to_timestamp(50814.5 + T, 'utc')"),
        ] {
            assert_eq!(days(unit, scale, "50814.5"), Some(sql.to_owned()));
        }
        assert_eq!((days("km", "TT", "1"), days("s", "TT", "x")), (None, None));
    }

    #[test]
    fn numbers_since_1970_are_told_by_their_digits() {
        for (texts, wanted) in [
            ("999999999 1700000000 1700000000.25", Some(10)),
            ("999999999999 1700000000123", Some(13)),
            ("999999999999999 1700000000123456", Some(16)),
            ("999999999999999999 1700000000123456789", Some(19)),
            ("1700000000 1700000000123", None),
            ("17000000000", None),
            ("12345678", None),
            ("17e0000000", None),
            ("-170000000", None),
        ] {
            assert_eq!(epoch_digits(texts.split(' ')), wanted, "{texts}");
        }
        assert_eq!(epoch_digits([" 1700000000 "].into_iter()), Some(10));
        let cast = |number: &str| format!("to_timestamp_micros(CAST({number} AS BIGINT))");
        let sql = [10, 13, 16, 19].map(|digits| from_epoch("x", digits));
        assert_eq!(sql, ["round(x * 1000000.0)", "x * 1000", "x", "x / 1000"].map(cast));
    }

    #[test]
    fn times_dates_and_times_of_day_are_told_apart() {
        assert!(
            is_time(" 2025-01-01T00:00:00Z ")
                && is_time("20250102T030405Z")
                && !is_time("1700000000")
                && !is_time("word")
        );
        assert!(is_epoch(" 1700000000.5 ") && is_epoch("1700000000123") && !is_epoch("2025-01-01") && !is_epoch("12"));
        assert!(["2025-01-01", "1/2/2025", "01.02.25"].into_iter().all(|text| is_date(text) == (text != "x")));
        assert!(!["2025-01-01T", "1/2/3", "20250101", "word-word"].into_iter().any(is_date));
        assert!(is_clock(" 10:11 ") && is_clock("10:11:12.5") && !is_clock("10") && !is_clock("25:00"));
    }

    #[test]
    fn a_form_is_looked_for_in_short_texts_with_digits_and_a_colon() {
        let form = |text: &str| format_of(std::iter::once(text));
        assert_eq!(form("Sat, 01 Mar 2025 10:00:00 +0000"), Some("%a, %d %b %Y %H:%M:%S %z"));
        assert_eq!(
            (form(&" ".repeat(41)), form("3/4 10:00"), form("03/04/2025 10.00"), form("")),
            (None, None, None, None)
        );
        assert_eq!(format_of(std::iter::empty()), None);
        // All of them have the form, also those behind the first few.
        let texts: Vec<String> = (1..=20).map(|day| format!("{day:02}/03/2025 10:00")).collect();
        assert_eq!(format_of(texts.iter().map(String::as_str)), Some("%d/%m/%Y %H:%M"));
        let late = texts[..8].iter().map(String::as_str).chain(["soon"]);
        assert_eq!(format_of(late), None);
    }
}
