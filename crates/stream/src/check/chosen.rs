//! The features of a detector that names none.
//!
//! They are chosen by the columns' types and names alone, so that the same definition looks at the same things whatever the
//! data is. What data can say, `beamline init` and `beamline tune` write down.

use std::collections::BTreeSet;

use arrow::datatypes::{DataType, Schema};
use expr::Expression;

use crate::{
    Detect,
    names::{CODES, HEAVY, LABELS, MEASURED, MOMENTS, PLACES, SIGNED, has_word, words},
    node::Node,
    scope::Scope,
};

/// More are seldom worth their time, and would take a key's state beyond 8 KiB.
const FEATURES_MAX: usize = 8;

/// What was chosen for a detector that names neither features nor rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The features, as they would stand in the definition.
    pub features: Vec<String>,
    /// The other numeric columns, each with the reason.
    pub left_out: Vec<(String, &'static str)>,
}

impl Chosen {
    /// Writes into a definition what was chosen for it, so that everything that follows is as if it had been named.
    pub(crate) fn complete(&self, detect: &mut Detect) {
        detect.features.clone_from(&self.features);
    }
}

/// Chooses among the enriched columns.
pub(super) fn choose(spec: &Node, scope: &Scope) -> Chosen {
    let looked_up = looked_up(spec);
    let roles = ["id", "key", "time"].map(|role| spec.get(role).and_then(Node::text));
    let schema = scope.schema();
    let (mut found, mut left_out) = (Vec::new(), Vec::new());
    for field in schema.fields().iter().filter(|field| !roles.contains(&Some(field.name().as_str()))) {
        let (name, data_type) = (field.name().as_str(), field.data_type());
        if !data_type.is_numeric() {
            continue;
        }
        let reason = if looked_up.contains(name) { Some("looked up") } else { unfit(name, data_type) };
        match (reason, feature(name, data_type, &schema)) {
            (Some(reason), _) => left_out.push((name.to_owned(), reason)),
            (None, Some(sql)) => found.push((name, sql)),
            (None, None) => left_out.push((name.to_owned(), "expressions cannot name it")),
        }
    }
    if found.len() > FEATURES_MAX {
        // Stable, so that the order of the schema decides among equals.
        found.sort_by_key(|(name, _)| !has_word(name, &MEASURED));
        left_out.extend(found.split_off(FEATURES_MAX).into_iter().map(|(name, _)| (name.to_owned(), "one too many")));
    }
    Chosen { features: found.into_iter().map(|(_, sql)| sql).collect(), left_out }
}

/// The columns that lookups add: they say something of what is looked up, not of the event.
fn looked_up(spec: &Node) -> BTreeSet<&str> {
    let lookups = spec.get("enrich").and_then(|enrich| enrich.get("lookups")).map(Node::items).unwrap_or_default();
    let columns = lookups.iter().filter_map(|lookup| lookup.get("columns")).flat_map(Node::items);
    columns.filter_map(Node::text).collect()
}

/// Why a number is not a measurement, going by its name.
fn unfit(name: &str, data_type: &DataType) -> Option<&'static str> {
    let words = words(name);
    let last = words.last().map_or("", String::as_str);
    if has_word(name, &LABELS) {
        Some("a label")
    } else if last == "id" || data_type.is_integer() && has_word(name, &CODES) {
        Some("an identity or a code")
    } else if MOMENTS.contains(&last) {
        Some("a time")
    } else if has_word(name, &PLACES) {
        Some("a place in a file or a topic")
    } else {
        None
    }
}

/// The feature that looks at a column: the logarithm of amounts that spread over orders of magnitude.
fn feature(name: &str, data_type: &DataType, schema: &Schema) -> Option<String> {
    let heavy = has_word(name, &HEAVY) && !has_word(name, &SIGNED);
    let quoted = format!("\"{}\"", name.replace('"', "\"\""));
    [name, &quoted].into_iter().find_map(|column| {
        let sql = match (heavy, data_type.is_integer()) {
            (false, _) => column.to_owned(),
            // Counts can be 0.
            (true, true) => format!("ln({column} + 1)"),
            (true, false) => format!("ln({column})"),
        };
        let compiled = Expression::compile_float(&sql, schema).ok()?;
        (compiled.columns() == [name.to_owned()]).then_some(sql)
    })
}
