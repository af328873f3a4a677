//! Whether a column can be derived.

use arrow::datatypes::Schema;

use crate::{node::Position, report::Report, suggestion::suggest};

/// A derived column must be one of the schema's.
pub(super) fn check(name: &str, at: Position, schema: &Schema, report: &mut Report<'_>) {
    if schema.field_with_name(name).is_err() {
        let names = schema.fields().iter().map(|field| field.name().as_str());
        let suggestion = suggest(name, names);
        report.add(at, format!("the schema has no column `{name}` that could be derived"), Some(suggestion));
    }
}
