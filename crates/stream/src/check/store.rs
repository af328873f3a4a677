//! Where results go: selections of scored events, and lengths of time.

use expr::Expression;

use crate::{
    Duration,
    node::{Entry, Node},
    report::Report,
    scope::Scope,
};

/// Checks `store` over the scored columns and compiles the selections.
pub(super) fn check(spec: &Node, scope: &Scope, report: &mut Report<'_>) -> Vec<(String, Expression)> {
    let Some(files) = spec.get("store").and_then(|store| store.get("files")) else { return Vec::new() };
    if let Some(node) = files.get("statistics").filter(|node| node.text().is_some() && !report.has(node.at)) {
        match node.typed::<Duration>() {
            Some(Duration(every)) if every.is_zero() => {
                report.add(node.at, "`statistics` must be longer than 0", None);
            }
            Some(_) => {}
            None => {
                let message = format!("`statistics` cannot be `{}`", node.text().unwrap_or_default());
                report.add(node.at, message, Some("a length of time is written `10s`, `1m` or `1h 30m`".to_owned()));
            }
        }
    }
    let selections = files.get("selections").map(Node::entries).unwrap_or_default();
    selections
        .iter()
        .filter_map(|Entry { name, value, .. }| {
            Some((name.clone(), scope.compile(value, Expression::compile_boolean, report)?))
        })
        .collect()
}
