//! What the live page is told: whether the columns are there, and a map can be drawn of two of them.

use crate::{
    node::{Entry, Node},
    report::Report,
    scope::{Scope, type_name},
};

/// Checks `page` over the scored columns.
pub(super) fn check(spec: &Node, scope: &Scope, report: &mut Report<'_>) {
    let Some(page) = spec.get("page") else { return };
    for Entry { name, at, .. } in page.get("columns").map(Node::entries).unwrap_or_default() {
        scope.named(name, *at, "page", report);
    }
    let Some(map) = page.get("map") else { return };
    for axis in ["x", "y"].iter().filter_map(|axis| map.get(axis)) {
        check_axis(axis, scope, report);
    }
}

fn check_axis(axis: &Node, scope: &Scope, report: &mut Report<'_>) {
    if let Some(column) = axis.get("column")
        && let Some(field) = scope.column(column, "map", report)
        && !field.data_type().is_numeric()
    {
        let message = format!("a map is of numbers, but `{}` is {}", field.name(), type_name(field.data_type()));
        report.add(column.at, message, None);
    }
    let end = |name: &str| axis.get(name)?.typed::<f64>();
    if let (Some(min), Some(max), Some(at)) = (end("min"), end("max"), axis.get("max"))
        && !(min < max && (max - min).is_finite())
    {
        report.add(at.at, format!("the axis begins at {min:?} and cannot end at {max:?}"), None);
    }
}
