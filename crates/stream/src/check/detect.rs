//! The detector's features and rules, and the columns it adds.

use std::sync::Arc;

use expr::Expression;

use super::{enrich::named_rules, is_misspelt};
use crate::{
    Detect, columns,
    node::{Node, Value},
    report::Report,
    scope::Scope,
};

/// The most features that the layer `season` takes.
const SEASON_FEATURES_MAX: usize = 2;

/// The detector's expressions, compiled.
pub(super) struct Detection {
    pub(super) features: Vec<Expression>,
    pub(super) rules: Vec<(String, Expression)>,
    /// The scored columns.
    pub(super) scope: Scope,
}

/// Checks `detect` over the enriched columns.
pub(super) fn check(spec: &Node, raw: &Scope, mut scope: Scope, report: &mut Report<'_>) -> Detection {
    let Some(detect) = spec.get("detect") else {
        if is_misspelt(spec, "detect") {
            scope.open();
        }
        return Detection { features: vec![], rules: vec![], scope };
    };
    let features = detect.get("features").map(Node::items).unwrap_or_default();
    let features = features.iter().filter_map(|node| scope.compile(node, Expression::compile_float, report)).collect();
    check_season(detect, report);
    let rules = named_rules(detect.get("rules"), "when", &scope, report);
    for name in detect.get("rules").map(Node::items).unwrap_or_default().iter().filter_map(|rule| rule.get("name")) {
        if let Some(text) = name.text().filter(|text| columns::LAYERS.contains(text)) {
            let message = format!("a rule cannot be called `{text}`: the reasons of an event name a layer so");
            report.add(name.at, message, Some("choose another name".to_owned()));
        }
    }
    if let Some(node) = spec.get("schema") {
        for name in columns::RESERVED.iter().filter(|name| raw.field(name).is_some()) {
            let message = format!("the schema has a column `{name}`, which the detector would add");
            report.add(node.at, message, Some("rename it, or leave out `detect`".to_owned()));
            scope.fail(name);
        }
    }
    match detect.typed::<Detect>() {
        Some(detect) => {
            for field in columns::detector(&detect) {
                if scope.field(field.name()).is_none() {
                    scope.push(Arc::new(field));
                }
            }
        }
        None => columns::RESERVED.iter().for_each(|name| scope.fail(name)),
    }
    Detection { features, rules, scope }
}

/// The layer `season` keeps a profile of each feature.
fn check_season(detect: &Node, report: &mut Report<'_>) {
    let features = detect.get("features").map(Node::items).unwrap_or_default().len();
    let season = detect.get("layers").and_then(|layers| layers.get("season"));
    if let Some(season) = season.filter(|season| season.value == Value::Boolean(true) && features > SEASON_FEATURES_MAX)
    {
        let message = format!("`season` takes {SEASON_FEATURES_MAX} features at most, and there are {features}");
        report.add(season.at, message, Some("leave it out, or name fewer features".to_owned()));
    }
}
