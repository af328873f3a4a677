//! What is expected of the data as a whole: whether the columns are there and have such values.

use crate::{
    Duration,
    node::{Entry, Node},
    report::Report,
    scope::{Scope, type_name},
    suggestion::suggest,
};

/// Checks `expect` over the scored columns.
pub(super) fn check(spec: &Node, scope: &Scope, report: &mut Report<'_>) {
    let Some(expect) = spec.get("expect") else { return };
    for Entry { name, at, value } in expect.get("columns").map(Node::entries).unwrap_or_default() {
        let Some(field) = scope.field(name) else {
            let message = format!("expect: column `{name}` does not exist");
            report.add(*at, message, Some(suggest(name, scope.names())));
            continue;
        };
        for bound in ["min", "max"].iter().filter_map(|bound| value.entry(bound)) {
            if !field.data_type().is_numeric() {
                let message =
                    format!("`{}` is for numbers, but `{name}` is {}", bound.name, type_name(field.data_type()));
                report.add(bound.at, message, None);
            }
        }
    }
    if let Some(node) = expect.get("freshness").filter(|node| node.text().is_some() && !report.has(node.at))
        && node.typed::<Duration>().is_none()
    {
        let message = format!("`freshness` cannot be `{}`", node.text().unwrap_or_default());
        report.add(node.at, message, Some("a length of time is written `10s`, `1m` or `1h 30m`".to_owned()));
    }
}
