//! The documentation names every aggregate that there is.

#![allow(clippy::unwrap_used)]

use expr::AggregateFunction;

#[test]
fn each_name_of_an_aggregate_is_in_the_documentation() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/aggregates.md")).unwrap();
    let is_named = |name: &str| [format!("`{name}`"), format!("`{name}(")].iter().any(|text| page.contains(text));
    let missing: Vec<&&str> = AggregateFunction::names().iter().filter(|name| !is_named(name)).collect();
    assert!(missing.is_empty(), "docs/aggregates.md lacks {missing:?}");
}
