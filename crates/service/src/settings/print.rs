//! `--print-config`: what the settings came to, and where each comes from, without secrets.

use std::{collections::BTreeMap, fmt::Write};

use clap::Command;

use super::{
    Settings,
    layers::{Given, Origin, is_list, is_switch, name},
    secrets::{self, Found},
};

/// The effective settings, as a file of settings that gives the same.
pub(crate) fn effective<S: Settings>(
    command: &Command,
    given: &BTreeMap<String, Given>,
    secrets: &BTreeMap<String, Found>,
) -> String {
    let mut text = format!("# {} {}\n", S::NAME, env!("CARGO_PKG_VERSION"));
    for arg in command.get_arguments() {
        let name = name(arg);
        if matches!(name, "config" | "print-config" | "help" | "version") {
            continue;
        }
        let defaults = arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned());
        let (values, origin) = match given.get(name) {
            Some(given) => (given.values.clone(), given.origin.clone()),
            None if is_switch(arg) => (vec!["false".to_owned()], Origin::Default),
            None => (defaults.collect(), Origin::Default),
        };
        let shown: Vec<String> = values.iter().map(|value| scalar(value)).collect();
        // Writing to a string cannot fail.
        let _ = match shown.as_slice() {
            [] => writeln!(text, "# {name}: not set"),
            [value] if !is_list(arg) => writeln!(text, "{name}: {value}  # {origin}"),
            values => writeln!(text, "{name}: [{}]  # {origin}", values.join(", ")),
        };
    }
    for name in secrets::names(command) {
        let _ = match secrets.get(&name) {
            Some(found) => writeln!(text, "# {name}: set by {}, not shown", found.origin),
            None => writeln!(text, "# {name}: not set"),
        };
    }
    text
}

/// A value that YAML reads back as the same text. Credentials in a URL are refused elsewhere; here they are not shown
/// in any case.
fn scalar(value: &str) -> String {
    let value = match value.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?.1))) {
        Some((scheme, host)) => format!("{scheme}://{host}"),
        None => value.to_owned(),
    };
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    let begins = value.starts_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '/' || letter == '.');
    match begins && value.chars().all(plain) {
        true => value,
        // A string of JSON is one of YAML.
        false => serde_json::Value::String(value).to_string(),
    }
}
