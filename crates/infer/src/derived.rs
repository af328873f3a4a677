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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::plan_of;

    #[test]
    fn the_greatest_score_wins_and_of_equal_ones_the_first() {
        let found = |scores: &[u32]| best(scores.iter().copied().enumerate());
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[0, 0]), None);
        assert_eq!(found(&[0, 1]), Some(1));
        assert_eq!(found(&[3, 5, 5, 4]), Some(1));
    }

    #[test]
    fn a_derived_column_stands_first_under_a_name_that_nothing_has() {
        let plan = plan_of("row_id,x\na,1.5\na,2.5\na,2.5\n");
        let names: Vec<&str> = plan.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["series", "row_id_2", "row_time", "row_id", "x"]);
        let avro: Vec<String> = plan.columns.iter().map(|column| column.avro.to_string()).collect();
        let time = r#"{"type":"long","logicalType":"timestamp-micros"}"#;
        assert_eq!(avro, [r#""string""#, r#""string""#, time, r#""string""#, r#""double""#]);
        assert!(plan.columns[..3].iter().all(|column| column.required && column.origin.is_none()));
        assert!(plan.columns[3..].iter().all(|column| !column.required));
    }
}
