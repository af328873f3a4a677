//! What makes an event an anomaly, in words and as numbers.

use detect::{Cause, Layer, Seen};
use stream::{FeatureKind, argument};

/// Features that the words name at most; the causes as numbers are complete.
const NAMED_MAX: usize = 3;

/// Letters of a text that the words show at most.
const SHOWN_MAX: usize = 60;

/// What stands before how many events of other keys have a text as rare, and a score as high.
const AS_RARE: &str = ": so are";
const AS_HIGH: &str = ", as high as";

/// A function and what undoes it.
type Inverse = (&'static str, fn(f64) -> f64);

/// The functions whose argument is told instead of their value.
const INVERSES: [Inverse; 5] = [
    ("ln", libm::exp),
    ("log10", libm::exp10),
    ("log2", libm::exp2),
    ("asinh", libm::sinh),
    ("sqrt", |root| root.max(0.0) * root.max(0.0)),
];

/// What a feature is called, and how its values are told: one that is a function of something is told as that.
#[derive(Debug, Clone)]
pub(super) struct Feature {
    name: String,
    back: fn(f64) -> f64,
}

/// A cause in the units that it is told in.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    pub(super) layer: Layer,
    pub(super) score: f64,
    pub(super) threshold: f64,
    /// The number of the feature; `None` where it is the arrival of events.
    pub(super) feature: Option<usize>,
    pub(super) value: f64,
    /// `None` where there is no such range.
    pub(super) expected: Option<(f64, f64)>,
    pub(super) deviation: f64,
    /// The value of a feature that is a text, and how often it was seen.
    text: Option<String>,
    seen: Option<Seen>,
    /// How many events of all keys at the same age had one as rare, or a score as high, where that is what made it alarm.
    others: Option<Seen>,
}

impl Feature {
    /// `ln(x)`, `log10(x)`, `log2(x)`, `sqrt(x)` and `asinh(x)` are told as `x`, and so are the frequency and the hash of `x`.
    pub(super) fn new(feature: &stream::Feature) -> Self {
        match feature.kind() {
            FeatureKind::Number => Self::number(feature.sql()),
            FeatureKind::Frequency | FeatureKind::Hash => Self { name: feature.of().to_owned(), back: as_it_is },
        }
    }

    fn number(sql: &str) -> Self {
        let sql = sql.trim();
        for (function, back) in INVERSES {
            if let Some(argument) = argument(sql, function) {
                return Self { name: argument.to_owned(), back };
            }
        }
        Self { name: sql.to_owned(), back: as_it_is }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// A value of the feature as it is told.
    pub(super) fn told(&self, value: f64) -> f64 {
        (self.back)(value)
    }
}

impl Told {
    /// The cause in the units of its feature.
    pub(super) fn of(features: &[Feature], cause: &Cause, text: Option<&str>) -> Self {
        let back = cause.feature.map_or(as_it_is as fn(f64) -> f64, |feature| features[feature].back);
        let (low, high) = (back(cause.expected.0), back(cause.expected.1));
        let &Cause { layer, score, threshold, feature, deviation, seen, others, .. } = cause;
        let expected = (low.is_finite() && high.is_finite()).then_some((low, high));
        let text = text.map(shown);
        Self { layer, score, threshold, feature, value: back(cause.value), expected, deviation, text, seen, others }
    }

    /// What the cause is about.
    pub(super) fn name<'a>(&self, features: &'a [Feature]) -> &'a str {
        match (self.feature, self.layer) {
            (Some(feature), _) => features[feature].name(),
            (None, Layer::Burst) => "events a second of all keys",
            (None, _) => "events a second",
        }
    }
}

/// A text in one line, and not too long.
fn shown(text: &str) -> String {
    let mut shown: String = text.chars().map(|one| if one.is_control() { ' ' } else { one }).take(SHOWN_MAX).collect();
    if text.chars().nth(SHOWN_MAX).is_some() {
        shown.push_str("...");
    }
    shown
}

fn as_it_is(value: f64) -> f64 {
    value
}

/// One sentence for the rules that fired and for each feature that the layers name, the most remarkable first.
pub(super) fn sentence(key: &str, rules: &[(&str, &str)], features: &[Feature], causes: &[Told]) -> String {
    let mut parts: Vec<String> = rules.iter().map(|(name, when)| format!("{name}: {when}")).collect();
    let mut named: Vec<&str> = Vec::new();
    for cause in causes {
        let name = cause.name(features);
        if named.contains(&name) || named.len() == NAMED_MAX {
            continue;
        }
        named.push(name);
        parts.push(describe(key, name, cause));
    }
    parts.join("; ")
}

fn describe(key: &str, name: &str, cause: &Told) -> String {
    let Told { layer, score, threshold, value, expected, deviation, text, seen, others, .. } = cause;
    let value = text.clone().unwrap_or_else(|| number(*value));
    let most = || expected.map_or_else(String::new, |(_, high)| format!(", expected at most {}", number(high)));
    let times = number(*deviation);
    let beside = match layer {
        Layer::Rate => {
            let others = of_others(AS_HIGH, *others);
            return format!("{name} {value}{} for {key}: {times} times as many as usual{others}", most());
        }
        Layer::Burst => return format!("{name} {value}{}: {times} times as many as usual", most()),
        Layer::Stuck => return format!("{name} {value}, {times} times in a row for {key}: stuck"),
        Layer::Missing if *deviation < 2.0 => return format!("{name} is missing for {key}"),
        Layer::Missing => return format!("{name} is missing for {key}, {times} times in a row"),
        Layer::Ewma => "",
        Layer::Season if expected.is_none() => {
            let size = number(deviation.abs());
            return format!("{name} {value} for {key}: its recent level or spread is {size} sigma from what is usual");
        }
        Layer::Season => " by the values before it and the time of day",
        Layer::Mahalanobis | Layer::Chains | Layer::Frequency => " by its other features",
    };
    match (text, seen) {
        (Some(_), Some(Seen { times: 0, of })) => {
            return format!("{name} {value}, never seen in {} for {key}{}", grouped(*of), of_others(AS_RARE, *others));
        }
        (Some(_), Some(Seen { times, of })) => {
            let times = grouped(*times);
            return format!(
                "{name} {value}, seen {times} in {} for {key}{}",
                grouped(*of),
                of_others(AS_RARE, *others)
            );
        }
        (Some(_), None) => return format!("{name} {value}, unusual{beside} for {key}"),
        (None, _) => {}
    }
    let expected = match expected {
        Some((low, high)) => format!("expected {} to {}{beside}", number(*low), number(*high)),
        None => "expected nowhere near".to_owned(),
    };
    let direction = if *deviation < 0.0 { "below" } else { "above" };
    let found = match layer {
        Layer::Chains => format!("rare, {} bits where {} alarm", number(*score), number(*threshold)),
        _ => format!("{} sigma {direction}", number(deviation.abs())),
    };
    format!("{name} {value}, {expected} for {key}: {found}{}", of_others(AS_HIGH, *others))
}

/// How many events of other keys were as odd, in words that begin with these.
fn of_others(begin: &str, others: Option<Seen>) -> String {
    let said = |Seen { times, of }| format!("{begin} {} in {} of all keys at this age", grouped(times), grouped(of));
    others.map_or_else(String::new, said)
}

/// A count with a comma between thousands.
fn grouped(count: u32) -> String {
    let digits = count.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join(",")
}

/// Up to four significant digits; very large and very small numbers with an exponent.
pub(super) fn number(value: f64) -> String {
    let magnitude = value.abs();
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    if !(1e-4..1e7).contains(&magnitude) {
        return format!("{value:.2e}");
    }
    // The exponent as it is written is exact, where a logarithm might round to the next.
    let exponent: i32 =
        format!("{magnitude:.3e}").rsplit('e').next().and_then(|digits| digits.parse().ok()).unwrap_or(0);
    let decimals = (3 - exponent).max(0) as usize;
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(layer: Layer, feature: usize, value: f64, expected: (f64, f64), deviation: f64) -> Cause {
        Cause {
            layer,
            score: 9.0,
            threshold: 4.0,
            feature: Some(feature),
            value,
            expected,
            deviation,
            seen: None,
            others: None,
        }
    }

    #[test]
    fn a_feature_is_told_in_the_units_of_its_column() {
        let names = ["ln(energy_gev)", "asinh( pull )", "ln(a) + ln(b)", "ln(a) - (b)", "eta", "log10(f(x))"];
        let told: Vec<String> = names.iter().map(|sql| Feature::number(sql).name).collect();
        assert_eq!(told, ["energy_gev", "pull", "ln(a) + ln(b)", "ln(a) - (b)", "eta", "f(x)"]);
        let energy = [Feature::number("ln(energy_gev)")];
        let told = Told::of(&energy, &cause(Layer::Ewma, 0, 982.1f64.ln(), (12f64.ln(), 430f64.ln()), 7.3), None);
        assert!((told.value - 982.1).abs() < 1e-9);
        let nowhere = Told::of(&energy, &cause(Layer::Chains, 0, 1.0, (f64::NAN, f64::NAN), 7.3), None);
        assert_eq!(nowhere.expected, None);
    }

    #[test]
    fn each_function_is_undone_and_a_range_has_two_ends() {
        for (sql, value, expected) in [
            ("sqrt(x)", 3.0, 9.0),
            ("sqrt(x)", -3.0, 0.0),
            ("log10(x)", 2.0, 100.0),
            ("log2(x)", 3.0, 8.0),
            ("x", 3.0, 3.0),
        ] {
            let told = Told::of(&[Feature::number(sql)], &cause(Layer::Ewma, 0, value, (0.0, 1.0), 1.0), None);
            assert!((told.value - expected).abs() < 1e-9, "{sql} {value}: {}", told.value);
        }
        let of =
            |expected| Told::of(&[Feature::number("x")], &cause(Layer::Ewma, 0, 1.0, expected, 1.0), None).expected;
        assert_eq!([of((0.0, f64::NAN)), of((f64::NEG_INFINITY, 1.0)), of((0.0, 1.0))], [None, None, Some((0.0, 1.0))]);
    }

    #[test]
    fn the_words_say_value_range_key_and_distance() {
        let features = [Feature::number("ln(energy_gev)"), Feature::number("eta")];
        let causes = [
            cause(Layer::Ewma, 0, 982.1f64.ln(), (12f64.ln(), 430f64.ln()), 7.3),
            cause(Layer::Mahalanobis, 0, 982.1f64.ln(), (1.0, 2.0), 9.0),
            cause(Layer::Mahalanobis, 1, -0.000_512_3, (1.0, 2.5), -4.56),
        ];
        let told: Vec<Told> = causes.iter().map(|cause| Told::of(&features, cause, None)).collect();
        assert_eq!(
            sentence("det-00011", &[("high_energy", "energy_gev > 900")], &features, &told),
            "high_energy: energy_gev > 900; energy_gev 982.1, expected 12 to 430 for det-00011: 7.3 sigma above; \
             eta -0.0005123, expected 1 to 2.5 by its other features for det-00011: 4.56 sigma below"
        );
        let chains = Told::of(&features, &cause(Layer::Chains, 1, 3.0, (f64::NAN, f64::NAN), 2.0), None);
        assert_eq!(
            sentence("a", &[], &features, &[chains]),
            "eta 3, expected nowhere near for a: rare, 9 bits where 4 alarm"
        );
    }

    #[test]
    fn arrivals_and_runs_have_words_of_their_own() {
        let features = [Feature::number("ln(energy_gev)")];
        let nowhere = (f64::NAN, f64::NAN);
        let arrivals = |layer| Cause { feature: None, ..cause(layer, 0, 1000.0, (0.0, 61.04), 64.0) };
        let of = |cause: Cause| sentence("a", &[], &features, &[Told::of(&features, &cause, None)]);
        assert_eq!(
            of(arrivals(Layer::Rate)),
            "events a second 1000, expected at most 61.04 for a: 64 times as many as usual"
        );
        assert_eq!(
            of(arrivals(Layer::Burst)),
            "events a second of all keys 1000, expected at most 61.04: 64 times as many as usual"
        );
        assert_eq!(of(cause(Layer::Stuck, 0, 0.0, nowhere, 7.0)), "energy_gev 1, 7 times in a row for a: stuck");
        assert_eq!(of(cause(Layer::Missing, 0, f64::NAN, nowhere, 1.0)), "energy_gev is missing for a");
        assert_eq!(
            of(cause(Layer::Missing, 0, f64::NAN, nowhere, 2.0)),
            "energy_gev is missing for a, 2 times in a row"
        );
        assert_eq!(
            of(cause(Layer::Season, 0, 2f64.ln(), (0.0, 0.0), 0.0)),
            "energy_gev 2, expected 1 to 1 by the values before it and the time of day for a: 0 sigma above"
        );
        assert_eq!(
            of(cause(Layer::Missing, 0, f64::NAN, nowhere, 3.0)),
            "energy_gev is missing for a, 3 times in a row"
        );
    }

    #[test]
    fn values_in_time_are_told_by_their_range_or_as_a_change() {
        let features = [Feature::number("load")];
        let of = |cause: Cause| sentence("a", &[], &features, &[Told::of(&features, &cause, None)]);
        assert_eq!(
            of(cause(Layer::Season, 0, 9.0, (1.0, 2.0), 6.0)),
            "load 9, expected 1 to 2 by the values before it and the time of day for a: 6 sigma above"
        );
        assert_eq!(
            of(cause(Layer::Season, 0, 9.0, (f64::NAN, f64::NAN), -6.0)),
            "load 9 for a: its recent level or spread is 6 sigma from what is usual"
        );
    }

    #[test]
    fn a_text_has_the_words_of_how_often_it_was_seen() {
        let features = [Feature { name: "method".to_owned(), back: as_it_is }];
        let of = |seen, text: &str, cause: Cause| {
            sentence("a", &[], &features, &[Told::of(&features, &Cause { seen, ..cause }, Some(text))])
        };
        let nowhere = (f64::NAN, f64::NAN);
        let rare = || cause(Layer::Frequency, 0, 2e-4, nowhere, 12.0);
        let seen = |times| Some(Seen { times, of: 10_000 });
        assert_eq!(of(seen(2), "DELETE", rare()), "method DELETE, seen 2 in 10,000 for a");
        assert_eq!(of(seen(0), "A\nB", rare()), "method A B, never seen in 10,000 for a");
        assert_eq!(
            of(None, "GET", cause(Layer::Stuck, 0, 1.0, nowhere, 40.0)),
            "method GET, 40 times in a row for a: stuck"
        );
        let hash = cause(Layer::Chains, 0, 0.5, (0.1, 0.2), 9.0);
        assert_eq!(of(None, "GET", hash), "method GET, unusual by its other features for a");
        let told = Told::of(&features, &rare(), Some(&"x".repeat(100)));
        assert_eq!((told.value, told.expected, told.deviation), (2e-4, None, 12.0));
        assert_eq!(told.text.map(|text| text.len()), Some(SHOWN_MAX + 3));
    }

    #[test]
    fn numbers_have_four_digits() {
        let said = [0.0, 1.0, 999.96, 1234.56, 0.000_123_456, 12_345_678.0, -1e-9, 100.0, 9999.96];
        let expected = ["0", "1", "1000", "1235", "0.0001235", "1.23e7", "-1.00e-9", "100", "10000"];
        assert_eq!(said.map(number), expected.map(str::to_owned));
    }
}
