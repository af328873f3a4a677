//! The forms of times that are found.

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
    assert!(reason("time", 60_000.5).starts_with("`time` is a Modified Julian Date, as its range says, taken as UTC;"));
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
        is_time(" 2025-01-01T00:00:00Z ") && is_time("20250102T030405Z") && !is_time("1700000000") && !is_time("word")
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
