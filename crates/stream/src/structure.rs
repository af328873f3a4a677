//! Checks a tree of nodes against the JSON Schema of the definition and reports every difference at its place.
//!
//! It knows the keywords that the generator emits for our types and no others. Unlike a general validator it says
//! for a choice between shapes which one was meant and what is wrong within that.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value as Json;

use crate::{
    choice::{self, Choice},
    node::{Entry, Node, Value},
    report::Report,
    suggestion::{list, nearest, suggest},
    vocabulary::{found, is_of_type, type_name, types},
};

/// Checks trees against one JSON Schema.
pub(crate) struct Structure<'s, 'r, 't> {
    root: &'s Json,
    report: &'r mut Report<'t>,
    /// The schema's patterns, compiled when first needed.
    patterns: BTreeMap<&'s str, Option<Regex>>,
}

impl<'s, 'r, 't> Structure<'s, 'r, 't> {
    pub(crate) fn new(root: &'s Json, report: &'r mut Report<'t>) -> Self {
        Self { root, report, patterns: BTreeMap::new() }
    }

    /// Checks the whole document, which messages call `what`.
    pub(crate) fn check_document(&mut self, document: &Node, what: &str) {
        self.check(document, self.root, what);
    }

    /// Reports what is wrong with `node`, which messages call `label`.
    fn check(&mut self, node: &Node, schema: &'s Json, label: &str) {
        let schema = choice::resolve(self.root, schema);
        match choice::of(self.root, schema) {
            Choice::Values(values) => return self.check_value(node, &values, label),
            Choice::Tags(tags) => return self.check_tagged(node, &tags, label),
            Choice::Optional(_) if node.value == Value::Null => return,
            Choice::Optional(inner) => return self.check(node, inner, label),
            Choice::Shapes(shapes) => {
                return match shapes.iter().find(|shape| types(shape).any(|name| is_of_type(node, name))) {
                    Some(shape) => self.check(node, shape, label),
                    None => self.report_type(node, shapes.iter().copied().flat_map(types), None, label),
                };
            }
            Choice::None => {}
        }
        if types(schema).next().is_some() && !types(schema).any(|name| is_of_type(node, name)) {
            return self.report_type(node, types(schema), Some(schema), label);
        }
        match &node.value {
            Value::Map(entries) => self.check_map(node, entries, schema, label),
            Value::List(items) => self.check_list(node, items, schema, label),
            Value::Text(text) => self.check_text(node, text, schema, label),
            Value::Integer(value) => self.check_range(node, *value as f64, schema, label),
            Value::Float(value) => self.check_range(node, *value, schema, label),
            Value::Null | Value::Boolean(_) => {}
        }
    }

    /// `schema` is the one shape that is possible, where there is but one.
    fn report_type(
        &mut self,
        node: &Node,
        expected: impl Iterator<Item = &'s str>,
        schema: Option<&'s Json>,
        label: &str,
    ) {
        let expected: Vec<&str> = expected.filter(|name| *name != "null").collect();
        let wanted: Vec<&str> = expected.iter().copied().map(type_name).collect();
        let message = format!("{label}: expected {}, found {}", wanted.join(" or "), found(node));
        let suggestion = match &node.value {
            // Quotes alone would not make it fit the pattern.
            _ if schema.is_some_and(|schema| schema.get("pattern").is_some()) => description(self.root, schema),
            Value::Boolean(_) | Value::Integer(_) | Value::Float(_) if expected.contains(&"string") => {
                Some("put it in quotes".to_owned())
            }
            Value::Text(text)
                if expected.contains(&"boolean") && matches!(text.as_str(), "yes" | "on" | "Yes" | "On") =>
            {
                Some("write `true`".to_owned())
            }
            Value::Text(text)
                if expected.contains(&"boolean") && matches!(text.as_str(), "no" | "off" | "No" | "Off") =>
            {
                Some("write `false`".to_owned())
            }
            Value::Text(text) if text.parse::<f64>().is_ok() && !expected.contains(&"array") => {
                Some("remove the quotes".to_owned())
            }
            Value::Null => Some("give it a value or remove it".to_owned()),
            Value::Text(_) | Value::Map(_) if expected == ["array"] => Some("a list is written `[a, b]`".to_owned()),
            _ => None,
        };
        self.report.add(node.at, message, suggestion);
    }

    /// One of some words.
    fn check_value(&mut self, node: &Node, values: &[&str], label: &str) {
        match node.text() {
            Some(text) if values.contains(&text) => {}
            Some(text) => {
                let suggestion = match nearest(text, values.iter().copied()) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => format!("possible: {}", list(values.iter().copied())),
                };
                self.report.add(node.at, format!("{label} cannot be `{text}`"), Some(suggestion));
            }
            None => {
                let message =
                    format!("{label}: expected one of {}, found {}", list(values.iter().copied()), found(node));
                self.report.add(node.at, message, None);
            }
        }
    }

    /// A mapping with one field, whose name says what its value is.
    fn check_tagged(&mut self, node: &Node, tags: &[(&'s str, &'s Json)], label: &str) {
        let names = || tags.iter().map(|(tag, _)| *tag);
        let Value::Map(entries) = &node.value else {
            let message = format!("{label}: expected a mapping with one of {}, found {}", list(names()), found(node));
            return self.report.add(node.at, message, None);
        };
        if entries.is_empty() {
            return self.report.add(node.at, format!("{label}: one of {} is missing", list(names())), None);
        }
        for (index, Entry { name, at, value }) in entries.iter().enumerate() {
            match tags.iter().find(|(tag, _)| tag == name) {
                None => self.report.add(*at, format!("unknown field `{name}`"), Some(suggest(name, names()))),
                Some((tag, schema)) => {
                    if index > 0 {
                        let message = format!("{label} has only one of {}", list(names()));
                        self.report.add(*at, message, Some(format!("keep `{}` or `{name}`", entries[0].name)));
                    }
                    self.check(value, schema, &format!("`{tag}`"));
                }
            }
        }
    }

    fn check_map(&mut self, node: &Node, entries: &[Entry], schema: &'s Json, label: &str) {
        let properties = schema.get("properties").and_then(Json::as_object);
        let names = || properties.into_iter().flat_map(|fields| fields.keys().map(String::as_str));
        let others = schema.get("additionalProperties");
        let name_schema = schema.get("propertyNames");
        let pattern = name_schema.and_then(|names| names.get("pattern")).and_then(Json::as_str);
        let mut meant = Vec::new();
        for Entry { name, at, value } in entries {
            if let Some(field) = properties.and_then(|fields| fields.get(name)) {
                self.check(value, field, &format!("`{name}`"));
            } else if let Some(others) = others.filter(|others| others.is_object()) {
                self.check(value, others, &format!("`{name}`"));
            } else if others == Some(&Json::Bool(false)) {
                self.report.add(*at, format!("unknown field `{name}`"), Some(suggest(name, names())));
                meant.extend(nearest(name, names()));
            }
            if let Some(pattern) = pattern
                && !self.matches(pattern, name)
            {
                self.report.add(*at, format!("`{name}` cannot be a name here"), description(self.root, name_schema));
            }
        }
        for required in schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
            // A field that was only misspelt has been reported already.
            if node.get(required).is_none() && !meant.contains(&required) {
                let suggestion = self.suggest_field(required, properties.and_then(|fields| fields.get(required)));
                self.report.add(node.at, format!("{label} lacks the field `{required}`"), suggestion);
            }
        }
        self.check_count(node, entries.len(), [schema.get("minProperties"), schema.get("maxProperties")], label);
    }

    /// What a missing field is, or all of it where there is but one value.
    fn suggest_field(&self, name: &str, schema: Option<&'s Json>) -> Option<String> {
        let schema = schema?;
        match choice::of(self.root, choice::resolve(self.root, schema)) {
            Choice::Values(values) if values.len() == 1 => Some(format!("write `{name}: {}`", values[0])),
            _ => description(self.root, Some(schema)),
        }
    }

    fn check_list(&mut self, node: &Node, items: &[Node], schema: &'s Json, label: &str) {
        if let Some(of) = schema.get("items").filter(|of| of.is_object()) {
            let label = format!("an entry of {label}");
            items.iter().for_each(|item| self.check(item, of, &label));
        }
        self.check_count(node, items.len(), [schema.get("minItems"), schema.get("maxItems")], label);
    }

    fn check_count(&mut self, node: &Node, count: usize, limits: [Option<&Json>; 2], label: &str) {
        let [low, high] = limits.map(|limit| limit.and_then(Json::as_u64));
        let low = low.unwrap_or(0);
        let high = high.unwrap_or(u64::MAX);
        if (low..=high).contains(&(count as u64)) {
            return;
        }
        let (bound, limit) = match () {
            () if low == high => ("exactly", low),
            () if (count as u64) < low => ("at least", low),
            () => ("at most", high),
        };
        let entries = if limit == 1 { "entry" } else { "entries" };
        self.report.add(node.at, format!("{label} must have {bound} {limit} {entries}, but has {count}"), None);
    }

    fn check_text(&mut self, node: &Node, text: &str, schema: &'s Json, label: &str) {
        let least = schema.get("minLength").and_then(Json::as_u64).unwrap_or(0);
        if (text.chars().count() as u64) < least {
            return self.report.add(node.at, format!("{label} is empty"), None);
        }
        if let Some(pattern) = schema.get("pattern").and_then(Json::as_str)
            && !self.matches(pattern, text)
        {
            self.report.add(node.at, format!("{label} cannot be `{text}`"), description(self.root, Some(schema)));
        }
    }

    fn matches(&mut self, pattern: &'s str, text: &str) -> bool {
        let compiled = self.patterns.entry(pattern).or_insert_with(|| Regex::new(pattern).ok());
        compiled.as_ref().is_some_and(|pattern| pattern.is_match(text))
    }

    fn check_range(&mut self, node: &Node, value: f64, schema: &Json, label: &str) {
        let limit = |name: &str| schema.get(name).and_then(Json::as_f64);
        let wrong = if !value.is_finite() {
            Some("a finite number".to_owned())
        } else if let Some(low) = limit("minimum").filter(|low| value < *low) {
            Some(format!("at least {low}"))
        } else if let Some(low) = limit("exclusiveMinimum").filter(|low| value <= *low) {
            Some(format!("more than {low}"))
        } else {
            // A type without a stated maximum still has a largest number.
            let largest = match schema.get("format").and_then(Json::as_str) {
                Some("uint64") => Some(u64::MAX as f64),
                Some("uint32") => Some(f64::from(u32::MAX)),
                _ => None,
            };
            limit("maximum").or(largest).filter(|high| value > *high).map(|high| format!("at most {high}"))
        };
        if let Some(wrong) = wrong {
            self.report.add(node.at, format!("{label} must be {wrong}, found {value}"), None);
        }
    }
}

/// The first sentence of what a field is, which says more than its pattern.
fn description(root: &Json, schema: Option<&Json>) -> Option<String> {
    let schema = schema?;
    let text = schema.get("description").or_else(|| choice::resolve(root, schema).get("description"))?.as_str()?;
    let line = text.lines().next()?.trim();
    let sentence = line.split_once(". ").map_or(line, |(first, _)| first).trim_end_matches('.');
    let mut letters = sentence.chars();
    let first = letters.next()?;
    Some(first.to_lowercase().chain(letters).collect())
}
