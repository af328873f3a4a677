//! Where results go: selections of scored events, and lengths of time.

use arrow::datatypes::FieldRef;
use expr::Expression;

use crate::{
    Duration,
    columns::ANOMALY_CAUSES,
    node::{Entry, Node},
    report::Report,
    scope::{Scope, type_name},
};

/// What CQL allows a row to live: 20 years.
const TTL_SECONDS_MAX: u64 = 630_720_000;
/// The longest bucket: a year.
const BUCKET_SECONDS_MAX: u64 = 366 * 24 * 3600;

/// Checks `store` over the scored columns and compiles the selections.
pub(super) fn check(spec: &Node, scope: &Scope, report: &mut Report<'_>) -> Vec<(String, Expression)> {
    let Some(store) = spec.get("store") else { return Vec::new() };
    if let Some(cql) = store.get("cql") {
        for (field, max) in
            [("bucket", BUCKET_SECONDS_MAX), ("anomalies_bucket", BUCKET_SECONDS_MAX), ("ttl", TTL_SECONDS_MAX)]
        {
            check_seconds(cql, field, max, report);
        }
    }
    let Some(files) = store.get("files") else { return Vec::new() };
    for field in ["statistics", "keep"] {
        if let Some((node, length)) = length(files, field, report)
            && length.is_zero()
        {
            report.add(node.at, format!("`{field}` must be longer than 0"), None);
        }
    }
    check_format(files, scope, report);
    let selections = files.get("selections").map(Node::entries).unwrap_or_default();
    selections
        .iter()
        .filter_map(|Entry { name, value, .. }| {
            Some((name.clone(), scope.compile(value, Expression::compile_boolean, report)?))
        })
        .collect()
}

/// ORC files lack types that others have. Nothing is cast to another in silence.
fn check_format(files: &Node, scope: &Scope, report: &mut Report<'_>) {
    let Some(node) = files.get("format").filter(|node| node.text() == Some("orc")) else { return };
    let schema = scope.schema();
    // The detector's causes are written as JSON text, which is documented.
    let own = schema.fields().iter().filter(|field| field.name() != ANOMALY_CAUSES);
    let lacking: Vec<_> = own.filter(|field| orc::held(field.data_type()).is_none()).collect();
    let Some(first) = lacking.first() else { return };
    let named = |field: &&FieldRef| format!("`{}` ({})", field.name(), type_name(field.data_type()));
    let columns = lacking.iter().map(named).collect::<Vec<_>>().join(", ");
    report.add(
        node.at,
        format!("ORC files are written without the types of these columns: {columns}"),
        Some(format!("set `format: parquet`, or: {}", orc::help(first.data_type()))),
    );
}

/// A length of time that CQL counts in seconds.
fn check_seconds(cql: &Node, field: &str, max: u64, report: &mut Report<'_>) {
    let Some((node, length)) = length(cql, field, report) else { return };
    if length.as_secs() == 0 || length.subsec_nanos() != 0 {
        report.add(node.at, format!("`{field}` must be whole seconds, one at least"), None);
    } else if length.as_secs() > max {
        let days = max / (24 * 3600);
        report.add(node.at, format!("`{field}` must be at most {days} days"), None);
    }
}

/// The length of time that a field has; what is not a length of time is reported.
fn length<'n>(node: &'n Node, field: &str, report: &mut Report<'_>) -> Option<(&'n Node, std::time::Duration)> {
    let node = node.get(field).filter(|node| node.text().is_some() && !report.has(node.at))?;
    if let Some(Duration(length)) = node.typed::<Duration>() {
        return Some((node, length));
    }
    let message = format!("`{field}` cannot be `{}`", node.text().unwrap_or_default());
    report.add(node.at, message, Some("a length of time is written `10s`, `1m` or `1h 30m`".to_owned()));
    None
}
