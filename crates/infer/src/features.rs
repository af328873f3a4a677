//! What the detector looks at, and the few rules that hold whatever the stream is.

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::{DataType, Field, Schema};
use expr::Expression;

use crate::{
    calendar,
    guess::Kind,
    names::{CODES, IDENTITIES, LABELS, MEASURED, has_word, quoted, words},
    planned::{Plan, Planned},
    table::{Cell, Column, Table},
};

/// More are seldom worth their time.
const FEATURES_MAX: usize = 8;

/// Texts among them.
const TEXTS_MAX: usize = 4;

/// Values that a text has at most, and the rows a value that there are at least, where it is a category.
const CATEGORIES_MAX: usize = 256;
const ROWS_A_CATEGORY: usize = 8;

/// How much longer the upper tail must be than the lower one for a logarithm: from the median to 99 and 1 per cent.
const HEAVY: f64 = 6.0;

/// Chooses the features, and the rules.
pub(crate) fn choose(plan: &mut Plan, table: &Table) {
    let (mut features, mut quality) = (Vec::new(), Vec::new());
    let roles = [&plan.id, &plan.key, &plan.time];
    for planned in plan.columns.iter().filter(|column| column.origin.is_some() && !roles.contains(&&column.name)) {
        let Some(column) = planned.column(table) else { continue };
        let is_number = matches!(planned.kind, Kind::Long | Kind::Double);
        let numbers = if is_number { column.numbers() } else { Vec::new() };
        let sql = name_in_sql(&planned.name);
        if let Some(rule) = bounds(planned, &numbers, &sql) {
            quality.push(rule);
        }
        if is_number && is_measured(planned, column, &numbers) {
            features.push((is_preferred(&column.name), feature(&sql, numbers)));
        }
    }
    for planned in &plan.inner {
        let Some(column) = planned.column(table) else { continue };
        let numbers = column.numbers();
        let kept = planned.origin.and_then(|origin| table.columns.get(origin)).is_some_and(|outer| {
            plan.columns.iter().any(|column| column.name == outer.name && column.derive.is_none())
        });
        if kept && matches!(planned.kind, Kind::Long | Kind::Double) && is_measured(planned, column, &numbers) {
            features.push((is_preferred(&column.name), feature(&planned.sql, numbers)));
        }
    }
    if features.len() > FEATURES_MAX {
        features.sort_by_key(|(preferred, _)| !preferred);
    }
    let mut features: Vec<_> = features.into_iter().map(|(_, feature)| feature).collect();
    let room = FEATURES_MAX.saturating_sub(features.len()).min(TEXTS_MAX);
    features.extend(categories(plan, table).into_iter().take(room));
    if features.len() > FEATURES_MAX {
        let left: Vec<&str> = features[FEATURES_MAX..].iter().map(|(sql, _)| sql.as_str()).take(16).collect();
        plan.notes.push(format!("the detector looks at {FEATURES_MAX} measurements; not at {}", left.join(", ")));
        features.truncate(FEATURES_MAX);
    }
    (plan.features, plan.quality) = (features, quality);
}

/// The texts, flags and codes that have few values, as features with their reasons.
fn categories(plan: &Plan, table: &Table) -> Vec<(String, String)> {
    let roles = [&plan.id, &plan.key, &plan.time];
    let key = plan.columns.iter().find(|column| column.name == plan.key).and_then(|column| column.column(table));
    let candidates = plan.columns.iter().filter(|column| column.origin.is_some() && !roles.contains(&&column.name));
    let found = candidates.filter_map(|planned| {
        let column = planned.column(table)?;
        let code = planned.kind == Kind::Long && has_word(&column.name, &CODES);
        let kind = code || matches!(planned.kind, Kind::Text | Kind::Boolean);
        let identity = words(&column.name).last().is_some_and(|word| IDENTITIES.contains(&word.as_str()));
        if !kind || identity || has_word(&column.name, &LABELS) {
            return None;
        }
        let values = column.texts().collect::<BTreeSet<_>>().len();
        let is_category = (2..=CATEGORIES_MAX).contains(&values) && column.texts().count() >= ROWS_A_CATEGORY * values;
        let follows = key.is_some_and(|key| follows(column, key));
        (is_category && !follows).then(|| {
            let reason = format!("{values} values in the sample; alarms where one is rare for its key");
            (format!("frequency({})", name_in_sql(&planned.name)), reason)
        })
    });
    found.collect()
}

/// Whether each key has one value of a column only, so that none of them is rare.
fn follows(column: &Column, key: &Column) -> bool {
    let mut values: BTreeMap<&str, &Cell> = BTreeMap::new();
    key.cells.iter().zip(&column.cells).all(|(key, value)| match key {
        Cell::Text(key) | Cell::Number(key) => *values.entry(key).or_insert(value) == value,
        _ => true,
    })
}

/// Whether a name says that something was measured; such columns come first where there are too many.
fn is_preferred(name: &str) -> bool {
    has_word(name, &MEASURED)
        || has_word(name, &["flux", "mag", "snr", "magnitude"])
        || words(name).concat().starts_with("mag")
}

/// A legal name, with quotes where SQL has another use for it.
fn name_in_sql(name: &str) -> String {
    let schema = Schema::new(vec![Field::new(name, DataType::Float64, true)]);
    let plain = |sql: &str| Expression::compile(sql, &schema).is_ok_and(|found| found.columns() == [name.to_owned()]);
    match plain(name) && plain(&format!("ln({name} + 1)")) && plain(&format!("{name} IS NULL OR {name} > 0")) {
        true => name.to_owned(),
        false => quoted(name),
    }
}

/// Whether numbers vary as a measurement does, and are neither labels nor codes nor a count of the rows.
fn is_measured(planned: &Planned, column: &Column, numbers: &[f64]) -> bool {
    if has_word(&column.name, &LABELS) || planned.kind == Kind::Long && has_word(&column.name, &CODES) {
        return false;
    }
    if calendar::is_part(&column.name) || words(&column.name).last().is_some_and(|word| word == "id") {
        return false;
    }
    let finite: Vec<f64> = numbers.iter().copied().filter(|number| number.is_finite()).collect();
    let distinct = finite.iter().map(|number| number.to_bits()).collect::<BTreeSet<_>>().len();
    let steps: Vec<f64> = finite.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let counts_rows = finite.len() > 2 && steps.iter().all(|step| *step > 0.0 && *step == steps[0]);
    // An alert often comes in a file of its own: one row does not tell what varies.
    (distinct > 2 || numbers.len() == 1 && distinct == 1) && !counts_rows
}

/// A feature and why it is written so.
fn feature(sql: &str, mut numbers: Vec<f64>) -> (String, String) {
    numbers.retain(|number| number.is_finite());
    numbers.sort_by(f64::total_cmp);
    let at = |share: f64| numbers[((numbers.len() - 1) as f64 * share).round() as usize];
    let (low, middle, high) = (at(0.01), at(0.5), at(0.99));
    let positive: Vec<f64> = numbers.iter().copied().filter(|number| *number > 0.0).collect();
    let heavy = numbers[0] >= 0.0 && high - middle > HEAVY * (middle - low) && high > HEAVY * middle;
    if !heavy || positive.is_empty() {
        let reason =
            if numbers.len() == 1 { "a number; one row does not tell how it varies" } else { "varies in the sample" };
        return (sql.to_owned(), reason.to_owned());
    }
    let reason =
        format!("never negative in the sample, with a long tail: half are below {middle:.6}, 1 % above {high:.6}");
    if numbers[0] > 0.0 && middle < 1e6 * numbers[0] {
        return (format!("ln({sql})"), reason);
    }
    // The constant keeps zeros finite and is small beside an ordinary value.
    let ordinary = positive[positive.len() / 20];
    let constant = 10f64.powf(ordinary.log10().floor()).clamp(1e-12, 1.0);
    (format!("ln({sql} + {constant:e})").replace("e0)", ")"), reason)
}

/// Bounds of nature that every row of the sample keeps.
fn bounds(planned: &Planned, numbers: &[f64], sql: &str) -> Option<(String, String)> {
    let name = words(&planned.name).join("_");
    let (low, high) = match name.as_str() {
        "latitude" | "lat" => (-90, 90),
        "longitude" | "lon" | "lng" => (-180, 360),
        "humidity" | "relative_humidity" => (0, 100),
        _ => return None,
    };
    let kept = !numbers.is_empty() && numbers.iter().all(|number| (f64::from(low)..=f64::from(high)).contains(number));
    kept.then(|| (format!("possible_{name}"), format!("{sql} IS NULL OR {sql} BETWEEN {low} AND {high}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::{features_of, lines, plan_of};

    fn measured(row: usize) -> f64 {
        (row as f64 * 0.7).sin() * 10.0
    }

    #[test]
    fn what_varies_is_measured_and_codes_and_labels_are_not() {
        for (name, cells, wanted) in [
            ("x", "1.5 2.5 4", true),
            ("x", "1.5 2.5 1.5", false),
            ("x", "1.5", true),
            ("x", "1 2 3", false),
            ("x", "3 2 1", true),
            ("x", "1 2 4", true),
            ("x", "1 NaN 2 inf", false),
            ("label", "1.5 2.5 4", false),
            ("status", "200 404 500", false),
            ("lot id", "7.5 2.5 4.5", false),
            ("hour", "1 5 7", false),
            ("no_value", "1.5 2.5 4", true),
        ] {
            let text =
                format!("{name},host\n{}", cells.split(' ').map(|cell| format!("{cell},a\n")).collect::<String>());
            let sql = name.replace(' ', "_");
            assert_eq!(features_of(&text), if wanted { vec![sql] } else { vec![] }, "{text}");
        }
    }

    #[test]
    fn a_long_tail_is_a_logarithm() {
        let numbers = |text: fn(usize) -> f64| (0..200).map(text).collect::<Vec<f64>>();
        let sql = |numbers: Vec<f64>| feature("x", numbers).0;
        let heavy = |row: usize| (row as f64 / 20.0).exp();
        assert_eq!(sql(numbers(heavy)), "ln(x)");
        let reason =
            "never negative in the sample, with a long tail: half are below 148.413159, 1 % above 18958.354802";
        assert_eq!(feature("x", numbers(heavy)).1, reason);
        // With zeros among them a constant keeps them finite: a power of ten below what is ordinary, and 1 at most.
        assert_eq!(sql(numbers(|row| if row < 20 { 0.0 } else { (row as f64 / 20.0).exp() })), "ln(x + 1)");
        let small = numbers(|row| if row == 0 { 0.0 } else { (row as f64 / 20.0).exp() / 1e4 });
        assert_eq!(sql(small), "ln(x + 1e-4)");
        let tiny = numbers(|row| if row == 0 { 0.0 } else { (row as f64 / 20.0).exp() / 1e20 });
        assert_eq!(sql(tiny), "ln(x + 1e-12)");
        let zeros = numbers(|row| if row < 190 { 0.0 } else { 5.0 });
        assert_eq!(sql(zeros), "ln(x + 1)");
        // A least value that is next to nothing beside the middle counts as zero.
        assert_eq!(sql(numbers(|row| if row == 0 { 1e-9 } else { (row as f64 / 20.0).exp() })), "ln(x + 1)");
        // Neither even ones, nor negative ones, nor a tail of the lower end, nor one far from zero.
        for plain in [
            numbers(|row| row as f64),
            numbers(|row| (row as f64 / 20.0).exp() - 5.0),
            numbers(|row| 30_000.0 - (row as f64 / 20.0).exp()),
            numbers(|row| 30_000.0 + (row as f64 / 20.0).exp()),
            numbers(|_| 0.0),
        ] {
            assert_eq!(feature("x", plain), ("x".to_owned(), "varies in the sample".to_owned()));
        }
        assert_eq!(feature("x", vec![f64::NAN, 1.0]).1, "a number; one row does not tell how it varies");
        assert_eq!(sql([numbers(heavy), vec![f64::NAN, f64::NEG_INFINITY]].concat()), "ln(x)");
    }

    #[test]
    fn a_text_or_code_of_few_values_is_looked_at_by_frequency() {
        let found = |header: &str, rows: usize, values: usize| {
            features_of(&lines(&format!("host,{header}"), rows, |row| format!("h{},v{}", row % 3, row % values)))
        };
        assert_eq!(found("browser", 16, 2), ["frequency(browser)"]);
        assert_eq!(found("browser", 15, 2), Vec::<String>::new());
        assert_eq!(found("browser", 64, 1), Vec::<String>::new());
        assert_eq!(found("browser", 256 * 8, 256), ["frequency(browser)"]);
        assert_eq!(found("browser", 257 * 8, 257), Vec::<String>::new());
        assert_eq!(found("user hash", 64, 2), Vec::<String>::new(), "an identity");
        assert_eq!(found("true class", 64, 2), Vec::<String>::new(), "a label");
        assert_eq!(found("null", 64, 2), ["frequency(\"null\")"], "a word of SQL");
        assert_eq!(found("browser", 64, 3), Vec::<String>::new(), "each host has one value");
        let codes = lines("host,status,is ok", 64, |row| format!("h{},{},{}", row % 3, row % 2, row % 4 == 0));
        assert_eq!(features_of(&codes), ["frequency(status)", "frequency(is_ok)"]);
        let counts = lines("host,count", 64, |row| format!("h{},{}", row % 3, row % 2));
        assert_eq!(features_of(&counts), Vec::<String>::new(), "a count is not a code");
        let key = lines("size key,x", 64, |row| format!("{},{}", row * 7919 % 101, measured(row)));
        assert_eq!(features_of(&key), ["x"], "what identifies is not measured");
        let numbers = lines("host,amount", 64, |row| format!("h{},{}", row % 3, row % 2));
        assert_eq!(features_of(&numbers), Vec::<String>::new(), "a number of two values is neither");
        let reason = &plan_of(&lines("host,a", 64, |row| format!("h{},v{}", row % 3, row % 2))).features[0].1;
        assert_eq!(reason, "2 values in the sample; alarms where one is rare for its key");
    }

    #[test]
    fn eight_are_looked_at_measurements_first_and_at_most_four_texts() {
        let header = |numbers: usize, texts: usize| {
            let numbers = (0..numbers).map(|n| format!("m{n}")).chain((0..texts).map(|n| format!("t{n}")));
            format!("host,{}", numbers.collect::<Vec<_>>().join(","))
        };
        let text = |numbers: usize, texts: usize| {
            lines(&header(numbers, texts), 64, |row| {
                let numbers = (0..numbers).map(|n| format!("{}", measured(row + n)));
                let texts = (0..texts).map(|_| format!("v{}", row % 2));
                format!("h{},{}", row % 3, numbers.chain(texts).collect::<Vec<_>>().join(","))
            })
        };
        let count = |numbers: usize, texts: usize| {
            let found = features_of(&text(numbers, texts));
            (found.iter().filter(|sql| !sql.starts_with("frequency")).count(), found.len())
        };
        assert_eq!([count(2, 6), count(6, 6), count(8, 1), count(9, 1)], [(2, 6), (6, 8), (8, 8), (8, 8)]);
        assert_eq!(plan_of(&text(8, 0)).notes.len(), plan_of(&text(9, 0)).notes.len() - 1);
        let plan = plan_of(&text(10, 0));
        assert!(
            plan.notes.contains(&"the detector looks at 8 measurements; not at m8, m9".to_owned()),
            "{:?}",
            plan.notes
        );
        // What is named like a measurement comes before what is not.
        let preferred = lines("host,a,b,c,d,e,f,g,h,mag1,flux,temp", 64, |row| {
            let numbers = (0..11).map(|n| format!("{}", measured(row + n)));
            format!("h{},{}", row % 3, numbers.collect::<Vec<_>>().join(","))
        });
        assert_eq!(features_of(&preferred), ["mag1", "flux", "temp", "a", "b", "c", "d", "e"]);
        let eight = lines("host,a,b,c,d,e,f,g,flux", 64, |row| {
            let numbers = (0..8).map(|n| format!("{}", measured(row + n)));
            format!("h{},{}", row % 3, numbers.collect::<Vec<_>>().join(","))
        });
        assert_eq!(features_of(&eight), ["a", "b", "c", "d", "e", "f", "g", "flux"], "there is room for all of them");
        assert!(
            ["magPSF", "snr", "apparent_magnitude", "pressure"].into_iter().all(is_preferred) && !is_preferred("imag")
        );
    }

    #[test]
    fn what_is_within_objects_is_measured_too() {
        let object = |row: usize| {
            format!("{{\"host\": \"a\", \"o\": {{\"x\": {}, \"n\": 1, \"s\": \"{row}\"}}}}", measured(row))
        };
        assert_eq!(features_of(&lines("", 20, object)), ["\"o\"['x']"]);
        // Where the object's own name cannot stand in the stream, nothing of it is there to be measured.
        let object = |row: usize| format!("{{\"host\": \"a\", \"@o\": {{\"x\": {}}}}}", measured(row));
        assert_eq!(features_of(&lines("", 20, object)), Vec::<String>::new());
    }

    #[test]
    fn bounds_of_nature_are_rules_where_every_row_keeps_them() {
        let rules = |name: &str, cells: &str| {
            let text =
                format!("{name},host\n{}", cells.split(' ').map(|cell| format!("{cell},a\n")).collect::<String>());
            plan_of(&text).quality
        };
        let rule =
            |name: &str, check: &str| vec![(format!("possible_{name}"), format!("{name} IS NULL OR {name} {check}"))];
        assert_eq!(rules("lat", "-90 90"), rule("lat", "BETWEEN -90 AND 90"));
        assert_eq!(
            rules("Longitude", "-180 360"),
            vec![("possible_longitude".to_owned(), "Longitude IS NULL OR Longitude BETWEEN -180 AND 360".to_owned())]
        );
        assert_eq!(rules("humidity", "0 100"), rule("humidity", "BETWEEN 0 AND 100"));
        for (name, cells) in
            [("lat", "-90.5 1"), ("lon", "361 1"), ("humidity", "101 1"), ("latency", "1 2"), ("lat", "x y")]
        {
            assert_eq!(rules(name, cells), vec![], "{name} {cells}");
        }
    }

    #[test]
    fn a_name_of_sql_is_quoted() {
        assert_eq!(
            ["x", "null", "value", "true", "Time"].map(name_in_sql),
            ["x", "\"null\"", "value", "\"true\"", "Time"]
        );
    }
}
