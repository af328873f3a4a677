//! Columns that are made by SQL over those of the file, and the choice among several.

use serde_json::json;

use crate::{
    guess::Kind,
    names,
    planned::{Plan, Planned},
    table::Table,
};

/// A column with a derived value of its own.
pub(crate) fn derived(plan: &mut Plan, table: &Table, name: &str, kind: Kind, sql: String, why: &str) -> String {
    let mut used: Vec<String> = plan.columns.iter().map(|column| column.name.clone()).collect();
    used.extend(table.columns.iter().map(|column| column.name.clone()));
    let name = names::unused(name, &used);
    let avro = match kind {
        Kind::Time => json!({ "type": "long", "logicalType": "timestamp-micros" }),
        _ => json!("string"),
    };
    let derive = Some((sql.clone(), why.to_owned()));
    plan.columns.insert(
        0,
        Planned { name: name.clone(), origin: None, kind, avro, required: true, derive, sql, cells: None, doc: None },
    );
    name
}

/// The place of the greatest score; of equal ones, the first.
pub(crate) fn best(scores: impl Iterator<Item = (usize, u32)>) -> Option<usize> {
    let mut best: Option<(usize, u32)> = None;
    for (place, score) in scores.filter(|(_, score)| *score > 0) {
        if best.is_none_or(|(_, found)| score > found) {
            best = Some((place, score));
        }
    }
    best.map(|(place, _)| place)
}
