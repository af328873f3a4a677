//! Julian dates: days as astronomers count them, in the time scales that they use.
//!
//! MJD 40587.0 is 1970-01-01T00:00, and JD = MJD + 2400000.5. A double holds an MJD of today to 0.6 microseconds and a
//! JD to 40. TAI is ahead of UTC by the leap seconds (IERS Bulletin C; 37 s since 2017), and TT is TAI + 32.184 s. TDB
//! is TT to 2 ms, and is taken for it. Before 1972, when UTC got whole seconds, the 10 s of 1972 are taken.

/// MJD of 1970-01-01.
const EPOCH: f64 = 40_587.0;
const JD_OF_MJD: f64 = 2_400_000.5;
const SECONDS_A_DAY: f64 = 86_400.0;
const TT_AHEAD_OF_TAI: f64 = 32.184;

/// Days that are plausible as MJD: 1950 to 2049.
pub const MJD_RANGE: std::ops::Range<f64> = 33_282.0..69_807.0;

/// Days that are plausible as JD: 1950 to 2049.
pub const JD_RANGE: std::ops::Range<f64> = 2_433_282.5..2_469_807.5;

/// The MJD (UTC) from which TAI has been ahead of UTC by so many seconds.
const LEAPS: [(f64, f64); 28] = [
    (41_317.0, 10.0),
    (41_499.0, 11.0),
    (41_683.0, 12.0),
    (42_048.0, 13.0),
    (42_413.0, 14.0),
    (42_778.0, 15.0),
    (43_144.0, 16.0),
    (43_509.0, 17.0),
    (43_874.0, 18.0),
    (44_239.0, 19.0),
    (44_786.0, 20.0),
    (45_151.0, 21.0),
    (45_516.0, 22.0),
    (46_247.0, 23.0),
    (47_161.0, 24.0),
    (47_892.0, 25.0),
    (48_257.0, 26.0),
    (48_804.0, 27.0),
    (49_169.0, 28.0),
    (49_534.0, 29.0),
    (50_083.0, 30.0),
    (50_630.0, 31.0),
    (51_179.0, 32.0),
    (53_736.0, 33.0),
    (54_832.0, 34.0),
    (56_109.0, 35.0),
    (57_204.0, 36.0),
    (57_754.0, 37.0),
];

/// The years 0 to 9999 as MJD.
const CALENDAR: std::ops::Range<f64> = -678_941.0..2_973_484.0;

/// Which clock counts the days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Civil time.
    Utc,
    /// International Atomic Time.
    Tai,
    /// Terrestrial Time.
    Tt,
}

impl Scale {
    /// `utc`, `tai`, `tt` or `tdb`, in any case.
    pub fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "utc" => Some(Self::Utc),
            "tai" => Some(Self::Tai),
            "tt" | "tdb" => Some(Self::Tt),
            _ => None,
        }
    }

    /// Its name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utc => "utc",
            Self::Tai => "tai",
            Self::Tt => "tt",
        }
    }
}

/// Microseconds since 1970 (UTC) of a Modified Julian Date; `None` where it is not within the years 0 to 9999.
pub fn from_mjd(mjd: f64, scale: Scale) -> Option<i64> {
    from_days(mjd.trunc() - EPOCH, mjd.fract(), scale)
}

/// Microseconds since 1970 (UTC) of a Julian Date; `None` where it is not within the years 0 to 9999.
pub fn from_jd(jd: f64, scale: Scale) -> Option<i64> {
    from_days(jd.trunc() - (JD_OF_MJD + EPOCH - 0.5), jd.fract() - 0.5, scale)
}

/// Whole days since 1970 and a part of one, which are apart so that no digit of the part is lost.
fn from_days(days: f64, part: f64, scale: Scale) -> Option<i64> {
    if !CALENDAR.contains(&(days + part + EPOCH)) {
        return None;
    }
    let ahead = match scale {
        Scale::Utc => 0.0,
        Scale::Tai => leaps(days + part + EPOCH, 0.0),
        Scale::Tt => leaps(days + part + EPOCH, TT_AHEAD_OF_TAI) + TT_AHEAD_OF_TAI,
    };
    let micros = (part * SECONDS_A_DAY * 1e6).round() - (ahead * 1e6).round();
    Some(days as i64 * 86_400_000_000 + micros as i64)
}

/// How far TAI is ahead of UTC at a date of a clock that is `beyond` seconds ahead of TAI.
fn leaps(mjd: f64, beyond: f64) -> f64 {
    let begun = |(from, ahead): &&(f64, f64)| mjd >= from + (ahead + beyond) / SECONDS_A_DAY;
    LEAPS.iter().rev().find(begun).map_or(LEAPS[0].1, |(_, ahead)| *ahead)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> i64 {
        crate::parse(text.as_bytes()).unwrap().in_units(1_000_000).unwrap()
    }

    /// Values of astropy 7.1: `Time("2025-01-01T06:00:00", scale="utc").tai.mjd` and the like.
    #[test]
    fn julian_dates_agree_with_astropy() {
        let utc = |mjd| from_mjd(mjd, Scale::Utc);
        assert_eq!(utc(60_676.0), Some(micros("2025-01-01T00:00:00Z")));
        assert_eq!(utc(60_676.25), Some(micros("2025-01-01T06:00:00Z")));
        assert_eq!(utc(60_677.5), Some(micros("2025-01-02T12:00:00Z")));
        assert_eq!(utc(-0.25), Some(micros("1858-11-16T18:00:00Z")));
        assert_eq!(from_jd(2_460_676.75, Scale::Utc), Some(micros("2025-01-01T06:00:00Z")));
        assert_eq!(from_jd(2_460_676.5, Scale::Utc), Some(micros("2025-01-01T00:00:00Z")));
        assert_eq!(from_mjd(60_676.25 + 37.0 / 86_400.0, Scale::Tai), Some(micros("2025-01-01T06:00:00Z")));
        assert_eq!(from_mjd(60_676.250_428_240_74, Scale::Tai), Some(micros("2025-01-01T06:00:00Z")));
        assert_eq!(from_mjd(60_676.250_800_740_74, Scale::Tt), Some(micros("2025-01-01T06:00:00Z")));
        assert_eq!(from_mjd(50_083.5 + 30.0 / 86_400.0, Scale::Tai), Some(micros("1996-01-01T12:00:00Z")));
    }

    #[test]
    fn what_is_not_a_day_is_none() {
        for mjd in [f64::NAN, f64::INFINITY, -1e300, 1e300, 2_973_484.0, -678_942.0] {
            assert_eq!(from_mjd(mjd, Scale::Utc), None, "{mjd}");
            assert_eq!(from_jd(mjd + JD_OF_MJD, Scale::Tai), None, "{mjd}");
        }
        assert_eq!(Scale::named("TDB"), Some(Scale::Tt));
        assert_eq!(Scale::named("gps"), None);
    }
}
