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
mod tests;
