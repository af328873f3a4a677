//! The detector's features and rules, and the columns it adds.

use std::sync::Arc;

use arrow::datatypes::DataType;
use expr::Expression;

use super::{
    aggregate::micros,
    chosen::{Chosen, choose},
    enrich::named_rules,
    is_misspelt,
};
use crate::{
    Detect, Feature, columns,
    feature::is_frequency,
    node::{Node, Value},
    report::Report,
    scope::Scope,
};

/// The most features that the layer `season` takes.
const SEASON_FEATURES_MAX: usize = 2;

/// The detector's expressions, compiled.
pub(super) struct Detection {
    pub(super) features: Vec<Feature>,
    /// What was chosen where nothing is named.
    pub(super) chosen: Option<Chosen>,
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
        return Detection { features: vec![], chosen: None, rules: vec![], scope };
    };
    let chosen = names_nothing(detect).then(|| choose(spec, &scope));
    let features = features(detect, chosen.as_ref(), &scope, report);
    check_season(detect, chosen.as_ref(), report);
    check_sharing(detect, &features, report);
    check_silence(spec, detect, &scope, report);
    let rules = named_rules(detect.get("rules"), "when", &scope, report);
    for name in detect.get("rules").map(Node::items).unwrap_or_default().iter().filter_map(|rule| rule.get("name")) {
        if let Some(text) = name.text().filter(|text| columns::LAYERS.contains(text) || *text == columns::SILENCE) {
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
    let at_episode = detect.entry("episode_after").map_or(detect.at, |entry| entry.at);
    let layers = detect.get("layers");
    let at_season = layers.and_then(|layers| layers.entry("season")).map_or(detect.at, |entry| entry.at);
    match detect.typed::<Detect>() {
        Some(mut detect) => {
            if let Some(chosen) = &chosen {
                chosen.complete(&mut detect);
            }
            for field in columns::detector(&detect) {
                if scope.field(field.name()).is_none() {
                    scope.push(Arc::new(field));
                } else if field.name() == columns::EPISODE {
                    let message = "there is a column `episode` already, which the detector would add";
                    report.add(at_episode, message, Some("rename it, or leave out `episode_after`".to_owned()));
                } else if columns::EXPECTED.contains(&field.name().as_str()) {
                    let message = format!("there is a column `{}` already, which the detector would add", field.name());
                    report.add(at_season, message, Some("rename it, or leave out `season`".to_owned()));
                }
            }
        }
        None => columns::RESERVED.iter().for_each(|name| scope.fail(name)),
    }
    Detection { features, chosen, rules, scope }
}

/// Whether a detector says nothing of what it is to look at.
fn names_nothing(detect: &Node) -> bool {
    matches!(detect.value, Value::Map(_))
        && ["features", "rules"].iter().all(|field| detect.get(field).is_none() && !is_misspelt(detect, field))
}

/// The features that are named, else those that were chosen.
fn features(detect: &Node, chosen: Option<&Chosen>, scope: &Scope, report: &mut Report<'_>) -> Vec<Feature> {
    let schema = scope.schema();
    if let Some(chosen) = chosen {
        return chosen.features.iter().filter_map(|sql| Feature::compile(sql, &schema).ok()).collect();
    }
    let features = detect.get("features").map(Node::items).unwrap_or_default();
    let mut compile = |node: &Node| match Feature::compile(node.text()?, &schema) {
        Ok(feature) => Some(feature),
        Err(error) => {
            scope.explain(node, &error, report);
            None
        }
    };
    features.iter().filter_map(&mut compile).collect()
}

/// What keys share is about what is learned.
fn check_sharing(detect: &Node, features: &[Feature], report: &mut Report<'_>) {
    let all_compiled = detect.get("features").is_none_or(|named| named.items().len() == features.len());
    if let Some(entry) = detect.entry("share_every").filter(|_| features.is_empty() && all_compiled) {
        let message = "`share_every` is how often keys share what is usual at their age, and there are no `features`";
        report.add(entry.at, message, Some("leave it out, or name features".to_owned()));
    }
}

/// An alarm of silence has an id of its own, which follows from the key and a time.
fn check_silence(spec: &Node, detect: &Node, scope: &Scope, report: &mut Report<'_>) {
    let Some(silence) = detect.get("layers").and_then(|layers| layers.get("silence")) else { return };
    if let Some(length) = silence.get("forget_after") {
        micros(length, "forget_after", false, report);
    }
    let Some(id) = spec.get("id").and_then(Node::text).and_then(|id| scope.field(id)) else { return };
    if matches!(id.data_type(), DataType::Dictionary(..)) && silence.value != Value::Boolean(false) {
        let message = format!(
            "`silence` makes rows with ids of their own, which the enum of the column `{}` does not have",
            id.name()
        );
        report.add(
            silence.at,
            message,
            Some("leave it out, or name an `id` that is text or a whole number".to_owned()),
        );
    }
}

/// The layer `season` keeps a profile of each feature.
fn check_season(detect: &Node, chosen: Option<&Chosen>, report: &mut Report<'_>) {
    let named = detect.get("features").map(Node::items).unwrap_or_default().iter().filter_map(Node::text);
    let features: Vec<&str> =
        chosen.map_or(named.collect(), |chosen| chosen.features.iter().map(String::as_str).collect());
    let features = features.into_iter().filter(|feature| !is_frequency(feature)).count();
    let season = detect.get("layers").and_then(|layers| layers.get("season"));
    if let Some(season) = season.filter(|season| season.value == Value::Boolean(true) && features > SEASON_FEATURES_MAX)
    {
        let message = format!("`season` takes {SEASON_FEATURES_MAX} features at most, and there are {features}");
        report.add(season.at, message, Some("leave it out, or name fewer features".to_owned()));
    }
}
