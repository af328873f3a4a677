//! What a column's values follow from.

use std::collections::{BTreeMap, btree_map::Entry};

use serde_json::{Value as Json, json};

use crate::{Feature, Spec, check::Checked, columns::scores_version, digest::hash};

/// The columns of a stream, and what makes their values.
pub(crate) struct Provenance<'a> {
    pub spec: &'a Spec,
    pub checked: &'a Checked,
}

impl Provenance<'_> {
    /// What makes the values of these scored columns and of all that they follow from, by the columns' names.
    pub(crate) fn of<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> BTreeMap<String, Json> {
        let mut found = BTreeMap::new();
        let mut waiting: Vec<String> = names.into_iter().map(str::to_owned).collect();
        while let Some(name) = waiting.pop() {
            if let Entry::Vacant(entry) = found.entry(name) {
                let (made_by, from) = self.one(entry.key());
                entry.insert(made_by);
                waiting.extend(from);
            }
        }
        found
    }

    /// What makes a column's values, and the columns that it is made from.
    fn one(&self, name: &str) -> (Json, Vec<String>) {
        let checked = self.checked;
        if let Ok(raw) = checked.input.arrow().field_with_name(name) {
            return (json!({ "raw": raw.data_type().to_string() }), Vec::new());
        }
        if let Some((_, column)) = checked.columns.iter().find(|(column, _)| column == name) {
            return (json!({ "sql": column.sql() }), column.columns().to_vec());
        }
        let lookups = checked.lookups.iter().zip(&checked.tables).zip(&self.spec.enrich.lookups);
        for ((lookup, table), definition) in lookups {
            if lookup.fields().iter().any(|field| field.name() == name) {
                let made_by = json!({ "on": definition.on, "table": hash([table.as_slice()]) });
                return (made_by, vec![lookup.stream_column().to_owned()]);
            }
        }
        // One of the detector's own.
        let rules = checked.rules.iter().map(|(_, rule)| rule);
        let of_features = checked.features.iter().flat_map(Feature::columns);
        let from = of_features.chain(rules.flat_map(|rule| rule.columns())).cloned().collect();
        (json!({ "detect": self.spec.detect, "scores": self.spec.detect.as_ref().map(scores_version) }), from)
    }
}
