//! The features of a detector that names none.
//!
//! They are chosen by the columns' types and names alone, so that the same definition looks at the same things whatever the
//! data is. What data can say, `beamline init` and `beamline tune` write down.

use std::collections::BTreeSet;

use crate::{
    Detect, Feature,
    columns::EPISODE,
    names::{CODES, HEAVY, IDENTITIES, LABELS, MEASURED, MOMENTS, PLACES, PROSE, SIGNED, has_word, words},
    node::Node,
    scope::{Scope, is_category},
};
use arrow::datatypes::{DataType, Schema};

/// More are seldom worth their time, and would take a key's state beyond 8 KiB.
const FEATURES_MAX: usize = 8;

/// Texts among them.
const TEXTS_MAX: usize = 4;

/// Events of a key without an alarm that end an episode.
const EPISODE_AFTER: u32 = 100;

/// What was chosen for a detector that names neither features nor rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The features, as they would stand in the definition.
    pub features: Vec<String>,
    /// The other columns that could have been, each with the reason.
    pub left_out: Vec<(String, &'static str)>,
    /// Whether alarms get episodes: no column is called so.
    pub(crate) episodes: bool,
}

impl Chosen {
    /// Writes into a definition what was chosen for it, so that everything that follows is as if it had been named.
    pub(crate) fn complete(&self, detect: &mut Detect) {
        detect.features.clone_from(&self.features);
        if self.episodes {
            detect.episode_after.get_or_insert(EPISODE_AFTER);
        }
    }
}

/// Chooses among the enriched columns.
pub(super) fn choose(spec: &Node, scope: &Scope) -> Chosen {
    let looked_up = looked_up(spec);
    let roles = ["id", "key", "time"].map(|role| spec.get(role).and_then(Node::text));
    let schema = scope.schema();
    let (mut found, mut texts, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
    for field in schema.fields().iter().filter(|field| !roles.contains(&Some(field.name().as_str()))) {
        let (name, data_type) = (field.name().as_str(), field.data_type());
        if !(data_type.is_numeric() || is_category(data_type)) {
            continue;
        }
        let reason = if looked_up.contains(name) { Some("looked up") } else { unfit(name, data_type) };
        match (reason, feature(name, data_type, &schema)) {
            (Some(reason), _) => left_out.push((name.to_owned(), reason)),
            (None, Some(sql)) if data_type.is_numeric() => found.push((name, sql)),
            (None, Some(sql)) => texts.push((name, sql)),
            (None, None) => left_out.push((name.to_owned(), "expressions cannot name it")),
        }
    }
    let mut left = Vec::new();
    if found.len() > FEATURES_MAX {
        // Stable, so that the order of the schema decides among equals.
        found.sort_by_key(|(name, _)| !has_word(name, &MEASURED));
        left.extend(found.split_off(FEATURES_MAX));
    }
    left.extend(texts.split_off(texts.len().min(TEXTS_MAX.min(FEATURES_MAX - found.len()))));
    left_out.extend(left.into_iter().map(|(name, _)| (name.to_owned(), "one too many")));
    Chosen {
        features: found.into_iter().chain(texts).map(|(_, sql)| sql).collect(),
        left_out,
        episodes: scope.field(EPISODE).is_none(),
    }
}

/// The columns that lookups add: they say something of what is looked up, not of the event.
fn looked_up(spec: &Node) -> BTreeSet<&str> {
    let lookups = spec.get("enrich").and_then(|enrich| enrich.get("lookups")).map(Node::items).unwrap_or_default();
    let columns = lookups.iter().filter_map(|lookup| lookup.get("columns")).flat_map(Node::items);
    columns.filter_map(Node::text).collect()
}

/// Why a number is not a measurement, or a text not a category, going by the name.
fn unfit(name: &str, data_type: &DataType) -> Option<&'static str> {
    let words = words(name);
    let last = words.last().map_or("", String::as_str);
    if has_word(name, &LABELS) {
        Some("a label")
    } else if IDENTITIES.contains(&last) || data_type.is_integer() && has_word(name, &CODES) {
        Some("an identity or a code")
    } else if MOMENTS.contains(&last) {
        Some("a time")
    } else if has_word(name, &PLACES) {
        Some("a place in a file or a topic")
    } else if !data_type.is_numeric() && has_word(name, &PROSE) {
        Some("prose")
    } else {
        None
    }
}

/// The feature that looks at a column: how rare a text is, and the logarithm of amounts that spread over orders of magnitude.
fn feature(name: &str, data_type: &DataType, schema: &Schema) -> Option<String> {
    let heavy = has_word(name, &HEAVY) && !has_word(name, &SIGNED);
    let quoted = format!("\"{}\"", name.replace('"', "\"\""));
    [name, &quoted].into_iter().find_map(|column| {
        let sql = match (heavy, data_type.is_integer()) {
            _ if !data_type.is_numeric() => format!("frequency({column})"),
            (false, _) => column.to_owned(),
            // Counts can be 0.
            (true, true) => format!("ln({column} + 1)"),
            (true, false) => format!("ln({column})"),
        };
        let compiled = Feature::compile(&sql, schema).ok()?;
        (compiled.columns() == [name.to_owned()]).then_some(sql)
    })
}
